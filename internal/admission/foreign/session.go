package foreign

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	godigest "github.com/opencontainers/go-digest"
	spec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/verify"
)

// Bounds of one evaluation.
const (
	// maxDocument bounds each answer, in bytes: manifests, lists and signatures.
	maxDocument = 4 << 20
	maxPages    = 4    // of a list of referrers
	maxListed   = 1000 // referrers of one image that are considered
	// maxManifests and maxBlobs bound what is fetched, and maxBytes the blobs together.
	maxManifests = 64
	maxBlobs     = 64
	maxBytes     = 32 << 20
	// plenty is how many answers say that a registry isn't away, so that a lack of time is one of too much to look at.
	plenty = 24
)

// session is one evaluation's conversation with a registry, of one repository.
type session struct {
	*Registry
	repository *remote.Repository

	manifests, blobs int
	bytes            int64
	more             bool // there is more than was looked at
}

func (r *Registry) begin(name string) (*session, error) {
	repository, err := r.repository(name)
	return &session{Registry: r, repository: repository}, err
}

// manifest fetches one by a tag or a digest. Its digest is that of the bytes. Errors are those of told.
func (s *session) manifest(ctx context.Context, reference string) (oci.Descriptor, *oci.Manifest, error) {
	if s.manifests == maxManifests {
		s.more = true
		return oci.Descriptor{}, nil, errAbsent
	}
	s.manifests++
	d, body, err := s.repository.FetchReference(ctx, reference)
	if err != nil {
		return oci.Descriptor{}, nil, s.told(ctx, err)
	}
	defer func() { _ = body.Close() }()
	if d.Size > oci.MaxManifestSize {
		return oci.Descriptor{}, nil, &unreadable{oci.ErrManifestTooLarge.Error()}
	}
	text, err := content.ReadAll(body, d)
	if err != nil {
		return oci.Descriptor{}, nil, s.told(ctx, err)
	}
	m, err := oci.ParseManifest(d.MediaType, text)
	if err != nil {
		return oci.Descriptor{}, nil, &unreadable{err.Error()}
	}
	digest, err := oci.ParseDigest(d.Digest.String())
	if err != nil {
		return oci.Descriptor{}, nil, &unreadable{err.Error()}
	}
	return oci.Descriptor{MediaType: m.MediaType, Digest: digest, Size: d.Size}, m, nil
}

// blob fetches a signature. What can't be had, or is too much, is nothing: no digest is one of nothing that is said to be
// something, so whoever verifies it says that it is wrong, and goes on to the next. An error is a Failure.
func (s *session) blob(ctx context.Context, d oci.Descriptor) ([]byte, error) {
	if s.blobs == maxBlobs || s.bytes+d.Size > maxBytes {
		s.more = true
		return nil, nil
	}
	s.blobs++
	s.bytes += d.Size
	wanted := described(d)
	body, err := s.repository.Blobs().Fetch(ctx, wanted)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	defer func() { _ = body.Close() }()
	text, err := content.ReadAll(body, wanted)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	return text, nil
}

// failure keeps of an error only what is a Failure.
func (s *session) failure(ctx context.Context, err error) error {
	if failed, ok := errors.AsType[*Failure](s.told(ctx, err)); ok {
		return failed
	}
	return nil
}

// errEnough ends a list.
var errEnough = errors.New("enough")

// referrers are the manifests that say of themselves that they are about d: those first that are signatures by their type.
// Errors are those of told.
func (s *session) referrers(ctx context.Context, d oci.Descriptor) ([]oci.Digest, error) {
	all, err := s.list(ctx, d)
	if answer, ok := errors.AsType[*errcode.ErrorResponse](err); ok && lacksReferrers(answer.StatusCode) {
		if err = s.repository.SetReferrersCapability(false); err == nil {
			all, err = s.list(ctx, d)
		}
	}
	if errors.Is(err, errEnough) || errors.Is(err, errdef.ErrTooManyPages) {
		s.more, err = true, nil
	}
	if err != nil {
		return nil, s.told(ctx, err)
	}
	var digests []oci.Digest
	for _, wanted := range []func(artifactType string) bool{verify.IsSignature, func(t string) bool { return !verify.IsSignature(t) }} {
		for _, one := range all {
			digest, err := oci.ParseDigest(one.Digest.String())
			if err == nil && wanted(one.ArtifactType) && !slices.Contains(digests, digest) {
				digests = append(digests, digest)
			}
		}
	}
	return digests, nil
}

// lacksReferrers says whether a status is one by which registries say that they don't know the referrers API, beside a
// plain 404.
func lacksReferrers(status int) bool {
	return slices.Contains([]int{http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented}, status)
}

func (s *session) list(ctx context.Context, d oci.Descriptor) (all []spec.Descriptor, err error) {
	err = s.repository.Referrers(ctx, described(d), "", func(page []spec.Descriptor) error {
		all = append(all, page[:min(len(page), maxListed-len(all))]...)
		if len(all) == maxListed {
			return errEnough
		}
		return nil
	})
	if err != nil {
		return all, fmt.Errorf("list what refers to %s: %w", d.Digest, err)
	}
	return all, nil
}

func described(d oci.Descriptor) spec.Descriptor {
	return spec.Descriptor{MediaType: d.MediaType, Digest: godigest.Digest(d.Digest), Size: d.Size}
}
