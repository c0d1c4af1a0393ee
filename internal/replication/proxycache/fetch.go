package proxycache

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

const (
	// chunk is how many bytes are read at once. The last ones are let out when the digest is right.
	chunk = 128 << 10
	// stallTime is how long upstream may send nothing.
	stallTime = 60 * time.Second
	// maxTries is how often upstream is asked to go on without a byte having come.
	maxTries = 5
	// firstPause follows the first time, and doubles.
	firstPause = 200 * time.Millisecond
	// maxUnknown bounds a blob whose size nobody told.
	maxUnknown = 64 << 30
)

var errBroken = errors.New("upstream broke off")

// run fetches and stores.
func (f *blobFetch) run(ctx context.Context) {
	defer f.cancel()
	s := f.s
	here := func(ctx context.Context) (bool, error) { return s.hasBlob(ctx, f.ref, f.blob.Digest) }
	release, err := s.claim(ctx, f.ref.ProjectID, f.key, here)
	f.elsewhere = err == nil && release == nil
	if release != nil {
		defer release()
		f.elsewhere, err = here(ctx) // somebody may have stored it between the reader's look and the claim
	}
	if err == nil && !f.elsewhere {
		err = f.fetch(ctx)
	}
	f.end(err)
	if f.spool != nil {
		<-f.stored
	} else {
		close(f.stored)
	}
	f.forget(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finished = true
	f.drop()
}

// end lets readers know how it ended.
func (f *blobFetch) end(err error) {
	if err != nil {
		select {
		case <-f.s.life.Done():
			err = errClosed
		default:
		}
	}
	f.err = err
	f.begin()
	if f.spool != nil {
		f.spool.finish(err)
	}
	close(f.ended)
}

// begin lets readers know that there is something to read, or never will be.
func (f *blobFetch) begin() { f.once.Do(func() { close(f.started) }) }

// forget ends the fetch for those who come from now on, and gives the blob to all repositories that wanted it.
func (f *blobFetch) forget(ctx context.Context) {
	s := f.s
	s.fetches.mu.Lock()
	if s.fetches.byKey[f.key] == f {
		delete(s.fetches.byKey, f.key)
	}
	s.fetches.mu.Unlock()
	if f.err != nil || f.storeErr != nil {
		return
	}
	f.mu.Lock()
	refs := []registry.Ref{f.ref}
	for ref := range f.others {
		refs = append(refs, ref)
	}
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for _, ref := range refs {
		is, err := s.hasBlob(ctx, ref, f.blob.Digest)
		if err == nil && is {
			err = s.arrived(ctx, ref, f.blob.Digest)
		}
		if err != nil {
			s.log.WarnContext(ctx, "a blob that came is not noted", "repository", ref.FullName(), "digest", f.blob.Digest, "error", err)
		}
	}
}

// fetch reads all of the blob from upstream, going on where a connection broke off.
func (f *blobFetch) fetch(ctx context.Context) error {
	s := f.s
	u, err := s.Endpoints.Upstream(ctx, f.policy.RegistryID)
	if err != nil {
		return err
	}
	if err := s.allow(ctx, u, f.policy.RegistryID, true); err != nil {
		return err
	}
	leave, err := s.takeSlot(ctx, f.ref.ProjectID, f.policy.Connections)
	if err != nil {
		return err
	}
	defer leave()
	sum, began := f.blob.Digest.NewHash(), time.Now()
	for tries := 1; ; tries++ {
		before := f.held()
		err := f.readOn(ctx, u, sum, began)
		if err == nil || ctx.Err() != nil || permanent(err) {
			return err
		}
		if f.held() > before {
			tries = 1
		}
		if tries == maxTries {
			return err
		}
		s.log.InfoContext(ctx, "upstream broke off; the blob goes on from there", "digest", f.blob.Digest, "bytes", f.held(), "error", err)
		if !pause.For(ctx, firstPause<<(tries-1)) {
			return ctx.Err()
		}
	}
}

func (f *blobFetch) held() int64 {
	if f.spool == nil {
		return 0
	}
	return f.spool.written
}

// permanent reports whether asking again wouldn't help.
func permanent(err error) bool {
	if _, limited := errors.AsType[*remote.LimitError](err); limited {
		return true
	}
	return errors.Is(err, remote.ErrNotFound) || errors.Is(err, remote.ErrDenied) || errors.Is(err, registry.ErrDigestMismatch) || errors.Is(err, blob.ErrNoSpace)
}

// readOn opens the blob where it broke off, and reads to its end.
func (f *blobFetch) readOn(ctx context.Context, u Upstream, sum hash.Hash, began time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stallTime, func() { cancel(fmt.Errorf("upstream sent nothing for %s", stallTime)) })
	defer watch.Stop()
	body, skip, err := f.open(ctx, u)
	f.s.heed(ctx, f.policy.RegistryID, err)
	if errors.Is(err, remote.ErrNotFound) {
		f.s.gone.add(fmt.Sprintf("%s %s", f.key, f.ref.Name))
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if err := passOver(body, skip, func() { watch.Reset(stallTime) }); err != nil {
		return fmt.Errorf("%w: %w", errBroken, errors.Join(err, context.Cause(ctx)))
	}
	if f.spool == nil {
		if err := f.prepare(ctx); err != nil {
			return err
		}
	}
	buffer := make([]byte, chunk)
	for {
		n, err := io.ReadFull(body, buffer)
		watch.Stop() // upstream isn't to be blamed for what takes time here
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			err = fmt.Errorf("%w: %w", errBroken, errors.Join(err, context.Cause(ctx)))
		}
		if takeErr := f.take(buffer[:n], sum); takeErr != nil {
			return takeErr
		}
		if f.blob.Size >= 0 && f.spool.written == f.blob.Size || ended && f.blob.Size < 0 {
			return f.verify(sum)
		}
		if ended {
			return fmt.Errorf("%w after %d of %d bytes", errBroken, f.spool.written, f.blob.Size)
		}
		if err != nil {
			return err
		}
		if !f.brake(ctx, began) {
			return ctx.Err()
		}
		watch.Reset(stallTime)
	}
}

