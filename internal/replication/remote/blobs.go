package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// OpenBlob implements Registry.
func (c *client) OpenBlob(ctx context.Context, repository string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	at, err := c.in(repository, "/blobs/"+d.Digest.String())
	if err != nil {
		return nil, err
	}
	q := request{method: http.MethodGet, url: at, header: http.Header{}, scopes: c.pulling(repository)}
	wanted := http.StatusOK
	if offset > 0 {
		q.header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		wanted = http.StatusPartialContent
	}
	answer, err := c.ask(ctx, q, http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != wanted || offset > 0 && !begins(answer.Header.Get("Content-Range"), offset) {
		_ = answer.Body.Close() // all of the blob may be in it
		if offset == 0 {
			return nil, fmt.Errorf("%w: it answers %d to a request for all of a blob", ErrNoRegistry, answer.StatusCode)
		}
		return nil, fmt.Errorf("%w: it doesn't begin a blob at a byte", ErrUnsupported)
	}
	left := d.Size - offset
	if d.Size < 0 { // nobody told how much there is but the registry itself
		left = max(answer.ContentLength, 0)
	}
	if answer.ContentLength != left && (answer.ContentLength >= 0 || d.Size < 0) {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes from byte %d on, where %s has %d", ErrManifest, answer.ContentLength, offset, d.Digest, left)
	}
	return &arriving{ctx: ctx, body: answer.Body, host: answer.Request.URL.Hostname(), left: left}, nil
}

// begins says whether a Content-Range begins at a byte.
func begins(header string, offset int64) bool {
	span, ok := strings.CutPrefix(header, "bytes ")
	first, _, _ := strings.Cut(span, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return ok && err == nil && n == offset
}

// arriving is a blob's body: no more bytes than there should be, and errors that say what went wrong.
type arriving struct {
	ctx  context.Context //nolint:containedctx // of the request, which the body is part of
	body io.ReadCloser
	host string
	left int64
}

// Read implements io.Reader.
func (a *arriving) Read(p []byte) (int, error) {
	if a.left == 0 {
		if n, _ := a.body.Read(make([]byte, 1)); n > 0 {
			return 0, fmt.Errorf("%w: more of a blob than its size", ErrManifest)
		}
		return 0, io.EOF
	}
	n, err := a.body.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	switch {
	case err == io.EOF && a.left > 0:
		err = io.ErrUnexpectedEOF
	case err == io.EOF:
		return n, nil // the next call says it
	}
	if err != nil {
		err = broken(a.ctx, a.host, err)
	}
	return n, err
}

// Close implements io.Closer.
func (a *arriving) Close() error { return a.body.Close() }

// HasBlob implements Registry. A redirect to where the bytes are says that they are there; storage may not answer a HEAD.
func (c *client) HasBlob(ctx context.Context, repository string, d oci.Digest) (bool, error) {
	at, err := c.in(repository, "/blobs/"+d.String())
	if err != nil {
		return false, err
	}
	answer, err := c.ask(ctx, request{method: http.MethodHead, url: at, scopes: c.pulling(repository), still: true},
		http.StatusOK, http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	drain(answer)
	return true, nil
}

// MountBlob implements Registry.
func (c *client) MountBlob(ctx context.Context, repository string, d oci.Descriptor, from string) (bool, error) {
	at, err := c.in(repository, "/blobs/uploads/")
	if err != nil {
		return false, err
	}
	at = withQuery(withQuery(at, "mount", d.Digest.String()), "from", c.named(from))
	scopes := append(c.pushing(repository), c.pulling(from)...)
	slices.Sort(scopes)
	answer, err := c.ask(ctx, request{method: http.MethodPost, url: at, scopes: scopes}, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return false, err
	}
	drain(answer)
	if answer.StatusCode == http.StatusCreated {
		return true, nil
	}
	// It has begun an upload instead, which nobody will go on with.
	if u, err := c.location(answer.Request.URL, answer.Header); err == nil {
		c.cancel(ctx, repository, u)
	}
	return false, nil
}
