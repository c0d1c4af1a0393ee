package scan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

func TestScan(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{
			"bash":   {finding("CVE-1", inventory.High, "2"), finding("CVE-2", inventory.Low, "")},
			"libfoo": {finding("CVE-1", inventory.Critical, "9")},
		})
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1", "zlib@1"}}, layer{Packages: []string{"libfoo@3"}})
		if s, err := w.Standing(ctx, 1, d); err != nil || s.Status != "" || s.ReportID != 0 {
			t.Fatalf("before the scan: %+v, %v", s, err)
		}
		o := w.scanned(app, d)
		if o.Status() != Success || o.Evaluated() != Wholly || o.Counts() != (Counts{Critical: 1, High: 1, Low: 1, Fixable: 2}) || o.Percent() != 100 {
			t.Fatalf("got %s %v %+v: %s", o.Status(), o.Evaluated(), o.Counts(), o.Reason())
		}
		r := o.Reports[0]
		if r.OS != debian || r.Edition != "one" || r.Scanner.Name != "Trivy" || r.StartedAt.IsZero() || r.EndedAt.Before(r.StartedAt) {
			t.Errorf("got %+v", r)
		}
		s, err := w.Standing(ctx, 1, d)
		if worst, any := s.Highest(); err != nil || s.Status != Success || s.Evaluated != Wholly || worst != inventory.Critical || !any || s.UpdatedAt.IsZero() {
			t.Errorf("standing: %+v, %v", s, err)
		}
		found, err := w.FoundAtLeast(ctx, s.ReportID, inventory.High)
		if err != nil || len(found) != 2 || found[0] != (Found{"CVE-1", "libfoo", "3", "9", inventory.Critical}) || found[1].Package != "bash" {
			t.Errorf("found %+v, %v", found, err)
		}
		full, ok, err := w.FullReport(ctx, 1, w.artifact(app, d))
		if err != nil || !ok || len(full.Vulnerabilities) != 3 || full.Vulnerabilities[0].Places[0].Path != "app/package.json" || full.Vulnerabilities[0].Detail.Link == "" ||
			full.Vulnerabilities[0].CVSS.V3Score != 10 || full.Vulnerabilities[0].Digests[0] != d {
			t.Errorf("report %+v, %v", full, err)
		}
		images, err := w.Images(ctx, w.artifact(app, d))
		w.ok(err)
		text, _, err := w.Log(ctx, images, r.UUID, 0)
		if err != nil || !strings.Contains(text, "scanning alpha/app@") || !strings.Contains(text, "3 packages") {
			t.Errorf("log %q, %v", text, err)
		}
		if _, _, err := w.Log(ctx, images, "nosuch", 0); !errors.Is(err, fault.NotFound) {
			t.Errorf("another log: %v", err)
		}

		// The same image elsewhere shares the report; a scan of it again reads no layer.
		layers := w.engine.layers.Load()
		w.push(theirs, "v1", layer{OS: debian, Packages: []string{"bash@1", "zlib@1"}}, layer{Packages: []string{"libfoo@3"}})
		if s, err := w.Standing(ctx, 2, d); err != nil || s.Status != Success {
			t.Errorf("elsewhere: %+v, %v", s, err)
		}
		again := w.scanned(theirs, d)
		if again.Counts() != o.Counts() || again.Reports[0].ID != r.ID || again.Reports[0].UUID == r.UUID || w.engine.layers.Load() != layers {
			t.Errorf("again: %+v, %d layers read", again, w.engine.layers.Load()-layers)
		}
	})
}

