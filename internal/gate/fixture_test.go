package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/trust"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	ann  = authz.Principal{Kind: authz.User, ID: 1, Name: "ann"}
	repo = registry.Ref{ProjectID: 1, Project: "library", Name: "app"}
)

// world is a gate before a registry with the project library, whose images are scanned by hand.
type world struct {
	*testing.T
	*gate.Gate
	db       *db.DB
	registry *registry.Service
	projects *project.Service
	trust    *trust.Service
	now      *time.Time
	signs    bool // whoever pulls is about to sign
}

// oneScanner is the scanner of every project.
type oneScanner struct{}

func (oneScanner) InForce(context.Context, int64) (scan.Scanner, error) {
	return scan.Scanner{ID: "own", Own: true}, nil
}

func (s oneScanner) ByID(ctx context.Context, _ string) (scan.Scanner, error) {
	return s.InForce(ctx, 0)
}
func (s oneScanner) Own(ctx context.Context) (scan.Scanner, error) { return s.InForce(ctx, 0) }

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		store, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		log := slog.New(slog.DiscardHandler)
		w := world{
			T: t, db: d, now: &now,
			registry: registry.New(registry.Deps{DB: d, Blobs: store, Clock: clock, Log: log, Wake: func() {}}),
			projects: project.New(project.Deps{DB: d, Clock: clock}),
		}
		jobs := job.New(job.Deps{DB: d, Clock: clock, Log: log})
		scans := scan.New(scan.Deps{DB: d, Scanners: oneScanner{}, Jobs: jobs, Clock: clock, Log: log})
		w.trust = trust.New(trust.Deps{DB: d, Contents: w.registry, Jobs: jobs, Clock: clock, Log: log})
		w.Gate = gate.New(gate.Deps{DB: d, Clock: clock, Contents: w.registry, Scans: scans, Trust: w.trust})
		w.exec(`INSERT INTO account (username, email, created_at, updated_at) VALUES ('ann', 'ann@example.com', 1, 1)`)
		w.exec(`INSERT INTO project (name, owner_id, created_at, updated_at) VALUES ('library', 1, 1, 1)`)
		w.exec(`INSERT INTO cve_allowlist (project_id, created_at, updated_at) VALUES (1, 1, 1)`)
		f(w)
	})
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) exec(statement string, args ...any) {
	w.Helper()
	w.must(w.db.Write(w.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(w.Context(), statement, args...)
		return err
	}))
}

func (w world) id(statement string, args ...any) (id int64) {
	w.Helper()
	w.must(w.db.Write(w.Context(), func(tx db.Tx) (err error) {
		id, err = db.Get(w.Context(), tx, db.ScanInt, statement+" RETURNING id", args...)
		return err
	}))
	return id
}

// set changes the project's metadata.
func (w world) set(keysAndValues ...string) {
	w.Helper()
	for i := 0; i < len(keysAndValues); i += 2 {
		w.must(w.projects.SetMetadata(w.Context(), ann, 1, keysAndValues[i], keysAndValues[i+1]))
	}
}

func (w world) blob(mediaType string, content []byte) oci.Descriptor {
	w.Helper()
	d := oci.SHA256Of(content)
	_, err := w.registry.PutBlob(w.Context(), repo, d, bytes.NewReader(content))
	w.must(err)
	return oci.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(content))}
}

const layerType = "application/vnd.oci.image.layer.v1.tar+gzip"

// push puts a manifest of layers under a tag.
func (w world) push(tag, configType string, layers ...oci.Descriptor) oci.Digest {
	w.Helper()
	config := w.blob(configType, []byte(`{"architecture":"amd64","os":"linux","tag":"`+tag+`"}`))
	return w.put(tag, oci.MediaTypeImageManifest, map[string]any{"config": describe(config), "layers": describeAll(layers)})
}

func (w world) pushImage(tag string) oci.Digest {
	return w.push(tag, oci.MediaTypeImageConfig, w.blob(layerType, []byte("layer of "+tag)))
}

