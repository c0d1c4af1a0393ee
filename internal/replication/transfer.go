package replication

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/local"
	"github.com/havenregistry/haven/internal/replication/remote"
)

const (
	// artifactsAtOnce and blobsAtOnce bound what one task does at a time.
	artifactsAtOnce = 4
	blobsAtOnce     = 6
	// maxDepth is how deep indexes and what refers to something are followed.
	maxDepth = 8
	// maxManifests bounds the manifests of one artifact, what refers to it included.
	maxManifests = 10_000
	// maxFailures bounds the failures that are told of one task.
	maxFailures = 20
)

// transfer brings a repository of the destination to what a comparison found missing.
type transfer struct {
	comparison
	changes changes
	pair    pair
	pool    *pool // while the changes are applied
	where   whereabouts
	limit   *rate.Limiter // nil: as fast as it goes
	hands   chan func()   // what is sent here is done by one of blobsAtOnce, while the changes are applied
	public  bool          // a project that has to be made is for everybody
	again   bool          // a former run may have begun it

	mu        sync.Mutex
	held      map[oci.Digest]bool // blobs that the destination's repository has
	manifests map[oci.Digest]*manifest
	told      map[oci.Digest]bool // what is said about them is on the way
	sums      sums
	failures  []error
	broken    error // why nothing more is tried
}

// newTransfer knows nothing beyond this process, and is as fast as it goes.
func newTransfer(c comparison, p pair) *transfer {
	return &transfer{
		comparison: c, pair: p, where: nowhere{}, hands: make(chan func()),
		held: map[oci.Digest]bool{}, manifests: map[oci.Digest]*manifest{}, told: map[oci.Digest]bool{},
	}
}

// manifest is one that is on its way to the destination, or there.
type manifest struct {
	done   chan struct{}
	err    error
	parsed *oci.Manifest // of one that was copied, until what is said about its parts is brought
}

// sums are what a task has done.
type sums struct {
	artifacts, manifests, blobs, mounted, deleted, refused int
	bytes                                                  int64
}

func (t *transfer) count(f func(*sums)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.sums)
}

func (t *transfer) holds(d oci.Digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held[d]
}

func (t *transfer) hold(d oci.Digest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held[d] = true
}

// apply does what the comparison found. One artifact that fails holds up no other, unless a registry can't be reached.
func (t *transfer) apply(ctx context.Context) error {
	ch := t.changes
	p, leave := t.Service.pool(t.pair)
	defer leave()
	t.pool = p
	if len(ch.artifacts) > 0 && (ch.fresh || ch.unsure) {
		err := done(ctx, t.note, func() error { return t.dst.Prepare(ctx, t.name, t.public) })
		if errors.Is(err, local.ErrProxy) {
			t.note("%s is left out: %v", t.name, err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("prepare %s at the destination: %w", t.name, err)
		}
	}
	defer t.workers()()
	t.artifacts(ctx, ch.artifacts)
	for _, d := range ch.referrers {
		if !t.ends(ctx) {
			t.record(ctx, t.repository+"@"+string(d), t.referrer(ctx, d))
		}
	}
	for _, s := range ch.tags {
		if !t.ends(ctx) {
			t.record(ctx, t.repository+":"+s.name, t.sign(ctx, s, 0))
		}
	}
	if !t.ends(ctx) {
		t.delete(ctx, ch.deletions)
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), t.broken)
	}
	return errors.Join(append(t.failures, t.broken)...)
}

// workers starts those who do what is sent to hands, until they are dismissed.
func (t *transfer) workers() (dismiss func()) {
	var all sync.WaitGroup
	for range blobsAtOnce {
		all.Go(func() {
			for f := range t.hands {
				f()
			}
		})
	}
	return func() {
		close(t.hands)
		all.Wait()
	}
}

// artifacts copies them, some at a time. Each of those who do it does one after the other: a goroutine of its own for each artifact or blob
// would have its stack grown, and thrown away, again and again.
func (t *transfer) artifacts(ctx context.Context, all []artifact) {
	next := make(chan artifact)
	var g sync.WaitGroup
	for range min(artifactsAtOnce, len(all)) {
		g.Go(func() {
			for a := range next {
				if !t.ends(ctx) {
					t.record(ctx, t.label(a), t.artifact(ctx, a))
				}
			}
		})
	}
	for _, a := range all {
		next <- a
	}
	close(next)
	g.Wait()
}

// ends reports whether nothing more is to be tried.
func (t *transfer) ends(ctx context.Context) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return ctx.Err() != nil || t.broken != nil
}

