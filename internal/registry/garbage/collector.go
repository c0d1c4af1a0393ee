package garbage

import (
	"context"
	"errors"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/job/upkeep"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
)

const (
	// maxLines is how many artifacts the log of a run names.
	maxLines = 1000
	// breath lets requests write between two spans of manifests.
	breath = 10 * time.Millisecond
	// collecting is whom the deletions are by.
	collecting = "garbage collection"
)

// Collector collects garbage when somebody or the clock says so.
type Collector struct {
	*upkeep.Routine[Freed]
	registry *registry.Service
}

// Execution is one run.
type Execution = upkeep.Execution[Freed]

// New returns the collector of a registry, which works as jobs does.
func New(d *db.DB, r *registry.Service, jobs *job.Service, clock func() time.Time) *Collector {
	c := &Collector{registry: r}
	c.Routine = upkeep.New[Freed](d, jobs, clock, upkeep.Terms{
		Kind: job.GarbageCollection, Do: c.do, What: collecting, Resource: collecting,
		Unknown: "garbage collection job with execution ID: %d not found", Scheduled: event.UpdateGC, Started: event.StartGC, Stopped: event.StopGC,
	})
	return c
}

// state is how far a run is.
type state struct {
	Freed
	After   int64 `json:"after"`   // the last manifest that was looked at
	Scanned bool  `json:"scanned"` // all manifests were looked at
	Lines   int   `json:"lines"`   // artifacts that the log names
}

// run is one try at collecting.
type run struct {
	*job.Run
	*Collector
	what       Parameters
	parameters string
	before     time.Time // artifacts that were pushed later are too young
	state      state
	taken      registry.Reclaimed // what this process had taken back when the run last looked
}

// do collects, from where a former try ended.
func (c *Collector) do(ctx context.Context, r *job.Run) error {
	e, err := c.Execution(ctx, r.Task().ExecutionID)
	if err != nil {
		return err
	}
	what, err := decoded(e.Parameters)
	if err != nil {
		return job.Permanent(err)
	}
	n := &run{Run: r, Collector: c, what: what, parameters: e.Parameters, before: e.CreatedAt.Add(-window)}
	goesOn, err := r.Resume(&n.state)
	if err != nil {
		return job.Permanent(err)
	}
	if goesOn {
		r.Logf("go on collecting garbage: %d manifests, %d blobs and %d bytes so far", n.state.Manifests, n.state.Blobs, n.state.Space)
	} else {
		r.Logf("begin to collect garbage: %s", what)
		if what.DeleteTag {
			r.Logf("delete_tag changes nothing: a tag is deleted with its artifact")
		}
	}
	if what.dry() {
		return n.pretend(ctx)
	}
	n.taken, _ = c.registry.Reclaimed()
	if what.DeleteUntagged && !n.state.Scanned {
		if err := n.eachUntagged(ctx, n.remove); err != nil {
			return err
		}
	}
	if err := n.reclaim(ctx); err != nil {
		return err
	}
	return n.end(ctx, "freed")
}

// pretend finds out what a run would do now. A try that was cut off begins anew: nothing is changed by it.
func (n *run) pretend(ctx context.Context) error {
	n.Logf("a dry run deletes nothing")
	n.state = state{}
	if n.what.DeleteUntagged {
		dead := map[int64]bool{}
		err := n.eachUntagged(ctx, func(ctx context.Context, u registry.Tagless) error {
			toll, err := n.registry.TaglessToll(ctx, u, n.before, dead)
			if err != nil {
				return n.spare(u, err)
			}
			n.name("would delete", u, toll)
			n.state.Manifests += toll
			return nil
		})
		if err != nil {
			return err
		}
	}
	blobs, bytes, err := n.registry.Due(ctx)
	if err != nil {
		return err
	}
	n.state.Blobs, n.state.Space = blobs, bytes
	return n.end(ctx, "would free")
}

