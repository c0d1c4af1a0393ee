package proxycache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// holding is a manifest that is here: an ordinary one, or one that waits.
type holding struct {
	stored  *registry.Manifest
	waiting *waiting
}

func (h *holding) digest() oci.Digest {
	if h.stored != nil {
		return h.stored.Digest
	}
	return h.waiting.digest
}

// holds returns what is here under the digest, nil where nothing is.
func (s *Service) holds(ctx context.Context, ref registry.Ref, d oci.Digest) (*holding, error) {
	m, err := s.registry.Manifest(ctx, ref, oci.DigestReference(d))
	if err == nil {
		return &holding{stored: &m}, nil
	}
	if !errors.Is(err, registry.ErrManifestUnknown) {
		return nil, err
	}
	w, err := s.findWaiting(ctx, ref, d)
	if errors.Is(err, registry.ErrManifestUnknown) {
		return nil, nil
	}
	return &holding{waiting: &w}, err
}

// held returns what is served where upstream can't be asked what the tag means, nil where nothing is here. What it meant when
// upstream was asked last comes first. An image that came in part comes last: an older one is better than half a one.
func (s *Service) held(ctx context.Context, q question, known tagRow) (*holding, error) {
	meanings := []oci.Digest{known.Digest, known.was}
	if q.policy.MinimumAge > 0 && s.clock().Sub(known.firstAt) < q.policy.MinimumAge {
		meanings = meanings[1:]
	}
	var half *holding
	for _, d := range meanings {
		if d == "" {
			continue
		}
		h, err := s.holds(ctx, q.ref, d)
		switch {
		case err != nil:
			return nil, err
		case h == nil:
		case h.stored != nil || oci.IsIndexType(h.waiting.mediaType):
			return h, nil
		case half == nil:
			half = h
		}
	}
	m, err := s.registry.Manifest(ctx, q.ref, oci.TagReference(q.tag))
	switch {
	case err == nil:
		return &holding{stored: &m}, nil
	case !errors.Is(err, registry.ErrManifestUnknown):
		return nil, err
	}
	return half, nil
}

// serve gives what is here because upstream said no, or nothing; cause is why, nil where it wasn't asked.
func (s *Service) serve(ctx context.Context, q question, h *holding, cause error) (registry.Manifest, error) {
	if ctx.Err() != nil {
		return registry.Manifest{}, ctx.Err()
	}
	if h == nil {
		if cause == nil {
			return registry.Manifest{}, registry.ErrManifestUnknown
		}
		return registry.Manifest{}, clientError(cause)
	}
	if errors.Is(cause, remote.ErrNotFound) && !q.policy.LocalOnNotFound {
		return registry.Manifest{}, clientError(cause)
	}
	if cause != nil {
		s.counts.stale.Add(1)
		s.log.DebugContext(ctx, "what is cached is served, as upstream can't say what is there now", "repository", q.ref.FullName(), "tag", q.tag, "cause", cause)
	}
	return s.give(ctx, q, h, false)
}

// give answers with what is here. current says that the tag, if there is one, means it upstream.
func (s *Service) give(ctx context.Context, q question, h *holding, current bool) (registry.Manifest, error) {
	if h.waiting != nil {
		return s.giveWaiting(ctx, q, h.waiting)
	}
	m := *h.stored
	m.Tag = q.tag
	if current && q.tag != "" {
		if err := s.attach(ctx, q, m); err != nil {
			s.log.WarnContext(ctx, "a cached image doesn't get its tag", "repository", q.ref.FullName(), "tag", q.tag, "error", err)
		}
	}
	return m, s.cleared(ctx, q, m)
}

// attach gives a manifest that is here the tag that means it upstream, if it hasn't got it.
func (s *Service) attach(ctx context.Context, q question, m registry.Manifest) error {
	at, err := s.registry.ManifestInfo(ctx, q.ref, oci.TagReference(q.tag))
	if err == nil && at.Digest == m.Digest {
		return nil
	}
	if err != nil && !errors.Is(err, registry.ErrManifestUnknown) {
		return err
	}
	if readOnly, err := s.ReadOnly(ctx); readOnly || err != nil {
		return err
	}
	_, err = s.registry.PutManifest(ctx, ourselves, q.ref, oci.DigestReference(m.Digest), m.MediaType, m.Content, q.tag)
	return err
}

const (
	// stampEvery is how exactly it is known when a manifest that waits was pulled.
	stampEvery = 10 * time.Minute
	// completeAfter is when what clients didn't fetch of an image is fetched without them.
	completeAfter = 30 * time.Second
)

// giveWaiting answers with a manifest that waits, where the project's rules let that be.
func (s *Service) giveWaiting(ctx context.Context, q question, w *waiting) (registry.Manifest, error) {
	if index := oci.IsIndexType(w.mediaType); q.policy.whole() && (!index || q.policy.Signed) {
		return s.giveWhole(ctx, q, w)
	}
	m := registry.Manifest{Digest: w.digest, MediaType: w.mediaType, Size: int64(len(w.content)), Content: w.content, Tag: q.tag}
	if w.id == 0 || q.head {
		return m, nil
	}
	var err error
	if m.RepositoryID, err = s.repositoryID(ctx, q.ref); err != nil {
		return m, err
	}
	now := s.now()
	due := int64(0)
	if !oci.IsIndexType(w.mediaType) {
		due = now + completeAfter.Microseconds()
	}
	if now-w.pulledAt > stampEvery.Microseconds() || due > 0 && w.dueAt == 0 {
		err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, stampPulled, w.id, now, due)
			return err
		})
	}
	return m, err
}

const repositoryByName = `SELECT id FROM repository WHERE project_id = $1 AND name = $2`

// repositoryID is what pulls are counted by, 0 as long as the repository holds nothing.
func (s *Service) repositoryID(ctx context.Context, ref registry.Ref) (int64, error) {
	id, err := db.Get(ctx, s.db.Auto(), db.ScanInt, repositoryByName, ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// note writes down what a tag means upstream, unless nothing may be written.
func (s *Service) note(ctx context.Context, ref registry.Ref, tag string, d oci.Descriptor) error {
	if readOnly, err := s.ReadOnly(ctx); readOnly || err != nil {
		return err
	}
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return s.putTag(ctx, tx, ref, tag, d) })
	if err != nil {
		return fmt.Errorf("note what %s:%s means: %w", ref.FullName(), tag, err)
	}
	return nil
}