func TestNothingIsCleanThatWasNotEvaluated(t *testing.T) {
	cases := map[string]struct {
		layers    []layer
		unknown   string
		evaluated Evaluated
		reason    string
	}{
		"unknown distribution": {[]layer{{OS: inventory.OS{Family: "debian", Name: "99"}, Packages: []string{"bash@1"}}}, "debian 99", NotEvaluated, "nobody publishes advisories for debian 99"},
		"and libraries":        {[]layer{{OS: inventory.OS{Family: "debian", Name: "99"}, Packages: []string{"bash@1", "libfoo@1"}}}, "debian 99", Partly, "1 of 2 packages are not evaluated"},
		"unread":               {[]layer{{OS: debian, Packages: []string{"bash@1"}, Unread: "a jar of 2 GiB"}}, "", Partly, "a jar of 2 GiB"},
		"nothing":              {[]layer{{}}, "", NotEvaluated, "nothing was found that advisories exist for"},
		"no list":              {[]layer{{OS: debian}}, "", NotEvaluated, "has no list of its packages"},
	}
	each(t, func(w world) {
		w.edition("one", nil)
		for name, c := range cases {
			if c.unknown != "" {
				w.engine.unknown[c.unknown] = true
			}
			for i := range c.layers {
				c.layers[i].Salt = name
			}
			d := w.push(app, strings.ReplaceAll(name, " ", "-"), c.layers...)
			o := w.scanned(app, d)
			if o.Status() != Failed || o.Evaluated() != c.evaluated || !strings.Contains(o.Reason(), c.reason) {
				t.Errorf("%s: %s, %v, %q", name, o.Status(), o.Evaluated(), o.Reason())
			}
		}
		// Advisories that come later make it a report.
		w.engine.unknown = map[string]bool{}
		w.edition("two", map[string][]inventory.Finding{"bash": {finding("CVE-9", inventory.Medium, "")}})
		a, err := w.registry.GetArtifact(ctx, app, oci.TagReference("unknown-distribution"), registry.With{})
		w.ok(err)
		if o := w.overview(app, a.Digest); o.Status() != Success || o.Evaluated() != Wholly || o.Counts().Medium != 1 {
			t.Errorf("later: %s, %v, %q, %+v", o.Status(), o.Evaluated(), o.Reason(), o.Counts())
		}
	})
}

func TestLayersThatCanNotBeRead(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		good := w.blob(app, "application/vnd.oci.image.layer.v1.tar+gzip", encoded(layer{OS: debian, Packages: []string{"bash@1"}}))
		bad := w.blob(app, "application/vnd.oci.image.layer.v1.tar+gzip", []byte("no archive"))
		foreign := oci.Descriptor{MediaType: oci.MediaTypeDockerForeignLayer, Digest: oci.SHA256Of([]byte("elsewhere")), Size: 9, URLs: []string{"https://example.com/layer"}}
		d := w.pushManifest(app, "v1", oci.MediaTypeImageManifest, map[string]any{"schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest,
			"config": w.blob(app, oci.MediaTypeImageConfig, []byte(`{}`)), "layers": []oci.Descriptor{good, bad, foreign}})
		o := w.scanned(app, d)
		if o.Status() != Failed || o.Evaluated() != Partly || o.Counts().High != 1 || !strings.Contains(o.Reason(), "the layer is no archive") || !strings.Contains(o.Reason(), "kept elsewhere") {
			t.Errorf("got %s, %v, %q", o.Status(), o.Evaluated(), o.Reason())
		}
		// What the bytes are to blame for isn't read again; what isn't there is looked for again.
		layers := w.engine.layers.Load()
		if again := w.scanned(app, d); again.Reason() != o.Reason() || w.engine.layers.Load() != layers {
			t.Errorf("again: %q, %d layers read", again.Reason(), w.engine.layers.Load()-layers)
		}
	})
}

func TestAFailedScanSaysWhyAndKeepsWhatWasKnown(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		w.scanned(app, d)
		w.exec(`DELETE FROM scan_layer`)
		w.engine.fail = &confined.Failure{Cause: confined.Memory, Reason: "the layer needs more memory than a scan may have"}
		o := w.scanned(app, d)
		if o.Status() != Failed || !strings.Contains(o.Reason(), "more memory") {
			t.Errorf("got %s, %q", o.Status(), o.Reason())
		}
		w.engine.fail = nil
		if o := w.scanned(app, d); o.Status() != Success || o.Counts().High != 1 {
			t.Errorf("got %s, %q", o.Status(), o.Reason())
		}
	})
}

