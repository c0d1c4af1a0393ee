package remotetest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// Blob puts a blob there.
func (r *Registry) Blob(repository string, b []byte) oci.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := oci.SHA256Of(b)
	r.blobs[repository+"@"+string(d)] = b
	return oci.Descriptor{MediaType: "application/octet-stream", Digest: d, Size: int64(len(b))}
}

// Bytes are a blob's, nil without one.
func (r *Registry) Bytes(repository string, d oci.Digest) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blobs[repository+"@"+string(d)]
}

// Uploads is how many are under way.
func (r *Registry) Uploads() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.uploads)
}

func (r *Registry) serveBlob(w http.ResponseWriter, q *http.Request, repository, digest string) {
	r.mu.Lock()
	b, ok := r.blobs[repository+"@"+digest]
	r.mu.Unlock()
	if !ok {
		Fail(w, http.StatusNotFound, "BLOB_UNKNOWN", "no such blob")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(b))
}

func (r *Registry) serveUpload(w http.ResponseWriter, q *http.Request, repository, id string) {
	if id == "" {
		r.begin(w, q, repository)
		return
	}
	r.mu.Lock()
	held, ok := r.uploads[id]
	r.mu.Unlock()
	if !ok {
		Fail(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload")
		return
	}
	location := func(held []byte) {
		w.Header().Set("Location", "/v2/"+repository+"/blobs/uploads/"+id+"?state=a%2Fb")
		w.Header().Set("Range", fmt.Sprintf("0-%d", max(len(held)-1, 0)))
	}
	switch q.Method {
	case http.MethodGet:
		location(held)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		r.mu.Lock()
		delete(r.uploads, id)
		r.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch, http.MethodPut:
		if at, _, ok := strings.Cut(q.Header.Get("Content-Range"), "-"); ok && at != strconv.Itoa(len(held)) {
			location(held)
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		held, whole := r.take(q, id, held)
		if !whole {
			panic(http.ErrAbortHandler) // the line is broken
		}
		if q.Method == http.MethodPatch {
			location(held)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		r.end(w, q, repository, id, held)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *Registry) begin(w http.ResponseWriter, q *http.Request, repository string) {
	from, digest := q.URL.Query().Get("from"), q.URL.Query().Get("mount")
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.blobs[from+"@"+digest]; ok {
		r.blobs[repository+"@"+digest] = b
		w.WriteHeader(http.StatusCreated)
		return
	}
	id := rand.Text()
	r.uploads[id] = nil
	w.Header().Set("Location", "/v2/"+repository+"/blobs/uploads/"+id+"?state=a%2Fb")
	w.WriteHeader(http.StatusAccepted)
}

// take keeps what arrives, also of a line that breaks.
func (r *Registry) take(q *http.Request, id string, held []byte) (all []byte, whole bool) {
	more, err := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	held = append(held[:len(held):len(held)], more...)
	if _, ok := r.uploads[id]; ok { // not given up meanwhile
		r.uploads[id] = held
	}
	r.received += int64(len(more))
	return held, err == nil
}

func (r *Registry) end(w http.ResponseWriter, q *http.Request, repository, id string, held []byte) {
	digest := q.URL.Query().Get("digest")
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.uploads, id)
	if string(oci.SHA256Of(held)) != digest || q.URL.Query().Get("state") != "a/b" {
		Fail(w, http.StatusBadRequest, "DIGEST_INVALID", "these bytes have another digest")
		return
	}
	r.blobs[repository+"@"+digest] = held
	w.WriteHeader(http.StatusCreated)
}
