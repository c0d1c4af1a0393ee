package proxycache

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// store keeps a manifest that came from upstream: it may be served from now on. tag is one that means it, "" for none.
func (s *Service) store(ctx context.Context, ref registry.Ref, m remote.Manifest, tag string) (waiting, error) {
	w := waiting{ref: ref, digest: m.Digest, mediaType: m.MediaType, content: m.Bytes}
	if !m.Digest.Matches(m.Bytes) {
		return w, fmt.Errorf("upstream's manifest does not have the digest %s", m.Digest)
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Bytes)
	if err != nil {
		return w, fmt.Errorf("upstream's manifest %s: %w", m.Digest, err)
	}
	if readOnly, err := s.ReadOnly(ctx); readOnly || err != nil {
		return w, err
	}
	missing, err := s.missing(ctx, ref, parsed)
	if err != nil {
		return w, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if tag != "" {
			d := oci.Descriptor{MediaType: parsed.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}
			if err := s.putTag(ctx, tx, ref, tag, d); err != nil {
				return err
			}
		}
		w.id, err = db.Get(ctx, tx, db.ScanInt, insertWaiting, ref.ProjectID, ref.Name, m.Digest, parsed.MediaType, m.Bytes, s.now())
		if errors.Is(err, db.ErrNotFound) { // another process was faster, or the project has ended
			w.id = 0
			return nil
		}
		if err != nil {
			return err
		}
		return lack(ctx, tx, w.id, missing)
	})
	if err != nil {
		return w, fmt.Errorf("keep the manifest %s: %w", m.Digest, err)
	}
	if w.id != 0 && len(missing) == 0 {
		s.settle(ctx, w)
	}
	return w, nil
}

func lack(ctx context.Context, tx db.Tx, id int64, missing []oci.Descriptor) error {
	for _, d := range missing {
		if _, err := tx.Exec(ctx, insertMissing, id, d.Digest, d.Size, d.MediaType); err != nil {
			return err
		}
	}
	return nil
}

// missing is what the manifest names and the repository doesn't hold. What another repository of the project holds, it holds
// from now on.
func (s *Service) missing(ctx context.Context, ref registry.Ref, m *oci.Manifest) (missing []oci.Descriptor, err error) {
	for _, d := range m.Blobs() {
		is, err := s.hasBlob(ctx, ref, d.Digest)
		if err != nil {
			return nil, err
		}
		if !is {
			missing = append(missing, d)
		}
	}
	for _, d := range m.Children() {
		_, err := s.registry.ManifestInfo(ctx, ref, oci.DigestReference(d.Digest))
		switch {
		case errors.Is(err, registry.ErrManifestUnknown):
			missing = append(missing, d)
		case err != nil:
			return nil, err
		}
	}
	return missing, nil
}

// hasBlob reports whether the repository holds a blob, if need be from now on.
func (s *Service) hasBlob(ctx context.Context, ref registry.Ref, d oci.Digest) (bool, error) {
	_, err := s.registry.StatBlob(ctx, ref, d)
	if err == nil || !errors.Is(err, registry.ErrBlobUnknown) {
		return err == nil, err
	}
	holders, err := s.registry.Holders(ctx, d, registry.Scope{ProjectIDs: []int64{ref.ProjectID}}, 1)
	if err != nil || len(holders) == 0 {
		return false, err
	}
	_, err = s.registry.Mount(ctx, ref, holders[0], d)
	switch {
	case errors.Is(err, registry.ErrBlobUnknown), errors.Is(err, registry.ErrRepositoryUnknown), errors.Is(err, registry.ErrQuota):
		return false, nil
	}
	return err == nil, err
}

