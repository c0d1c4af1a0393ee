package distribution

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// ping tells a client that it speaks to a registry and is signed in ("end-1").
func (h *Handler) ping(c *call) error {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.Header().Set("Content-Length", "2")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write([]byte("{}")) // a client that has gone needs no answer
	return nil
}

// headBlob answers from the repository's membership row alone ("end-2"). A client that asks so is about to
// push a manifest that names the blob.
func (h *Handler) headBlob(c *call) error {
	d, err := oci.ParseDigest(c.route.reference)
	if err != nil {
		return err
	}
	b, err := h.Registry.StatBlob(c.r.Context(), c.repo, d)
	if c.cached && errors.Is(err, registry.ErrBlobUnknown) {
		b.Size, err = h.Proxy.StatBlob(c.r.Context(), c.repo, d)
	}
	if err != nil {
		return err
	}
	blobHeaders(c, d)
	c.w.Header().Set("Accept-Ranges", "bytes")
	c.w.Header().Set("Content-Length", strconv.FormatInt(b.Size, 10))
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// getBlob streams a blob, by sendfile where it is a file; http.ServeContent does ranges and conditions.
// Where the store was told to, it sends the client there instead.
func (h *Handler) getBlob(c *call) error {
	b, d, err := h.blob(c)
	if c.cached && errors.Is(err, registry.ErrBlobUnknown) {
		return h.blobFromUpstream(c, d)
	}
	if err != nil {
		return err
	}
	if address, ok := h.Registry.RedirectBlob(c.r.Context(), b); ok {
		return redirectBlob(c, d, address)
	}
	content, err := h.Registry.OpenBlob(c.r.Context(), b)
	if err != nil {
		return err
	}
	defer content.Close()
	blobHeaders(c, d)
	if whole, ok := content.(interface{ Bytes() []byte }); ok && unconditional(c.r) {
		c.w.Header().Set("Accept-Ranges", "bytes")
		c.w.Header().Set("Content-Length", strconv.FormatInt(content.Size(), 10))
		c.w.WriteHeader(http.StatusOK)
		c.w.Write(whole.Bytes()) // a client that has gone needs no answer
		return nil
	}
	http.ServeContent(c.w, c.r, "", zeroTime, content)
	return nil
}

// unconditional reports whether a request asks for all there is, whatever the client has.
func unconditional(r *http.Request) bool {
	for _, name := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header[name] != nil {
			return false
		}
	}
	return true
}

// redirectBlob answers with an address that is good for a while only, and for whoever has it.
func redirectBlob(c *call, d oci.Digest, address string) error {
	hd := c.w.Header()
	hd.Set("Docker-Content-Digest", d.String())
	hd.Set("Cache-Control", "no-store")
	hd.Set("Location", address)
	hd.Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

func (h *Handler) blob(c *call) (registry.Blob, oci.Digest, error) {
	d, err := oci.ParseDigest(c.route.reference)
	if err != nil {
		return registry.Blob{}, "", err
	}
	b, err := h.Registry.Blob(c.r.Context(), c.repo, d)
	return b, d, err
}

// blobHeaders keep a browser from running what somebody pushed (S20): it is a download, of no type.
func blobHeaders(c *call, d oci.Digest) {
	hd := c.w.Header()
	hd.Set("Docker-Content-Digest", d.String())
	hd.Set("ETag", `"`+d.String()+`"`)
	hd.Set("Content-Type", oci.MediaTypeOctetStream)
	hd.Set("Content-Disposition", "attachment")
	hd.Set("Cache-Control", "private, max-age=31536000, immutable")
}

// deleteBlob takes the blob out of the repository ("end-10").
func (h *Handler) deleteBlob(c *call) error {
	d, err := oci.ParseDigest(c.route.reference)
	if err != nil {
		return err
	}
	if err := h.Registry.DeleteBlob(c.r.Context(), c.repo, d); err != nil {
		return err
	}
	c.w.Header().Set("Docker-Content-Digest", d.String())
	return accepted(c)
}

func accepted(c *call) error {
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}