func TestWithoutADatabaseAReportWaits(t *testing.T) {
	each(t, func(w world) {
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		o := w.scanned(app, d)
		if o.Status() != Failed || o.Evaluated() != NotEvaluated || !strings.Contains(o.Reason(), "no vulnerability database yet") {
			t.Fatalf("got %s, %v, %q", o.Status(), o.Evaluated(), o.Reason())
		}
		opens := w.opened.opens.Load()
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		o = w.overview(app, d)
		if o.Status() != Success || o.Counts().High != 1 || o.Reports[0].Found != 0 {
			t.Errorf("got %s, %q, %+v", o.Status(), o.Reason(), o.Reports[0])
		}
		if n := w.opened.opens.Load() - opens; n > 0 {
			t.Errorf("%d blobs were read", n)
		}
	})
}

func TestAnotherEdition(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{
			"bash": {finding("CVE-1", inventory.High, ""), finding("CVE-2", inventory.Low, "")},
			"zlib": {finding("CVE-3", inventory.Medium, "")},
		})
		base := layer{OS: debian, Packages: []string{"bash@1", "zlib@1"}}
		changed := w.push(app, "v1", base, layer{Packages: []string{"libfoo@1"}})
		same := w.push(app, "v2", layer{OS: debian, Packages: []string{"zlib@1"}})
		w.scanned(app, changed)
		before := w.scanned(app, same)
		opens, judged := w.opened.opens.Load(), w.engine.judged.Load()

		w.edition("two", map[string][]inventory.Finding{
			"bash":   {finding("CVE-1", inventory.Critical, "2"), finding("CVE-4", inventory.Medium, "")},
			"zlib":   {finding("CVE-3", inventory.Medium, "")},
			"libfoo": {finding("CVE-5", inventory.High, "")},
		})
		if n := w.opened.opens.Load() - opens; n != 0 {
			t.Errorf("%d blobs were read", n)
		}
		if n := w.engine.judged.Load() - judged; n != 3 {
			t.Errorf("%d packages were judged, there are 3", n)
		}
		o := w.overview(app, changed)
		if o.Counts() != (Counts{Critical: 1, High: 1, Medium: 2, Fixable: 1}) || o.Reports[0].Found != 2 || o.Reports[0].Gone != 1 || o.Reports[0].Edition != "two" {
			t.Errorf("got %+v, %+v", o.Counts(), o.Reports[0])
		}
		after := w.overview(app, same)
		if after.Counts() != before.Counts() || after.Reports[0].Edition != "two" || after.Reports[0].UpdatedAt != before.Reports[0].UpdatedAt {
			t.Errorf("nothing changed, and yet %+v became %+v", before.Reports[0], after.Reports[0])
		}
		all, err := w.Changes(ctx, o.Reports[0].ID)
		w.ok(err)
		var kinds []string
		for _, c := range all {
			kinds = append(kinds, c.Kind+" "+c.Vulnerability+" "+c.Package)
		}
		slices.Sort(kinds)
		if want := []string{"altered CVE-1 bash", "gone CVE-2 bash", "new CVE-4 bash", "new CVE-5 libfoo"}; !slices.Equal(kinds, want) {
			t.Errorf("changes %q, want %q", kinds, want)
		}
		e, ok, err := w.LastEvaluation(ctx)
		if err != nil || !ok || e.FinishedAt.IsZero() || e.Judged != 3 || e.Changed != 1 || e.Found != 2 || e.Gone != 1 {
			t.Errorf("evaluation %+v, %v", e, err)
		}
		// The same edition again is nothing.
		w.edition("two", w.engine.verdicts["two"])
		if again, _, _ := w.LastEvaluation(ctx); again.ID != e.ID {
			t.Errorf("the same edition began evaluation %d", again.ID)
		}
	})
}

