package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "scan-worker" { // a confined child of the real engine
		os.Exit(confined.Work(os.Args[2]))
	}
	dbtest.Main(m)
}

// engine finds a package "p" with a vulnerability in each layer that says so. It stands for the real one where
// only the protocol matters; TestRealEngine has that.
type engine struct {
	confined.Engine
	read    atomic.Int64
	block   chan struct{} // Layer waits for it, unless nil
	unknown bool
}

func (e *engine) Layer(ctx context.Context, blob io.Reader, _ string) (l inventory.Layer, err error) {
	e.read.Add(1)
	if e.block != nil {
		select {
		case <-e.block:
		case <-ctx.Done():
			return l, ctx.Err()
		}
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(blob, head); err != nil { // and no more: the rest is the server's to verify
		return l, &confined.Failure{Cause: confined.Content, Reason: "the layer is cut off"}
	}
	p := inventory.Package{Subject: inventory.Subject{Class: inventory.Library, Scope: "npm", Name: "p", Version: string(head)}}
	return inventory.Layer{Revision: inventory.Revision, Files: []inventory.File{{Path: "app/" + string(head), Type: "npm", Packages: []inventory.Package{p}}}}, nil
}

func (e *engine) Judge(_ context.Context, _ vulndb.Edition, subjects []inventory.Subject) (all []inventory.Verdict, _ error) {
	for range subjects {
		all = append(all, inventory.Verdict{Unknown: e.unknown, Findings: []inventory.Finding{{ID: "CVE-1", Severity: inventory.High, Fixed: "9", Status: "fixed",
			Detail: inventory.Detail{Source: "ghsa", Title: "title", Link: "https://a.example.com", Links: []string{"https://a.example.com", "https://b.example.com"},
				CWEs: []string{"CWE-79"}, CVSS: map[string]inventory.CVSS{"nvd": {V3Score: 7.5, V3Vector: "CVSS:3.1/AV:N"}}}}}})
	}
	return all, nil
}

func (e *engine) SBOM(_ context.Context, _ inventory.Inventory, r confined.SBOMRequest) ([]byte, error) {
	if r.Format == confined.CycloneDX {
		return []byte(`{"bomFormat":"CycloneDX"}`), nil
	}
	return fmt.Appendf(nil, `{"spdxVersion":"SPDX-2.3", "name":%q}`, r.Name), nil
}

func (*engine) JudgeEach(context.Context, vulndb.Edition, iter.Seq[inventory.Subject], func(inventory.Subject, inventory.Verdict) error) error {
	return errors.ErrUnsupported
}

type editions struct{ vulndb.Edition }

func (e editions) Current(context.Context) (vulndb.Edition, error) {
	if e.Dir == "" {
		return vulndb.Edition{}, vulndb.ErrNone
	}
	return e.Edition, nil
}

// registry serves one image in one repository to who has its credential.
type registry struct {
	*httptest.Server
	mu      sync.Mutex
	blobs   map[string][]byte // by digest
	service string            // "basic", "token" or "bearer"
	pulls   []string
	got     map[string]bool // values of Authorization
	answer  func(w http.ResponseWriter, r *http.Request) bool
}

const robot = "Basic cm9ib3Q6Y2FuYXJ5" // robot:canary

func newRegistry(t *testing.T, service string, contents ...[]byte) *registry {
	r := &registry{blobs: map[string][]byte{}, service: service, got: map[string]bool{}}
	for _, b := range contents {
		r.blobs[scantest.Digest(b)] = b
	}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (g *registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pulls = append(g.pulls, r.URL.Path)
	sent := r.Header.Get("Authorization")
	g.got[sent] = true
	if g.answer != nil && g.answer(w, r) {
		return
	}
	if r.URL.Path == "/token" {
		if sent != robot || r.URL.Query().Get("scope") != "repository:p/app:pull" || r.URL.Query().Get("service") != "s" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, `{"token":"t"}`)
		return
	}
	switch want := map[string]string{"basic": robot, "token": "Bearer t", "bearer": "Bearer given"}[g.service]; {
	case sent != want:
		if g.service == "token" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+g.URL+`/token",service="s",scope="repository:x:pull"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	b, ok := g.blobs[name]
	if !ok || !strings.HasPrefix(r.URL.Path, "/v2/p/app/") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if strings.Contains(r.URL.Path, "/manifests/") {
		w.Header().Set("Content-Type", adapter.OCIManifest)
	}
	w.Write(b)
}

// image is a manifest of layers with these contents.
func image(layers ...string) (manifest []byte, contents [][]byte) {
	config := []byte(`{}`)
	var list []string
	for _, l := range layers {
		list = append(list, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}`, scantest.Digest([]byte(l)), len(l)))
		contents = append(contents, []byte(l))
	}
	manifest = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":2},"layers":[%s]}`,
		adapter.OCIManifest, scantest.Digest(config), strings.Join(list, ","))
	return manifest, append(contents, config, manifest)
}

