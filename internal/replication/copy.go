package replication

import (
	"context"
	"sync"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Copy brings what filters choose from one registry to another, at once and in this process: no policy, no job, no database. What is
// there already stays as it is, but tags move.
type Copy struct {
	From, To remote.Registry
	Filters  []Filter
	// Note hears what happens, line by line.
	Note func(format string, args ...any)
}

// Copied is what a Copy has done.
type Copied struct {
	Repositories int   // that were compared
	Unchanged    int   // tags and artifacts that were as they should be
	Artifacts    int   // that were copied, with all that is said about them
	Blobs        int   // that crossed
	Bytes        int64 // of these
	Refused      int   // artifacts that the destination doesn't take, or that can't be copied
}

// Run copies. A repository that fails ends it; what was copied by then stays, and another run goes on from there.
func (c Copy) Run(ctx context.Context) (done Copied, err error) {
	p := Policy{Filters: c.Filters, Override: true, ReplaceCount: -1}
	src := side{Registry: c.From, id: 1, kind: remote.Harbor, name: "the source"}
	dst := side{Registry: c.To, id: 2, kind: remote.Harbor, name: "the destination", destination: true}
	s := &Service{pools: map[pair]*pool{}} // nothing of what follows asks for what it lacks
	between := pair{src.id, dst.id}
	_, leave := s.pool(between) // what one repository got, the others know
	defer leave()
	var mu sync.Mutex
	done.Repositories, err = s.surveyBetween(ctx, p, src, dst, nil, c.Note, func(found comparison, ch changes, public bool, err error) error {
		if err != nil {
			return err
		}
		mu.Lock()
		done.Unchanged += ch.unchanged
		mu.Unlock()
		if ch.count() == 0 {
			return nil
		}
		t := newTransfer(found, between)
		t.changes, t.public, t.again = ch, public, true
		err = t.apply(ctx)
		mu.Lock()
		defer mu.Unlock()
		done.add(t.sums)
		return err
	})
	return done, err
}

func (c *Copied) add(s sums) {
	c.Artifacts += s.artifacts
	c.Blobs += s.blobs
	c.Bytes += s.bytes
	c.Refused += s.refused
}

// whereabouts is what is known, beyond this process, of which repository of a destination got which blob.
type whereabouts interface {
	brought(ctx context.Context, p pair, all []oci.Digest) (map[oci.Digest]string, error)
	bring(ctx context.Context, p pair, all []arrival) error
}

// nowhere knows nothing: the destination is asked.
type nowhere struct{}

func (nowhere) brought(context.Context, pair, []oci.Digest) (map[oci.Digest]string, error) {
	return nil, nil
}

func (nowhere) bring(context.Context, pair, []arrival) error { return nil }
