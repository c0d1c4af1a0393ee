package replication

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// pool is what this process knows of the blobs of a source at a destination: which repository there got them, and which are on the way.
// All tasks between the two share it, so that a blob that many images have crosses once.
type pool struct {
	mu sync.Mutex
	// at are repositories of the destination, bounded by maxKnown; what isn't known any more is asked of the database.
	at     map[oci.Digest]string
	flying map[oci.Digest]chan struct{} // closed when the blob has arrived, or hasn't
}

// maxKnown bounds the blobs that a pool remembers, about 250 bytes each.
const maxKnown = 50_000

func (s *Service) pool(p pair) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools[p] == nil {
		s.pools[p] = &pool{at: map[oci.Digest]string{}, flying: map[oci.Digest]chan struct{}{}}
	}
	return s.pools[p]
}

// enter returns which repository has a blob; or, where that isn't known, the right to bring it, which ends with leave. Who comes
// meanwhile waits.
func (p *pool) enter(ctx context.Context, d oci.Digest) (from string, leave func(at string), err error) {
	for {
		p.mu.Lock()
		if at, known := p.at[d]; known {
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

// land ends a flight. at is where the blob is now, "" where it didn't arrive.
func (p *pool) land(d oci.Digest, flight chan struct{}, at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flying, d)
	if at != "" {
		if len(p.at) >= maxKnown {
			p.at = map[oci.Digest]string{}
		}
		p.at[d] = at
	}
	close(flight)
}

// forget drops what turned out to be wrong.
func (p *pool) forget(d oci.Digest, at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at[d] == at {
		delete(p.at, d)
	}
}

// brought is the repository of the destination that is known to have got a blob, "" for none.
func (s *Service) brought(ctx context.Context, p pair, d oci.Digest) (string, error) {
	at, err := db.Get(ctx, s.DB.Auto(), db.ScanString, blobAt, p.source, p.destination, d)
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look where blob %s was brought to: %w", d, err)
	}
	return at, nil
}

// bring notes that a repository of the destination got a blob. It is lost with the power: then the destination is asked.
func (s *Service) bring(ctx context.Context, p pair, d oci.Digest, at string) error {
	err := s.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, blobPut, p.source, p.destination, d, at, db.Micros(s.Clock()))
		return err
	})
	if err != nil {
		return fmt.Errorf("note where blob %s was brought to: %w", d, err)
	}
	return nil
}
