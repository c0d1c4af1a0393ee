package day

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// heldScanner speaks Harbor's adapter API and ends its scans when it is told. It is a fake: how long a scan takes is
// what the day has to choose.
type heldScanner struct {
	URL string

	mu      sync.Mutex
	digests map[string]string // by scan; guarded by mu
	done    bool              // guarded by mu
}

func newHeldScanner(t *testing.T) *heldScanner {
	t.Helper()
	s := &heldScanner{digests: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/metadata", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"scanner":{"name":"Held","vendor":"Day","version":"1"},"capabilities":[{"type":"vulnerability",
			"consumes_mime_types":["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json"],
			"produces_mime_types":["application/vnd.security.vulnerability.report; version=1.1"]}],"properties":{}}`)
	})
	mux.HandleFunc("POST /api/v1/scan", s.accept)
	mux.HandleFunc("GET /api/v1/scan/{id}/report", s.report)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *heldScanner) accept(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Artifact struct{ Digest string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprint("scan-", len(s.digests)+1)
	s.digests[id] = asked.Artifact.Digest
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"id":%q}`, id)
}

func (s *heldScanner) report(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		w.Header().Set("Location", r.URL.Path)
		w.Header().Set("Refresh-After", "1")
		w.WriteHeader(http.StatusFound)
		return
	}
	fmt.Fprintf(w, `{"generated_at":%q,"artifact":{"repository":"any","digest":%q},"scanner":{"name":"Held","vendor":"Day","version":"1"},"severity":"Low",
		"vulnerabilities":[{"id":"CVE-2026-77","package":"held","version":"1","fix_version":"2","severity":"Low","description":"","links":["https://example.com/77"]}]}`,
		time.Now().UTC().Format(time.RFC3339), s.digests[r.PathValue("id")])
}

// finish has all scans end, those to come too.
func (s *heldScanner) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
}

// until looks until what comes by itself is there, for two minutes at most.
func until(t *testing.T, what string, found func() bool) {
	t.Helper()
	deadline, look := time.After(2*time.Minute), time.NewTicker(20*time.Millisecond)
	defer look.Stop()
	for !found() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("in vain waited until " + what)
		}
	}
}

// lastSegment is the end of a Location.
func lastSegment(location string) string { return location[strings.LastIndexByte(location, '/')+1:] }
