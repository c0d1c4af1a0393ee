package distribution

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// getManifest answers a manifest's exact bytes ("end-3") and counts the pull.
func (h *Handler) getManifest(c *call) error {
	m, err := h.manifest(c)
	if err != nil || m.Content == nil {
		return err
	}
	if _, err := c.w.Write(m.Content); err != nil {
		return nil //nolint:nilerr // the client went away: not a pull, and nobody to tell
	}
	h.Registry.RecordPull(registry.Pull{Class: registry.ClassOf(c.principal, c.r.UserAgent()), By: c.principal, Ref: c.repo, Manifest: m})
	return nil
}

// headManifest answers without the bytes, and is no pull.
func (h *Handler) headManifest(c *call) error {
	_, err := h.manifest(c)
	return err
}

// manifest looks the reference up and writes the head of the answer. The content is nil when the client
// has it already.
func (h *Handler) manifest(c *call) (registry.Manifest, error) {
	ref, err := parseReference(c.route.reference)
	if err != nil {
		return registry.Manifest{}, err
	}
	m, err := h.find(c, ref)
	if err != nil {
		return m, err
	}
	if err := h.mayPull(c, m); err != nil {
		switch again, lookErr := h.lookAgain(c, m, err); {
		case lookErr != nil:
			return m, lookErr
		case again:
			err = h.mayPull(c, m)
		}
		if err != nil {
			return m, err
		}
	}
	manifestHeaders(c, m)
	if unchanged(c.r, m.Digest) {
		m.Content = nil
		c.w.WriteHeader(http.StatusNotModified)
		return m, nil
	}
	c.w.Header().Set("Content-Length", strconv.FormatInt(m.Size, 10))
	c.w.WriteHeader(http.StatusOK)
	return m, nil
}

func (h *Handler) mayPull(c *call, m registry.Manifest) error {
	return h.Gate.Admit(c.r.Context(), c.principal, c.repo, m, func(ctx context.Context) (bool, error) { return h.signs(ctx, c) })
}

// signs reports whether the caller may be about to sign what it reads: it has a token to push here, or is a client that signs and
// whose user may push. Those fetch a token to pull for that, as `docker pull` does; what they call themselves is worth nothing
// without the right.
func (h *Handler) signs(ctx context.Context, c *call) (bool, error) {
	if _, pushes := c.principal.Granted(c.repo.FullName(), authz.Push); pushes {
		return true, nil
	}
	agent := strings.ToLower(c.r.UserAgent())
	if !strings.Contains(agent, "cosign") && !strings.Contains(agent, "notation") {
		return false, nil
	}
	holder, err := h.Identity.Holder(ctx, c.principal)
	if err != nil {
		return false, err
	}
	_, err = h.mayUse(ctx, holder, c.repo.FullName(), authz.Push)
	if refused(err) {
		return false, nil
	}
	return err == nil, err
}

func manifestHeaders(c *call, m registry.Manifest) {
	hd := c.w.Header()
	hd.Set("Content-Type", m.MediaType)
	hd.Set("Docker-Content-Digest", m.Digest.String())
	hd.Set("ETag", `"`+m.Digest.String()+`"`)
	hd.Set("Content-Disposition", "attachment")
}

// unchanged reports whether the client already has the digest. Harbor's clients send it unquoted too.
func unchanged(r *http.Request, d oci.Digest) bool {
	for _, tag := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`) == d.String() {
			return true
		}
	}
	return false
}

// putManifest stores a manifest's exact bytes under a tag or its digest ("end-7").
func (h *Handler) putManifest(c *call) error {
	ref, err := parseReference(c.route.reference)
	if err != nil {
		return err
	}
	content, err := readManifest(c.r)
	if err != nil {
		return err
	}
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("%w: the Content-Type header must be the manifest's media type", oci.ErrManifestInvalid)
	}
	tags, err := furtherTags(c.r.URL.Query()["tag"])
	if err != nil {
		return err
	}
	if err := h.Gate.MayPush(c.r.Context(), c.repo, ref, mediaType, content, tags...); err != nil {
		return err
	}
	put, err := h.Registry.PutManifest(c.r.Context(), c.principal, c.repo, ref, mediaType, content, tags...)
	if err != nil {
		return err
	}
	hd := c.w.Header()
	hd.Set("Location", "/v2/"+c.route.repository+"/manifests/"+put.Digest.String())
	hd.Set("Docker-Content-Digest", put.Digest.String())
	for _, tag := range tags {
		hd.Add("OCI-Tag", tag)
	}
	if put.Subject != "" {
		hd.Set("OCI-Subject", put.Subject.String())
	}
	hd.Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

// maxFurtherTags bounds the tags that one push may set besides its reference.
const maxFurtherTags = 100

// furtherTags checks the tags that a push names in its query, which the coming version of the
// specification allows.
func furtherTags(tags []string) ([]string, error) {
	if len(tags) > maxFurtherTags {
		return nil, fmt.Errorf("%w: more than %d tags in one request", oci.ErrManifestInvalid, maxFurtherTags)
	}
	for _, tag := range tags {
		if _, err := oci.ParseTag(tag); err != nil {
			return nil, fmt.Errorf("%w: %v", oci.ErrManifestInvalid, err) // not as an invalid reference
		}
	}
	return tags, nil
}

// readManifest reads a body of at most oci.MaxManifestSize bytes. It trusts the announced length for
// the limit only, never for the size of a buffer.
func readManifest(r *http.Request) ([]byte, error) {
	if r.ContentLength > oci.MaxManifestSize {
		return nil, oci.ErrManifestTooLarge
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, oci.MaxManifestSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	if len(content) > oci.MaxManifestSize {
		return nil, oci.ErrManifestTooLarge
	}
	return content, nil
}

// deleteManifest removes a tag, or a manifest by digest with all that hangs on it ("end-9").
func (h *Handler) deleteManifest(c *call) error {
	ref, err := parseReference(c.route.reference)
	if err != nil {
		return err
	}
	forgotten, err := h.forget(c, ref)
	if err != nil {
		return err
	}
	if ref.IsDigest() {
		err = h.Registry.DeleteManifest(c.r.Context(), c.principal, c.repo, ref.Digest())
	} else {
		err = h.Registry.DeleteTag(c.r.Context(), c.principal, c.repo, ref.Tag())
	}
	if err != nil && !(forgotten && unknown(err)) {
		return err
	}
	return accepted(c)
}

// parseReference reads a tag or a digest. What is neither names nothing that could be there.
func parseReference(s string) (oci.Reference, error) {
	ref, err := oci.ParseReference(s)
	if errors.Is(err, oci.ErrTagInvalid) {
		return ref, fmt.Errorf("%w: %q", errReference, s)
	}
	return ref, err
}
