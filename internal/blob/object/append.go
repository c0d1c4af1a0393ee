package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/havenregistry/haven/internal/blob"
)

// Append implements blob.Store. It collects parts and sends them while the next one arrives; what
// is left behind the last whole part goes into an object of its own, and is read back by the
// append after this one.
func (s *Store) Append(ctx context.Context, u blob.Upload, r io.Reader) (blob.Upload, error) {
	if err := checkID(u.ID); err != nil {
		return u, err
	}
	grown, err := s.append(ctx, u, r)
	if err != nil {
		return grown, fmt.Errorf("append to upload %s: %w", u.ID, err)
	}
	return grown, nil
}

func (s *Store) append(ctx context.Context, u blob.Upload, r io.Reader) (blob.Upload, error) {
	st, err := parse(u)
	if err != nil {
		return u, err
	}
	first, readErr := begin(ctx, r)
	if len(first) == 0 && (st.exists() || readErr != io.EOF) { //nolint:errorlint // see endOf
		return u, endOf(readErr)
	}
	if readErr != nil {
		r = failed{readErr}
	}
	// What was read is written, though the client may leave meanwhile.
	detached, stop := settling(ctx)
	defer stop()
	a := &appending{store: s, id: u.ID, given: st, state: st, sender: sender{store: s, id: u.ID}}
	readErr, writeErr := a.run(ctx, detached, first, r)
	grown, err := a.state.upload(u.ID)
	if err = errors.Join(writeErr, err); err != nil {
		return grown, errors.Join(err, readErr)
	}
	if st.Old != "" {
		// The upload that we were given came after it, and was acknowledged.
		_ = s.delete(detached, st.Old) // Commit looks again
	}
	return grown, readErr
}

// begin waits for the first bytes, so that an append of nothing does nothing.
func begin(ctx context.Context, r io.Reader) ([]byte, error) {
	first := make([]byte, 512)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if n, err := r.Read(first); n > 0 || err != nil {
			return first[:n], err
		}
	}
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// endOf makes the end of a reader no error. A wrapped io.EOF is one: it says that a reader below
// ended before its time.
func endOf(err error) error {
	if err == io.EOF { //nolint:errorlint // see above
		return nil
	}
	return err
}

// appending is one Append.
type appending struct {
	store  *Store
	id     string
	given  state // as acknowledged
	state  state // what may be acknowledged next
	sender sender
}

// run returns the reader's error and that of writing. After the latter the state is as it was.
func (a *appending) run(ctx, detached context.Context, first []byte, r io.Reader) (readErr, writeErr error) {
	p := &part{memory: a.store.memory}
	defer func() { p.release() }()
	if err := a.load(detached, p); err != nil {
		return nil, err
	}
	if err := p.fill(detached, bytes.NewReader(first), p.size+int64(len(first))); err != nil {
		return nil, err
	}
	a.sender.start(detached, &a.state)
	for readErr == nil && writeErr == nil && a.sender.healthy() {
		target := a.store.partSize(a.sender.next())
		if readErr = p.fill(ctx, r, target); p.size < target {
			continue
		}
		writeErr = a.sender.send(p)
		p = &part{memory: a.store.memory}
	}
	if full, ok := errors.AsType[*spoolError](readErr); ok {
		readErr, writeErr = nil, errors.Join(writeErr, full)
	}
	if writeErr = errors.Join(writeErr, a.sender.wait()); writeErr == nil {
		writeErr = a.putRest(detached, p)
	}
	if writeErr != nil {
		a.takeBack(detached)
	}
	return endOf(readErr), writeErr
}

// load reads what lies behind the parts back into p.
func (a *appending) load(ctx context.Context, p *part) error {
	if a.given.RestSize == 0 {
		return nil
	}
	err := a.store.load(ctx, a.given.Rest, a.given.RestSize, p)
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%w: %w", blob.ErrUploadUnknown, err)
	}
	return err
}

// putRest writes p into a new object behind the parts.
func (a *appending) putRest(ctx context.Context, p *part) error {
	a.state.Rest, a.state.RestSize, a.state.Old = "", 0, a.given.Rest
	a.state.Again = a.given.exists()
	if p.size == 0 && a.state.Parts > 0 {
		return nil
	}
	dir := blobsDir
	if a.state.Parts > 0 {
		dir = uploadsDir
	}
	key := dir + a.id + "." + NewNonce()
	if err := a.store.put(ctx, key, p, p.size); err != nil {
		return err
	}
	a.state.Rest, a.state.RestSize = key, p.size
	return nil
}

// takeBack returns to the state that was given, after an error of writing. The hash of the bytes that
// were read can't go back to where the last whole part ended, so they are of no use to anybody.
func (a *appending) takeBack(ctx context.Context) {
	if begun := a.state.Multipart; begun != a.given.Multipart {
		_ = a.store.abort(ctx, a.sender.key(), begun) // Commit and Cancel look again
	}
	a.state = a.given
	a.state.Again = true
}

// partSize is the size of a part by its number, in bytes. It doubles after each eleventh of the parts there
// may be, which is enough for 5 TiB when the first one has 5 MiB and 10,000 are allowed.
func (s *Store) partSize(number int) int64 {
	limits := s.bucket.Limits()
	doublings := (number - 1) / max(limits.Parts/11, 1)
	return min(s.options.PartSize<<min(doublings, 20), limits.MaxPart)
}

// load reads an object of a known size into a part.
func (s *Store) load(ctx context.Context, key string, size int64, p *part) error {
	return try(ctx, forBody(size), func(ctx context.Context) error {
		p.release()
		body, o, err := s.bucket.Get(ctx, key, 0, "")
		if err != nil {
			return err
		}
		defer body.Close()
		if o.Size != size {
			return sizeError(key, o.Size, size)
		}
		err = p.fill(ctx, body, size)
		if p.size == size {
			return nil
		}
		if full, ok := errors.AsType[*spoolError](err); ok {
			return full
		}
		return Retry(fmt.Errorf("read object %s: %w", key, err))
	})
}
