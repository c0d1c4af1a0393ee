package proxycache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// StatBlob says how large a blob is that the repository doesn't hold, but a manifest that came from upstream names; else it is
// registry.ErrBlobUnknown.
func (s *Service) StatBlob(ctx context.Context, ref registry.Ref, d oci.Digest) (size int64, err error) {
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return 0, err
	}
	if !p.Filter.Match(ref.Name) {
		return 0, ErrFiltered
	}
	named, err := s.named(ctx, ref, d)
	return named.Size, err
}

// named is what the manifests that wait say of a blob.
func (s *Service) named(ctx context.Context, ref registry.Ref, d oci.Digest) (oci.Descriptor, error) {
	named, err := db.Get(ctx, s.db.Auto(), scanDescriptor, missingNamed, d, ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) {
		return named, registry.ErrBlobUnknown
	}
	return named, err
}

// Blob returns a blob that the repository doesn't hold, from another one of the project or from upstream: while it comes. The caller
// closes it.
func (s *Service) Blob(ctx context.Context, ref registry.Ref, d oci.Digest) (blob.Content, error) {
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return nil, err
	}
	if !p.Filter.Match(ref.Name) {
		return nil, ErrFiltered
	}
	named, err := s.named(ctx, ref, d)
	switch {
	case errors.Is(err, registry.ErrBlobUnknown):
		named = oci.Descriptor{MediaType: oci.MediaTypeOctetStream, Digest: d, Size: -1}
	case err != nil:
		return nil, err
	}
	for range 3 {
		c, err := s.tryBlob(ctx, p, ref, named)
		if !errors.Is(err, errStoredMeanwhile) {
			return c, blobError(err)
		}
	}
	return nil, blobError(errStoredMeanwhile)
}

// errStoredMeanwhile: a blob was stored while somebody wanted to fetch it, and isn't there any more.
var errStoredMeanwhile = errors.New("the blob came and went")

func (s *Service) tryBlob(ctx context.Context, p Policy, ref registry.Ref, named oci.Descriptor) (blob.Content, error) {
	if c, err := s.stored(ctx, ref, named.Digest); c != nil || err != nil {
		return c, err
	}
	f, err := s.fetchBlob(p, ref, named)
	if err != nil {
		return nil, err
	}
	if err := f.begun(ctx); err != nil {
		f.leave()
		return nil, err
	}
	if f.elsewhere { // another process fetched it
		f.leave()
		if c, err := s.stored(ctx, ref, named.Digest); c != nil || err != nil {
			return c, err
		}
		return nil, errStoredMeanwhile
	}
	size := named.Size
	if size < 0 {
		if size, err = f.whole(ctx); err != nil {
			f.leave()
			return nil, err
		}
	}
	return &content{ctx: ctx, fetch: f, size: size}, nil
}

// stored opens a blob that is here by now, nil where it isn't.
func (s *Service) stored(ctx context.Context, ref registry.Ref, d oci.Digest) (blob.Content, error) {
	is, err := s.hasBlob(ctx, ref, d)
	if err != nil || !is {
		return nil, err
	}
	if err := s.arrived(ctx, ref, d); err != nil {
		return nil, err
	}
	b, err := s.registry.Blob(ctx, ref, d)
	if errors.Is(err, registry.ErrBlobUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.registry.OpenBlob(ctx, b)
}

// bringBlob has the repository hold a blob, from wherever.
func (s *Service) bringBlob(ctx context.Context, ref registry.Ref, d oci.Descriptor) error {
	is, err := s.hasBlob(ctx, ref, d.Digest)
	if err != nil {
		return err
	}
	if is {
		return s.arrived(ctx, ref, d.Digest)
	}
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return err
	}
	f, err := s.fetchBlob(p, ref, d)
	if err != nil {
		return err
	}
	defer f.leave()
	select {
	case <-f.stored:
	case <-ctx.Done():
		return ctx.Err()
	}
	if f.err != nil {
		return f.err
	}
	if f.storeErr != nil {
		return f.storeErr
	}
	if is, err := s.hasBlob(ctx, ref, d.Digest); !is || err != nil {
		return errors.Join(err, fmt.Errorf("blob %s came and is not here: %w", d.Digest, registry.ErrBlobUnknown))
	}
	return s.arrived(ctx, ref, d.Digest)
}

// blobError is clientError in the words for blobs.
func blobError(err error) error {
	if errors.Is(err, remote.ErrNotFound) || errors.Is(err, remote.ErrDenied) {
		return fmt.Errorf("%w: %w", registry.ErrBlobUnknown, err)
	}
	return clientError(err)
}

