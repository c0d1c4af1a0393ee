package project_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// The accounts of each test.
var (
	nobody = authz.Principal{}
	admin  = authz.Principal{Kind: authz.User, ID: 1, Name: "admin", Admin: true}
	ann    = authz.Principal{Kind: authz.User, ID: 2, Name: "ann"}
	bob    = authz.Principal{Kind: authz.User, ID: 3, Name: "bob"}
	cyd    = authz.Principal{Kind: authz.User, ID: 4, Name: "cyd"}
)

// world is a service with the accounts and the project library, and a time that stands.
type world struct {
	*testing.T
	db       *db.DB
	settings *setting.Service
	*project.Service
}

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		settings := setting.New(d, box, time.Now)
		clock := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
		w := world{t, d, settings, project.New(project.Deps{DB: d, Settings: settings, Clock: clock})}
		for _, p := range []authz.Principal{admin, ann, bob, cyd} {
			w.exec(`INSERT INTO account (username, email, sysadmin, created_at, updated_at) VALUES ($1, $2, $3, 1, 1)`, p.Name, p.Name+"@example.com", p.Admin)
		}
		if err := w.Bootstrap(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(w)
	})
}

func (w world) exec(statement string, args ...any) {
	w.Helper()
	err := w.db.Write(w.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(w.Context(), statement, args...)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) int(query string, args ...any) int64 {
	w.Helper()
	n, err := db.Get(w.Context(), w.db.Auto(), db.ScanInt, query, args...)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// create makes a project of by.
func (w world) create(by authz.Principal, name string, public bool) int64 {
	w.Helper()
	id, err := w.Create(w.Context(), by, project.NewProject{Name: name, Public: public})
	w.must(err)
	return id
}

// repository makes a visible repository and returns its id.
func (w world) repository(projectID int64, name string) int64 {
	w.Helper()
	w.exec(`INSERT INTO repository (project_id, name, hidden, pull_count, created_at, updated_at) VALUES ($1, $2, FALSE, 3, 1, 1)`, projectID, name)
	return w.int(`SELECT id FROM repository WHERE project_id = $1 AND name = $2`, projectID, name)
}

// uses writes down that a project holds so many bytes, as the registry does, by several rows.
func (w world) uses(projectID int64, shards ...int64) {
	w.Helper()
	for i, bytes := range shards {
		w.exec(`INSERT INTO project_usage (project_id, shard, bytes) VALUES ($1, $2, $3)`, projectID, i, bytes)
	}
}

// manifest puts a manifest of size bytes into a repository.
func (w world) manifest(repositoryID int64, name string, size int64, listed bool) {
	w.Helper()
	w.exec(`INSERT INTO manifest_content (digest, content) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`, name, []byte("{}"))
	w.exec(`INSERT INTO manifest (repository_id, digest, media_type, type, size, content_size, listed, pushed_at)
		VALUES ($1, $2, 'm', 'IMAGE', 0, $3, $4, 1)`, repositoryID, name, size, listed)
	w.exec(`UPDATE repository SET artifact_count = (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = repository.id AND m.listed) WHERE id = $1`, repositoryID)
}

// events returns the kinds and resources of the events that wait, the newest last.
func (w world) events() []string {
	w.Helper()
	rows, err := db.Collect(w.Context(), w.db.Auto(), db.ScanString, `SELECT kind || ' ' || body FROM event ORDER BY id`)
	w.must(err)
	return rows
}

func (w world) epoch(table string, id int64) int64 {
	w.Helper()
	return w.int(fmt.Sprintf(`SELECT epoch FROM %s WHERE id = $1`, table), id)
}

func names(projects []project.Project) (all []string) {
	for _, p := range projects {
		all = append(all, p.Name)
	}
	return all
}
