package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	good   = `{"generated_at":"2026-11-01T10:00:00Z","scanner":{"name":"Fake","vendor":"Nobody","version":"1"},"severity":"Low",
		"artifact":{"digest":"` + digest + `"},"vulnerabilities":[
		{"id":"CVE-2026-1","package":"bash","version":"5.1","fix_version":"5.2","severity":"High","status":"fixed","description":"text","links":["https://a.example.com","javascript:alert(1)"],
		 "artifact_digests":["sha256:a"],"preferred_cvss":{"score_v3":7.5,"score_v2":null,"vector_v3":"CVSS:3.1/AV:N","vector_v2":""},"cwe_ids":["CWE-79",""],
		 "vendor_attributes":{"CVSS":{"nvd":{"V3Score":7.5,"V3Vector":"CVSS:3.1/AV:N"}}}},
		{"id":"CVE-2026-2","package":"curl","version":"8","severity":"Low"}]}`
)

func job() Job {
	return Job{
		Artifact: Artifact{Repository: "p/app", Digest: digest, MediaType: OCIManifest}, Registry: "https://registry.example.com",
		Authorization: "Bearer canary-of-the-registry", MediaType: VulnerabilityReport,
	}
}

// inMemory has requests answered by a handler, without a network: so time can be told what to be. What is asked
// for besides, the guarded client's own tests cover.
type inMemory struct{ handler http.Handler }

func (m inMemory) HTTP(outbound.Trust) (*http.Client, error) {
	return &http.Client{Transport: m, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

func (m inMemory) Close() {}

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.handler.ServeHTTP(w, r)
	}()
	select {
	case <-done:
		if w.Code == http.StatusTeapot { // the connection broke
			return nil, io.ErrUnexpectedEOF
		}
		return w.Result(), nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

// steps answers polls one after another; the last again and again.
type steps struct {
	mu       sync.Mutex
	scans    []string // "202", "500" …: answers to POST
	polls    []string // "302", "302 7", "500", "200": answers to GET
	body     string
	at       []time.Duration
	start    time.Time
	requests []string
}

func next(answers *[]string) string {
	a := (*answers)[0]
	if len(*answers) > 1 {
		*answers = (*answers)[1:]
	}
	return a
}

func (s *steps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Since(s.start))
	var answer string
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		s.requests = append(s.requests, string(body))
		answer = next(&s.scans)
	} else {
		answer = next(&s.polls)
	}
	var status, after int
	fmt.Sscan(answer, &status, &after)
	if after > 0 {
		w.Header().Set("Refresh-After", fmt.Sprint(after))
	}
	if status == http.StatusFound {
		w.Header().Set("Location", "http://169.254.169.254/latest/meta-data")
	}
	w.WriteHeader(status)
	switch status {
	case http.StatusAccepted:
		io.WriteString(w, `{"id":"scan/1"}`)
	case http.StatusOK:
		io.WriteString(w, s.body)
	}
}

func silent(string, ...any) {}