func TestManyImagesShareABase(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		base := layer{OS: debian, Packages: []string{"bash@1"}}
		var digests []oci.Digest
		for i := range 10 {
			digests = append(digests, w.push(app, fmt.Sprintf("v%d", i), base, layer{Packages: []string{fmt.Sprintf("lib%d@1", i)}}))
		}
		other := w
		other.replica() // a second process
		other.run()
		var group sync.WaitGroup
		for _, d := range digests {
			group.Go(func() {
				if err := w.Scan(ctx, pusher, app, d, Vulnerabilities); err != nil && !errors.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
			group.Go(func() {
				if err := other.Scan(ctx, pusher, app, d, Vulnerabilities); err != nil && !errors.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		w.settled()
		for _, d := range digests {
			if o := w.overview(app, d); o.Status() != Success || o.Counts().High != 1 {
				t.Errorf("%s: %s %q", d, o.Status(), o.Reason())
			}
		}
		if n := w.engine.layers.Load(); n != 11 {
			t.Errorf("%d layers were read, there are 11", n)
		}
		if n := w.count(`SELECT COUNT(*) FROM scan_report`); n != 10 {
			t.Errorf("%d reports of 10 images", n)
		}
	})
}

func TestConflictAndStop(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", nil)
		w.engine.block = make(chan struct{})
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		if err := w.Stop(ctx, app, d, Vulnerabilities); !errors.Is(err, fault.Invalid) {
			t.Errorf("stop of nothing: %v", err)
		}
		w.ok(w.Scan(ctx, pusher, app, d, Vulnerabilities))
		if err := w.Scan(ctx, pusher, app, d, Vulnerabilities); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "a previous scan process is ") {
			t.Errorf("again: %v", err)
		}
		w.ok(w.Stop(ctx, app, d, Vulnerabilities))
		await.Until(t, "it is told", func() bool {
			told, err := db.Collect(ctx, w.db.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'scan_artifact'`)
			w.ok(err)
			return len(told) == 1 && strings.Contains(told[0], `"stopped":true`)
		})
		w.settled()
		if o := w.overview(app, d); o.Status() != Stopped {
			t.Errorf("got %s", o.Status())
		}
		close(w.engine.block)
		if o := w.scanned(app, d); o.Status() != Success {
			t.Errorf("got %s %q", o.Status(), o.Reason())
		}
	})
}

func TestIndex(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "2")}, "zlib": {finding("CVE-2", inventory.Low, "")}})
		a := w.push(app, "", layer{OS: debian, Packages: []string{"bash@1"}})
		b := w.push(app, "", layer{OS: debian, Packages: []string{"bash@1", "zlib@1"}})
		statement := w.pushManifest(app, "", oci.MediaTypeImageManifest, map[string]any{"schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest,
			"config": w.blob(app, oci.MediaTypeImageConfig, []byte(`{"os":"unknown"}`)), "layers": []oci.Descriptor{w.blob(app, mediaTypeInToto, []byte(`{}`))}})
		index := w.pushIndex(app, "multi", a, b, statement)
		if o := w.overview(app, index); len(o.Reports) != 0 {
			t.Errorf("not scanned: %+v", o)
		}
		o := w.scanned(app, index)
		if o.Status() != Success || o.Counts() != (Counts{High: 2, Low: 1, Fixable: 2}) || len(o.Reports) != 2 || len(ReportIDs(o.UUID())) != 2 || o.Percent() != 100 {
			t.Errorf("got %s %+v", o.Status(), o.Counts())
		}
		full, ok, err := w.FullReport(ctx, 1, w.artifact(app, index))
		if err != nil || !ok || len(full.Vulnerabilities) != 2 || len(full.Vulnerabilities[0].Digests) != 2 {
			t.Errorf("report %+v, %v, %v", full, ok, err)
		}
		id := w.artifact(app, index).ID
		children, err := w.ChildStandings(ctx, 1, id)
		if err != nil || len(children) != 3 || children[0].Status != Success || children[2].Status != "" {
			t.Errorf("children %+v, %v", children, err)
		}
		if err := w.Scan(ctx, pusher, app, statement, Vulnerabilities); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "does not support scanning artifact with mime type") {
			t.Errorf("scan of statements: %v", err)
		}
	})
}

func TestScanOnPush(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", nil)
		w.exec(`INSERT INTO project_metadata (project_id, name, value) VALUES (1, 'auto_scan', 'true')`)
		w.exec(`INSERT INTO project_metadata (project_id, name, value) VALUES (1, 'auto_sbom_generation', 'true')`)
		here := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		there := w.push(theirs, "v1", layer{OS: debian, Packages: []string{"zlib@1"}})
		w.settled()
		if o := w.overview(app, here); o.Status() != Success {
			t.Errorf("got %s %q", o.Status(), o.Reason())
		}
		if s, err := w.Standing(ctx, 2, there); err != nil || s.Status != "" {
			t.Errorf("a project that wants none: %+v, %v", s, err)
		}
		a := w.artifact(app, here)
		bills, err := w.Bills(ctx, []int64{a.ID})
		w.ok(err)
		b := bills[a.ID]
		if b.Status != Success || len(a.Accessories) != 1 || a.Accessories[0].Type != registry.AccessorySBOM || a.Accessories[0].Digest != b.Digest {
			t.Fatalf("bill %+v, accessories %+v", b, a.Accessories)
		}
		// Another one replaces it, and a push of what is scanned begins nothing.
		executions := w.count(`SELECT COUNT(*) FROM job_execution`)
		w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		w.registry.Flush(ctx)
		w.ok(w.Scan(ctx, pusher, app, here, Materials))
		w.settled()
		if got := w.artifact(app, here); len(got.Accessories) != 1 {
			t.Errorf("accessories %+v", got.Accessories)
		}
		if n := w.count(`SELECT COUNT(*) FROM job_execution`); n != executions+1 {
			t.Errorf("%d executions more: only the one that was asked for is due", n-executions)
		}
		text, err := w.Document(ctx, app, here, confined.CycloneDX)
		if err != nil || !strings.Contains(string(text), `"format":"cyclonedx"`) || !strings.Contains(string(text), `"packages":1`) {
			t.Errorf("document %s, %v", text, err)
		}
	})
}

func TestScanAll(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", nil)
		if p, err := w.Progress(ctx, false); err != nil || p.Trigger != "" {
			t.Errorf("before: %+v, %v", p, err)
		}
		if err := w.StopAll(ctx); !errors.Is(err, fault.Invalid) {
			t.Errorf("stop of nothing: %v", err)
		}
		for i := range 5 {
			w.push(app, fmt.Sprintf("v%d", i), layer{OS: debian, Packages: []string{fmt.Sprintf("p%d@1", i)}})
		}
		w.push(theirs, "v0", layer{OS: debian, Packages: []string{"p0@1"}})
		w.engine.block = make(chan struct{})
		_, err := w.ScanAll(ctx, pusher)
		w.ok(err)
		if _, err := w.ScanAll(ctx, pusher); !errors.Is(err, fault.Conflict) {
			t.Errorf("again: %v", err)
		}
		close(w.engine.block)
		w.settled()
		p, err := w.Progress(ctx, false)
		if err != nil || p.Ongoing || p.Counts.Succeeded != 6 && p.Counts.Succeeded != 5 || p.Counts.Total() != p.Counts.Succeeded || p.Trigger != "MANUAL" {
			t.Errorf("progress %+v, %v", p, err)
		}
		w.engine.block = make(chan struct{})
		w.exec(`DELETE FROM scan_layer`)
		_, err = w.ScanAll(ctx, pusher)
		w.ok(err)
		w.ok(w.StopAll(ctx))
		close(w.engine.block)
		w.settled()
		if n := w.count(`SELECT COUNT(*) FROM scan_report WHERE status NOT IN ('Stopped', 'Success')`); n != 0 {
			t.Errorf("%d reports neither stopped nor done", n)
		}
		if p, err := w.Progress(ctx, true); err != nil || p.Trigger != "" {
			t.Errorf("by the clock: %+v, %v", p, err)
		}
	})
}

func TestAnotherScanner(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		w.scanned(app, d)
		w.scanners.inForce = &Scanner{ID: "other", Name: "Clair"}
		if s, err := w.Standing(ctx, 1, d); err != nil || s.Status != "" {
			t.Errorf("a change of scanner hides results: %+v, %v", s, err)
		}
		w.scanners.foreign = Foreign{Scanner: Scanner{Name: "Clair\x00", Vendor: "x", Version: "4"}, Findings: []ForeignFinding{
			{"bash", "1", finding("CVE-1", inventory.Critical, "2")}, {"bash", "1", finding("CVE-7", inventory.Low, "")}, {"zlib\x1b[31m", "1", finding("CVE-8", inventory.Medium, "")}}}
		o := w.scanned(app, d)
		if o.Status() != Success || o.Counts() != (Counts{Critical: 1, Medium: 1, Low: 1, Fixable: 1}) || o.Reports[0].Scanner.Name != "Clair" {
			t.Fatalf("got %s %q %+v", o.Status(), o.Reason(), o.Reports[0])
		}
		w.ok(w.Scan(ctx, pusher, app, d, Materials))
		w.settled()
		a := w.artifact(app, d)
		bills, err := w.Bills(ctx, []int64{a.ID})
		w.ok(err)
		if b := bills[a.ID]; b.Status != Success || b.Scanner.Name != "Other" || b.Scanner.Vendor != "Others" || b.Scanner.Version != "9" {
			t.Errorf("a bill of materials by another scanner: %+v", b)
		}
		judged := w.engine.judged.Load()
		w.edition("two", map[string][]inventory.Finding{})
		if n := w.engine.judged.Load() - judged; n != 1 {
			t.Errorf("%d packages judged, one is ours", n)
		}
		w.scanners.foreign.Findings = []ForeignFinding{{"bash", "1", finding("CVE-1", inventory.Critical, "2")}, {"new", "1", finding("CVE-9", inventory.High, "")}}
		o = w.scanned(app, d)
		if o.Counts() != (Counts{Critical: 1, High: 1, Fixable: 1}) || o.Reports[0].Found != 1 || o.Reports[0].Gone != 2 {
			t.Errorf("again %+v", o.Reports[0])
		}
		w.scanners.fail = &refusal{"the scanner doesn't answer"}
		if o = w.scanned(app, d); o.Status() != Failed || o.Reason() != "the scanner doesn't answer" {
			t.Errorf("got %s %q", o.Status(), o.Reason())
		}
		w.scanners.inForce = nil
		if s, err := w.Standing(ctx, 1, d); err != nil || s.Status != Success || s.Counts.Total() != 0 {
			t.Errorf("ours: %+v, %v", s, err)
		}
	})
}

func TestTidy(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}, "zlib": {finding("CVE-2", inventory.High, "")}})
		gone := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		kept := w.push(app, "v2", layer{OS: debian, Packages: []string{"zlib@1"}})
		w.scanned(app, gone)
		w.scanned(app, kept)
		w.ok(w.registry.DeleteManifest(ctx, pusher, app, gone))
		w.exec(`UPDATE scan_layer SET revision = 0 WHERE digest IN (SELECT MIN(digest) FROM scan_layer)`)
		w.tidied()
		for table, want := range map[string]int64{"scan_report": 1, "scan_package": 1, "scan_vulnerability": 1, "scan_finding": 1, "scan_content": 1, "scan_inventory": 1, "scan_layer": 1} {
			if n := w.count("SELECT COUNT(*) FROM " + table); n != want {
				t.Errorf("%s has %d rows, want %d", table, n, want)
			}
		}
		if o := w.overview(app, kept); o.Counts().High != 1 {
			t.Errorf("got %+v", o)
		}
	})
}

// What has its time goes in the night it is over, however much there is; what holds stays.
func TestTidyTakesWhatHasExpired(t *testing.T) {
	each(t, func(w world) {
		const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) `
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "")}})
		w.scanned(app, w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}}))
		vex := `INSERT INTO scan_vex (project_id, name, status, author, document, expires_at, made_at, created_at) `
		w.exec(vex + numbers + `SELECT 1, 'CVE-' || i, 'fixed', 'a', '', 5, 1, 1 FROM n`)
		w.exec(vex + numbers + `SELECT 1, 'CVE-' || i, 'fixed', 'a', 'sha256:gone', 0, 1, 1 FROM n`)
		w.exec(vex + `VALUES (1, 'CVE-1', 'fixed', 'a', '', 0, 1, 1), (1, 'CVE-2', 'fixed', 'a', '', 9000000000000000, 1, 1)`)
		w.exec(`INSERT INTO scan_export (execution_id, account_id, account, project_id, created_at, expires_at) ` + numbers + `SELECT -i, 1, 'a', 1, 1, CASE WHEN i <= 5 THEN 5 ELSE 9000000000000000 END FROM n WHERE i <= 6`)
		w.exec(`INSERT INTO scan_evaluation (edition, edition_at, started_at, finished_at) ` + numbers + `SELECT 'old' || i, 1, 1, 1 FROM n WHERE i <= 30`)
		w.exec(`INSERT INTO scan_change (evaluation_id, package_id, name, kind, severity) ` + numbers + `SELECT e.id, p.id, 'CVE-' || i, 'new', 1 FROM n CROSS JOIN scan_evaluation e CROSS JOIN scan_package p WHERE e.edition IN ('old1', 'old30')`)
		w.tidied()
		for table, want := range map[string]int64{"scan_vex": 2, "scan_export": 1, "scan_evaluation": keepEvaluations, "scan_change": 2500} {
			if n := w.count("SELECT COUNT(*) FROM " + table); n != want {
				w.Errorf("%s has %d rows, want %d", table, n, want)
			}
		}
	})
}

