package proxycache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// question is a manifest that a client wants.
type question struct {
	policy Policy
	ref    registry.Ref
	tag    string    // "" by digest
	head   bool      // its bytes aren't wanted
	seen   time.Time // when upstream had been asked for the tag last, when the client came
}

// Ask says how a manifest is wanted.
type Ask struct {
	Head    bool // without its bytes
	Scanner bool // by who looks at what nobody else gets yet
}

// Manifest returns a manifest with its bytes, or for a Head of what upstream alone has without them. One without an ID waits
// for what it names; the gate needn't be asked about it. What isn't there is registry.ErrManifestUnknown; else the error is
// ErrFiltered, a *WaitError, a *RefusedError or an *UnavailableError where it is for clients.
func (s *Service) Manifest(ctx context.Context, ref registry.Ref, r oci.Reference, ask Ask) (registry.Manifest, error) {
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return registry.Manifest{}, err
	}
	if !p.Filter.Match(ref.Name) {
		return registry.Manifest{}, ErrFiltered
	}
	if ask.Scanner {
		p.ScanBeforeServe = false
	}
	q := question{policy: p, ref: ref, tag: r.Tag(), head: ask.Head}
	if r.IsDigest() {
		return s.byDigest(ctx, q, oci.Descriptor{Digest: r.Digest()}, 0)
	}
	return s.byTag(ctx, q)
}

// byTag asks upstream what the tag means, if it must, and serves that; else what is here.
func (s *Service) byTag(ctx context.Context, q question) (registry.Manifest, error) {
	began := time.Now()
	known, err := s.tagRow(ctx, q.ref, q.tag)
	if err != nil {
		return registry.Manifest{}, err
	}
	q.seen = known.checkedAt
	held, err := s.held(ctx, q, known)
	if err != nil {
		return registry.Manifest{}, err
	}
	if q.policy.Freshness == Offline {
		return s.serve(ctx, q, held, nil)
	}
	var left time.Duration // 0: as long as it takes
	if held != nil {
		left = s.Patience
	}
	if !s.fresh(q.policy, known) {
		if known, err = s.check(ctx, q, known, held != nil, left); err != nil {
			return s.serve(ctx, q, held, err)
		}
	}
	if known.Digest == "" {
		return s.serve(ctx, q, held, remote.ErrNotFound)
	}
	if young := q.policy.MinimumAge - s.clock().Sub(known.firstAt); young > 0 {
		if held != nil {
			return s.serve(ctx, q, held, nil)
		}
		return registry.Manifest{}, waitFor(young, "the tag %s came to mean this at %s; the project serves it when that is %s ago",
			q.tag, known.firstAt.UTC().Format(time.RFC3339), q.policy.MinimumAge)
	}
	if held != nil {
		left = max(s.Patience-time.Since(began), time.Millisecond)
	}
	m, err := s.byDigest(ctx, q, known.Descriptor, left)
	if held != nil && held.digest() != known.Digest && mendable(err) {
		return s.serve(ctx, q, held, err)
	}
	return m, err
}

// mendable reports whether something older may be served instead: nothing was decided about what is there now.
func mendable(err error) bool {
	if err == nil {
		return false
	}
	_, wait := errors.AsType[*WaitError](err)
	_, refused := errors.AsType[*RefusedError](err)
	return !wait && !refused
}

// fresh reports whether upstream needn't be asked what the tag means.
func (s *Service) fresh(p Policy, known tagRow) bool {
	age := s.clock().Sub(known.checkedAt)
	switch {
	case known.checkedAt.IsZero() || age < 0:
		return false
	case known.Digest == "":
		return age < notFoundFor
	}
	return p.Freshness == MaxAge && age < p.MaxAge
}

// check asks upstream what the tag means. Clients that come meanwhile wait for the same answer.
func (s *Service) check(ctx context.Context, q question, known tagRow, held bool, most time.Duration) (tagRow, error) {
	u, err := s.Endpoints.Upstream(ctx, q.policy.RegistryID)
	if err != nil {
		return known, err
	}
	if err := s.allow(ctx, u, q.policy.RegistryID, !held); err != nil {
		return known, err
	}
	whole := !held && (!q.head || q.policy.whole())
	key := fmt.Sprintf("tag %d/%s:%s", q.ref.ProjectID, q.ref.Name, q.tag)
	flight := s.checks.join(s, key, func(life context.Context) (tagRow, error) {
		ctx, cancel := context.WithTimeout(trace.Below(life, ctx), firstTime)
		defer cancel()
		return s.ask(ctx, u, q, key, whole)
	})
	t, err := flight.wait(ctx, most)
	if errors.Is(err, errSlow) {
		s.heed(ctx, q.policy.RegistryID, err)
	}
	return t, err
}

