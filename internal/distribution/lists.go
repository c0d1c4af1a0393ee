package distribution

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

const (
	// maxNames is the most tags or repositories of one answer; more come by the Link header.
	maxNames = 10_000
	// maxReferrers bounds a page of referrers. It is generous, as older clients don't follow Link.
	maxReferrers = 2_000
)

// pageSize reads n: how many a client wants, at most limit.
func pageSize(q url.Values, limit int) (int, error) {
	text := q.Get("n")
	if text == "" {
		return limit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n < 0 {
		return 0, errNumber
	}
	return min(n, limit), nil
}

// listTags answers a repository's tags in byte order ("end-8a", "end-8b").
func (h *Handler) listTags(c *call) error {
	q := c.r.URL.Query()
	n, err := pageSize(q, maxNames)
	if err != nil {
		return err
	}
	list := h.Registry.Tags
	if c.cached {
		list = h.Proxy.Tags
	}
	tags, more, err := list(c.r.Context(), c.repo, q.Get("last"), n)
	if err != nil {
		return err
	}
	if more && n > 0 {
		link(c, url.Values{"last": {tags[len(tags)-1]}, "n": {strconv.Itoa(n)}})
	}
	if tags == nil {
		tags = []string{}
	}
	return writeJSON(c, "application/json; charset=utf-8", struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{c.route.repository, tags})
}

// catalog answers the repositories that the caller may see, in byte order.
func (h *Handler) catalog(c *call) error {
	if c.principal.Kind == authz.Bearer {
		return authz.ErrUnauthenticated // a token names repositories, not a person whose projects to list
	}
	q := c.r.URL.Query()
	n, err := pageSize(q, maxNames)
	if err != nil {
		return err
	}
	scope, err := h.catalogScope(c)
	if err != nil {
		return err
	}
	names, more, err := h.Registry.Catalog(c.r.Context(), scope, q.Get("last"), n)
	if err != nil {
		return err
	}
	if more && n > 0 {
		link(c, url.Values{"last": {names[len(names)-1]}, "n": {strconv.Itoa(n)}})
	}
	if names == nil {
		names = []string{}
	}
	return writeJSON(c, "application/json; charset=utf-8", struct {
		Repositories []string `json:"repositories"`
	}{names})
}

// catalogScope is the caller's repositories; of a personal token, those that its owner may list and its
// limits let it.
func (h *Handler) catalogScope(c *call) (registry.Scope, error) {
	if c.principal.Kind != authz.Personal {
		return registry.VisibleTo(c.principal), nil
	}
	all, ids, err := h.Projects.IDsWith(c.r.Context(), c.principal, authz.Permission{Resource: authz.Repository, Action: authz.ListAll})
	return registry.Scope{All: all, Public: true, ProjectIDs: ids}, err
}

// listReferrers answers an index of what has the digest as its subject ("end-12a", "end-12b"). A subject
// that isn't there has an empty one.
func (h *Handler) listReferrers(c *call) error {
	d, err := oci.ParseDigest(c.route.reference)
	if err != nil {
		return err
	}
	q := c.r.URL.Query()
	after, _ := strconv.ParseInt(q.Get("after"), 10, 64) // ours, from the Link of the page before
	artifactType := q.Get("artifactType")
	found, next, err := h.Registry.Referrers(c.r.Context(), c.repo, d, artifactType, after, maxReferrers)
	if err != nil && !errors.Is(err, registry.ErrRepositoryUnknown) {
		return err
	}
	var theirs []oci.Descriptor
	if c.cached && next == 0 { // behind our own, on the last page
		if theirs, err = h.Proxy.Referrers(c.r.Context(), c.repo, d, artifactType); err != nil {
			return err
		}
	}
	manifests := make([]oci.Descriptor, len(found), len(found)+len(theirs))
	for i, f := range found {
		manifests[i] = oci.Descriptor{MediaType: f.MediaType, Digest: f.Digest, Size: f.Size, ArtifactType: f.ArtifactType, Annotations: f.Annotations}
	}
	manifests = appendNew(manifests, theirs)
	if artifactType != "" {
		c.w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	if after == 0 && next == 0 {
		c.w.Header().Set("X-Total-Count", strconv.Itoa(len(manifests)))
	}
	if next > 0 {
		more := url.Values{"after": {strconv.FormatInt(next, 10)}}
		if artifactType != "" {
			more.Set("artifactType", artifactType)
		}
		link(c, more)
	}
	return writeJSON(c, oci.MediaTypeImageIndex, oci.Index{Manifests: manifests})
}

func link(c *call, q url.Values) {
	c.w.Header().Set("Link", "<"+c.r.URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
}

func writeJSON(c *call, contentType string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", contentType)
	c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead {
		c.w.Write(text) // a client that has gone needs no answer
	}
	return nil
}