func TestPolling(t *testing.T) {
	const s = time.Second
	cases := []struct {
		name         string
		scans, polls []string
		body         string
		at           []time.Duration // of requests
		want         error
	}{
		{"at once", []string{"202"}, []string{"200"}, good, []time.Duration{0, 2 * s}, nil},
		{"as the scanner says", []string{"202"}, []string{"302 7", "302", "302 9999", "200"}, good, []time.Duration{0, 2 * s, 9 * s, 14 * s, 74 * s}, nil},
		{"500, then works", []string{"500", "503", "202"}, []string{"500", "418", "302", "200"}, good, []time.Duration{0, 5 * s, 15 * s, 17 * s, 22 * s, 32 * s, 37 * s}, nil},
		{"500 for good", []string{"500"}, []string{"200"}, good, []time.Duration{0, 5 * s, 15 * s, 35 * s}, ErrStatus},
		{"the report is 500 for good", []string{"202"}, []string{"302", "500"}, good, []time.Duration{0, 2 * s, 7 * s, 12 * s, 22 * s, 42 * s}, ErrStatus},
		{"nobody there", []string{"418"}, []string{"200"}, good, []time.Duration{0, 5 * s, 15 * s, 35 * s}, ErrUnreachable},
		{"refused", []string{"401"}, []string{"200"}, good, []time.Duration{0}, ErrRefused},
		{"400", []string{"400"}, []string{"200"}, good, []time.Duration{0}, ErrStatus},
		{"200 for a scan", []string{"200"}, []string{"200"}, good, []time.Duration{0}, ErrStatus},
		{"429", []string{"429", "202"}, []string{"200"}, good, []time.Duration{0, 5 * s, 7 * s}, nil},
		{"forgotten", []string{"202"}, []string{"302", "404"}, good, []time.Duration{0, 2 * s, 7 * s}, ErrStatus},
		{"wrong JSON", []string{"202"}, []string{"200"}, `{"vulnerabilities":[{`, []time.Duration{0, 2 * s}, ErrAnswer},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &steps{scans: c.scans, polls: c.polls, body: c.body, start: time.Now()}
				client := &Client{calls: inMemory{fake}, reports: inMemory{fake}}
				report, err := client.Vulnerabilities(t.Context(), Endpoint{URL: "http://scanner"}, job(), silent)
				if !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if err == nil && (len(report.Findings) != 2 || report.Severity != inventory.High) {
					t.Errorf("got %+v", report)
				}
				if fmt.Sprint(fake.at) != fmt.Sprint(c.at) {
					t.Errorf("asked at %v, want %v", fake.at, c.at)
				}
			})
		})
	}
}

func TestNeverReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &steps{scans: []string{"202"}, polls: []string{"302"}, start: time.Now()}
		client := &Client{calls: inMemory{fake}, reports: inMemory{fake}}
		_, err := client.Vulnerabilities(t.Context(), Endpoint{URL: "http://scanner"}, job(), silent)
		if took := time.Since(fake.start); !errors.Is(err, ErrLate) || took != ScanTime {
			t.Errorf("after %v: %v", took, err)
		}
		if f, _ := errors.AsType[*Failure](err); f == nil || f.Permanent() {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := client.Vulnerabilities(ctx, Endpoint{URL: "http://scanner"}, job(), silent); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrLate) {
			t.Errorf("stopped: %v", err)
		}
	})
}

// What is sent: the request as the adapter API 1.2 has it.
func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &steps{scans: []string{"202"}, polls: []string{"200"}, body: good, start: time.Now()}
		var heads []http.Header
		var paths []string
		client := &Client{}
		m := inMemory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			heads, paths = append(heads, r.Header), append(paths, r.Method+" "+r.URL.RequestURI())
			fake.ServeHTTP(w, r)
		})}
		client.calls, client.reports = m, m
		e := Endpoint{URL: "https://scanner.example.com/base/", Auth: APIKey, Credential: "canary-key"}
		j := job()
		j.Artifact.Tag, j.Artifact.Size = "v1", 123
		if _, err := client.Vulnerabilities(t.Context(), e, j, silent); err != nil {
			t.Fatal(err)
		}
		want := `{"registry":{"url":"https://registry.example.com","authorization":"Bearer canary-of-the-registry","insecure":false},` +
			`"artifact":{"repository":"p/app","tag":"v1","digest":"` + digest + `","mime_type":"` + OCIManifest + `","size":123},` +
			`"enabled_capabilities":[{"type":"vulnerability","produces_mime_types":["` + VulnerabilityReport + `"]}]}`
		if fake.requests[0] != want {
			t.Errorf("got  %s\nwant %s", fake.requests[0], want)
		}
		if fmt.Sprint(paths) != "[POST /base/api/v1/scan GET /base/api/v1/scan/scan%2F1/report]" {
			t.Errorf("got %v", paths)
		}
		if h := heads[0]; h.Get("Content-Type") != RequestType || h.Get("Accept") != ResponseType || h.Get("X-ScannerAdapter-API-Key") != "canary-key" || h.Get("Authorization") != "" {
			t.Errorf("got %v", h)
		}
		if h := heads[1]; h.Get("Accept") != VulnerabilityReport || h.Get("X-ScannerAdapter-API-Key") != "canary-key" || h.Get("Content-Type") != "" {
			t.Errorf("got %v", h)
		}

		fake.body, paths = `{"generated_at":"2026-11-01T10:00:00Z","scanner":{"name":"Fake"},"media_type":"application/spdx+json","sbom":{"spdxVersion":"SPDX-2.3", "name":"x"}}`, nil
		bill, err := client.Bill(t.Context(), e, j, silent)
		if err != nil || string(bill.Document) != `{"spdxVersion":"SPDX-2.3", "name":"x"}` || bill.MediaType != SPDX {
			t.Fatalf("got %+v, %v", bill, err)
		}
		if !strings.HasSuffix(fake.requests[1], `"enabled_capabilities":[{"type":"sbom","produces_mime_types":["`+SBOMReport+`"],"parameters":{"sbom_media_types":["application/spdx+json"]}}]}`) {
			t.Errorf("got %s", fake.requests[1])
		}
		if paths[1] != "GET /base/api/v1/scan/scan%2F1/report?sbom_media_type=application%2Fspdx%2Bjson" {
			t.Errorf("got %v", paths)
		}
	})
}

