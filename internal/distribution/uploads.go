package distribution

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

var zeroTime time.Time

// errBody: the client's body ended before its length, or could not be read.
var errBody = errors.New("incomplete body")

// startUpload begins an upload, or ends it at once: with digest= the body is the whole blob ("end-4b"),
// with mount= and from= the blob may be there already ("end-11").
func (h *Handler) startUpload(c *call) error {
	q := c.r.URL.Query()
	if text := q.Get("mount"); text != "" {
		if done, err := h.mount(c, text, q.Get("from")); done || err != nil {
			return err
		}
	}
	if text := q.Get("digest"); text != "" {
		return h.putBlob(c, text)
	}
	u, err := h.Registry.StartUpload(c.r.Context(), c.repo)
	if err != nil {
		return err
	}
	return h.uploadAnswer(c, u, http.StatusAccepted)
}

func (h *Handler) putBlob(c *call, digest string) error {
	d, err := oci.ParseDigest(digest)
	if err != nil {
		return err
	}
	leave, err := h.uploads.enter(c.principal)
	if err != nil {
		return err
	}
	defer leave()
	if err := h.admit(c, d, 0); err != nil {
		return err
	}
	if _, err := h.Registry.PutBlob(c.r.Context(), c.repo, d, body{c.r.Body}); err != nil {
		return err
	}
	return blobCreated(c, d)
}

// uploadStatus tells how many bytes are acknowledged ("end-13").
func (h *Handler) uploadStatus(c *call) error {
	u, err := h.Registry.GetUpload(c.r.Context(), c.repo, c.route.reference)
	if err != nil {
		return err
	}
	return h.uploadAnswer(c, u, http.StatusNoContent)
}

// appendUpload takes a chunk, or a whole stream ("end-5").
func (h *Handler) appendUpload(c *call) error {
	offset, err := chunkOffset(c.r)
	if err != nil {
		return h.rangeError(c, err)
	}
	if err := h.admit(c, "", offset); err != nil {
		return err
	}
	u, err := h.write(c, c.route.reference, offset)
	if err != nil {
		return h.rangeError(c, err)
	}
	return h.uploadAnswer(c, u, http.StatusAccepted)
}

// finishUpload takes a last chunk if there is one, and makes the upload a blob ("end-6").
func (h *Handler) finishUpload(c *call) error {
	d, err := oci.ParseDigest(c.r.URL.Query().Get("digest"))
	if err != nil {
		return err
	}
	offset, err := chunkOffset(c.r)
	if err != nil {
		return h.rangeError(c, err)
	}
	if c.r.ContentLength != 0 {
		if err := h.admit(c, d, offset); err != nil {
			return err
		}
		if _, err := h.write(c, c.route.reference, offset); err != nil {
			return h.rangeError(c, err)
		}
	}
	return h.commit(c, c.route.reference, d)
}

func (h *Handler) cancelUpload(c *call) error {
	if err := h.Registry.CancelUpload(c.r.Context(), c.repo, c.route.reference); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// worthAsking is from which size on, in bytes, a body is refused before it is read. The transaction that makes a
// blob of it refuses smaller ones.
const worthAsking = 1 << 20

// admit refuses a body that will surely exceed the project's limit. d is "" when it isn't known yet, offset
// not more than 0 when the body is the whole blob or isn't known to follow on others.
func (h *Handler) admit(c *call, d oci.Digest, offset int64) error {
	if c.r.ContentLength < worthAsking {
		return nil
	}
	return h.Registry.CheckQuota(c.r.Context(), c.repo, d, max(offset, 0)+c.r.ContentLength)
}

// write appends the body to an upload. offset is -1 when the client doesn't name one.
func (h *Handler) write(c *call, id string, offset int64) (registry.Upload, error) {
	leave, err := h.uploads.enter(c.principal)
	if err != nil {
		return registry.Upload{}, err
	}
	defer leave()
	return h.Registry.Append(c.r.Context(), c.repo, id, offset, body{c.r.Body})
}

// body tells a failing client from a failing store.
type body struct{ io.Reader }

func (b body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", errBody, err)
	}
	return n, err
}

func (h *Handler) commit(c *call, id string, d oci.Digest) error {
	if _, err := h.Registry.CommitUpload(c.r.Context(), c.repo, id, d); err != nil {
		return err
	}
	return blobCreated(c, d)
}

func blobCreated(c *call, d oci.Digest) error {
	hd := c.w.Header()
	hd.Set("Location", "/v2/"+c.route.repository+"/blobs/"+d.String())
	hd.Set("Docker-Content-Digest", d.String())
	hd.Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

// uploadAnswer tells where the upload is and the bytes it holds, as "0-LAST".
func (h *Handler) uploadAnswer(c *call, u registry.Upload, status int) error {
	uploadHeaders(c, u)
	if status != http.StatusNoContent {
		c.w.Header().Set("Content-Length", "0")
	}
	c.w.WriteHeader(status)
	return nil
}

func uploadHeaders(c *call, u registry.Upload) {
	hd := c.w.Header()
	hd.Set("Location", "/v2/"+c.route.repository+"/blobs/uploads/"+u.ID)
	hd.Set("Docker-Upload-UUID", u.ID)
	hd.Set("Range", "0-"+strconv.FormatInt(max(u.Size-1, 0), 10))
}

// rangeError adds to a refused chunk where the upload stands, so that the client can go on from there.
func (h *Handler) rangeError(c *call, err error) error {
	if !errors.Is(err, registry.ErrRange) && !errors.Is(err, errRange) {
		return err
	}
	if u, getErr := h.Registry.GetUpload(c.r.Context(), c.repo, c.route.reference); getErr == nil {
		uploadHeaders(c, u)
	}
	return err
}

// chunkOffset reads Content-Range, "FIRST-LAST" in bytes, inclusive: the offset, or -1 without the header.
// The length must be that of the body, where it is known.
func chunkOffset(r *http.Request) (int64, error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return -1, nil
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "bytes "), "bytes=")
	text, _, _ = strings.Cut(text, "/") // a total, as HTTP has it
	first, last, ok := strings.Cut(text, "-")
	from, err1 := strconv.ParseUint(first, 10, 62)
	to, err2 := strconv.ParseUint(last, 10, 62)
	if !ok || err1 != nil || err2 != nil || to+1 < from {
		return 0, fmt.Errorf("%w: Content-Range %q, expected FIRST-LAST", errRange, r.Header.Get("Content-Range"))
	}
	if length := int64(to + 1 - from); r.ContentLength >= 0 && r.ContentLength != length {
		return 0, fmt.Errorf("%w: Content-Range %q names %d bytes, the body has %d", errRange, r.Header.Get("Content-Range"), length, r.ContentLength)
	}
	return int64(from), nil
}