// start runs a scanner; what it logs must not have secrets in it.
func start(t *testing.T, d Deps) (string, *Server) {
	t.Helper()
	if d.Engine == nil {
		d.Engine = &engine{}
	}
	if d.Editions == nil {
		d.Editions = editions{vulndb.Edition{Dir: "x", UpdatedAt: time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)}}
	}
	if d.Clock == nil {
		d.Clock = time.Now
	}
	log := &lockedBuffer{}
	d.Log = slog.New(slog.NewTextHandler(log, nil))
	s := New(d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		h.Close()
		cancel()
		<-done
		if text := log.String(); strings.Contains(text, "canary") || strings.Contains(text, robot) {
			t.Errorf("the log has secrets in it:\n%s", text)
		}
	})
	return h.URL, s
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func job(registry string, manifest []byte, authorization secret.Text) adapter.Job {
	return adapter.Job{
		Registry: registry, Authorization: authorization, MediaType: adapter.VulnerabilityReport,
		Artifact: adapter.Artifact{Repository: "p/app", Tag: "v1", Digest: scantest.Digest(manifest), MediaType: adapter.OCIManifest, Size: int64(len(manifest))},
	}
}

func say(t *testing.T) adapter.Say { return t.Logf }

// The scanner, asked by our own client.
func TestScans(t *testing.T) {
	t.Parallel()
	manifest, contents := image("1.0 first layer", "2.0 second layer")
	url, _ := start(t, Deps{Auth: adapter.APIKey, Credential: "canary-key"})
	client := adapter.NewClient()
	t.Cleanup(client.Close)
	e := adapter.Endpoint{URL: url, Auth: adapter.APIKey, Credential: "canary-key"}
	m, err := client.Metadata(t.Context(), e)
	if err != nil || m.Scanner.Name != "Trivy" || !m.Supports(adapter.SBOM) || !m.Consumes(adapter.Vulnerability, adapter.OCIManifest) || m.WantsBearer() ||
		m.Properties[adapter.DatabaseUpdated] != "2026-11-01T06:00:00Z" {
		t.Fatalf("got %+v, %v", m, err)
	}
	for service, authorization := range map[string]secret.Text{"basic": robot, "token": robot, "bearer": "Bearer given"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			g := newRegistry(t, service, contents...)
			report, err := client.Vulnerabilities(t.Context(), e, job(g.URL, manifest, authorization), say(t))
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Findings) != 2 || report.Severity != inventory.High || len(report.Notes) != 0 || report.Scanner.Name != "Trivy" {
				t.Fatalf("got %+v", report)
			}
			f := report.Findings[0]
			if f.ID != "CVE-1" || f.Package != "p" || f.Fixed != "9" || f.Status != "fixed" || f.Detail.Description != "title" || !slices.Equal(f.Detail.Links, []string{"https://a.example.com", "https://b.example.com"}) ||
				f.Preferred.V3Score != 7.5 || f.Detail.CVSS["nvd"].V3Vector != "CVSS:3.1/AV:N" || !slices.Equal(f.Detail.CWEs, []string{"CWE-79"}) || !strings.HasPrefix(f.ArtifactDigests[0], "sha256:") {
				t.Errorf("got %+v", f)
			}
			bill, err := client.Bill(t.Context(), e, job(g.URL, manifest, authorization), say(t))
			if err != nil || string(bill.Document) != fmt.Sprintf(`{"spdxVersion":"SPDX-2.3", "name":%q}`, strings.TrimPrefix(g.URL, "http://")+"/p/app") {
				t.Errorf("got %s, %v", bill.Document, err)
			}
			j := job(g.URL, manifest, authorization)
			j.SBOM = adapter.CycloneDX
			if bill, err = client.Bill(t.Context(), e, j, say(t)); err != nil || bill.MediaType != adapter.CycloneDX {
				t.Errorf("got %+v, %v", bill, err)
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			blobs := slices.DeleteFunc(g.pulls, func(p string) bool { return !strings.Contains(p, "/blobs/") })
			if len(blobs) != 2 { // each layer once for all three scans
				t.Errorf("fetched %v", blobs)
			}
			if service == "bearer" && (len(g.got) != 1 || !g.got["Bearer given"]) {
				t.Errorf("sent %v", g.got)
			}
		})
	}
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	for auth, right := range map[adapter.Auth][2]string{
		adapter.APIKey: {"X-ScannerAdapter-API-Key", "user:canary"}, adapter.Bearer: {"Authorization", "Bearer user:canary"},
		adapter.Basic: {"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("user:canary"))}, adapter.NoAuth: {"X-Other", ""},
	} {
		url, _ := start(t, Deps{Auth: auth, Credential: "user:canary"})
		for _, path := range []string{"/api/v1/metadata", "/api/v1/scan/x/report", "/api/v1/scan"} {
			ask := func(name, value string) int {
				method := http.MethodGet
				if strings.HasSuffix(path, "/scan") {
					method = http.MethodPost
				}
				r, _ := http.NewRequest(method, url+path, strings.NewReader("{}"))
				r.Header.Set(name, value)
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				return answer.StatusCode
			}
			if got := ask(right[0], right[1]); got == http.StatusUnauthorized {
				t.Errorf("%q %s: refused", auth, path)
			}
			for _, wrong := range []string{"", "Bearer", "Basic ", "user:canaryx", right[1] + "x", strings.ToLower(right[1])} {
				if got := ask(right[0], wrong); (got == http.StatusUnauthorized) != (auth != adapter.NoAuth) && wrong != right[1] {
					t.Errorf("%q %s with %q: %d", auth, path, wrong, got)
				}
			}
		}
	}
	url, _ := start(t, Deps{Auth: adapter.Bearer}) // a credential that was forgotten lets nobody in
	if answer, err := http.Get(url + "/api/v1/metadata"); err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %v, %v", answer, err)
	}
	for path, want := range map[string]int{"/probe/healthy": 200, "/probe/ready": 200} {
		if answer, err := http.Get(url + path); err != nil || answer.StatusCode != want {
			t.Errorf("%s: %v, %v", path, answer, err)
		}
	}
	url, _ = start(t, Deps{Editions: editions{}})
	if answer, err := http.Get(url + "/probe/ready"); err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a database: %v, %v", answer, err)
	}
}