// fetches are the blobs that come, by project and digest.
type fetches struct {
	mu    sync.Mutex
	byKey map[string]*blobFetch
	open  map[int64]int64 // by project with a bound: connections to upstream, where no other process has any
}

// blobFetch is a blob that comes: one connection to upstream, whoever many read it.
type blobFetch struct {
	s        *Service
	policy   Policy
	ref      registry.Ref // which it is fetched for first
	blob     oci.Descriptor
	key      string
	cancel   context.CancelFunc
	started  chan struct{} // closed when there is something to read, or nothing will be
	ended    chan struct{} // closed when all of it is there, or will never be; err is set then
	stored   chan struct{} // closed when the repository holds it, or never will; storeErr is set then
	once     sync.Once
	spool    *spool
	err      error
	storeErr error
	// elsewhere: another process fetched it, and the project holds it.
	elsewhere bool

	mu       sync.Mutex
	readers  int
	finished bool // run has ended
	alone    *time.Timer
	others   map[registry.Ref]bool // that want it too
}

// fetchBlob joins the fetch of a blob, which begins where none is under way. The caller must leave it.
func (s *Service) fetchBlob(p Policy, ref registry.Ref, d oci.Descriptor) (*blobFetch, error) {
	if p.Freshness == Offline {
		return nil, registry.ErrBlobUnknown
	}
	s.fetches.mu.Lock()
	defer s.fetches.mu.Unlock()
	key := fmt.Sprintf("blob %d %s", ref.ProjectID, d.Digest)
	if f := s.fetches.byKey[key]; f != nil && f.enter(ref) {
		return f, nil
	}
	if s.gone.has(fmt.Sprintf("%s %s", key, ref.Name)) {
		return nil, remote.ErrNotFound
	}
	if s.fetches.byKey == nil {
		s.fetches.byKey, s.fetches.open = map[string]*blobFetch{}, map[int64]int64{}
	}
	f := &blobFetch{s: s, policy: p, ref: ref, blob: d, key: key, readers: 1, others: map[registry.Ref]bool{},
		started: make(chan struct{}), ended: make(chan struct{}), stored: make(chan struct{})}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(s.life)
	if !s.spawn(func(context.Context) { f.run(ctx) }) {
		f.cancel()
		return nil, errClosed
	}
	s.fetches.byKey[key] = f
	return f, nil
}

// enter counts a reader. It is false where the fetch has failed: a new one may go better.
func (f *blobFetch) enter(ref registry.Ref) bool {
	select {
	case <-f.ended:
		if f.err != nil {
			return false
		}
	default:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers++
	if f.alone != nil {
		f.alone.Stop()
		f.alone = nil
	}
	if ref != f.ref {
		f.others[ref] = true
	}
	return true
}

const (
	// linger is how long a fetch goes on that nobody reads any more; a client that lost its connection comes again.
	linger = 15 * time.Second
	// worthEnding is how many bytes must be missing of a blob, more than there are, for the fetch to end then.
	worthEnding = 64 << 20
)

// leave ends what enter began. A fetch that nobody reads goes on where most of it is here or little is missing.
func (f *blobFetch) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers--
	if f.readers > 0 {
		return
	}
	f.drop()
	select {
	case <-f.ended:
		return
	default:
	}
	f.alone = time.AfterFunc(linger, f.abandon)
}

// drop gives the space of the spool back when nobody reads it and nobody will. f.mu is held.
func (f *blobFetch) drop() {
	if f.finished && f.readers == 0 && f.spool != nil {
		f.spool.drop()
	}
}

func (f *blobFetch) abandon() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers > 0 {
		return
	}
	have := int64(0)
	select {
	case <-f.started:
		if f.spool != nil {
			f.spool.mu.Lock()
			have = f.spool.readable
			f.spool.mu.Unlock()
		}
	default:
	}
	if left := f.blob.Size - have; f.blob.Size < 0 || left > worthEnding && left > have {
		f.cancel()
	}
}

// begun waits until there is something to read.
func (f *blobFetch) begun(ctx context.Context) error {
	select {
	case <-f.started:
	case <-ctx.Done():
		return ctx.Err()
	}
	if f.spool == nil && !f.elsewhere {
		<-f.ended
		return f.err
	}
	return nil
}

// whole waits until all of it is there, and returns its size.
func (f *blobFetch) whole(ctx context.Context) (int64, error) {
	select {
	case <-f.ended:
		return f.spool.written, f.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
