package label_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/label"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type world struct {
	*testing.T
	db *db.DB
	*label.Service
}

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f(world{t, d, label.New(d, func() time.Time { return time.Unix(1000, 0) })})
	})
}

var ann = authz.Principal{Kind: authz.User, ID: 2, Name: "ann"}

// of is an artifact of project 1.
func of(id int64) label.Artifact {
	return label.Artifact{ID: id, ProjectID: 1, Repository: "p/r", Digest: fmt.Sprintf("sha256:%d", id)}
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) create(projectID int64, name string) int64 {
	w.Helper()
	id, err := w.Create(w.Context(), ann, label.Label{ProjectID: projectID, Name: name, Color: "#FFAA00"})
	w.must(err)
	return id
}

// artifacts makes n artifacts in one repository and returns their ids.
func (w world) artifacts(names ...string) []int64 {
	w.Helper()
	var ids []int64
	err := w.db.Write(w.Context(), func(tx db.Tx) error {
		ids = nil
		for _, statement := range []string{
			`INSERT INTO account (id, username, email, created_at, updated_at) VALUES (1, 'admin', 'a', 1, 1)`,
			`INSERT INTO project (id, name, owner_id, created_at, updated_at) VALUES (1, 'p', 1, 1, 1)`,
			`INSERT INTO repository (id, project_id, name, created_at, updated_at) VALUES (1, 1, 'r', 1, 1)`,
		} {
			if _, err := tx.Exec(w.Context(), statement); err != nil {
				return err
			}
		}
		for _, name := range names {
			if _, err := tx.Exec(w.Context(), `INSERT INTO manifest_content (digest, content) VALUES ($1, $2)`, name, []byte("{}")); err != nil {
				return err
			}
			id, err := db.Get(w.Context(), tx, db.ScanInt, `INSERT INTO manifest (repository_id, digest, media_type, type, size, content_size, pushed_at)
				VALUES (1, $1, 'm', 'IMAGE', 1, 1, 1) RETURNING id`, name)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	w.must(err)
	return ids
}

func TestLabels(t *testing.T) {
	each(t, func(w world) {
		gold, silver := w.create(0, "gold"), w.create(7, "silver")
		w.create(7, "gold") // unique in its scope only
		l, err := w.Get(t.Context(), silver)
		w.must(err)
		want := label.Label{ID: silver, ProjectID: 7, Name: "silver", Color: "#FFAA00", CreatedAt: time.Unix(1000, 0).UTC(), UpdatedAt: time.Unix(1000, 0).UTC()}
		if l != want || l.Scope() != label.OfProject {
			t.Errorf("got %+v, want %+v", l, want)
		}
		if _, err := w.Create(t.Context(), ann, label.Label{Name: "gold"}); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "label gold already exists") {
			t.Errorf("got %v, want fault.Conflict", err)
		}
		for _, bad := range []label.Label{{Name: ""}, {Name: strings.Repeat("x", 129)}, {Name: "x", Color: strings.Repeat("x", 65)}} {
			if _, err := w.Create(t.Context(), ann, bad); !isInvalid(err) {
				t.Errorf("%+v: got %v, want fault.Invalid", bad, err)
			}
			bad.ID = gold
			if err := w.Update(t.Context(), ann, bad); !isInvalid(err) {
				t.Errorf("%+v: got %v, want fault.Invalid", bad, err)
			}
		}

		w.must(w.Update(t.Context(), ann, label.Label{ID: silver, Name: "bronze", Description: "third"}))
		if l, _ := w.Get(t.Context(), silver); l.Name != "bronze" || l.Description != "third" || l.ProjectID != 7 {
			t.Errorf("got %+v", l)
		}
		if err := w.Update(t.Context(), ann, label.Label{ID: silver, Name: "gold"}); !errors.Is(err, fault.Conflict) {
			t.Errorf("got %v, want fault.Conflict", err)
		}
		if err := w.Update(t.Context(), ann, label.Label{ID: 99, Name: "x"}); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}

		for _, c := range []struct {
			project int64
			part    string
			list    db.List
			want    string
			total   int64
		}{
			{0, "", db.List{}, "gold", 1},
			{7, "", db.List{}, "bronze gold", 2},
			{7, "", db.List{Page: 2, Size: 1}, "gold", 2},
			{7, "RON", db.List{}, "bronze", 1},
			{7, "", db.List{Sort: []db.Sort{{Key: "name", Desc: true}}}, "gold bronze", 2},
			{8, "", db.List{}, "", 0},
		} {
			rows, total, err := w.List(t.Context(), c.project, c.part, c.list)
			w.must(err)
			var names []string
			for _, l := range rows {
				names = append(names, l.Name)
			}
			if strings.Join(names, " ") != c.want || total != c.total {
				t.Errorf("project %d, %q: got %v of %d, want %s of %d", c.project, c.part, names, total, c.want, c.total)
			}
		}

		w.must(w.Delete(t.Context(), ann, gold))
		if err := w.Delete(t.Context(), ann, gold); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
	})
}

// Each change leaves the event of who made it.
func TestChangesAreEvents(t *testing.T) {
	each(t, func(w world) {
		artifact := of(w.artifacts("sha256:1")[0])
		id := w.create(1, "amber")
		w.must(w.Update(t.Context(), ann, label.Label{ID: id, Name: "ruby"}))
		w.must(w.Attach(t.Context(), ann, artifact, id))
		w.must(w.Detach(t.Context(), ann, artifact, id))
		w.must(w.Delete(t.Context(), ann, id))
		kinds, err := db.Collect(t.Context(), w.db.Auto(), db.ScanString, `SELECT kind FROM event WHERE body LIKE '%"by":"ann","project_id":1%' ORDER BY id`)
		w.must(err)
		if got := strings.Join(kinds, " "); got != "create_label update_label attach_label detach_label delete_label" {
			t.Errorf("the events are %s", got)
		}
	})
}

func isInvalid(err error) bool {
	return errors.Is(err, fault.Invalid)
}

func TestCheckScope(t *testing.T) {
	for _, c := range []struct {
		scope   string
		project int64
		want    int64
		error   string
	}{
		{"g", 5, 0, ""}, {"p", 5, 5, ""}, {"p", 0, 0, "invalid project_id: 0"}, {"q", 5, 0, "unsupported label scope"}, {"", 0, 0, "unsupported label scope"},
	} {
		got, err := label.CheckScope(c.scope, c.project)
		if got != c.want || (err == nil) != (c.error == "") || err != nil && err.Error() != c.error {
			t.Errorf("%s %d: got %d, %v; want %d, %q", c.scope, c.project, got, err, c.want, c.error)
		}
	}
}

func TestLabelsOfArtifacts(t *testing.T) {
	each(t, func(w world) {
		ids := w.artifacts("sha256:1", "sha256:2", "sha256:3")
		gold, own, foreign := w.create(0, "gold"), w.create(1, "amber"), w.create(2, "foreign")
		for _, id := range []int64{gold, own} {
			w.must(w.Attach(t.Context(), ann, of(ids[0]), id))
		}
		w.must(w.Attach(t.Context(), ann, of(ids[1]), gold))
		if err := w.Attach(t.Context(), ann, of(ids[0]), gold); !errors.Is(err, fault.Conflict) {
			t.Errorf("got %v, want fault.Conflict", err)
		}
		for _, id := range []int64{foreign, 99} {
			if err := w.Attach(t.Context(), ann, of(ids[0]), id); !errors.Is(err, fault.NotFound) {
				t.Errorf("label %d: got %v, want fault.NotFound", id, err)
			}
		}
		if err := w.Attach(t.Context(), ann, of(999), gold); !errors.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "artifact p/r@sha256:999 not found") {
			t.Errorf("an artifact that is gone: %v", err)
		}
		before := w.db.Executed()
		got, err := w.OfArtifacts(t.Context(), ids)
		w.must(err)
		if n := w.db.Executed() - before; n != 1 {
			t.Errorf("took %d statements, want 1", n)
		}
		if first := got[ids[0]]; len(first) != 2 || first[0].Name != "amber" || first[1].Name != "gold" {
			t.Errorf("got %+v", first)
		}
		if len(got[ids[1]]) != 1 || len(got[ids[2]]) != 0 {
			t.Errorf("got %+v", got)
		}
		w.must(w.Detach(t.Context(), ann, of(ids[0]), own))
		if err := w.Detach(t.Context(), ann, of(ids[0]), own); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
		w.must(w.Delete(t.Context(), ann, gold)) // goes off every artifact
		if got, err := w.OfArtifacts(t.Context(), ids); err != nil || len(got) != 0 {
			t.Errorf("got %+v, %v; want none", got, err)
		}
	})
}