// arrived notes that the repository holds a blob or manifest now. Manifests that waited for nothing else become ordinary ones.
func (s *Service) arrived(ctx context.Context, ref registry.Ref, d oci.Digest) error {
	var complete []waiting
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		complete = nil
		ids, err := db.Collect(ctx, tx, db.ScanInt, arriveMissing, d, ref.ProjectID, ref.Name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			lacks, err := db.Get(ctx, tx, db.ScanBool, anyMissing, id)
			if err != nil {
				return err
			}
			if lacks {
				continue
			}
			w, err := db.Get(ctx, tx, scanWaiting, waitingByID, id)
			if err != nil {
				return err
			}
			complete = append(complete, w)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note that %s has come: %w", d, err)
	}
	for _, w := range complete {
		s.settle(ctx, w)
	}
	return nil
}

// settle makes an ordinary manifest of one that lacks nothing any more, if it still waits. Where that fails it goes on waiting, and is
// served as before. Several may want it at once: it happens once.
func (s *Service) settle(ctx context.Context, w waiting) {
	flight := s.settles.join(s, strconv.FormatInt(w.id, 10), func(ctx context.Context) (struct{}, error) {
		lacks, err := db.Get(ctx, s.db.Auto(), db.ScanBool, notSettled, w.id)
		if err != nil || lacks {
			return struct{}{}, err
		}
		return struct{}{}, s.promote(ctx, w)
	})
	if _, err := flight.wait(ctx, 0); err != nil && ctx.Err() == nil && !errors.Is(err, errClosed) && !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "a cached manifest doesn't become an artifact", "repository", w.ref.FullName(), "digest", w.digest, "error", err)
	}
}

func (s *Service) promote(ctx context.Context, w waiting) error {
	p, err := s.Policy(ctx, w.ref.ProjectID)
	if err != nil {
		return err
	}
	before := db.Micros(s.clock().Add(-p.MinimumAge))
	tags, err := db.Collect(ctx, s.db.Auto(), db.ScanString, tagsMeaning, w.ref.ProjectID, w.ref.Name, w.digest, before)
	if err != nil {
		return err
	}
	put := func() error {
		_, err := s.registry.PutManifest(ctx, ourselves, w.ref, oci.DigestReference(w.digest), w.mediaType, w.content, tags...)
		return err
	}
	err = s.makingRoom(ctx, w.ref, int64(len(w.content)), put)
	if missing, ok := errors.AsType[*registry.MissingError](err); ok {
		return s.lackAgain(ctx, w, missing.Digests)
	}
	if err != nil {
		return err
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, endWait, w.id)
		return err
	})
	if err != nil {
		return err
	}
	return s.arrived(ctx, w.ref, w.digest) // an index may have waited for it
}

// lackAgain notes what went while the manifest waited for the rest.
func (s *Service) lackAgain(ctx context.Context, w waiting, digests []oci.Digest) error {
	parsed, err := oci.ParseManifest(w.mediaType, w.content)
	if err != nil {
		return err
	}
	lost := map[oci.Digest]bool{}
	for _, d := range digests {
		lost[d] = true
	}
	var missing []oci.Descriptor
	for _, d := range append(parsed.Blobs(), parsed.Children()...) {
		if lost[d.Digest] {
			missing = append(missing, d)
		}
	}
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error { return lack(ctx, tx, w.id, missing) })
}

// fetchesAtOnce is how many blobs of one image are fetched at a time.
const fetchesAtOnce = 3

// giveWhole answers when all of the image is here, and the project's rules have nothing against it. Until then clients are told to
// come again.
func (s *Service) giveWhole(ctx context.Context, q question, w *waiting) (registry.Manifest, error) {
	if readOnly, err := s.ReadOnly(ctx); readOnly || err != nil {
		return registry.Manifest{}, errors.Join(err, &RefusedError{"the registry is read-only: an image that must be looked at first can't be fetched now"})
	}
	flight := s.complete(q, *w)
	_, err := flight.wait(ctx, s.Hold)
	if errors.Is(err, errSlow) {
		lacks, err := db.Collect(ctx, s.db.Auto(), scanDescriptor, missingOf, w.id)
		if err != nil {
			return registry.Manifest{}, err
		}
		var bytes int64
		for _, d := range lacks {
			bytes += d.Size
		}
		return registry.Manifest{}, waitFor(comeAgain, "the image is being fetched before it may be pulled: %d parts of it, %d bytes, are still to come; try again in a while", len(lacks), bytes)
	}
	switch {
	case errors.Is(err, registry.ErrBlobUnknown):
		return registry.Manifest{}, registry.ErrManifestUnknown
	case err != nil:
		return registry.Manifest{}, clientError(err)
	}
	m, err := s.registry.Manifest(ctx, q.ref, oci.DigestReference(w.digest))
	if errors.Is(err, registry.ErrManifestUnknown) {
		return m, waitFor(comeAgain, "the image was fetched but could not be stored yet; try again in a while")
	}
	if err != nil {
		return m, err
	}
	m.Tag = q.tag
	return m, s.cleared(ctx, q, m)
}

