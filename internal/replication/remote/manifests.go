package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/oci"
)

// manifestTypes are what may be answered where a manifest is asked for.
func manifestTypes() http.Header {
	return http.Header{"Accept": {
		"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
	}}
}

// ErrManifest: a manifest isn't what the registry says it is.
var ErrManifest = errors.New("the registry gives other bytes than those that it names")

// Head implements Registry.
func (c *client) Head(ctx context.Context, repository string, ref oci.Reference) (oci.Descriptor, error) {
	at, err := c.in(repository, "/manifests/"+ref.String())
	if err != nil {
		return oci.Descriptor{}, err
	}
	answer, err := c.ask(ctx, request{method: http.MethodHead, url: at, header: manifestTypes(), scopes: c.pulling(repository)}, http.StatusOK)
	if err != nil {
		return oci.Descriptor{}, err
	}
	drain(answer)
	d := oci.Descriptor{MediaType: mediaType(answer), Size: answer.ContentLength}
	d.Digest, err = oci.ParseDigest(answer.Header.Get("Docker-Content-Digest"))
	if ref.IsDigest() && (err != nil || d.Digest == ref.Digest()) {
		d.Digest, err = ref.Digest(), nil
	}
	if err != nil || d.Size < 0 || d.MediaType == "" { // a registry that doesn't say
		m, err := c.Manifest(ctx, repository, ref)
		return oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}, err
	}
	if ref.IsDigest() && d.Digest != ref.Digest() {
		return oci.Descriptor{}, fmt.Errorf("%w: %s for %s", ErrManifest, d.Digest, ref)
	}
	return d, nil
}

// Manifest implements Registry.
func (c *client) Manifest(ctx context.Context, repository string, ref oci.Reference) (Manifest, error) {
	at, err := c.in(repository, "/manifests/"+ref.String())
	if err != nil {
		return Manifest{}, err
	}
	answer, err := c.ask(ctx, request{method: http.MethodGet, url: at, header: manifestTypes(), scopes: c.pulling(repository)}, http.StatusOK)
	if err != nil {
		return Manifest{}, err
	}
	text, err := c.read(ctx, answer, oci.MaxManifestSize)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{MediaType: mediaType(answer), Bytes: text}
	if !oci.IsManifestType(m.MediaType) {
		return Manifest{}, fmt.Errorf("%w: %q", oci.ErrMediaTypeUnsupported, tidy(m.MediaType, maxWords))
	}
	m.Digest = ref.Digest()
	if said, err := oci.ParseDigest(answer.Header.Get("Docker-Content-Digest")); err == nil && !ref.IsDigest() {
		m.Digest = said
	}
	if m.Digest == "" {
		m.Digest = oci.SHA256Of(text)
	}
	if !m.Digest.Matches(text) {
		return Manifest{}, fmt.Errorf("%w: what it calls %s isn't", ErrManifest, m.Digest)
	}
	return m, nil
}

func mediaType(answer *http.Response) string {
	found, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return found
}

// PutManifest implements Registry.
func (c *client) PutManifest(ctx context.Context, repository string, ref oci.Reference, m Manifest) error {
	at, err := c.in(repository, "/manifests/"+ref.String())
	if err != nil {
		return err
	}
	answer, err := c.ask(ctx, request{
		method: http.MethodPut, url: at, header: http.Header{"Content-Type": {m.MediaType}}, scopes: c.pushing(repository),
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Bytes)), nil }, size: int64(len(m.Bytes)),
	}, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return err
	}
	drain(answer)
	if said, err := oci.ParseDigest(answer.Header.Get("Docker-Content-Digest")); err == nil && said != m.Digest && said.Algorithm() == m.Digest.Algorithm() {
		return fmt.Errorf("%w: it made %s of %s", ErrManifest, said, m.Digest)
	}
	return nil
}

const (
	// maxOthers bounds the tags that are looked at to know whether a manifest has another.
	maxOthers = 10_000
	atOnce    = 8
)

// DeleteTag implements Registry.
func (c *client) DeleteTag(ctx context.Context, repository, tag string) error {
	err := c.delete(ctx, repository, oci.TagReference(tag))
	var answer *AnswerError
	if !errors.Is(err, ErrUnsupported) && (!errors.As(err, &answer) || answer.Status != http.StatusBadRequest) {
		return err
	}
	d, err := c.Head(ctx, repository, oci.TagReference(tag))
	if err != nil {
		return err
	}
	alone, err := c.alone(ctx, repository, tag, d.Digest)
	if err != nil {
		return err
	}
	if !alone {
		return fmt.Errorf("%w: it removes a tag only with its manifest, which has others", ErrUnsupported)
	}
	return c.DeleteManifest(ctx, repository, d.Digest)
}

// alone says whether no other tag means the digest.
func (c *client) alone(ctx context.Context, repository, tag string, digest oci.Digest) (bool, error) {
	others := []string{}
	err := c.Tags(ctx, repository, func(t Tag) error {
		if len(others) == maxOthers {
			return fmt.Errorf("%w: it removes a tag only with its manifest, and there are too many to look at", ErrUnsupported)
		}
		if t.Name != tag {
			others = append(others, t.Name)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	errShared := errors.New("shared")
	looking, ctx := errgroup.WithContext(ctx)
	looking.SetLimit(atOnce)
	for _, other := range others {
		looking.Go(func() error {
			d, err := c.Head(ctx, repository, oci.TagReference(other))
			if err == nil && d.Digest == digest {
				return errShared
			}
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			return err
		})
	}
	err = looking.Wait()
	if errors.Is(err, errShared) {
		return false, nil
	}
	return err == nil, err
}

// DeleteManifest implements Registry.
func (c *client) DeleteManifest(ctx context.Context, repository string, d oci.Digest) error {
	return c.delete(ctx, repository, oci.DigestReference(d))
}

func (c *client) delete(ctx context.Context, repository string, ref oci.Reference) error {
	at, err := c.in(repository, "/manifests/"+ref.String())
	if err != nil {
		return err
	}
	answer, err := c.ask(ctx, request{method: http.MethodDelete, url: at, scopes: c.deleting(repository)},
		http.StatusAccepted, http.StatusOK, http.StatusNoContent)
	if err != nil {
		return err
	}
	drain(answer)
	return nil
}
