//go:build acceptance

package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/test/haventest"
)

// told is what a receiver reads of a body.
type told struct {
	Type string `json:"type"`
	Data struct {
		Resources  []struct{ Tag, Digest string }
		Repository struct {
			FullName string `json:"repo_full_name"`
		}
	} `json:"event_data"`
}

// receiver keeps what it is told.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	told []told
}

func newReceiver(t *testing.T, wait <-chan struct{}) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var v told
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		r.mu.Lock()
		r.told = append(r.told, v)
		r.mu.Unlock()
		if wait != nil {
			select {
			case <-wait:
			case <-q.Context().Done():
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]told(nil), r.told...)
}

// Images are pushed, while one address is well, one never answers and one is dead; the program is killed and started again
// meanwhile. The one that is well is told of each push, in the order of each repository.
func TestPushesAreTold(t *testing.T) {
	const repositories, pushes = 5, 60
	s := haventest.Start(t, haventest.Options{Env: []string{"HAVEN_WEBHOOK_NETWORKS=127.0.0.0/8"}})
	s.NewProject(t, "told", false)
	never := make(chan struct{})
	live, slow, dead := newReceiver(t, nil), newReceiver(t, never), newReceiver(t, nil)
	t.Cleanup(func() { close(never) })
	dead.Close()
	policies := map[string]string{}
	for name, r := range map[string]*receiver{"slow": slow, "dead": dead, "live": live} {
		answer := s.Admin(t, http.StatusCreated, "POST", "/api/v2.0/projects/told/webhook/policies", map[string]any{
			"name": name, "enabled": true, "event_types": []string{"PUSH_ARTIFACT"}, "targets": []any{map[string]any{"type": "http", "address": r.URL}},
		})
		policies[name] = answer.Header.Get("Location")
	}
	push := func(repository, tag string) {
		t.Helper()
		config := []byte("{}")
		manifest, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest, "annotations": map[string]string{"tag": tag},
			"config": map[string]any{"mediaType": oci.MediaTypeImageConfig, "digest": oci.SHA256Of(config), "size": len(config)}, "layers": []any{},
		})
		if err != nil {
			t.Fatal(err)
		}
		send(t, s, http.MethodPost, fmt.Sprintf("/v2/%s/blobs/uploads/?digest=%s", repository, oci.SHA256Of(config)), "application/octet-stream", config)
		send(t, s, http.MethodPut, "/v2/"+repository+"/manifests/"+tag, oci.MediaTypeImageManifest, manifest)
	}
	began := time.Now()
	for i := range pushes {
		push(fmt.Sprintf("told/app%d", i%repositories), fmt.Sprintf("v%03d", i))
		if i == pushes/2 {
			s.Kill()
			s.Restart()
		}
	}
	t.Logf("%d pushes took %s", pushes, time.Since(began))
	tags := func() map[string]bool {
		seen := map[string]bool{}
		for _, v := range live.all() {
			seen[v.Data.Resources[0].Tag] = true
		}
		return seen
	}
	await.Until(t, "each push is told", func() bool { return len(tags()) == pushes })
	t.Logf("all were told after %s", time.Since(began))
	first, last := map[string]bool{}, map[string]string{}
	for _, v := range live.all() {
		tag, repository := v.Data.Resources[0].Tag, v.Data.Repository.FullName
		if first[tag] {
			continue // once more, after the kill
		}
		first[tag] = true
		if tag < last[repository] {
			t.Errorf("%s: %s is told after %s", repository, tag, last[repository])
		}
		last[repository] = tag
	}
	var executions []struct{ Status string }
	answer := s.Admin(t, http.StatusOK, "GET", policies["dead"]+"/executions?page_size=100", nil)
	if err := json.Unmarshal(answer.Body, &executions); err != nil || len(executions) != pushes {
		t.Errorf("%d deliveries for the dead one, %v", len(executions), err)
	}
	for _, e := range executions {
		if e.Status != "Running" {
			t.Errorf("a delivery for the dead one is %s", e.Status)
		}
	}
}

// send makes a request that must succeed.
func send(t *testing.T, s *haventest.Server, method, path, mediaType string, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", haventest.AdminPassword)
	r.Header.Set("Content-Type", mediaType)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
}
