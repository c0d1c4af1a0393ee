package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	// maxReferrers bounds the referrers of one manifest.
	maxReferrers = 10_000
	// lackFor is how long it is believed that a registry has no API of referrers: it may learn it, and what stands before it may
	// have answered once in its place.
	lackFor = 10 * time.Minute
)

// Referrers implements Registry.
func (c *client) Referrers(ctx context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error) {
	if c.clock().UnixNano() >= c.noReferrers.Load() {
		found, supported, err := c.referrers(ctx, repository, subject)
		if err != nil || supported {
			return found, err
		}
	}
	return c.taggedReferrers(ctx, repository, subject)
}

// referrers asks the API; false where the registry hasn't one.
func (c *client) referrers(ctx context.Context, repository string, subject oci.Digest) (all []oci.Descriptor, supported bool, err error) {
	at, err := c.in(repository, "/referrers/"+subject.String())
	if err != nil {
		return nil, false, err
	}
	supported = true
	err = c.pages(ctx, at, c.pulling(repository), func(q request) (http.Header, int, error) {
		q.header = http.Header{"Accept": {"application/vnd.oci.image.index.v1+json"}}
		h, page, err := c.index(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		if all = append(all, page...); len(all) > maxReferrers {
			return nil, 0, fmt.Errorf("%w: more than %d referrers of %s", ErrTooMany, maxReferrers, subject)
		}
		return h, len(page), nil
	})
	if said, ok := errors.AsType[*AnswerError](err); ok && lacksReferrers(said.Status) || errors.Is(err, ErrNoRegistry) {
		// Where the repository isn't there, that says nothing of the API.
		if said == nil || said.Code != "NAME_UNKNOWN" && said.Code != "MANIFEST_UNKNOWN" {
			c.noReferrers.Store(c.clock().Add(lackFor).UnixNano())
		}
		return nil, false, nil
	}
	return all, supported, err
}

// lacksReferrers says whether a status is one by which registries say that they don't know the API.
func lacksReferrers(status int) bool {
	return slices.Contains([]int{http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented}, status)
}

func (c *client) index(ctx context.Context, q request) (http.Header, []oci.Descriptor, error) {
	answer, err := c.ask(ctx, q, http.StatusOK)
	if err != nil {
		return nil, nil, err
	}
	text, err := c.read(ctx, answer, oci.MaxManifestSize)
	if err != nil {
		return nil, nil, err
	}
	if mediaType(answer) != "application/vnd.oci.image.index.v1+json" {
		return nil, nil, fmt.Errorf("%w: %s has no index", ErrNoRegistry, q.url.Path)
	}
	found, err := described(text)
	return answer.Header, found, err
}

// described are the manifests that an index names.
func described(text []byte) ([]oci.Descriptor, error) {
	var index struct {
		Manifests []oci.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("%w: a list of referrers is no index", ErrNoRegistry)
	}
	return slices.DeleteFunc(index.Manifests, func(d oci.Descriptor) bool {
		_, err := oci.ParseDigest(string(d.Digest))
		return err != nil
	}), nil
}

// taggedReferrers reads the index that clients keep where there is no API (OCI distribution 1.1, "Referrers Tag Schema").
func (c *client) taggedReferrers(ctx context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error) {
	m, err := c.Manifest(ctx, repository, oci.TagReference(subject.ReferrersTag()))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !oci.IsIndexType(m.MediaType):
		return nil, nil
	}
	return described(m.Bytes)
}

// withQuery is an address with one more parameter.
func withQuery(u *url.URL, name, value string) *url.URL {
	next := *u
	if next.RawQuery != "" {
		next.RawQuery += "&"
	}
	next.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(value)
	return &next
}
