package scan

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

const (
	// readLease is how long a layer that somebody reads is left to them; a reader renews it.
	readLease = time.Minute
	// readPoll is how often others look whether it was read.
	readPoll = 200 * time.Millisecond
)

const (
	layerByDigest = `SELECT content FROM scan_layer WHERE digest = $1 AND revision = $2 AND content IS NOT NULL`
	// A layer of an older revision is read anew, and so is one whose reader was killed.
	claimLayer = `INSERT INTO scan_layer (digest, revision, reader, reader_until, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (digest) DO UPDATE SET reader = excluded.reader, reader_until = excluded.reader_until
		WHERE scan_layer.reader_until < excluded.created_at AND (scan_layer.content IS NULL OR scan_layer.revision <> excluded.revision)`
	renewLayer   = `UPDATE scan_layer SET reader_until = $3 WHERE digest = $1 AND reader = $2`
	keepLayer    = `UPDATE scan_layer SET content = $3, revision = $4, reader = '', reader_until = 0 WHERE digest = $1 AND reader = $2`
	releaseLayer = `DELETE FROM scan_layer WHERE digest = $1 AND reader = $2 AND content IS NULL`
	forgoLayer   = `UPDATE scan_layer SET reader = '', reader_until = 0 WHERE digest = $1 AND reader = $2`
)

func scanBytes(r db.Row) (v []byte, err error) { err = r.Scan(&v); return v, err }

// layer returns what a layer says. It is read once: whoever comes while somebody reads it waits for the result. What
// can't be looked into is Unread in the result, with the reason; an error is one that another try may not meet.
func (s *Service) layer(ctx context.Context, ref registry.Ref, d oci.Descriptor, note func(string, ...any)) (inventory.Layer, error) {
	reader, now := rand.Text(), s.clock()
	for {
		kept, err := s.keptLayer(ctx, d.Digest)
		if err == nil {
			s.stats.Layers.Add(LayerKept, 1)
		}
		if err == nil || !errors.Is(err, db.ErrNotFound) {
			return kept, err
		}
		claimed, err := s.claim(ctx, d.Digest, reader)
		if err != nil {
			return inventory.Layer{}, err
		}
		if claimed {
			break
		}
		if !pause.For(ctx, readPoll) {
			return inventory.Layer{}, ctx.Err()
		}
	}
	renewing, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.renew(renewing, d.Digest, reader)
	}()
	found, keep, err := s.readLayer(ctx, ref, d)
	stop()
	<-done
	if err == nil {
		s.stats.Layers.Add(fateOf(found), 1)
	}
	if err != nil || !keep {
		return found, errors.Join(err, s.release(context.WithoutCancel(ctx), d.Digest, reader))
	}
	note("layer %s: read %d bytes in %v", d.Digest, d.Size, s.clock().Sub(now).Round(time.Millisecond))
	return found, s.keep(ctx, d.Digest, reader, found)
}

// fateOf says what became of a layer that was to be read: one that can't be looked into says nothing but why.
func fateOf(l inventory.Layer) LayerFate {
	if len(l.Unread) > 0 && len(l.Files) == 0 {
		return LayerUnread
	}
	return LayerRead
}

func (s *Service) keptLayer(ctx context.Context, d oci.Digest) (found inventory.Layer, err error) {
	content, err := db.Get(ctx, s.db.Auto(), scanBytes, layerByDigest, d, inventory.Revision)
	if err != nil {
		return found, err
	}
	if err := s.packer.unpack(content, &found); err != nil {
		return found, fmt.Errorf("what is kept of layer %s: %w", d, err)
	}
	found.Digest = string(d)
	return found, nil
}

func (s *Service) claim(ctx context.Context, d oci.Digest, reader string) (claimed bool, err error) {
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := s.clock()
		n, err := tx.Exec(ctx, claimLayer, d, inventory.Revision, reader, db.Micros(now.Add(readLease)), db.Micros(now))
		claimed = n > 0
		return err
	})
	return claimed, err
}

// renew keeps the claim until ctx ends.
func (s *Service) renew(ctx context.Context, d oci.Digest, reader string) {
	for pause.For(ctx, readLease/4) {
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, renewLayer, d, reader, db.Micros(s.clock().Add(readLease)))
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "a layer may be read twice: the claim on it can't be renewed", "digest", d, "error", err)
		}
	}
}

func (s *Service) release(ctx context.Context, d oci.Digest, reader string) error {
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, releaseLayer, d, reader); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, forgoLayer, d, reader)
		return err
	})
}

// keep writes what was read. Nothing is lost when power is: the layer is read again.
func (s *Service) keep(ctx context.Context, d oci.Digest, reader string, found inventory.Layer) error {
	found.Digest = ""
	content, err := s.packer.pack(found)
	if err != nil {
		return fmt.Errorf("layer %s: %w", d, err)
	}
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, keepLayer, d, reader, content, inventory.Revision)
		return err
	})
}

// readLayer has the engine read a layer's bytes. keep says that the result follows from the bytes alone.
func (s *Service) readLayer(ctx context.Context, ref registry.Ref, d oci.Descriptor) (found inventory.Layer, keep bool, err error) {
	unread := func(format string, args ...any) inventory.Layer {
		return inventory.Layer{Revision: inventory.Revision, Digest: string(d.Digest), Unread: []string{fmt.Sprintf(format, args...)}}
	}
	b, err := s.registry.Blob(ctx, ref, d.Digest)
	if errors.Is(err, registry.ErrBlobUnknown) {
		if d.IsForeign() {
			return unread("layer %s is kept elsewhere, not in this registry", d.Digest), false, nil
		}
		return unread("layer %s is missing or damaged in the registry's storage", d.Digest), false, nil
	}
	if err != nil {
		return found, false, err
	}
	content, err := s.registry.OpenBlob(ctx, b)
	if errors.Is(err, registry.ErrBlobUnknown) {
		return unread("layer %s is missing in the registry's storage", d.Digest), false, nil
	}
	if err != nil {
		return found, false, err
	}
	defer content.Close()
	found, err = s.engine.Layer(ctx, content, d.MediaType)
	if err == nil {
		s.stats.LayerBytes.Add(d.Size)
	}
	if reason, blamed := confined.AtFault(err); blamed && ctx.Err() == nil {
		f, _ := errors.AsType[*confined.Failure](err)
		return unread("layer %s: %s", d.Digest, reason), f.Cause == confined.Content, nil
	}
	if err != nil {
		return found, false, fmt.Errorf("read layer %s: %w", d.Digest, err)
	}
	found.Digest, found.Revision = string(d.Digest), inventory.Revision
	return found, true, nil
}
