package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// Where small blobs are packed (blob.Packer), a small upload without a row is kept in memory until it is committed:
// its bytes are written once, to where they stay. It moves to the store when it grows, when nobody goes on with it,
// and when the process ends. A process that is killed loses it; the client is told that the upload is unknown, and
// sends the blob again. Nothing was promised before the commit.

const (
	// maxKept bounds the uploads that are kept, and maxBuffers those of them that have bytes, 128 KiB each.
	maxKept    = 1024
	maxBuffers = 128
	// keptFor is how long one is kept that nobody goes on with.
	keptFor = 30 * time.Second
)

// kept is what is kept of an upload: the first Size bytes of the buffer, which it has when it has bytes.
type kept struct {
	buffer *[blob.MaxPacked + 1]byte
	since  time.Time // when it was written last
}

// buffers are those of kept uploads. The zero value is ready.
type buffers struct {
	mu   sync.Mutex
	used int
	free []*[blob.MaxPacked + 1]byte
}

// take returns a buffer, or nil when all are used.
func (k *buffers) take() *[blob.MaxPacked + 1]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == maxBuffers {
		return nil
	}
	k.used++
	if n := len(k.free); n > 0 {
		b := k.free[n-1]
		k.free = k.free[:n-1]
		return b
	}
	return new([blob.MaxPacked + 1]byte)
}

// give takes a buffer back. A few wait for the next uploads.
func (k *buffers) give(b *[blob.MaxPacked + 1]byte) {
	if b == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used--
	if len(k.free) < 16 {
		k.free = append(k.free, b)
	}
}

// keepAll reads all of r into memory, if the upload is kept there and stays small. Else it is in the store when this
// returns without an error, with what was read, and r goes on behind that.
func (s *Service) keepAll(ctx context.Context, h *held, r io.Reader) (all bool, err error) {
	if h.kept == nil {
		return false, nil
	}
	over, err := s.keep(h, r)
	if err == nil && over {
		err = s.unkeep(ctx, h)
	}
	return !over, err
}

// keep reads what comes next into memory. over is set when there is no room for all of it.
func (s *Service) keep(h *held, r io.Reader) (over bool, err error) {
	if h.kept.buffer == nil {
		if h.kept.buffer = s.buffers.take(); h.kept.buffer == nil {
			return true, nil
		}
	}
	n, err := io.ReadFull(h.hasher.Reader(r), h.kept.buffer[h.Size:])
	over = err == nil
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	h.Size += int64(n)
	h.kept.since = s.clock()
	state, hashErr := h.hasher.MarshalBinary()
	h.hash = state
	return over, errors.Join(err, hashErr)
}

// unkeep moves what is kept to the store.
func (s *Service) unkeep(ctx context.Context, h *held) error {
	var content []byte
	if h.Size > 0 {
		content = h.kept.buffer[:h.Size]
	}
	u, err := s.resumer.Begin(ctx, h.ID, content)
	if err != nil {
		return err
	}
	h.Upload = u
	s.letGo(h)
	return nil
}

// letGo forgets what is kept.
func (s *Service) letGo(h *held) {
	s.buffers.give(h.kept.buffer)
	h.kept = nil
}

// pack writes a kept upload to where it stays.
func (s *Service) pack(ctx context.Context, h *held) (location string, err error) {
	if h.Size == 0 {
		return s.packer.Pack(ctx, nil)
	}
	return s.packer.Pack(ctx, h.kept.buffer[:h.Size])
}

// packable reports whether a kept upload can become a packed blob: what a crash leaves of those is found by its
// SHA-256.
func packable(h *held, d oci.Digest) bool {
	return h.Size <= blob.MaxPacked && d.Algorithm() == oci.SHA256
}

// unkeepIdle moves the uploads to the store that nobody went on with since before.
func (s *Service) unkeepIdle(ctx context.Context, before time.Time) error {
	for _, id := range s.recents.keptBefore(before) {
		h, err := s.holdAny(ctx, id)
		if err != nil {
			return err
		}
		if h == nil {
			continue
		}
		if h.kept != nil {
			err = s.unkeep(ctx, h)
		}
		h.release()
		if err != nil {
			return fmt.Errorf("store upload %s: %w", id, err)
		}
	}
	return nil
}

// storeIdle is unkeepIdle as a step of reclaiming: memory is what it takes back.
func (s *Service) storeIdle(ctx context.Context) (did Reclaimed, more bool, err error) {
	return did, false, s.unkeepIdle(ctx, s.clock().Add(-keptFor))
}

// Drain moves what is kept in memory of uploads to the store, when nobody pushes any more: another process goes on
// with them.
func (s *Service) Drain(ctx context.Context) error {
	return s.unkeepIdle(ctx, s.clock().Add(time.Hour))
}