func (w world) pushIndex(tag string, children ...oci.Digest) oci.Digest {
	w.Helper()
	var all []map[string]any
	for _, d := range children {
		m := w.manifest(string(d))
		all = append(all, describe(oci.Descriptor{MediaType: m.MediaType, Digest: d, Size: m.Size}))
	}
	return w.put(tag, oci.MediaTypeImageIndex, map[string]any{"manifests": all})
}

func (w world) put(tag, mediaType string, fields map[string]any) oci.Digest {
	w.Helper()
	fields["schemaVersion"], fields["mediaType"] = 2, mediaType
	content, err := json.Marshal(fields)
	w.must(err)
	ref, err := oci.ParseReference(tag)
	w.must(err)
	put, err := w.registry.PutManifest(w.Context(), ann, repo, ref, mediaType, content)
	w.must(err)
	return put.Digest
}

func describe(d oci.Descriptor) map[string]any {
	return map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size}
}

func describeAll(all []oci.Descriptor) []map[string]any {
	out := []map[string]any{}
	for _, d := range all {
		out = append(out, describe(d))
	}
	return out
}

func (w world) manifest(reference string) registry.Manifest {
	w.Helper()
	ref, err := oci.ParseReference(reference)
	w.must(err)
	m, err := w.registry.Manifest(w.Context(), repo, ref)
	w.must(err)
	return m
}

// pull asks for a manifest by GET and by HEAD, which are decided alike.
func (w world) pull(reference string) *gate.Refusal {
	w.Helper()
	m := w.manifest(reference)
	get := w.admit(ann, m)
	m.Content = nil
	if head := w.admit(ann, m); fmt.Sprint(head) != fmt.Sprint(get) {
		w.Errorf("%s: GET %v, HEAD %v", reference, get, head)
	}
	return get
}

func (w world) admit(p authz.Principal, m registry.Manifest) *gate.Refusal {
	w.Helper()
	err := w.Admit(w.Context(), p, repo, m, func(context.Context) (bool, error) { return w.signs, nil })
	if err == nil {
		return nil
	}
	refusal, ok := errors.AsType[*gate.Refusal](err)
	if !ok {
		w.Fatal(err)
	}
	return refusal
}

// finding is what a scan found, one package each.
type finding struct {
	cve      string
	severity inventory.Severity
	fixed    string
}

// report writes what a scan of an image found.
func (w world) report(d oci.Digest, status scan.Status, evaluated scan.Evaluated, found ...finding) {
	w.Helper()
	counts := map[inventory.Severity]int64{}
	for _, f := range found {
		counts[f.severity]++
	}
	w.exec(`DELETE FROM scan_report WHERE digest = $1`, d)
	report := w.id(`INSERT INTO scan_report (uuid, digest, scanner, status, reason, evaluated, complete, critical, high, medium, low, unknown, created_at, updated_at)
		VALUES ($1, $2, 'own', $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, 1)`, "report of "+string(d), d, status, "the layer is truncated", evaluated, evaluated != scan.NotEvaluated,
		counts[inventory.Critical], counts[inventory.High], counts[inventory.Medium], counts[inventory.Low], counts[inventory.Unknown])
	for _, f := range found {
		p := w.id(`INSERT INTO scan_package (key, scope, name, version, subject) VALUES ($1, 'debian 12', $2, '1.0', '{}')
			ON CONFLICT (key) DO UPDATE SET name = excluded.name`, "package of "+f.cve, "lib-"+f.cve)
		v := w.id(`INSERT INTO scan_vulnerability (name, source, data_source, detail) VALUES ($1, 'debian', 'debian', '{}')
			ON CONFLICT (name, source, data_source) DO UPDATE SET detail = excluded.detail`, f.cve)
		w.exec(`INSERT INTO scan_finding (package_id, vulnerability_id, severity, fixed, since) VALUES ($1, $2, $3, $4, 1) ON CONFLICT DO NOTHING`, p, v, f.severity, f.fixed)
		w.exec(`INSERT INTO scan_content (report_id, package_id) VALUES ($1, $2)`, report, p)
	}
}
