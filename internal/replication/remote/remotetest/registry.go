// Package remotetest has what Haven's clients of other registries are tested with: a small registry of distribution in memory, with a
// token service, and what such a client is asked in tests.
package remotetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

// Registry is distribution in memory. Names of repositories are whatever is pushed to.
type Registry struct {
	t testing.TB
	// URL is where it listens.
	URL string
	// Before, if set, may answer in place of the registry, and says so by true.
	Before func(w http.ResponseWriter, r *http.Request) bool
	// PageSize is how many rows of a list are given at once; 0 for what the client asks.
	PageSize int
	// Referrers: the API is there.
	Referrers bool

	mu        sync.Mutex
	blobs     map[string][]byte // by repository and digest
	manifests map[string]stored // likewise
	tags      map[string]map[string]string
	uploads   map[string][]byte
	asked     []string
	received  int64
}

type stored struct {
	mediaType string
	bytes     []byte
}

// New runs a registry until the test ends.
func New(t testing.TB) *Registry {
	r := &Registry{t: t, blobs: map[string][]byte{}, manifests: map[string]stored{}, tags: map[string]map[string]string{}, uploads: map[string][]byte{}, Referrers: true}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// Asked are the requests so far, as "GET /v2/": those that contain a text.
func (r *Registry) Asked(containing string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.asked), func(s string) bool { return !strings.Contains(s, containing) })
}

// Received is how many bytes of blobs arrived.
func (r *Registry) Received() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.received
}

// Image puts an image of a configuration and a layer there, and returns its digest.
func (r *Registry) Image(repository, content string, tags ...string) oci.Digest {
	r.mu.Lock()
	defer r.mu.Unlock()
	config, layer := []byte(`{"architecture":"amd64","os":"linux","words":`+strconv.Quote(content)+`}`), []byte("layer of "+content)
	for _, b := range [][]byte{config, layer} {
		r.blobs[repository+"@"+string(oci.SHA256Of(b))] = b
	}
	text := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		oci.SHA256Of(config), len(config), oci.SHA256Of(layer), len(layer))
	return r.put(repository, "application/vnd.oci.image.manifest.v1+json", text, tags...)
}

func (r *Registry) put(repository, mediaType string, text []byte, tags ...string) oci.Digest {
	d := oci.SHA256Of(text)
	r.manifests[repository+"@"+string(d)] = stored{mediaType, text}
	if r.tags[repository] == nil {
		r.tags[repository] = map[string]string{}
	}
	for _, tag := range tags {
		r.tags[repository][tag] = string(d)
	}
	return d
}

// Tags are a repository's, with the digests that they mean.
func (r *Registry) Tags(repository string) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]string{}
	for tag, digest := range r.tags[repository] {
		all[tag] = digest
	}
	return all
}

// DeleteTag removes a tag, as a vendor's API does.
func (r *Registry) DeleteTag(repository, tag string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.tags[repository][tag]
	delete(r.tags[repository], tag)
	return ok
}

// DeleteManifest removes a manifest with its tags.
func (r *Registry) DeleteManifest(repository, digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deleteManifest(repository, digest)
}

func (r *Registry) deleteManifest(repository, digest string) bool {
	_, ok := r.manifests[repository+"@"+digest]
	delete(r.manifests, repository+"@"+digest)
	for tag, d := range r.tags[repository] {
		if d == digest {
			delete(r.tags[repository], tag)
		}
	}
	return ok
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.asked = append(r.asked, q.Method+" "+q.URL.RequestURI())
	r.mu.Unlock()
	if r.Before != nil && r.Before(w, q) {
		return
	}
	r.Serve(w, q)
}

