package replication

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	// watchCron is how often a source elsewhere is looked at, where a policy waits for something to happen there.
	watchCron = "0 * * * * *"
	watchTime = 30 * time.Minute
	// blobsKept is how long it is remembered where a blob was brought to.
	blobsKept = 90 * 24 * time.Hour
)

const (
	seenOf      = `SELECT state FROM replication_seen WHERE policy_id = $1 AND repository = $2`
	seenPut     = `INSERT INTO replication_seen (policy_id, repository, state) VALUES ($1, $2, $3) ON CONFLICT (policy_id, repository) DO UPDATE SET state = excluded.state`
	seenAll     = `SELECT repository FROM replication_seen WHERE policy_id = $1 AND repository > $2 ORDER BY repository LIMIT $3`
	seenDrop    = `DELETE FROM replication_seen WHERE policy_id = $1 AND repository = $2`
	seenDropAll = `DELETE FROM replication_seen WHERE policy_id = $1`
)

// fireWatch begins to look at a source, unless that still goes on.
func (s *Service) fireWatch(ctx context.Context, tx db.Tx, sch job.Schedule) error {
	return s.beginWatch(ctx, tx, sch.VendorID, job.BySchedule)
}

func (s *Service) beginWatch(ctx context.Context, tx db.Tx, policy int64, trigger job.Trigger) error {
	if open, err := s.Jobs.Open(ctx, tx, WatchKind, policy); err != nil || open {
		return err
	}
	_, _, err := s.Jobs.Begin(ctx, tx, job.NewExecution{Kind: WatchKind, VendorID: policy, Trigger: trigger}, job.NewTask{Payload: planOrder{Policy: policy}})
	return err
}

// Notified looks at once whether something happened at the source of a policy, as somebody there says.
func (s *Service) Notified(ctx context.Context, id int64) error {
	return s.DB.Write(ctx, func(tx db.Tx) error {
		p, err := getPolicy(ctx, tx, id)
		if err != nil {
			return err
		}
		if !p.Enabled || !p.Watched() {
			return fault.Invalidf("policy %d doesn't wait for something to happen at a registry elsewhere", id)
		}
		return s.beginWatch(ctx, tx, id, job.ByEvent)
	})
}

// doWatch looks which repositories of a source are other than they were, and has them copied. What it sees first is new to it.
func (s *Service) doWatch(ctx context.Context, r *job.Run) error {
	var o planOrder
	if err := r.Decode(&o); err != nil {
		return job.Permanent(err)
	}
	p, err := s.Get(ctx, o.Policy)
	if errors.Is(err, fault.NotFound) || err == nil && (!p.Enabled || !p.Watched()) {
		return nil
	}
	if err != nil {
		return err
	}
	chosen, err := p.selection()
	if err != nil {
		return job.Permanent(err)
	}
	src, err := s.open(ctx, p.Source)
	if err != nil {
		return err
	}
	names, err := s.repositories(ctx, p, chosen, src, r.Logf)
	if err != nil {
		return err
	}
	if names, err = s.alsoSeen(ctx, p.ID, names); err != nil {
		return err
	}
	return s.lookAt(ctx, r, p, src, chosen, names)
}

// lookAt looks at repositories of a source. One that can't be looked at holds up no other.
func (s *Service) lookAt(ctx context.Context, r *job.Run, p Policy, src side, chosen selection, names []string) error {
	var mu sync.Mutex
	var failures []error
	err := each(ctx, names, func(ctx context.Context, _ int, name string) error {
		state, there, err := s.state(ctx, src, chosen, name, r.Logf)
		if err == nil {
			return s.see(ctx, r, p, name, state, there)
		}
		err = fmt.Errorf("look at %s: %w", name, err)
		if !ofOne(ctx, err) {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if len(failures) < maxFailures {
			failures = append(failures, err)
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}

// alsoSeen adds repositories that were there before.
func (s *Service) alsoSeen(ctx context.Context, policy int64, names []string) ([]string, error) {
	for after := ""; ; {
		page, err := db.Collect(ctx, s.DB.Auto(), db.ScanString, seenAll, policy, after, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		names = append(names, page...)
		if len(page) < rowsAtOnce {
			slices.Sort(names)
			return slices.Compact(names), nil
		}
		after = page[len(page)-1]
	}
}

// state is a digest of a repository's tags and what they point to.
func (s *Service) state(ctx context.Context, src side, chosen selection, name string, note func(string, ...any)) (text string, there bool, err error) {
	tags, there, err := src.tags(ctx, note, name)
	if err != nil || !there {
		return "", false, err
	}
	var lines []string
	var unknown []string
	for tag, digest := range tags {
		subject, _ := belongsTo(tag)
		switch {
		case subject == "" && !chosen.tag(tag):
		case digest == "":
			unknown = append(unknown, tag)
		default:
			lines = append(lines, tag+" "+string(digest))
		}
	}
	asked := make([]string, len(unknown))
	err = each(ctx, unknown, func(ctx context.Context, i int, tag string) error {
		found, _, err := src.find(ctx, note, name, oci.TagReference(tag))
		asked[i] = tag + " " + string(found.Digest)
		return err
	})
	lines = append(lines, asked...)
	slices.Sort(lines)
	return string(oci.SHA256Of([]byte(strings.Join(lines, "\n")))), true, err
}

// see notes what a repository is like now, and has it copied where that is news; unless the policy copies from or to elsewhere by now.
func (s *Service) see(ctx context.Context, r *job.Run, p Policy, name, state string, there bool) error {
	before, err := db.Get(ctx, s.DB.Auto(), db.ScanString, seenOf, p.ID, name)
	known := err == nil
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if there == known && before == state {
		return nil
	}
	return r.Write(ctx, func(tx db.Tx) error {
		if now, err := getPolicy(ctx, tx, p.ID); err != nil || !now.sameEnds(p) {
			return err
		}
		if there {
			_, err = tx.Exec(ctx, seenPut, p.ID, name, state)
		} else {
			_, err = tx.Exec(ctx, seenDrop, p.ID, name)
		}
		if err != nil {
			return err
		}
		return s.mark(ctx, tx, p, name, nil)
	})
}

// cleanUp forgets blobs that were brought long ago.
func (s *Service) cleanUp(ctx context.Context, _ *job.Run) error {
	return s.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, blobOld, db.Micros(s.Clock().Add(-blobsKept)))
		return err
	})
}