// complete fetches what a manifest lacks, once for all who want it.
func (s *Service) complete(q question, w waiting) *flight[struct{}] {
	key := fmt.Sprintf("whole %d/%s@%s", q.ref.ProjectID, q.ref.Name, w.digest)
	return s.wholes.join(s, key, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.makeWhole(ctx, q, w)
	})
}

func (s *Service) makeWhole(ctx context.Context, q question, w waiting) error {
	missing, err := db.Collect(ctx, s.db.Auto(), scanDescriptor, missingOf, w.id)
	if err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(fetchesAtOnce)
	for _, d := range missing {
		group.Go(func() error {
			if oci.IsManifestType(d.MediaType) {
				return s.completeChild(within, q, d)
			}
			return s.bringBlob(within, q.ref, d)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.settle(ctx, w) // or waits for whoever does
	if q.policy.Signed && q.policy.Freshness != Offline {
		s.bringSignatures(ctx, q, w.digest)
	}
	return nil
}

func (s *Service) completeChild(ctx context.Context, q question, d oci.Descriptor) error {
	h, err := s.bringManifest(ctx, &q, d)
	if err != nil {
		return err
	}
	return s.completeHolding(ctx, q, h)
}

// bringManifest returns a manifest by its digest, from here or from upstream. q is then about that one.
func (s *Service) bringManifest(ctx context.Context, q *question, d oci.Descriptor) (*holding, error) {
	q.tag, q.head = "", false
	h, err := s.holds(ctx, q.ref, d.Digest)
	if h != nil || err != nil {
		return h, err
	}
	return s.fetch(ctx, *q, d.Digest, 0)
}

// completeHolding fetches what a manifest lacks that came.
func (s *Service) completeHolding(ctx context.Context, q question, h *holding) error {
	if h.waiting == nil {
		return s.arrived(ctx, q.ref, h.digest())
	}
	_, err := s.complete(q, *h.waiting).wait(ctx, 0)
	return err
}

// dueAtOnce is how many images are made whole at a time without a client.
const dueAtOnce = 4

// completeDue fetches what clients left out of images that they pulled, because they had it already: another client may not have it
// when upstream is gone.
func (s *Service) completeDue(ctx context.Context) error {
	if readOnly, err := s.ReadOnly(ctx); readOnly || err != nil {
		return err
	}
	due, err := db.Collect(ctx, s.db.Auto(), scanWaiting, waitingDue, s.now(), dueAtOnce)
	if err != nil {
		return fmt.Errorf("look for images that were pulled in part: %w", err)
	}
	for _, w := range due {
		var mine bool
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			n, err := tx.Exec(ctx, postpone, w.id, s.now(), (5 * completeAfter).Microseconds(), w.dueAt)
			mine = n == 1
			return err
		})
		if err != nil {
			return err
		}
		if !mine { // another process does it
			continue
		}
		p, err := s.Policy(ctx, w.ref.ProjectID)
		if errors.Is(err, fault.NotFound) || err == nil && p.Freshness == Offline {
			continue
		}
		if err != nil {
			return err
		}
		s.complete(question{policy: p, ref: w.ref}, w)
	}
	return nil
}