// Serve answers as distribution has it.
func (r *Registry) Serve(w http.ResponseWriter, q *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	rest, ok := strings.CutPrefix(q.URL.Path, "/v2/")
	if !ok {
		Fail(w, http.StatusNotFound, "NOT_FOUND", "no such page")
		return
	}
	switch rest {
	case "":
		Answer(w, http.StatusOK, map[string]any{})
		return
	case "_catalog":
		r.catalogue(w, q)
		return
	}
	for part, serve := range map[string]func(http.ResponseWriter, *http.Request, string, string){
		"/tags/list": r.serveTags, "/manifests/": r.serveManifest, "/blobs/uploads/": r.serveUpload, "/referrers/": r.serveReferrers,
	} {
		if at := strings.LastIndex(rest, part); at > 0 {
			serve(w, q, rest[:at], rest[at+len(part):])
			return
		}
	}
	if at := strings.LastIndex(rest, "/blobs/"); at > 0 {
		r.serveBlob(w, q, rest[:at], rest[at+len("/blobs/"):])
		return
	}
	Fail(w, http.StatusNotFound, "NAME_UNKNOWN", "no such thing")
}

// Answer writes JSON.
func Answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Fail refuses as distribution does.
func Fail(w http.ResponseWriter, status int, code, message string) {
	Answer(w, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}

// page is the part of a sorted list that was asked for, with a Link to the next.
func (r *Registry) page(w http.ResponseWriter, q *http.Request, all []string) []string {
	slices.Sort(all)
	last := q.URL.Query().Get("last")
	all = slices.DeleteFunc(all, func(s string) bool { return s <= last })
	n, err := strconv.Atoi(q.URL.Query().Get("n"))
	if r.PageSize > 0 {
		n, err = r.PageSize, nil
	}
	if err == nil && len(all) > n {
		all = all[:n]
		w.Header().Set("Link", fmt.Sprintf(`<https://somewhere.else%s?last=%s&n=%d>; rel="next"`, q.URL.Path, all[n-1], n))
	}
	return all
}

func (r *Registry) catalogue(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []string{}
	for name := range r.tags {
		all = append(all, name)
	}
	Answer(w, http.StatusOK, map[string]any{"repositories": r.page(w, q, all)})
}

func (r *Registry) serveTags(w http.ResponseWriter, q *http.Request, repository, _ string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tags, ok := r.tags[repository]
	if !ok {
		Fail(w, http.StatusNotFound, "NAME_UNKNOWN", "no such repository")
		return
	}
	all := []string{}
	for tag := range tags {
		all = append(all, tag)
	}
	Answer(w, http.StatusOK, map[string]any{"name": repository, "tags": r.page(w, q, all)})
}

func (r *Registry) serveReferrers(w http.ResponseWriter, _ *http.Request, repository, subject string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.Referrers {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	found := []any{}
	for key, m := range r.manifests {
		of, digest, _ := strings.Cut(key, "@")
		if of == repository && strings.Contains(string(m.bytes), `"subject"`) && strings.Contains(string(m.bytes), subject) {
			found = append(found, map[string]any{"mediaType": m.mediaType, "digest": digest, "size": len(m.bytes), "artifactType": "a/b"})
		}
	}
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": found})
}

func (r *Registry) serveManifest(w http.ResponseWriter, q *http.Request, repository, ref string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	digest := ref
	if !strings.Contains(ref, ":") {
		digest = r.tags[repository][ref]
	}
	m, ok := r.manifests[repository+"@"+digest]
	switch {
	case q.Method == http.MethodPut:
		text, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		tags := []string{ref}
		if strings.Contains(ref, ":") {
			tags = nil
		}
		w.Header().Set("Docker-Content-Digest", string(r.put(repository, q.Header.Get("Content-Type"), text, tags...)))
		w.WriteHeader(http.StatusCreated)
	case !ok:
		Fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "no such manifest")
	case q.Method == http.MethodDelete && digest == ref:
		r.deleteManifest(repository, digest)
		w.WriteHeader(http.StatusAccepted)
	case q.Method == http.MethodDelete:
		Fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "tags aren't deleted here")
	default:
		w.Header().Set("Content-Type", m.mediaType)
		w.Header().Set("Docker-Content-Digest", digest)
		w.Header().Set("Content-Length", strconv.Itoa(len(m.bytes)))
		if q.Method == http.MethodGet {
			_, _ = w.Write(m.bytes)
		}
	}
}