// eachUntagged calls f for the artifacts that no tag names and that are old enough.
func (n *run) eachUntagged(ctx context.Context, f func(context.Context, registry.Tagless) error) error {
	n.Logf("untagged artifacts that were pushed after %s are too young; children of an index, and what belongs to another artifact, go with that only", n.before.UTC().Format(time.RFC3339))
	for !n.state.Scanned {
		found, next, err := n.registry.TaglessAfter(ctx, n.state.After, n.before)
		if err != nil {
			return err
		}
		for _, u := range found {
			if err := f(ctx, u); err != nil {
				return err
			}
		}
		n.state.After, n.state.Scanned = max(next, n.state.After), next == 0
		if err := n.save(ctx); err != nil {
			return err
		}
		if !pause.For(ctx, breath) {
			return ctx.Err()
		}
	}
	return nil
}

// remove deletes one artifact, in a transaction of the run.
func (n *run) remove(ctx context.Context, u registry.Tagless) error {
	var gone int64
	err := n.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		if gone, err = n.registry.DeleteTagless(ctx, tx, collecting, u, n.before); err != nil {
			return err
		}
		reached := n.state
		reached.Manifests += gone
		reached.After = u.ID
		return n.Save(ctx, tx, reached)
	})
	if err != nil {
		return n.spare(u, err)
	}
	n.name("deleted", u, gone)
	n.state.Manifests += gone
	n.state.After = u.ID
	return nil
}

// spare goes on after an artifact that may not be deleted, and says why.
func (n *run) spare(u registry.Tagless, err error) error {
	if !refused(err) {
		return err
	}
	n.Logf("spared %s@%s: %v", u.Ref.FullName(), u.Digest, err)
	return nil
}

// name writes an artifact into the log, as long as it has room.
func (n *run) name(did string, u registry.Tagless, manifests int64) {
	if manifests == 0 { // it was tagged meanwhile, or went with another
		return
	}
	if n.state.Lines++; n.state.Lines <= maxLines {
		n.Logf("%s %s@%s: no tag names it; %d manifests with what belongs to it", did, u.Ref.FullName(), u.Digest, manifests)
	} else if n.state.Lines == maxLines+1 {
		n.Logf("further artifacts aren't named here")
	}
}

// reclaim has the registry take back all that is due.
func (n *run) reclaim(ctx context.Context) error {
	for {
		_, more, err := n.registry.Reclaim(ctx, registry.Speed{Deletes: n.what.Workers})
		if err := errors.Join(err, n.save(ctx)); err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// save writes down how far the run is. What the registry took back by itself meanwhile counts: it would have been the run's.
func (n *run) save(ctx context.Context) error {
	if !n.what.dry() {
		taken, _ := n.registry.Reclaimed()
		n.state.Blobs += taken.Blobs - n.taken.Blobs
		n.state.Space += taken.Bytes - n.taken.Bytes
		n.taken = taken
	}
	return n.WriteRelaxed(ctx, func(tx db.Tx) error {
		if err := n.Report(ctx, tx, n.Run, n.parameters, n.state.Freed); err != nil {
			return err
		}
		return n.Save(ctx, tx, n.state)
	})
}

// end says what was done, and what waits for its time.
func (n *run) end(ctx context.Context, did string) error {
	if err := n.save(ctx); err != nil {
		return err
	}
	status, err := n.registry.ReclaimStatus(ctx)
	if err != nil {
		return err
	}
	n.Logf("%s %d bytes: %d blobs and %d manifests", did, n.state.Space, n.state.Blobs, n.state.Manifests)
	n.Logf("%d blobs with %d bytes that nothing holds any more wait until their grace of %s is over; the registry deletes them then by itself",
		status.BacklogBlobs, status.BacklogBytes, n.registry.Grace())
	return nil
}

// refused reports whether an artifact may not be deleted, which is no failure of the run.
func refused(err error) bool {
	_, told := errors.AsType[*fault.Error](err)
	_, stays := errors.AsType[*immutable.Refusal](err)
	return told || stays || errors.Is(err, registry.ErrReferenced)
}
