package proxycache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

const (
	// maxTags bounds the tags of a repository elsewhere that are listed.
	maxTags = 100_000
	// listTime is how long upstream may take to list tags.
	listTime = 20 * time.Second
	// heardFor is how long upstream isn't asked again for a list of tags or of referrers.
	heardFor = 5 * time.Second
	// maxHeard and maxEntries bound the lists that are remembered, and what is in them.
	maxHeard   = 2000
	maxEntries = 300_000
)

var errTooMany = errors.New("too many tags")

// heard remembers lists that upstream told last, for a moment, and for when it can't be asked. The zero value is ready.
type heard[T any] struct {
	mu      sync.Mutex
	by      map[string]list[T]
	entries int // of all lists
}

type list[T any] struct {
	at  time.Time
	all []T
}

func (h *heard[T]) get(key string) (list[T], bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.by[key]
	return l, ok
}

func (h *heard[T]) put(key string, all []T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries += len(all) - len(h.by[key].all)
	if h.by == nil || len(h.by) >= maxHeard || h.entries > maxEntries {
		h.by, h.entries = map[string]list[T]{}, len(all)
	}
	h.by[key] = list[T]{time.Now(), all}
}

// Tags returns up to n tags behind last that are here or upstream, in byte order, and whether more follow. Where upstream can't be
// asked they are those it named last, and those that are here.
func (s *Service) Tags(ctx context.Context, ref registry.Ref, last string, n int) (names []string, more bool, err error) {
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return nil, false, err
	}
	if !p.Filter.Match(ref.Name) {
		return nil, false, ErrFiltered
	}
	local, localMore, err := s.registry.Tags(ctx, ref, last, n)
	unknown := errors.Is(err, registry.ErrRepositoryUnknown)
	if err != nil && !unknown {
		return nil, false, err
	}
	theirs, err := s.upstreamTags(ctx, p, ref)
	switch {
	case err != nil && unknown && p.Freshness != Offline:
		if errors.Is(err, remote.ErrNotFound) || errors.Is(err, remote.ErrDenied) {
			return nil, false, fmt.Errorf("%w: %w", registry.ErrRepositoryUnknown, err)
		}
		return nil, false, clientError(err)
	case err != nil && unknown:
		return nil, false, registry.ErrRepositoryUnknown
	}
	if i, found := slices.BinarySearch(theirs, last); found {
		theirs = theirs[i+1:]
	} else {
		theirs = theirs[i:]
	}
	most := min(n, registry.MaxNames)
	if n < 0 {
		most = registry.MaxNames
	}
	all := slices.Concat(theirs[:min(len(theirs), most+1)], local)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > most {
		return all[:most], true, nil
	}
	return all, localMore, nil
}

// upstreamTags are the tags upstream, in byte order.
func (s *Service) upstreamTags(ctx context.Context, p Policy, ref registry.Ref) ([]string, error) {
	key := fmt.Sprintf("tags %d/%s", ref.ProjectID, ref.Name)
	was, ok := s.heardTags.get(key)
	if ok && (time.Since(was.at) < heardFor || p.Freshness == Offline) {
		return was.all, nil
	}
	if p.Freshness == Offline {
		return nil, remote.ErrNotFound
	}
	all, err := s.askTags(ctx, p, ref, key)
	if err != nil && ok && !errors.Is(err, remote.ErrNotFound) {
		return was.all, nil //nolint:nilerr // as with tags themselves: what upstream said last
	}
	return all, err
}

func (s *Service) askTags(ctx context.Context, p Policy, ref registry.Ref, key string) ([]string, error) {
	u, err := s.Endpoints.Upstream(ctx, p.RegistryID)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, u, p.RegistryID, true); err != nil {
		return nil, err
	}
	flight := s.lists.join(s, key, func(life context.Context) (all []string, err error) {
		ctx, cancel := context.WithTimeout(trace.Below(life, ctx), listTime)
		defer cancel()
		err = u.Tags(ctx, ref.Name, func(t remote.Tag) error {
			if all = append(all, t.Name); len(all) >= maxTags {
				return errTooMany
			}
			return nil
		})
		s.heed(ctx, p.RegistryID, err)
		if err != nil && !errors.Is(err, errTooMany) {
			return nil, fmt.Errorf("list upstream's tags of %s: %w", ref.Name, err)
		}
		slices.Sort(all)
		s.heardTags.put(key, all)
		return all, nil
	})
	return flight.wait(ctx, listTime)
}

// Referrers are the manifests upstream whose subject is the digest, of an artifact type unless that is "": none where the project
// doesn't ask for them, or upstream can't be asked and never was.
func (s *Service) Referrers(ctx context.Context, ref registry.Ref, subject oci.Digest, artifactType string) ([]oci.Descriptor, error) {
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return nil, err
	}
	if !p.Filter.Match(ref.Name) {
		return nil, ErrFiltered
	}
	if !p.Referrers {
		return nil, nil
	}
	all := s.upstreamReferrers(ctx, p, ref, subject)
	return slices.DeleteFunc(slices.Clone(all), func(d oci.Descriptor) bool { return artifactType != "" && d.ArtifactType != artifactType }), ctx.Err()
}

func (s *Service) upstreamReferrers(ctx context.Context, p Policy, ref registry.Ref, subject oci.Digest) []oci.Descriptor {
	key := fmt.Sprintf("referrers %d/%s@%s", ref.ProjectID, ref.Name, subject)
	was, ok := s.heardReferrers.get(key)
	if ok && time.Since(was.at) < heardFor || p.Freshness == Offline {
		return was.all
	}
	u, err := s.Endpoints.Upstream(ctx, p.RegistryID)
	if err == nil {
		err = s.allow(ctx, u, p.RegistryID, !ok)
	}
	if err != nil {
		return was.all
	}
	flight := s.referrers.join(s, key, func(life context.Context) ([]oci.Descriptor, error) {
		ctx, cancel := context.WithTimeout(trace.Below(life, ctx), listTime)
		defer cancel()
		all, err := u.Referrers(ctx, ref.Name, subject)
		s.heed(ctx, p.RegistryID, err)
		if err != nil && !errors.Is(err, remote.ErrNotFound) {
			return nil, err
		}
		s.heardReferrers.put(key, all)
		return all, nil
	})
	most := listTime
	if ok {
		most = s.Patience
	}
	all, err := flight.wait(ctx, most)
	if err != nil {
		return was.all
	}
	return all
}

// counts are what this process did.
type counts struct {
	asked, blobs, bytes, stale, storing atomic.Int64
}

// Counts are what this process did since it began.
type Counts struct {
	Manifests int64 // upstream was asked for what a tag means, or for a manifest
	Blobs     int64 // connections for blobs
	Bytes     int64 // of blobs that came whole
	Stale     int64 // answers with what is here, as upstream gave none
	Fetching  int64 // blobs that come now
}

// Counts returns them.
func (s *Service) Counts() Counts {
	s.fetches.mu.Lock()
	defer s.fetches.mu.Unlock()
	return Counts{s.counts.asked.Load(), s.counts.blobs.Load(), s.counts.bytes.Load(), s.counts.stale.Load(), int64(len(s.fetches.byKey))}
}
