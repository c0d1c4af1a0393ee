package scan

import (
	"errors"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

func TestParsePURL(t *testing.T) {
	for text, want := range map[string]namedPackage{
		"pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12": {"curl", "7.88.1-10"},
		"pkg:deb/debian/bind9-libs@9.18.13-1?epoch=1":               {"bind9-libs", "1:9.18.13-1"},
		"pkg:npm/%40babel/core@7.0.0":                               {"@babel/core", "7.0.0"},
		"pkg:golang/golang.org/x/net@v0.17.0#http2":                 {"golang.org/x/net", "v0.17.0"},
		"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1":      {"org.apache.logging.log4j:log4j-core", "2.14.1"},
		"pkg:pypi/requests":                                         {"requests", ""},
	} {
		if got, ok := parsePURL(text); !ok || got != want {
			t.Errorf("%s: %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "curl", "pkg:", "pkg:deb", "pkg:deb/"} {
		if got, ok := parsePURL(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

const vexDoc = `{"@context":"https://openvex.dev/ns/v0.2.0","author":"Ann","timestamp":"2026-01-02T03:04:05Z","statements":[
	{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:deb/debian/bash@1"}]}],"status":"not_affected","justification":"vulnerable_code_not_present"},
	{"vulnerability":"CVE-2","products":["pkg:oci/app"],"status":"fixed"}]}`

func TestParseVEX(t *testing.T) {
	all, err := parseVEX([]byte(vexDoc))
	if err != nil || len(all) != 2 || all[0].Package != "bash" || all[0].Version != "1" || all[1].Package != "" || all[1].Vulnerability != "CVE-2" || all[0].Author != "Ann" || all[0].MadeAt.IsZero() {
		t.Errorf("got %+v, %v", all, err)
	}
	for _, text := range []string{``, `[]`, `{}`, `{"@context":"https://openvex.dev/ns"}`, `{"payload":"!"}`, `{"predicateType":"https://slsa.dev/provenance/v1","predicate":{}}`,
		`{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"not_affected"}]}`,
		`{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"harmless"}]}`} {
		if all, err := parseVEX([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, all)
		}
	}
}

func TestStatements(t *testing.T) {
	each(t, func(w world) {
		w.edition("one", map[string][]inventory.Finding{"bash": {finding("CVE-1", inventory.High, "2"), finding("CVE-2", inventory.Low, "")}})
		d := w.push(app, "v1", layer{OS: debian, Packages: []string{"bash@1"}})
		r := w.scanned(app, d).Reports[0]
		left := func() Counts {
			t.Helper()
			all, err := w.ProjectStatements(ctx, 1)
			w.ok(err)
			counts, err := w.Counted(ctx, []Report{r}, NewLeniency(nil, all, "app"))
			w.ok(err)
			return counts[r.ID]
		}
		if left() != r.Counts {
			t.Errorf("nothing is stated: %+v", left())
		}
		soon := time.Now().Add(time.Hour)
		w.ok(w.State(ctx, pusher, "alpha", Statement{ProjectID: 1, Repository: "app", Package: "pkg:deb/debian/bash@1", Vulnerability: "CVE-1", Status: NotAffected, Reason: "not run", ExpiresAt: soon}))
		if got := left(); got != (Counts{Low: 1}) {
			t.Errorf("stated: %+v", got)
		}
		for _, bad := range []Statement{{}, {Vulnerability: "CVE-1"}, {Vulnerability: "CVE-1", Status: NotAffected}, {Vulnerability: "CVE-1", Status: FixedStatus, ExpiresAt: time.Now().Add(-time.Hour)}} {
			bad.ProjectID = 1
			if err := w.State(ctx, pusher, "alpha", bad); !errors.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		// What was said last counts, and what has expired doesn't.
		w.ok(w.State(ctx, pusher, "alpha", Statement{ProjectID: 1, Vulnerability: "CVE-1", Status: Affected}))
		if got := left(); got != r.Counts {
			t.Errorf("affected after all: %+v", got)
		}
		all, total, err := w.ListStatements(ctx, 1, db.List{})
		if err != nil || total != 2 || all[0].Author != "owner" {
			t.Errorf("listed %+v, %d, %v", all, total, err)
		}
		w.ok(w.Withdraw(ctx, pusher, 1, "alpha", all[0].ID))
		w.exec(`UPDATE scan_vex SET expires_at = 1`)
		if got := left(); got != r.Counts {
			t.Errorf("expired: %+v", got)
		}
		if err := w.Withdraw(ctx, pusher, 2, "beta", all[1].ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("of another project: %v", err)
		}

		// A document that somebody attaches speaks of its subject, until it is deleted.
		m, err := w.registry.Manifest(ctx, app, oci.DigestReference(d))
		w.ok(err)
		document := w.pushManifest(app, "", oci.MediaTypeImageManifest, map[string]any{"schemaVersion": 2, "mediaType": oci.MediaTypeImageManifest, "artifactType": "application/vnd.openvex+json",
			"config": w.blob(app, oci.MediaTypeEmpty, []byte(`{}`)), "layers": []oci.Descriptor{w.blob(app, "application/vnd.openvex+json", []byte(vexDoc))},
			"subject": oci.Descriptor{MediaType: m.MediaType, Digest: d, Size: m.Size}})
		w.settled()
		if got := left(); got != (Counts{}) {
			t.Errorf("attached: %+v", got)
		}
		held, err := w.StatementsFor(ctx, 1, "app", d)
		if err != nil || len(held) != 2 || held[0].Document != document {
			t.Errorf("held %+v, %v", held, err)
		}
		w.ok(w.registry.DeleteManifest(ctx, pusher, app, document))
		w.settled()
		if got := left(); got != r.Counts {
			t.Errorf("deleted: %+v", got)
		}
	})
}
