package object

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/havenregistry/haven/internal/blob"
)

// parallel is how many parts of one upload are on their way at once, while another one is
// collected.
const parallel = 2

// sender sends the parts of one append, and counts in the state those that arrived.
type sender struct {
	store *Store
	id    string

	ctx    context.Context // of the append that this is a piece of
	state  *state
	slots  chan struct{}
	flying sync.WaitGroup
	broken atomic.Bool
	sent   []*sentPart
}

// sentPart is complete when flying is done.
type sentPart struct {
	part Part
	err  error
}

func (s *sender) start(ctx context.Context, st *state) {
	s.ctx, s.state, s.slots = ctx, st, make(chan struct{}, parallel)
}

// next is the number of the part to send next.
func (s *sender) next() int { return s.state.Parts + len(s.sent) + 1 }

// healthy is false once a part could not be sent.
func (s *sender) healthy() bool { return !s.broken.Load() }

func (s *sender) key() string { return blobsDir + s.id }

// send takes the part over, waits until it may fly, and lets it.
func (s *sender) send(p *part) error {
	if s.state.Multipart == "" {
		if err := s.begin(); err != nil {
			p.release()
			return err
		}
	}
	if limit := s.store.bucket.Limits().Parts; s.next() > limit {
		p.release()
		return fmt.Errorf("the upload is larger than %d parts can be: %w", limit, blob.ErrNoSpace)
	}
	sent := &sentPart{part: Part{Number: s.next(), Size: p.size, Tag: NewNonce(), Previous: s.state.Last}}
	if len(s.sent) > 0 {
		sent.part.Previous = s.sent[len(s.sent)-1].part.Tag
	}
	s.sent = append(s.sent, sent)
	s.slots <- struct{}{}
	s.flying.Go(func() {
		sent.part.ETag, sent.err = s.store.putPart(s.ctx, s.key(), s.state.Multipart, sent.part, p)
		if sent.err != nil {
			s.broken.Store(true)
		}
		p.release()
		<-s.slots
	})
	return nil
}

func (s *sender) begin() error {
	return try(s.ctx, quick, func(ctx context.Context) (err error) {
		s.state.Multipart, err = s.store.bucket.Begin(ctx, s.key())
		return err
	})
}

// wait waits for all parts, and counts them when all arrived.
func (s *sender) wait() error {
	s.flying.Wait()
	for _, sent := range s.sent {
		if sent.err != nil {
			return sent.err
		}
	}
	for _, sent := range s.sent {
		s.state.add(sent.part)
	}
	s.sent = nil
	return nil
}

func (s *Store) putPart(ctx context.Context, key, id string, described Part, p *part) (etag string, err error) {
	err = trySending(ctx, p, p.size, func(ctx context.Context, body *io.SectionReader) (err error) {
		etag, err = s.bucket.PutPart(ctx, key, id, described, body)
		return err
	})
	return etag, err
}
