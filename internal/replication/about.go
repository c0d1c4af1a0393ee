package replication

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// about is what is said about a manifest: signatures, attestations, bills of materials.
type about struct {
	referrers []oci.Descriptor
	tags      []signatureTag
}

func (a about) none() bool { return len(a.referrers) == 0 && len(a.tags) == 0 }

// about finds what is said about a manifest of the source.
func (t *transfer) about(ctx context.Context, d oci.Digest) (a about, err error) {
	if a.referrers, err = t.referrersOf(ctx, d); err != nil {
		return a, fmt.Errorf("read what refers to %s: %w", d, err)
	}
	if a.tags, err = t.signaturesOf(ctx, d); err != nil {
		return a, fmt.Errorf("look for signatures of %s: %w", d, err)
	}
	return a, nil
}

// bringAbout copies what is said about a manifest that the destination has, and what is said about that; once.
func (t *transfer) bringAbout(ctx context.Context, d oci.Digest, a about, depth int) error {
	t.mu.Lock()
	known, many := t.told[d], len(t.told)
	t.told[d] = true
	t.mu.Unlock()
	switch {
	case known || a.none():
		return nil
	case depth > maxDepth || many > maxManifests:
		return fault.Invalidf("more refers to %s, and to what refers to it, than is copied", d)
	}
	for _, r := range a.referrers {
		if err := t.graph(ctx, r.Digest, depth+1); err != nil {
			return err
		}
		more, err := t.about(ctx, r.Digest)
		if err != nil {
			return err
		}
		if err := t.bringAbout(ctx, r.Digest, more, depth+1); err != nil {
			return err
		}
	}
	if err := t.list(ctx, d, a.referrers); err != nil {
		return err
	}
	for _, s := range a.tags {
		if err := t.sign(ctx, s, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// referrer copies a manifest that refers to one that the destination has.
func (t *transfer) referrer(ctx context.Context, d oci.Digest) error {
	m, parsed, err := t.load(ctx, d)
	if err != nil {
		return err
	}
	if err := t.graph(ctx, d, 1); err != nil {
		return err
	}
	more, err := t.about(ctx, d)
	if err != nil {
		return err
	}
	if err := t.bringAbout(ctx, d, more, 1); err != nil {
		return err
	}
	t.note("copied %s@%s to %s: it says something about %s", t.repository, d, t.name, parsed.Subject.Digest)
	return t.list(ctx, parsed.Subject.Digest, []oci.Descriptor{{
		MediaType: m.MediaType, Digest: d, Size: int64(len(m.Bytes)), ArtifactType: parsed.EffectiveArtifactType(), Annotations: parsed.Annotations,
	}})
}

// list has the destination know what refers to a manifest. One that doesn't find that out by itself has it under a tag, as the
// specification says ("Referrers tag schema").
func (t *transfer) list(ctx context.Context, subject oci.Digest, wanted []oci.Descriptor) error {
	if len(wanted) == 0 {
		return nil
	}
	listed, err := calmly(ctx, t.note, func() ([]oci.Descriptor, error) { return t.dst.Referrers(ctx, t.name, subject) })
	if err != nil && !errors.Is(err, remote.ErrNotFound) && !errors.Is(err, remote.ErrUnsupported) {
		return fmt.Errorf("read what refers to %s at the destination: %w", subject, err)
	}
	known := map[oci.Digest]bool{}
	for _, d := range listed {
		known[d.Digest] = true
	}
	missing := false
	for _, d := range wanted {
		if !known[d.Digest] {
			listed, missing = append(listed, d), true
		}
	}
	if !missing {
		return nil
	}
	text, err := json.Marshal(oci.Index{Manifests: listed})
	if err != nil {
		return err
	}
	m := remote.Manifest{MediaType: oci.MediaTypeImageIndex, Digest: oci.SHA256Of(text), Bytes: text}
	return done(ctx, t.note, func() error { return t.dst.PutManifest(ctx, t.name, oci.TagReference(subject.ReferrersTag()), m) })
}

// sign copies what lies under one of Cosign's tags. The tag of the destination moves where it has nothing that the source's hasn't: else
// somebody signed there, too, and that would be lost.
func (t *transfer) sign(ctx context.Context, s signatureTag, depth int) error {
	m, parsed, err := t.load(ctx, s.digest)
	if err != nil {
		return err
	}
	if !t.changes.fresh || t.again {
		ours, err := calmly(ctx, t.note, func() (remote.Manifest, error) { return t.dst.Manifest(ctx, t.name, oci.TagReference(s.name)) })
		switch {
		case errors.Is(err, remote.ErrNotFound):
		case err != nil:
			return err
		case ours.Digest == s.digest:
			return nil
		case !t.policy.Override && !covers(parsed, ours):
			t.note("%s:%s is left alone: the destination has signatures that the source hasn't, and the policy doesn't override", t.name, s.name)
			return nil
		}
	}
	if err := t.parts(ctx, parsed, depth); err != nil {
		return err
	}
	if err := t.put(ctx, oci.TagReference(s.name), m, parsed); err != nil {
		return err
	}
	t.note("copied %s:%s to %s: it says something about %s", t.repository, s.name, t.name, s.subject)
	return nil
}

// covers reports whether a manifest has all layers of another one.
func covers(m *oci.Manifest, other remote.Manifest) bool {
	parsed, err := oci.ParseManifest(other.MediaType, other.Bytes)
	if err != nil {
		return false
	}
	has := map[oci.Digest]bool{}
	for _, l := range m.Layers {
		has[l.Digest] = true
	}
	for _, l := range parsed.Layers {
		if !has[l.Digest] {
			return false
		}
	}
	return true
}