// raw asks without the client.
func raw(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// What the adapter API says of each answer, without our client in between.
func TestProtocol(t *testing.T) {
	t.Parallel()
	manifest, contents := image("1.0 layer")
	g := newRegistry(t, "basic", contents...)
	block := make(chan struct{})
	url, _ := start(t, Deps{Engine: &engine{block: block}, Workers: 1, Queue: 1})
	request := func(change func(r *adapter.ScanRequest)) string {
		r := adapter.ScanRequest{Registry: adapter.Registry{URL: g.URL, Authorization: robot}, Artifact: adapter.Artifact{Repository: "p/app", Digest: scantest.Digest(manifest), MediaType: adapter.OCIManifest}}
		if change != nil {
			change(&r)
		}
		text, _ := json.Marshal(r)
		return string(text)
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"no JSON":    {"<", 400},
		"wrong JSON": {`{"registry":7}`, 400},
		"too large":  {`{"x":"` + strings.Repeat("x", 100_000) + `"}`, 400},
		"nothing":    {`{}`, 422},
		"another scheme": {request(func(r *adapter.ScanRequest) {
			r.Registry.URL = "file:///etc/passwd"
		}), 422},
		"a path out": {request(func(r *adapter.ScanRequest) { r.Artifact.Repository = "p/../../secret" }), 422},
		"no digest":  {request(func(r *adapter.ScanRequest) { r.Artifact.Digest = "v1" }), 422},
		"unknown":    {request(func(r *adapter.ScanRequest) { r.Capabilities = []adapter.Wanted{{Type: "mining"}} }), 422},
		"odd SBOM": {request(func(r *adapter.ScanRequest) {
			r.Capabilities = []adapter.Wanted{{Type: adapter.SBOM, Parameters: &adapter.WantedSBOM{MediaTypes: []string{"text/plain"}}}}
		}), 422},
	} {
		answer, text := raw(t, "POST", url+"/api/v1/scan", c.body)
		var body adapter.ErrorBody
		if answer.StatusCode != c.status || json.Unmarshal([]byte(text), &body) != nil || body.Error.Message == "" {
			t.Errorf("%s: %d %s, want %d", name, answer.StatusCode, text, c.status)
		}
	}
	answer, text := raw(t, "POST", url+"/api/v1/scan", request(nil), "Content-Type", adapter.RequestType)
	var accepted adapter.ScanResponse
	if answer.StatusCode != http.StatusAccepted || json.Unmarshal([]byte(text), &accepted) != nil || accepted.ID == "" || answer.Header.Get("Content-Type") != adapter.ResponseType {
		t.Fatalf("got %d %s", answer.StatusCode, text)
	}
	report := url + "/api/v1/scan/" + accepted.ID + "/report"
	answer, _ = raw(t, "GET", report, "", "Accept", adapter.VulnerabilityReport)
	if answer.StatusCode != http.StatusFound || answer.Header.Get("Refresh-After") != "5" {
		t.Errorf("got %d %v", answer.StatusCode, answer.Header)
	}
	// One is worked on, one waits, and then the queue is full.
	full := 0
	for range 3 {
		if answer, _ := raw(t, "POST", url+"/api/v1/scan", request(nil)); answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "" {
			full++
		}
	}
	if full == 0 {
		t.Error("the queue has no bound")
	}
	close(block)
	await.Until(t, "the report is there", func() bool {
		answer, text = raw(t, "GET", report, "", "Accept", adapter.NativeReport)
		return answer.StatusCode != http.StatusFound
	})
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != adapter.NativeReport || !strings.Contains(text, `"severity":"High","vulnerabilities":[{"id":"CVE-1","package":"p","version":"1.0 ","fix_version":"9","severity":"High","status":"fixed"`) {
		t.Errorf("got %d %s", answer.StatusCode, text)
	}
	for name, c := range map[string]struct {
		path, accept string
		status       int
	}{
		"no such scan":   {"/api/v1/scan/nosuch/report", adapter.VulnerabilityReport, 404},
		"not asked for":  {"/api/v1/scan/" + accepted.ID + "/report", adapter.SBOMReport, 404},
		"another type":   {"/api/v1/scan/" + accepted.ID + "/report", "text/html", 415},
		"any":            {"/api/v1/scan/" + accepted.ID + "/report", "*/*", 200},
		"not of the API": {"/api/v1/scans", "", 404},
	} {
		if answer, text := raw(t, "GET", url+c.path, "", "Accept", c.accept); answer.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", name, answer.StatusCode, text, c.status)
		}
	}
}