// ask asks, and writes down what it was told. whole says that the manifest itself is wanted: then that is the one request.
func (s *Service) ask(ctx context.Context, u Upstream, q question, key string, whole bool) (known tagRow, err error) {
	told := func(ctx context.Context) (bool, error) { // somebody, since the client came
		known, err = s.tagRow(ctx, q.ref, q.tag)
		return err == nil && known.checkedAt.After(q.seen), err
	}
	release, err := s.claim(ctx, q.ref.ProjectID, key, told)
	if err != nil || release == nil {
		return known, err
	}
	defer release()
	if is, err := told(ctx); is || err != nil {
		return known, err
	}
	reference := oci.TagReference(q.tag)
	var d oci.Descriptor
	var m remote.Manifest
	s.counts.asked.Add(1)
	if whole {
		m, err = u.Manifest(ctx, q.ref.Name, reference)
		d = oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}
	} else {
		d, err = u.Head(ctx, q.ref.Name, reference)
	}
	s.heed(ctx, q.policy.RegistryID, err)
	switch {
	case errors.Is(err, remote.ErrNotFound):
		d = oci.Descriptor{}
	case err != nil:
		return known, fmt.Errorf("ask upstream for %s:%s: %w", q.ref.Name, q.tag, err)
	}
	if whole && err == nil {
		if _, err := s.store(ctx, q.ref, m, q.tag); err != nil {
			return known, err
		}
	} else if err := s.note(ctx, q.ref, q.tag, d); err != nil {
		return known, err
	}
	known, err = s.tagRow(ctx, q.ref, q.tag)
	if err == nil && known.Digest != d.Digest { // nothing is written down while the registry is read-only
		known = tagRow{Descriptor: d, checkedAt: s.clock()}
	}
	return known, err
}

// byDigest serves what has the digest, and fetches it where it isn't here. most is how long that may take, 0 for as long as it does.
func (s *Service) byDigest(ctx context.Context, q question, d oci.Descriptor, most time.Duration) (registry.Manifest, error) {
	h, err := s.holds(ctx, q.ref, d.Digest)
	if err != nil {
		return registry.Manifest{}, err
	}
	if h == nil && q.head && q.tag != "" && !q.policy.whole() && d.MediaType != "" {
		return registry.Manifest{Digest: d.Digest, MediaType: d.MediaType, Size: d.Size, Tag: q.tag}, nil
	}
	if h == nil {
		if h, err = s.fetch(ctx, q, d.Digest, most); err != nil {
			return registry.Manifest{}, clientError(err)
		}
	}
	return s.give(ctx, q, h, true)
}

// fetch fetches a manifest by its digest, once for all who want it.
func (s *Service) fetch(ctx context.Context, q question, d oci.Digest, most time.Duration) (*holding, error) {
	if q.policy.Freshness == Offline {
		return nil, registry.ErrManifestUnknown
	}
	key := fmt.Sprintf("manifest %d/%s@%s", q.ref.ProjectID, q.ref.Name, d)
	if s.gone.has(key) {
		return nil, remote.ErrNotFound
	}
	u, err := s.Endpoints.Upstream(ctx, q.policy.RegistryID)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, u, q.policy.RegistryID, most == 0); err != nil {
		return nil, err
	}
	flight := s.manifests.join(s, key, func(life context.Context) (waiting, error) {
		ctx, cancel := context.WithTimeout(trace.Below(life, ctx), firstTime)
		defer cancel()
		return s.bring(ctx, u, q, d, key)
	})
	w, err := flight.wait(ctx, most)
	if err != nil {
		return nil, err
	}
	if h, err := s.holds(ctx, q.ref, d); h != nil || err != nil {
		return h, err
	}
	return &holding{waiting: &w}, nil
}

func (s *Service) bring(ctx context.Context, u Upstream, q question, d oci.Digest, key string) (w waiting, err error) {
	here := func(ctx context.Context) (bool, error) {
		h, err := s.holds(ctx, q.ref, d)
		if h != nil && h.waiting != nil {
			w = *h.waiting
		}
		return h != nil, err
	}
	release, err := s.claim(ctx, q.ref.ProjectID, key, here)
	if err != nil || release == nil {
		return w, err
	}
	defer release()
	if is, err := here(ctx); is || err != nil {
		return w, err
	}
	s.counts.asked.Add(1)
	m, err := u.Manifest(ctx, q.ref.Name, oci.DigestReference(d))
	s.heed(ctx, q.policy.RegistryID, err)
	if errors.Is(err, remote.ErrNotFound) {
		s.gone.add(key)
	}
	if err != nil {
		return w, fmt.Errorf("fetch %s@%s from upstream: %w", q.ref.Name, d, err)
	}
	if m.Digest != d {
		return w, fmt.Errorf("upstream answered %s when it was asked for %s", m.Digest, d)
	}
	return s.store(ctx, q.ref, m, "")
}

// clientError says in the words of this package why nothing came from upstream.
func clientError(err error) error {
	limit, limited := errors.AsType[*remote.LimitError](err)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, ErrFiltered), errors.Is(err, ErrBusy), !mendable(err):
		return err
	case errors.Is(err, blob.ErrNoSpace), errors.Is(err, db.ErrFull): // here, not there
		return err
	case errors.Is(err, remote.ErrNotFound), errors.Is(err, remote.ErrDenied):
		return fmt.Errorf("%w: %w", registry.ErrManifestUnknown, err)
	case limited:
		return waitFor(max(limit.RetryAfter, time.Second), "the upstream registry was asked too often, and the cache doesn't hold this: try again later")
	case errors.Is(err, registry.ErrManifestUnknown), errors.Is(err, registry.ErrBlobUnknown):
		return err
	}
	return &UnavailableError{Err: err}
}