func TestAuthorization(t *testing.T) {
	for auth, want := range map[Auth]string{Basic: "Authorization: Basic dTpw", Bearer: "Authorization: Bearer u:p", APIKey: "X-Scanneradapter-Api-Key: u:p", NoAuth: ""} {
		h := http.Header{}
		Endpoint{Auth: auth, Credential: "u:p"}.authorize(h)
		var b bytes.Buffer
		h.Write(&b)
		if strings.TrimSpace(b.String()) != want {
			t.Errorf("%q: %q", auth, b.String())
		}
	}
}

const goodMetadata = `{"scanner":{"name":"Clair","vendor":"CoreOS","version":"4"},"capabilities":[{"consumes_mime_types":["application/vnd.docker.distribution.manifest.v2+json"],
	"produces_mime_types":["application/vnd.scanner.adapter.vuln.report.harbor+json;version=1.0"]}],"properties":{"harbor.scanner-adapter/registry-authorization-type":"Bearer"}}`

// hostile answers each path in a way of its own, over a real connection.
func hostile(w http.ResponseWriter, r *http.Request) {
	way, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	poll := strings.HasSuffix(r.URL.Path, "/report")
	if way, after := strings.CutPrefix(way, "report-"); after {
		if !poll {
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, `{"id":"1"}`)
			return
		}
		misbehave(w, r, way)
		return
	}
	misbehave(w, r, way)
}

func misbehave(w http.ResponseWriter, r *http.Request, way string) {
	switch way {
	case "good":
		io.WriteString(w, goodMetadata)
	case "redirect":
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusMovedPermanently)
	case "stall":
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case "gigabyte":
		w.Header().Set("Content-Length", "1073741824")
		endless(w, r, []byte(`"`))
	case "endless":
		io.WriteString(w, `{"scanner":{"name":"`)
		endless(w, r, []byte("x"))
	case "endless-list":
		io.WriteString(w, `{"vulnerabilities":[`)
		for i := 0; r.Context().Err() == nil; i++ {
			if _, err := fmt.Fprintf(w, `{"id":"CVE-%d","package":"p","version":"1"},`, i); err != nil {
				return
			}
		}
	case "echo":
		w.WriteHeader(http.StatusBadRequest)
		body, _ := io.ReadAll(r.Body)
		var said ErrorBody
		said.Error.Message = "sent: " + r.Header.Get("Authorization") + " " + string(body) + "\r\n\x1b[31m" + strings.Repeat("!", 10_000)
		json.NewEncoder(w).Encode(said)
	case "html":
		io.WriteString(w, "<html>")
	case "null":
		io.WriteString(w, "null")
	case "list":
		io.WriteString(w, "[]")
	case "types":
		io.WriteString(w, `{"scanner":{"name":7},"vulnerabilities":{}}`)
	case "two":
		io.WriteString(w, goodMetadata+goodMetadata)
	case "deep":
		io.WriteString(w, `{"properties":`+strings.Repeat("[", 1_000_000))
	}
}