// record notes how it went with one thing.
func (t *transfer) record(ctx context.Context, what string, err error) {
	words, refused := gate.Refused(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch _, limited := errors.AsType[*remote.LimitError](err); {
	case err == nil, ctx.Err() != nil:
	case refused:
		t.sums.refused++
		t.note("%s is left out: %s", what, words)
	case errors.Is(err, errLeftOut):
		t.note("%s is left out: %v", what, err)
	case limited || isUnreachable(err) || errors.Is(err, remote.ErrDenied):
		t.broken = fmt.Errorf("copy %s: %w", what, err)
		t.note("%v", t.broken)
	default:
		err = fmt.Errorf("copy %s: %w", what, err)
		t.note("%v", err)
		if len(t.failures) < maxFailures {
			t.failures = append(t.failures, err)
		}
	}
}

func isUnreachable(err error) bool {
	_, ok := errors.AsType[*remote.UnreachableError](err)
	return ok
}

// errLeftOut: the filters don't choose it, which could be seen only now.
var errLeftOut = errors.New("it is no image")

func (t *transfer) label(a artifact) string {
	if len(a.tags) == 0 {
		return t.repository + "@" + string(a.digest)
	}
	return t.repository + ":" + a.tags[0]
}

// load reads a manifest of the source, which has the digest.
func (t *transfer) load(ctx context.Context, d oci.Digest) (m remote.Manifest, parsed *oci.Manifest, err error) {
	m, err = calmly(ctx, t.note, func() (remote.Manifest, error) { return t.src.Manifest(ctx, t.repository, oci.DigestReference(d)) })
	if err != nil {
		return m, nil, fmt.Errorf("read the manifest %s: %w", d, err)
	}
	if !d.Matches(m.Bytes) {
		return m, nil, fmt.Errorf("read the manifest %s: %w", d, errOther)
	}
	m.Digest = d
	if parsed, err = oci.ParseManifest(m.MediaType, m.Bytes); err != nil {
		return m, nil, fmt.Errorf("read the manifest %s: %w", d, err)
	}
	m.MediaType = parsed.MediaType
	return m, parsed, nil
}

// artifact copies one with all that belongs to it, and gives it its tags last.
func (t *transfer) artifact(ctx context.Context, a artifact) error {
	m, parsed, err := t.load(ctx, a.digest)
	if err != nil {
		return err
	}
	if t.chosen.imagesOnly && !isImage(parsed) {
		return errLeftOut
	}
	about, err := t.about(ctx, a.digest)
	if err != nil {
		return err
	}
	// What has nothing said about it, and isn't there, is pushed by its tag at once.
	if len(a.tags) == 0 || !about.none() {
		if err := t.graph(ctx, a.digest, 0); err != nil {
			return err
		}
		if err := t.bringAbout(ctx, a.digest, about, 0); err != nil {
			return err
		}
	} else if there, err := t.already(ctx, a.digest); err != nil {
		return err
	} else if !there {
		if err := t.parts(ctx, parsed, 0); err != nil {
			return err
		}
	}
	for _, tag := range a.tags {
		if err := t.put(ctx, oci.TagReference(tag), m, parsed); err != nil {
			return err
		}
		t.mu.Lock()
		t.changes.same[tag] = a.digest
		t.mu.Unlock()
	}
	t.count(func(s *sums) { s.artifacts++ })
	t.note("copied %s (%s) to %s: %s", t.label(a), a.digest, t.name, a.why)
	return nil
}

// isImage reports whether something can be run, or leads to such.
func isImage(m *oci.Manifest) bool {
	if m.IsIndex() {
		return m.ArtifactType == ""
	}
	return m.Runnable() == oci.Always
}

// already reports whether the destination has a manifest.
func (t *transfer) already(ctx context.Context, d oci.Digest) (bool, error) {
	if t.changes.fresh && !t.again {
		return false, nil
	}
	missing, err := t.lacks(ctx, d)
	return !missing, err
}

// graph copies a manifest with what it names, and what is said about its parts.
func (t *transfer) graph(ctx context.Context, d oci.Digest, depth int) error {
	if err := t.manifest(ctx, d, depth); err != nil {
		return err
	}
	t.mu.Lock()
	m := t.manifests[d]
	parsed := m.parsed
	m.parsed = nil // once is enough
	t.mu.Unlock()
	if parsed == nil {
		return nil
	}
	return t.aboutParts(ctx, parsed, depth)
}

// parts copies what a manifest names, and what is said about that.
func (t *transfer) parts(ctx context.Context, m *oci.Manifest, depth int) error {
	if err := t.content(ctx, m, depth); err != nil {
		return err
	}
	return t.aboutParts(ctx, m, depth)
}

// aboutParts copies what is said about the parts of a manifest, which the destination has.
func (t *transfer) aboutParts(ctx context.Context, m *oci.Manifest, depth int) error {
	for _, child := range m.Children() {
		if err := t.graph(ctx, child.Digest, depth+1); err != nil {
			return err
		}
		about, err := t.about(ctx, child.Digest)
		if err != nil {
			return err
		}
		if err := t.bringAbout(ctx, child.Digest, about, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// manifest copies a manifest with what it names, by its digest, once. Who comes meanwhile waits, and what a manifest names can't
// name it: what is said about its parts can, and so comes after it.
func (t *transfer) manifest(ctx context.Context, d oci.Digest, depth int) error {
	if depth > maxDepth {
		return fault.Invalidf("indexes are nested more than %d deep", maxDepth)
	}
	t.mu.Lock()
	f, known := t.manifests[d]
	if !known {
		f = &manifest{done: make(chan struct{})}
		t.manifests[d] = f
	}
	t.mu.Unlock()
	if known {
		select {
		case <-f.done:
			return f.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer close(f.done)
	f.parsed, f.err = t.copyManifest(ctx, d, depth)
	return f.err
}

// copyManifest returns the manifest, nil for one that the destination has already.
func (t *transfer) copyManifest(ctx context.Context, d oci.Digest, depth int) (*oci.Manifest, error) {
	there, err := t.already(ctx, d)
	if err != nil || there {
		return nil, err
	}
	m, parsed, err := t.load(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := t.content(ctx, parsed, depth); err != nil {
		return nil, err
	}
	return parsed, t.put(ctx, oci.DigestReference(d), m, parsed)
}

// content copies what a manifest names.
func (t *transfer) content(ctx context.Context, m *oci.Manifest, depth int) error {
	for _, child := range m.Children() {
		if err := t.manifest(ctx, child.Digest, depth+1); err != nil {
			return err
		}
	}
	return t.blobs(ctx, m.Blobs())
}

// put pushes a manifest. Where that fails, it may be that blobs went meanwhile: they are asked for again next time.
func (t *transfer) put(ctx context.Context, ref oci.Reference, m remote.Manifest, parsed *oci.Manifest) error {
	err := done(ctx, t.note, func() error { return t.dst.PutManifest(ctx, t.name, ref, m) })
	if err != nil {
		for _, b := range parsed.Blobs() {
			t.pool.forget(b.Digest, t.name)
			t.mu.Lock()
			delete(t.held, b.Digest)
			t.mu.Unlock()
		}
		return fmt.Errorf("push %s to %s: %w", ref, t.name, err)
	}
	t.count(func(s *sums) { s.manifests++ })
	return nil
}

// delete removes what the source has lost. A manifest goes where no other tag of the destination leads to it.
func (t *transfer) delete(ctx context.Context, all []deletion) {
	if len(all) == 0 {
		return
	}
	going := map[string]bool{}
	for _, d := range all {
		going[d.tag] = true
	}
	theirs, _, err := t.dst.tags(ctx, t.note, t.name)
	if err != nil {
		t.record(ctx, t.name, err)
		return
	}
	stays := func(digest oci.Digest) bool {
		for tag, at := range theirs {
			if !going[tag] && (at == "" || at == digest) {
				return true // or it can't be said
			}
		}
		return false
	}
	for _, d := range all {
		what := t.name + ":" + d.tag
		if d.tag == "" {
			what = t.name + "@" + string(d.digest)
		}
		err := t.deleteOne(ctx, d, stays)
		t.record(ctx, what, err)
		if err == nil {
			t.count(func(s *sums) { s.deleted++ })
			t.changes.forget = append(t.changes.forget, d.tag)
			t.note("deleted %s (%s): the source has it no more", what, d.digest)
		}
		if t.ends(ctx) {
			return
		}
	}
}

func (t *transfer) deleteOne(ctx context.Context, d deletion, stays func(oci.Digest) bool) error {
	gone := func(err error) error {
		if errors.Is(err, remote.ErrNotFound) {
			return nil
		}
		return err
	}
	if d.tag == "" && !d.referrer && stays(d.digest) {
		return nil // somebody gave it a tag there
	}
	if d.tag != "" {
		_, kept, err := t.src.find(ctx, t.note, t.repository, oci.DigestReference(d.digest))
		if err != nil {
			return err
		}
		if kept || stays(d.digest) {
			return gone(done(ctx, t.note, func() error { return t.dst.DeleteTag(ctx, t.name, d.tag) }))
		}
	}
	return gone(done(ctx, t.note, func() error { return t.dst.DeleteManifest(ctx, t.name, d.digest) }))
}
