package harborapi

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// fakeScanner stands for the confined child, the database and the registrations: every image consists of curl and
// zlib of Debian 12, and curl has three vulnerabilities.
type fakeScanner struct{ disabled bool }

func (*fakeScanner) Layer(context.Context, io.Reader, string) (l inventory.Layer, err error) {
	return l, nil
}

func (*fakeScanner) merge([]inventory.Layer) inventory.Inventory {
	of := func(name, version string) inventory.Package {
		return inventory.Package{Subject: inventory.Subject{Class: inventory.OSPackage, Scope: "debian 12", Name: name, Version: version, Epoch: 1}, Layer: "sha256:layer"}
	}
	return inventory.Inventory{OS: inventory.OS{Family: "debian", Name: "12"}, Packages: []inventory.Package{of("curl", "7"), of("zlib", "=1")}}
}

func (*fakeScanner) JudgeEach(_ context.Context, _ vulndb.Edition, subjects iter.Seq[inventory.Subject], each func(inventory.Subject, inventory.Verdict) error) error {
	for s := range subjects {
		var v inventory.Verdict
		if s.Name == "curl" {
			for i, severity := range []inventory.Severity{inventory.Critical, inventory.High, inventory.Unknown} {
				v.Findings = append(v.Findings, inventory.Finding{ID: fmt.Sprintf("CVE-2026-%d", i+1), Severity: severity, Fixed: "8", Status: "fixed", Detail: inventory.Detail{
					Source: "debian", Link: "https://example.com/cve", CWEs: []string{"CWE-1"}, Description: "=cmd()",
					CVSS: map[string]inventory.CVSS{"nvd": {V3Score: 2 * float64(severity), V3Vector: "CVSS:3.1/AV:N"}}}})
			}
		}
		if err := each(s, v); err != nil {
			return err
		}
	}
	return nil
}

func (*fakeScanner) SBOM(context.Context, inventory.Inventory, confined.SBOMRequest) ([]byte, error) {
	return []byte(`{"spdxVersion":"SPDX-2.3"}`), nil
}

func (*fakeScanner) Current(context.Context) (vulndb.Edition, error) {
	return vulndb.Edition{Digest: "sha256:edition", UpdatedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}, nil
}

func (s *fakeScanner) InForce(context.Context, int64) (scan.Scanner, error) {
	return scan.Scanner{ID: "own", Name: "Trivy", Vendor: "Aqua Security", Version: "1", Own: true, Disabled: s.disabled}, nil
}

func (s *fakeScanner) ByID(ctx context.Context, _ string) (scan.Scanner, error) {
	return s.InForce(ctx, 0)
}

func (s *fakeScanner) Own(ctx context.Context) (scan.Scanner, error) { return s.InForce(ctx, 0) }