func endless(w io.Writer, r *http.Request, text []byte) {
	text = bytes.Repeat(text, 64<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(text); err != nil {
			return
		}
	}
}

func quick(t *testing.T) *Client {
	t.Helper()
	purpose := outbound.Purpose{Reach: outbound.Administered(), Timeout: 300 * time.Millisecond, Stall: 300 * time.Millisecond, MaxBody: maxAnswer}
	reports := purpose
	reports.Timeout, reports.MaxBody = 20*time.Second, 4<<20
	c := &Client{outbound.New(purpose), outbound.New(reports)}
	t.Cleanup(c.Close)
	return c
}

func TestHostileMetadata(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hostile))
	t.Cleanup(s.Close)
	client := quick(t)
	for way, want := range map[string]struct {
		kind   error
		reason string
	}{
		"good": {nil, ""}, "redirect": {ErrStatus, "status 301"}, "stall": {ErrUnreachable, ""}, "gigabyte": {ErrAnswer, "the answer is too large"}, "endless": {ErrAnswer, "the answer is too large"},
		"html": {ErrAnswer, "it is no JSON"}, "null": {ErrAnswer, "missing"}, "list": {ErrAnswer, "it is a JSON array"}, "types": {ErrAnswer, "scanner.name is a JSON number"},
		"two": {ErrAnswer, "something comes after the end"}, "deep": {ErrAnswer, ""}, "echo": {ErrStatus, "sent: Basic [redacted]"},
	} {
		t.Run(way, func(t *testing.T) {
			m, err := client.Metadata(t.Context(), Endpoint{URL: s.URL + "/" + way, Auth: Basic, Credential: "somebody:canary-password"})
			failure, ok := errors.AsType[*Failure](err)
			if want.kind == nil {
				if err != nil || !m.WantsBearer() || !m.Supports(Vulnerability) || m.Supports(SBOM) {
					t.Fatalf("got %+v, %v", m, err)
				}
				return
			}
			if !ok || !errors.Is(err, want.kind) || !strings.Contains(failure.Error(), want.reason) {
				t.Fatalf("got %v, want %v: %s", err, want.kind, want.reason)
			}
			if text := failure.Error(); len(text) > 1000 || strings.ContainsAny(text, "\r\n\x1b") || strings.Contains(text, "canary") || strings.Contains(text, "Y2FuYXJ5") {
				t.Errorf("it says %q", text)
			}
		})
	}
	s.Close()
	if _, err := client.Metadata(t.Context(), Endpoint{URL: s.URL}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Metadata(t.Context(), Endpoint{URL: "http://169.254.169.254"}); !errors.Is(err, ErrUnreachable) || !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Metadata(ctx, Endpoint{URL: s.URL}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestHostileReports(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hostile))
	t.Cleanup(s.Close)
	client := quick(t)
	for way, reason := range map[string]string{
		"gigabyte": "too large", "endless": "too large", "endless-list": "too large", "redirect": "status 301", "html": "it is no JSON", "list": "it isn't the JSON object",
		"null": "it isn't the JSON object", "types": "scanner isn't an object", "echo": "status 400",
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			_, err := client.Vulnerabilities(t.Context(), Endpoint{URL: s.URL + "/report-" + way}, job(), silent)
			if _, ok := errors.AsType[*Failure](err); !ok || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, reason)
			}
		})
	}
}

