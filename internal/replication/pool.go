package replication

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// pool is what this process knows of the blobs of a source at a destination: which repository there got them, and which are on the way.
// All tasks between the two share it, so that a blob that many images have crosses once.
type pool struct {
	users int // by the mu of the Service

	mu sync.Mutex
	// at are repositories of the destination, by what they got: lately, and before that. What isn't known any more is asked of the database.
	at, before map[oci.Digest]string
	flying     map[oci.Digest]chan struct{} // closed when the blob has arrived, or hasn't
	unwritten  []arrival                    // that the database doesn't know of yet
	writing    bool                         // somebody writes to it
}

// arrival is a blob that a repository of the destination got.
type arrival struct {
	digest oci.Digest
	at     string
}

const (
	// maxLately bounds the blobs that a pool remembers, about 250 bytes each: twice as many at most.
	maxLately = 25_000
	// askedAtOnce is of how many blobs one statement asks.
	askedAtOnce = 100
)

// pool is that of a source and a destination, for as long as somebody has it: who has done with it leaves. So what is remembered is that of
// the copies that go on, however many registries there are.
func (s *Service) pool(at pair) (p *pool, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p = s.pools[at]; p == nil {
		p = &pool{at: map[oci.Digest]string{}, flying: map[oci.Digest]chan struct{}{}}
		s.pools[at] = p
	}
	p.users++
	return p, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if p.users--; p.users == 0 {
			delete(s.pools, at)
		}
	}
}

// enter returns which repository has a blob; or, where that isn't known, the right to bring it, which ends with leave. Who comes
// meanwhile waits.
func (p *pool) enter(ctx context.Context, d oci.Digest) (from string, leave func(at string), err error) {
	for {
		p.mu.Lock()
		if at := p.where(d); at != "" {
			p.mu.Unlock()
			return at, nil, nil
		}
		flight, flying := p.flying[d]
		if !flying {
			flight = make(chan struct{})
			p.flying[d] = flight
			p.mu.Unlock()
			return "", func(at string) { p.land(d, flight, at) }, nil
		}
		p.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
			return "", nil, context.Cause(ctx)
		}
	}
}

// where is the repository that is known to have a blob, "" for none. The caller holds mu.
func (p *pool) where(d oci.Digest) string {
	if at, lately := p.at[d]; lately {
		return at
	}
	return p.before[d]
}

// unknown are the blobs of which isn't known where they are.
func (p *pool) unknown(all []oci.Descriptor) (some []oci.Digest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range all {
		if p.where(d.Digest) == "" {
			some = append(some, d.Digest)
		}
	}
	return some
}

// land ends a flight. at is where the blob is now, "" where it didn't arrive.
func (p *pool) land(d oci.Digest, flight chan struct{}, at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flying, d)
	if at != "" {
		if len(p.at) >= maxLately {
			p.at, p.before = map[oci.Digest]string{}, p.at
		}
		p.at[d] = at
	}
	close(flight)
}

// forget drops what turned out to be wrong.
func (p *pool) forget(d oci.Digest, at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range []map[oci.Digest]string{p.at, p.before} {
		if known[d] == at {
			delete(known, d)
		}
	}
}

// note has arrivals written down at once; while somebody writes already, by that one, together with whatever else arrives meanwhile. So they are
// lost with the process only for as long as a write takes, and then the destination gets the blobs again.
func (p *pool) note(some []arrival, write func([]arrival) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unwritten = append(p.unwritten, some...)
	if p.writing {
		return nil
	}
	p.writing = true
	defer func() { p.writing = false }()
	for len(p.unwritten) > 0 {
		some := p.unwritten
		p.unwritten = nil
		p.mu.Unlock()
		err := write(some)
		p.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// brought are the repositories of the destination that are known to have got some blobs.
func (s *Service) brought(ctx context.Context, p pair, all []oci.Digest) (map[oci.Digest]string, error) {
	at := map[oci.Digest]string{}
	for some := range slices.Chunk(all, askedAtOnce) {
		query, args := blobsAt(p, some)
		rows, err := db.Collect(ctx, s.DB.Auto(), scanArrival, query, args...)
		if err != nil {
			return nil, fmt.Errorf("look where blobs were brought to: %w", err)
		}
		for _, r := range rows {
			at[r.digest] = r.at
		}
	}
	return at, nil
}

// bring notes that repositories of the destination got blobs. It is lost with the power: then the destination is asked.
func (s *Service) bring(ctx context.Context, p pair, all []arrival) error {
	err := s.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := db.Micros(s.Clock())
		for _, v := range all {
			if _, err := tx.Exec(ctx, blobPut, p.source, p.destination, v.digest, v.at, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note where %d blobs were brought to: %w", len(all), err)
	}
	return nil
}
