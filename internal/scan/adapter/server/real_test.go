package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/adapter/server"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

// The scanner as it is, with confined children and a database, asked by our client to scan what lies in a Haven,
// with a pass for that repository: it finds what Trivy finds, no more and no less.
func TestRealEngine(t *testing.T) {
	url := dbtest.PostgresURL(t) // a second process gives the passes
	s := apptest.Start(t, url)
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	box, err := secret.OpenBox(filepath.Join(s.Dir, "secret-key"))
	if err != nil {
		t.Fatal(err)
	}
	id := identity.New(identity.Deps{DB: d, Settings: setting.New(d, box, time.Now), Box: box, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	asAdmin(t, s.URL, "POST", "/api/v2.0/projects", "application/json", []byte(`{"project_name":"scan"}`), 201)
	p, err := project.New(project.Deps{DB: d, Clock: time.Now}).ByName(t.Context(), "scan")
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	if err := scantest.WriteDatabase(dir, 1); err != nil {
		t.Fatal(err)
	}
	engine := confined.New(confined.Options{TempDir: t.TempDir(), Children: 2})
	address := serve(t, server.Deps{
		Engine: engine, Editions: edition{vulndb.Edition{Dir: dir, UpdatedAt: scantest.UpdatedAt(1)}}, Auth: adapter.Basic, Credential: "u:canary",
		Workers: 2, Queue: 10, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	client := adapter.NewClient()
	t.Cleanup(client.Close)
	e := adapter.Endpoint{URL: address, Auth: adapter.Basic, Credential: "u:canary"}

	for _, name := range []string{"clean", "debian", "app"} {
		image := scantest.MakeImage(t, name)
		repository := "scan/" + name
		for _, b := range append([][]byte{image.Config}, image.Layers...) {
			location := asAdmin(t, s.URL, "POST", "/v2/"+repository+"/blobs/uploads/", "", nil, 202).Get("Location")
			asAdmin(t, s.URL, "PUT", location+"?digest="+scantest.Digest(b), "application/octet-stream", b, 201)
		}
		asAdmin(t, s.URL, "PUT", "/v2/"+repository+"/manifests/v1", adapter.OCIManifest, image.Manifest, 201)

		pass, err := id.GiveScanPass(t.Context(), "other", identity.TokenAccess{Name: repository, ProjectID: p.ID, ProjectEpoch: p.Epoch}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, authorization := range []secret.Text{pass.Basic, pass.Bearer} {
			j := adapter.Job{Registry: s.URL, Authorization: authorization, Artifact: adapter.Artifact{
				Repository: repository, Digest: scantest.Digest(image.Manifest), MediaType: adapter.OCIManifest, Size: int64(len(image.Manifest))}}
			report, err := client.Vulnerabilities(t.Context(), e, j, t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, f := range report.Findings {
				got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s", f.Package, f.Version, f.ID, f.Fixed, strings.ToUpper(f.Severity.String())))
			}
			for _, row := range scantest.Expected(name, 1) {
				_, rest, _ := strings.Cut(row, "|")
				want = append(want, rest)
			}
			slices.Sort(got)
			slices.Sort(want)
			if want = slices.Compact(want); !slices.Equal(got, want) {
				t.Errorf("%s: %d findings, want %d", name, len(got), len(want))
			}
			t.Logf("%s: %d findings", name, len(got))
			bill, err := client.Bill(t.Context(), e, j, t.Logf)
			if err != nil || !bytes.Contains(bill.Document, []byte("pkg:deb/debian/")) {
				t.Errorf("%s: an SBOM of %d bytes, %v", name, len(bill.Document), err)
			}
		}
		if err := id.EndScanPass(t.Context(), pass.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// edition is the one that there is.
type edition struct{ vulndb.Edition }

func (e edition) Current(context.Context) (vulndb.Edition, error) { return e.Edition, nil }

// serve runs the scanner until the test ends.
func serve(t *testing.T, d server.Deps) (address string) {
	t.Helper()
	s := server.New(d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		h.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h.URL
}

func asAdmin(t *testing.T, base, method, path, mediaType string, body []byte, status int) http.Header {
	t.Helper()
	r, err := http.NewRequest(method, base+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:"+apptest.AdminPassword)))
	r.Header.Set("Content-Type", mediaType)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d", method, path, answer.StatusCode, status)
	}
	return answer.Header
}