// A scanner that stalls holds up nobody who waits for another one.
func TestSlowBesideQuick(t *testing.T) {
	stalled := make(chan struct{}, 20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/stall") {
			stalled <- struct{}{}
			<-r.Context().Done()
			return
		}
		io.WriteString(w, goodMetadata)
	}))
	t.Cleanup(s.Close)
	client := NewClient()
	t.Cleanup(client.Close)
	ctx, cancel := context.WithCancel(t.Context())
	var g sync.WaitGroup
	for range 20 {
		g.Go(func() { client.Metadata(ctx, Endpoint{URL: s.URL + "/stall"}) })
	}
	for range 20 {
		<-stalled
	}
	other := httptest.NewServer(s.Config.Handler)
	t.Cleanup(other.Close)
	if _, err := client.Metadata(t.Context(), Endpoint{URL: other.URL}); err != nil {
		t.Error(err)
	}
	cancel()
	g.Wait()
}

func TestMetadataCheck(t *testing.T) {
	image := []string{DockerManifest}
	name := Name{"n", "v", "1"}
	ok := Offer{Type: Vulnerability, Consumes: image, Produces: []string{VulnerabilityReport}}
	for what, c := range map[string]struct {
		m    Metadata
		fine bool
	}{
		"fine":               {Metadata{Scanner: name, Capabilities: []Offer{ok}}, true},
		"raw only":           {Metadata{Scanner: name, Capabilities: []Offer{{Consumes: image, Produces: []string{RawReport}}}}, true},
		"no name":            {Metadata{Scanner: Name{"", "v", "1"}, Capabilities: []Offer{ok}}, false},
		"no vendor":          {Metadata{Scanner: Name{"n", "", "1"}, Capabilities: []Offer{ok}}, false},
		"no version":         {Metadata{Scanner: Name{"n", "v", ""}, Capabilities: []Offer{ok}}, false},
		"nothing":            {Metadata{Scanner: name}, false},
		"takes no images":    {Metadata{Scanner: name, Capabilities: []Offer{ok, {Type: SBOM, Consumes: []string{OCIManifest}, Produces: []string{SBOMReport}}}}, false},
		"makes nothing":      {Metadata{Scanner: name, Capabilities: []Offer{{Type: SBOM, Consumes: image, Produces: []string{"text/plain"}}}}, false},
		"another capability": {Metadata{Scanner: name, Capabilities: []Offer{{Type: "mining", Consumes: image, Produces: []string{SBOMReport}}}}, false},
		"too many":           {Metadata{Scanner: name, Capabilities: slicesOf(ok, 33)}, false},
		"long":               {Metadata{Scanner: Name{strings.Repeat("n", 2000), "v", "1"}, Capabilities: []Offer{ok}}, false},
	} {
		if err := c.m.Check(); (err == nil) != c.fine || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	m := Metadata{Scanner: name, Capabilities: []Offer{{Consumes: image, Produces: []string{NativeReport, strings.ReplaceAll(VulnerabilityReport, "; ", ";")}}}}
	if best, found := m.Produces(Vulnerability); !found || best != VulnerabilityReport || !m.Consumes(Vulnerability, DockerManifest) || m.Consumes(Vulnerability, OCIManifest) {
		t.Errorf("got %q, %v", best, found)
	}
	if _, found := m.Produces(SBOM); found {
		t.Error("it makes SBOMs")
	}
}

func slicesOf(o Offer, n int) (all []Offer) {
	for range n {
		all = append(all, o)
	}
	return all
}

func TestShownHidesSecrets(t *testing.T) {
	sent := secret.Text("Basic cm9ib3Q6Y2FuYXJ5LXNlY3JldA==") // robot:canary-secret
	for _, words := range []string{"Basic cm9ib3Q6Y2FuYXJ5LXNlY3JldA==", "robot:canary-secret", "with canary-secret"} {
		if got := shown(words, sent); strings.Contains(got, "canary") || strings.Contains(got, "Y2FuYXJ5") {
			t.Errorf("%q became %q", words, got)
		}
	}
	if got := shown("user:canary-word", secret.Text("user:canary-word")); strings.Contains(got, "canary") {
		t.Errorf("got %q", got)
	}
	if got := shown("a\u202eb\x00c  d"); got != "a b c d" {
		t.Errorf("got %q", got)
	}
}