// tidied runs what runs each night.
func (w world) tidied() {
	w.Helper()
	w.ok(w.db.Write(ctx, func(tx db.Tx) error {
		_, _, err := w.jobs.Begin(ctx, tx, jobOfCleanup, taskOfCleanup)
		return err
	}))
	w.settled()
}

// What is exported says how scans ended, and how much was read for them.
func TestFigures(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "2")}})
		base := layer{OS: debian, Packages: []string{"bash@1"}}
		w.scanned(app, w.push(app, "v1", base))
		w.scanned(app, w.push(app, "v2", base, layer{Unread: "too large"}))
		stats := w.Stats()
		await.Until(w.T, "both scans are counted", func() bool { return len(stats.Tries.All()) >= 2 }) // after their reports are there
		tries, layers := stats.Tries.All(), stats.Layers.All()
		if len(tries) != 2 || tries[Tries{ByOurselves, EndedWell}] != 1 || tries[Tries{ByOurselves, EndedNotEvaluated}] != 1 {
			t.Errorf("tries: %v", tries)
		}
		if layers[LayerRead] != 1 || layers[LayerKept] != 1 || layers[LayerUnread] != 1 || stats.LayerBytes.Load() == 0 {
			t.Errorf("layers: %v, %d bytes", layers, stats.LayerBytes.Load())
		}
		w.edition("two", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.Low, "2")}})
		await.Until(w.T, "changes are counted", func() bool { return stats.Changed.Load() >= 2 })
		if stats.Judged.Load() != 1 || stats.Changed.Load() != 2 {
			t.Errorf("%d packages judged anew, %d reports changed", stats.Judged.Load(), stats.Changed.Load())
		}
	})
}