// open opens the blob behind what is held. Where upstream can't begin there, skip is how much to pass over.
func (f *blobFetch) open(ctx context.Context, u Upstream) (body io.ReadCloser, skip int64, err error) {
	f.s.counts.blobs.Add(1)
	body, err = u.OpenBlob(ctx, f.ref.Name, f.blob, f.held())
	if f.held() > 0 && errors.Is(err, remote.ErrUnsupported) {
		body, err = u.OpenBlob(ctx, f.ref.Name, f.blob, 0)
		skip = f.held()
	}
	return body, skip, err
}

// passOver reads what is held already, of an upstream that can't begin behind it. It says each time that something came: it may be
// gigabytes.
func passOver(body io.Reader, n int64, came func()) error {
	for n > 0 {
		passed, err := io.CopyN(io.Discard, body, min(n, chunk))
		if err != nil {
			return err
		}
		came()
		n -= passed
	}
	return nil
}

// prepare makes the spool, and has it stored while it fills.
func (f *blobFetch) prepare(ctx context.Context) error {
	sp, err := newSpool(f.s.Dir, f.blob.Size)
	if err != nil {
		return err
	}
	readOnly, err := f.s.ReadOnly(ctx)
	if err != nil {
		sp.drop()
		return err
	}
	f.spool = sp
	f.begin()
	if readOnly {
		f.storeErr = &RefusedError{"the registry is read-only"}
		close(f.stored)
		return nil
	}
	go f.store() // run waits for f.stored
	return nil
}

// take keeps what came. The end of the blob is let out by verify alone.
func (f *blobFetch) take(p []byte, sum hash.Hash) error {
	if len(p) == 0 {
		return nil
	}
	if most := f.blob.Size; most >= 0 && f.spool.written+int64(len(p)) > most || most < 0 && f.spool.written+int64(len(p)) > maxUnknown {
		return fmt.Errorf("upstream sends more than the %d bytes of the blob: %w", most, registry.ErrDigestMismatch)
	}
	sum.Write(p)
	if err := f.spool.write(p); err != nil {
		return err
	}
	f.spool.publish(int64(len(p)))
	return nil
}

func (f *blobFetch) verify(sum hash.Hash) error {
	if got := oci.FromHash(f.blob.Digest.Algorithm(), sum); got != f.blob.Digest {
		f.s.log.Warn("upstream sent bytes with another digest; they are not stored", "repository", f.ref.FullName(), "digest", f.blob.Digest, "sent", got)
		return fmt.Errorf("upstream's blob %s: %w", f.blob.Digest, registry.ErrDigestMismatch)
	}
	f.s.counts.bytes.Add(f.spool.written)
	return nil
}

// brake keeps to the project's speed.
func (f *blobFetch) brake(ctx context.Context, began time.Time) bool {
	if f.policy.Speed <= 0 {
		return ctx.Err() == nil
	}
	due := time.Duration(float64(f.spool.written) / float64(f.policy.Speed) * float64(time.Second))
	return pause.For(ctx, due-time.Since(began))
}

// store writes the blob to the store, as one more reader. It ends when the blob does. What was pulled longest ago makes room.
func (f *blobFetch) store() {
	defer close(f.stored)
	s := f.s
	s.counts.storing.Add(1)
	defer s.counts.storing.Add(-1)
	ctx := context.WithoutCancel(s.life) // what is all there is stored, though the process ends
	size := max(f.blob.Size, 0)
	f.storeErr = s.makingRoom(ctx, f.ref, size, func() error {
		if err := s.registry.CheckQuota(ctx, f.ref, f.blob.Digest, size); err != nil {
			return err
		}
		_, err := s.registry.PutBlob(ctx, f.ref, f.blob.Digest, &content{ctx: ctx, fetch: f, size: f.blob.Size})
		return err
	})
	if f.storeErr != nil && s.life.Err() == nil {
		s.log.WarnContext(ctx, "a blob from upstream is served and not stored", "repository", f.ref.FullName(), "digest", f.blob.Digest, "error", f.storeErr)
	}
}
