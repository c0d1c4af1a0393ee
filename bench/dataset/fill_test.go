package dataset

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/havenregistry/haven/internal/db"
)

// What the data set says of itself is what its rows say.
func TestFill(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "haven.db")
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const owner = `INSERT INTO account (username, email, created_at, updated_at) VALUES ('admin', 'a', 1, 1)`
	if err := d.Write(t.Context(), func(tx db.Tx) error { _, err := tx.Exec(context.Background(), owner); return err }); err != nil {
		t.Fatal(err)
	}
	shape := Shape{Artifacts: 2_000, Repositories: 40, Projects: 7, Large: 500, Tags: 100, Referrers: 30, Audit: 300}
	if err := Fill(t.Context(), address, shape, func(int) {}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		query string
		want  int64
	}{
		"artifacts":        {`SELECT COUNT(*) FROM manifest`, 2_000},
		"repositories":     {`SELECT COUNT(*) FROM repository`, 40},
		"projects":         {`SELECT COUNT(*) FROM project`, 8},
		"tags of one":      {`SELECT COUNT(*) FROM tag t JOIN repository r ON r.id = t.repository_id WHERE r.name = 'tags'`, 100},
		"moving tags":      {`SELECT COUNT(*) FROM tag t JOIN repository r ON r.id = t.repository_id WHERE r.name = 'moving'`, 100},
		"referrers":        {`SELECT COUNT(*) FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE r.name = 'subject' AND m.subject <> ''`, 30},
		"audit":            {`SELECT SUM(entries) FROM audit_count`, 300},
		"wrong listed":     {`SELECT COUNT(*) FROM manifest WHERE listed <> (accessory_of = '' AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = manifest.id) OR NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = manifest.id)))`, 0},
		"wrong tagged":     {`SELECT COUNT(*) FROM manifest WHERE tagged <> EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = manifest.id)`, 0},
		"blobs not held":   {`SELECT COUNT(*) FROM manifest_blob mb WHERE NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.repository_id = mb.repository_id AND rb.blob_id = mb.blob_id)`, 0},
		"wrong counts":     {`SELECT COUNT(*) FROM repository r WHERE artifact_count <> (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = r.id AND m.listed)`, 0},
		"wrong projects":   {`SELECT COUNT(*) FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE r.project_id <> m.project_id`, 0},
		"broken relations": {`SELECT COUNT(*) FROM pragma_foreign_key_check`, 0},
		"wrong usage": {`SELECT COUNT(*) FROM project p WHERE COALESCE((SELECT SUM(bytes) FROM project_usage u WHERE u.project_id = p.id), 0) <>
			COALESCE((SELECT SUM(b.size) FROM blob b WHERE b.id IN (SELECT rb.blob_id FROM repository_blob rb WHERE rb.project_id = p.id AND rb.counted)), 0) +
			COALESCE((SELECT SUM(m.content_size) FROM manifest m WHERE m.project_id = p.id), 0)`, 0},
	} {
		if got, err := db.Get(t.Context(), d.Auto(), db.ScanInt, c.query); err != nil || got != c.want {
			t.Errorf("%s: %d, %v; want %d", name, got, err, c.want)
		}
	}
}
