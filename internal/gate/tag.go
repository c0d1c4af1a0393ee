package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// TagRefusal is an error for clients, as Refusal is: an artifact isn't signed yet, and its project gives no tag to such.
type TagRefusal struct {
	Digest  oci.Digest
	Missing string // what the trust policy demands besides
}

func (r *TagRefusal) Error() string {
	return fmt.Sprintf("The project's trust policy demands that an artifact is signed before it gets a tag, and %s is not: %s. Push it by its digest, sign that, and tag it then.",
		r.Digest, strings.TrimSuffix(r.Missing, "."))
}

// MayPush is nil where a manifest that is about to be pushed may get the tag r and the others; else the error is a *TagRefusal.
// Signatures and what else is said about artifacts may have any, and so may lists of referrers under the tags that the
// specification gives them. It is nil as well for what the push itself refuses: bytes of another digest.
func (g *Gate) MayPush(ctx context.Context, in registry.Ref, r oci.Reference, mediaType string, content []byte, tags ...string) error {
	if r.IsDigest() && len(tags) == 0 {
		return nil
	}
	if demanded, err := g.Trust.BeforeTag(ctx, in.ProjectID); err != nil || !demanded {
		return err
	}
	m := registry.Manifest{Digest: r.Digest(), MediaType: mediaType, Content: content}
	if !r.IsDigest() {
		m.Digest, tags = oci.SHA256Of(content), append([]string{r.Tag()}, tags...)
	} else if !m.Digest.Matches(content) {
		return nil
	}
	if oci.IsIndexType(mediaType) && allReferrers(tags) {
		return nil
	}
	// What can't be read, or names blobs that aren't there, counts as an artifact.
	if k, err := g.kind(ctx, in, m); err == nil && k == paper {
		return nil
	}
	held, err := g.Contents.Manifest(ctx, in, oci.DigestReference(m.Digest))
	if errors.Is(err, registry.ErrManifestUnknown) {
		return &TagRefusal{m.Digest, "it is not there yet"}
	}
	if err != nil {
		return err
	}
	return g.signedBy(ctx, in.ProjectID, in, held)
}

// MayTag is nil where what a repository holds under a reference may get a tag in a project, its own or one that it is about to
// be copied to; else the error is a *TagRefusal. What was found to be good is returned as a reference by digest: a tag may
// move meanwhile.
func (g *Gate) MayTag(ctx context.Context, projectID int64, in registry.Ref, r oci.Reference) (oci.Reference, error) {
	if demanded, err := g.Trust.BeforeTag(ctx, projectID); err != nil || !demanded {
		return r, err
	}
	m, err := g.Contents.Manifest(ctx, in, r)
	if err != nil {
		return r, err
	}
	r = oci.DigestReference(m.Digest)
	if k, err := g.kind(ctx, in, m); err != nil || k == paper {
		return r, err
	}
	return r, g.signedBy(ctx, projectID, in, m)
}

// signedBy is nil where the manifest fulfils the project's policy.
func (g *Gate) signedBy(ctx context.Context, projectID int64, in registry.Ref, m registry.Manifest) error {
	st, err := g.Trust.StandingBy(ctx, projectID, in, m)
	if err != nil || st.Trusted || !st.Policy {
		return err
	}
	return &TagRefusal{m.Digest, st.Missing}
}

func allReferrers(tags []string) bool {
	for _, tag := range tags {
		if oci.TaggedDigest(tag, "") == "" {
			return false
		}
	}
	return true
}