// What a registry, or who pretends to be one, can do to the scanner.
func TestHostileRegistries(t *testing.T) {
	t.Parallel()
	manifest, contents := image("1.0 layer")
	_, otherContents := image("2.0 other")
	blob := scantest.Digest(contents[0])
	elsewhere := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Authorization"]) > 0 {
			t.Errorf("the credential went to another origin: %s", r.URL)
		}
		w.Write(contents[0])
	}))
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Listener.Close()
	elsewhere.Listener = l
	elsewhere.Start()
	t.Cleanup(elsewhere.Close)
	listed := outbound.Internet(netip.MustParsePrefix("127.0.0.2/32"))
	onBlob := func(f func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/blobs/") {
				f(w, r)
				return true
			}
			return false
		}
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request) bool
		reach  outbound.Reach
		reason string // "" for a report
	}{
		"as it should be": {nil, outbound.Reach{}, ""},
		"storage elsewhere, listed": {onBlob(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusTemporaryRedirect)
		}), listed, ""},
		"storage elsewhere, private": {onBlob(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusTemporaryRedirect)
		}), outbound.Reach{}, "this address may not be connected to"},
		"metadata": {onBlob(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusTemporaryRedirect)
		}), listed, "this address may not be connected to"},
		"other bytes": {onBlob(func(w http.ResponseWriter, r *http.Request) { w.Write(otherContents[0]) }), outbound.Reach{}, "the registry sends other bytes than " + blob},
		"a part":      {onBlob(func(w http.ResponseWriter, r *http.Request) { w.Write(contents[0][:6]) }), outbound.Reach{}, "the registry sends other bytes"},
		"too few":     {onBlob(func(w http.ResponseWriter, r *http.Request) { w.Write(contents[0][:2]) }), outbound.Reach{}, "the registry sends other bytes"},
		"more": {onBlob(func(w http.ResponseWriter, r *http.Request) {
			w.Write(append(slices.Clone(contents[0]), "more"...))
		}), outbound.Reach{}, "the registry sends other bytes"},
		"a gigabyte": {onBlob(func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < 1<<14; i++ {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}), outbound.Reach{}, "the registry sends other bytes"},
		"no blob": {onBlob(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }), outbound.Reach{}, "the registry answers 404 for /blobs/" + blob},
		"another manifest": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", adapter.OCIManifest)
			w.Write(otherContents[2])
			return true
		}, outbound.Reach{}, "the registry sends another manifest"},
		"a huge manifest": {func(w http.ResponseWriter, r *http.Request) bool { w.Write(make([]byte, 5<<20)); return true }, outbound.Reach{}, "the answer is too large"},
		"always 401":      {func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(401); return true }, outbound.Reach{}, "the registry refuses the authorization"},
		"a realm elsewhere": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+elsewhere.URL+`/token"`)
			w.WriteHeader(401)
			return true
		}, listed, "the registry's token service answers 200 without a token"},
		"a private realm elsewhere": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+elsewhere.URL+`/token"`)
			w.WriteHeader(401)
			return true
		}, outbound.Reach{}, "this address may not be connected to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newRegistry(t, "basic", contents...)
			g.answer = c.answer
			_, s := start(t, Deps{Elsewhere: c.reach})
			got, err := s.scan(t.Context(), orderFor(t, g.URL, manifest))
			if c.reason == "" {
				if err != nil || len(got) != 1 {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(reason(err), c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		_, s := start(t, Deps{})
		for address, want := range map[string]string{"http://127.0.0.1:1": "nothing listens there", "http://169.254.169.254": "this address may not be connected to"} {
			if _, err := s.scan(t.Context(), orderFor(t, address, manifest)); err == nil || !strings.Contains(reason(err), want) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
	t.Run("no database", func(t *testing.T) {
		g := newRegistry(t, "basic", contents...)
		_, s := start(t, Deps{Editions: editions{}})
		if _, err := s.scan(t.Context(), orderFor(t, g.URL, manifest)); reason(err) != "the scanner has no vulnerability database yet" {
			t.Errorf("got %v", err)
		}
	})
}

func orderFor(t *testing.T, registry string, manifest []byte) order {
	t.Helper()
	o, err := newOrder(adapter.ScanRequest{
		Registry: adapter.Registry{URL: registry, Authorization: robot},
		Artifact: adapter.Artifact{Repository: "p/app", Digest: scantest.Digest(manifest), MediaType: adapter.OCIManifest},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestScansAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newScans(1000, func() time.Time { return now })
	add := func() *scan {
		t.Helper()
		if _, err := s.add(order{authorization: "canary"}); err != nil {
			t.Fatal(err)
		}
		return <-s.queue
	}
	k := kind{mediaType: adapter.VulnerabilityReport}
	first := add()
	s.end(first, map[kind][]byte{k: make([]byte, mostBytes+1)}, "")
	if text, done, err := s.report(first.id, k); len(text) != mostBytes+1 || !done || err != nil || first.order.authorization != "" {
		t.Fatalf("got %d bytes, %v, %v", len(text), done, err)
	}
	second := add()
	s.end(second, nil, "broken")
	if _, _, err := s.report(first.id, k); err == nil {
		t.Error("too many bytes are kept")
	}
	if _, _, err := s.report(second.id, k); err == nil || err.Error() != "broken" {
		t.Errorf("got %v", err)
	}
	now = now.Add(keepFor + time.Second)
	if _, _, err := s.report(second.id, k); err == nil || !strings.Contains(err.Error(), "no such scan") {
		t.Errorf("got %v", err)
	}
	for range mostEnded + 10 {
		s.end(add(), nil, "")
	}
	if len(s.all) != mostEnded || s.ended.Len() != mostEnded {
		t.Errorf("%d scans are kept", len(s.all))
	}
}

func TestLayersAreForgotten(t *testing.T) {
	t.Parallel()
	l := newLayers()
	content := inventory.Layer{Files: []inventory.File{{Packages: make([]inventory.Package, 9999)}}}
	for i := range 100 {
		l.put(layerKey{"o", digestNumber(i)}, content)
		l.get(layerKey{"o", digestNumber(0)})
	}
	if l.packages > mostPackages || l.order.Len() != len(l.at) || l.order.Len() != 20 {
		t.Errorf("%d packages of %d layers", l.packages, l.order.Len())
	}
	if _, ok := l.get(layerKey{"o", digestNumber(0)}); !ok {
		t.Error("the one that is used is forgotten")
	}
	if _, ok := l.get(layerKey{"other", digestNumber(0)}); ok {
		t.Error("another registry has it")
	}
	l.put(layerKey{"o", "large"}, inventory.Layer{Gone: make([]string, mostPackages)})
	if _, ok := l.get(layerKey{"o", "large"}); ok {
		t.Error("one took the room of all")
	}
}

func digestNumber(i int) oci.Digest { return oci.SHA256Of([]byte{byte(i)}) }