// idle waits until no job is open.
func (f *fixture) idle() {
	f.t.Helper()
	await.Until(f.t, "no job is open", func() bool {
		ok(f.t, f.events.Drain(f.t.Context()))
		n, err := db.Get(f.t.Context(), f.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM job_execution WHERE status IN ('Pending', 'Running')`)
		ok(f.t, err)
		return n == 0
	})
}

func TestScans(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		f.running()
		id := f.project("admin", "perm", false)
		f.user("maintainer")
		f.member("perm", "maintainer", 4)
		digest := f.push("perm/app", "v1", "a")
		const at = "/projects/perm/repositories/app/artifacts/v1"
		var a gen.Artifact
		f.must("admin", "GET", at+"?with_scan_overview=true&with_sbom_overview=true", "", 200, &a)
		if a.ScanOverview != nil || a.SbomOverview != nil || !strings.HasSuffix(a.AdditionLinks["sboms"].Href, "/artifacts//additions/sbom") {
			t.Errorf("not scanned: %+v", a)
		}
		if w := f.do("admin", "GET", at+"/additions/vulnerabilities", ""); strings.TrimSpace(w.Body.String()) != "{}" {
			t.Errorf("not scanned: %s", w.Body)
		}
		if w := f.do("admin", "POST", at+"/scan", `{"scan_type":"magic"}`); w.Code != 422 && w.Code != 400 {
			t.Errorf("unknown kind: %d", w.Code)
		}
		f.must("maintainer", "POST", at+"/scan", `{"scan_type":"vulnerability"}`, 202, nil)
		f.must("maintainer", "POST", at+"/scan", `{"scan_type":"sbom"}`, 202, nil)
		f.idle()
		f.must("admin", "GET", at+"?with_scan_overview=true&with_sbom_overview=true&with_accessory=true", "", 200, &a)
		o := a.ScanOverview[reportType]
		if o.ScanStatus != "Success" || o.Severity != "Critical" || o.Summary.Total != 3 || o.Summary.Fixable != 3 || o.Summary.Summary["Unknown"] != 1 || o.CompletePercent != 100 ||
			o.Scanner.Name != "Trivy" || o.Evaluated != "wholly" || o.DatabaseDigest != "sha256:edition" || o.CountedSummary != nil {
			t.Errorf("overview %+v", o)
		}
		if a.SbomOverview == nil || a.SbomOverview.ScanStatus != "Success" || !strings.Contains(a.AdditionLinks["sboms"].Href, a.SbomOverview.SbomDigest) {
			t.Fatalf("bill %+v", a.SbomOverview)
		}
		w := f.do("admin", "GET", "/projects/perm/repositories/app/artifacts/"+a.SbomOverview.SbomDigest+"/additions/sbom", "")
		if w.Code != 200 || w.Header().Get("Content-Type") != scan.MediaTypeSBOM || w.Body.String() != `{"spdxVersion":"SPDX-2.3"}` {
			t.Errorf("document %d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := f.do("admin", "GET", at+"/additions/sbom", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "addition SBOM isn't supported for IMAGE(manifest version 2)") {
			t.Errorf("of the image: %d %s", w.Code, w.Body)
		}
		var report map[string]gen.VulnerabilityReport
		f.must("admin", "GET", at+"/additions/vulnerabilities", "", 200, &report)
		v := report[reportType].Vulnerabilities
		if len(v) != 3 || v[0].ID != "CVE-2026-1" || v[0].Version != "1:7" || v[0].ArtifactDigests[0] != string(digest) || *v[0].PreferredCvss.ScoreV3 != 10 || v[0].Places[0].Layer == "" {
			t.Errorf("report %+v", report)
		}
		if w := f.do("admin", "GET", at+"/scan/"+o.ReportID+"/log", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "scanning perm/app@") {
			t.Errorf("log %d %s", w.Code, w.Body)
		}
		if w := f.do("admin", "GET", at+"/scan/nosuch/log", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "invalid UUID nosuch") {
			t.Errorf("log %d %s", w.Code, w.Body)
		}
		f.must("maintainer", "POST", at+"/scan/stop", `{"scan_type":"vulnerability"}`, 202, nil)

		// An allowlist changes what counts, and nothing that is known.
		f.must("admin", "PUT", "/projects/perm", `{"metadata":{"reuse_sys_cve_allowlist":"false"},"cve_allowlist":{"items":[{"cve_id":"CVE-2026-1"}]}}`, 200, nil)
		var page []gen.Artifact
		f.must("admin", "GET", "/projects/perm/repositories/app/artifacts?with_scan_overview=true", "", 200, &page)
		if o := page[0].ScanOverview[reportType]; o.Summary.Total != 3 || o.CountedSummary == nil || o.CountedSummary.Total != 2 || o.CountedSummary.Summary["Critical"] != 0 {
			t.Errorf("with an allowlist %+v", o)
		}
		f.must("admin", "GET", at+"/additions/vulnerabilities", "", 200, &report)
		if e := report[reportType].Vulnerabilities[0].Excuse; e == nil || !e.Allowlist {
			t.Errorf("excuse %+v", e)
		}
		f.hub(id, string(digest))
		f.export(id)
	})
}

// hub looks at what is known of the whole registry.
func (f *fixture) hub(project, digest string) {
	f.t.Helper()
	var sum gen.SecuritySummary
	f.must("admin", "GET", "/security/summary?with_dangerous_cve=true&with_dangerous_artifact=true", "", 200, &sum)
	if sum.CriticalCnt != 1 || sum.HighCnt != 1 || sum.UnknownCnt != 1 || sum.TotalVuls != 3 || sum.FixableCnt != 3 || sum.ScannedCnt != 1 || sum.TotalArtifact != 2 ||
		len(sum.DangerousCves) != 2 || sum.DangerousCves[0].CveID != "CVE-2026-1" || len(sum.DangerousArtifacts) != 1 || sum.DangerousArtifacts[0].RepositoryName != "perm/app" {
		f.t.Errorf("summary %+v", sum)
	}
	for query, want := range map[string]int{
		"": 3, "q=severity%3DCritical": 1, "q=cvss_score_v3%3D[7.0~10.0]": 2, "q=cve_id%3DCVE-2026-2": 1, "q=repository_name%3Dperm/app": 3, "q=repository_name%3Dperm/none": 0,
		"q=project_id%3D" + project: 3, "q=package%3Dcurl": 3, "q=package%3Dzlib": 0, "q=digest%3D" + digest: 3, "q=tag%3Dv1,status%3Dfixed": 3, "q=tag%3Dv2": 0,
	} {
		var items []gen.VulnerabilityItem
		h := f.must("admin", "GET", "/security/vul?with_tag=true&"+query, "", 200, &items)
		if len(items) != want || h.Get("X-Total-Count") != fmt.Sprint(want) {
			f.t.Errorf("%s: %d, X-Total-Count %s, want %d", query, len(items), h.Get("X-Total-Count"), want)
		}
		if want == 3 && (items[0].CveID != "CVE-2026-1" || items[0].Tags[0] != "v1" || items[0].CvssV3Score != 10) {
			f.t.Errorf("%s: %+v", query, items[0])
		}
	}
	for _, query := range []string{"q=name%3Dx", "q=cvss_score_v3%3D7", "q=severity%3Dawful", "q=cve_id%3D~CVE"} {
		if w := f.do("admin", "GET", "/security/vul?"+query, ""); w.Code != http.StatusBadRequest {
			f.t.Errorf("%s: %d", query, w.Code)
		}
	}
}

// export takes the findings home, once.
func (f *fixture) export(project string) {
	f.t.Helper()
	body := `{"job_name":"j","projects":[` + project + `],"repositories":"ap*","cveIds":"CVE-2026-1,CVE-2026-2","tags":"v*"}`
	if w := f.do("admin", "POST", "/export/cve", body); w.Code == 200 {
		f.t.Errorf("without X-Scan-Data-Type: %d", w.Code)
	}
	w := f.sendWith("admin", "POST", "/export/cve", body, "X-Scan-Data-Type", reportType)
	if w.Code != 200 {
		f.t.Fatalf("export: %d %s", w.Code, w.Body)
	}
	f.idle()
	var list gen.ScanDataExportExecutionList
	f.must("admin", "GET", "/export/cve/executions", "", 200, &list)
	if len(list.Items) != 1 || !list.Items[0].FilePresent || list.Items[0].Status != "Success" {
		f.t.Fatalf("executions %+v", list)
	}
	id := fmt.Sprint(list.Items[0].ID)
	if w := f.do("maintainer", "GET", "/export/cve/execution/"+id, ""); w.Code != 403 {
		f.t.Errorf("somebody else's: %d", w.Code)
	}
	if w := f.do("maintainer", "GET", "/export/cve/download/"+id, ""); w.Code != 403 {
		f.t.Errorf("somebody else's file: %d", w.Code)
	}
	got := f.do("admin", "GET", "/export/cve/download/"+id, "")
	rows, err := csv.NewReader(strings.NewReader(got.Body.String())).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][0] != "Repository" || rows[1][2] != "CVE-2026-1" || got.Header().Get("Content-Disposition") != `attachment; filename="scandata_export_`+id+`.csv"` {
		f.t.Errorf("file %v %v %v", rows, got.Header(), err)
	}
	if w := f.do("admin", "GET", "/export/cve/download/"+id, ""); w.Code != 404 {
		f.t.Errorf("once more: %d", w.Code)
	}
}
