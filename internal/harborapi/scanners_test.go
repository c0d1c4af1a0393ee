package harborapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/scan/adapter"
)

// newAdapter is a scanner that says of itself what Harbor's adapter of Trivy does; *down has it fail.
func newAdapter(t *testing.T, down *bool) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if *down || r.URL.Path != "/api/v1/metadata" || r.Header.Get("Authorization") != "Bearer canary-token" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"message":"not with %s"}}`, r.Header.Get("Authorization"))
			return
		}
		images := `["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json"]`
		fmt.Fprintf(w, `{"scanner":{"name":"Trivy","vendor":"Aqua Security","version":"9"},"capabilities":[
			{"type":"vulnerability","consumes_mime_types":%s,"produces_mime_types":[%q]},
			{"type":"sbom","consumes_mime_types":%s,"produces_mime_types":[%q]}],"properties":{"k":"v"}}`,
			images, adapter.VulnerabilityReport, images, adapter.SBOMReport)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestScanners(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.user("padmin")
		f.user("guest")
		f.project("admin", "scan", false)
		f.member("scan", "padmin", authz.ProjectAdmin)
		f.member("scan", "guest", authz.Guest)
		down := false
		server := newAdapter(t, &down)
		body := func(name, url string) string {
			return fmt.Sprintf(`{"name":%q,"url":%q,"description":"d","auth":"Bearer","access_credential":"canary-token"}`, name, url)
		}

		var own gen.ScannerRegistration
		f.must("guest", "GET", "/projects/scan/scanner", "", 200, &own)
		if own.Name != "Trivy" || !own.IsDefault || own.Health != "healthy" || own.Vendor != "Aqua Security" || own.Adapter != "Trivy" {
			t.Errorf("got %+v", own)
		}

		f.must("admin", "POST", "/scanners/ping", body("local", server.URL), 200, nil)
		location := f.must("admin", "POST", "/scanners", body("local", server.URL), 201, nil).Get("Location")
		path, ok := strings.CutPrefix(location, "/api/v2.0")
		if !ok || len(path) != len("/scanners/")+36 {
			t.Fatalf("Location %q", location)
		}
		uuid := strings.TrimPrefix(path, "/scanners/")

		// Fields and values as Harbor answers them.
		var raw map[string]any
		f.must("admin", "GET", path, "", 200, &raw)
		want := map[string]any{"access_credential": "", "auth": "Bearer", "description": "d", "disabled": false, "is_default": false, "name": "local",
			"skip_certVerify": false, "use_internal_addr": false, "url": server.URL, "uuid": uuid,
			"capabilities": map[string]any{"support_sbom": true, "support_vulnerability": true}}
		for key, value := range want {
			if !reflect.DeepEqual(raw[key], value) {
				t.Errorf("%s is %v, want %v", key, raw[key], value)
			}
		}
		if len(raw) != len(want)+2 { // create_time, update_time
			t.Errorf("got %v", raw)
		}
		var m gen.ScannerAdapterMetadata
		f.must("admin", "GET", path+"/metadata", "", 200, &m)
		if m.Scanner.Version != "9" || len(m.Capabilities) != 2 || m.Properties["k"] != "v" || m.Capabilities[1].ProducesMimeTypes[0] != adapter.SBOMReport {
			t.Errorf("got %+v", m)
		}

		for _, c := range []struct {
			method, path, body string
			status             int
			message            string
		}{
			{"POST", "/scanners", body("Trivy", server.URL), 400, `name "Trivy" is reserved, please try a different name`},
			{"POST", "/scanners", body("local", server.URL), 409, "exists already"},
			{"POST", "/scanners", body("other", server.URL+"/"), 409, "exists already"},
			{"POST", "/scanners", body("other", "http://127.0.0.1:1"), 400, "the scanner can't be reached: nothing listens there"},
			{"POST", "/scanners", body("other", "http://169.254.169.254/latest"), 400, "this address may not be connected to"},
			{"POST", "/scanners/ping", `{"name":"other","url":"` + server.URL + `","auth":"Bearer","access_credential":"wrong-token"}`, 400, "refuses the credential: status 401: not with Bearer [redacted]"},
			{"POST", "/scanners/ping", `{"name":"other","url":"` + server.URL + `","auth":"Bearer"}`, 400, "access_credential is required"},
			{"POST", "/scanners", `{"name":"other"}`, 422, "url"},
			{"DELETE", "/scanners/" + own.UUID, "", 403, "can't be deleted"},
			{"GET", "/scanners/nosuch", "", 404, ""},
			{"PUT", "/scanners/nosuch", body("x", server.URL), 404, ""},
			{"PATCH", "/scanners/nosuch", `{"is_default":true}`, 404, ""},
			{"GET", "/scanners/nosuch/metadata", "", 404, ""},
			{"PUT", "/projects/scan/scanner", `{"uuid":"nosuch"}`, 400, "there is no scanner nosuch"},
			{"PUT", "/projects/scan/metadatas/projectScanner", `{"projectScanner":"` + uuid + `"}`, 400, "invalid key"},
			{"POST", "/projects/scan/metadatas/", `{"projectScanner":"` + uuid + `"}`, 400, "invalid key"},
			{"DELETE", "/projects/scan/metadatas/projectScanner", "", 400, "invalid key"},
		} {
			if w := f.do("admin", c.method, c.path, c.body); w.Code != c.status || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), c.message) {
				t.Errorf("%s %s %s: %d %s; want %d %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.message)
			}
		}

		f.must("admin", "PATCH", path, `{"is_default":true}`, 200, nil)
		f.must("admin", "PATCH", path, `{"is_default":false}`, 200, nil)
		var of gen.ScannerRegistration
		f.must("guest", "GET", "/projects/scan/scanner", "", 200, &of)
		if of.Name != "local" || !of.IsDefault || of.Version != "9" {
			t.Errorf("got %+v", of)
		}
		var candidates []gen.ScannerRegistration
		f.must("padmin", "GET", "/projects/scan/scanner/candidates", "", 200, &candidates)
		names := []string{}
		for _, c := range candidates {
			names = append(names, c.Name)
		}
		if !slices.Equal(names, []string{"Trivy", "local"}) {
			t.Errorf("got %v", names)
		}
		f.must("padmin", "PUT", "/projects/scan/scanner", `{"uuid":"`+own.UUID+`"}`, 200, nil)
		f.must("guest", "GET", "/projects/scan/scanner", "", 200, &of)
		if of.Name != "Trivy" || of.IsDefault {
			t.Errorf("got %+v", of)
		}
		// PUT of a project sends all metadata back that was read.
		f.must("padmin", "PUT", "/projects/scan", `{"metadata":{"public":"false","projectScanner":"`+uuid+`"}}`, 200, nil)
		f.must("guest", "GET", "/projects/scan/scanner", "", 200, &of)
		if of.Name != "Trivy" {
			t.Errorf("chosen by metadata: %+v", of)
		}

		f.must("admin", "PUT", path, `{"name":"local","url":"`+server.URL+`","description":"e","auth":"Bearer","disabled":true}`, 200, nil)
		f.must("admin", "GET", path, "", 200, &of)
		if !of.Disabled || of.Description != "e" || of.Capabilities == nil {
			t.Errorf("got %+v", of)
		}
		down = true
		f.must("admin", "PUT", path, `{"name":"local","url":"`+server.URL+`","auth":"Bearer"}`, 200, nil) // asked anew
		w := f.do("admin", "GET", path, "")
		if !strings.Contains(w.Body.String(), `"capabilities":null`) {
			t.Errorf("one that doesn't answer: %s", w.Body)
		}
		if w := f.do("admin", "GET", path+"/metadata", ""); w.Code != 400 || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		f.must("admin", "DELETE", path, "", 200, &of)
		if of.Name != "local" || !of.IsDefault {
			t.Errorf("got %+v", of)
		}
		var all []gen.ScannerRegistration
		w = f.do("admin", "GET", "/scanners", "")
		if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all) != 1 || !all[0].IsDefault || w.Header().Get("X-Total-Count") != "1" {
			t.Errorf("got %s, %v", w.Body, w.Header())
		}
	})
}
