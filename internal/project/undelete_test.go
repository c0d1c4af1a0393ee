package project_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
)

// A deleted project is out of everybody's reach, and restored it is what it was. When its time is over it is gone.
func TestUndelete(t *testing.T) {
	each(t, func(w world) {
		id := w.create(ann, "p", true)
		w.exec(`INSERT INTO robot (project_id, name, duration_days, creator_type, creator_id, created_at, updated_at) VALUES ($1, 'p+ci', -1, 'local', 2, 1, 1)`, id)
		w.exec(`INSERT INTO robot_permission (robot_id, kind, project_id, resource, action, effect)
			SELECT id, 'project', CAST($1 AS BIGINT), 'repository', 'pull', 'allow' FROM robot`, id)
		was, err := w.Get(t.Context(), id)
		w.must(err)
		w.must(w.Delete(t.Context(), ann, id))
		if _, err := w.ByName(t.Context(), "p"); !errors.Is(err, fault.NotFound) {
			t.Errorf("a deleted one: %v", err)
		}
		if roles, err := w.Roles(t.Context(), ann.ID, id); err != nil || len(roles) != 0 {
			t.Errorf("got the roles %v, %v", roles, err)
		}
		if held, err := w.HeldRoles(t.Context(), ann.ID, id); err != nil || len(held) != 0 {
			t.Errorf("got the roles %v, %v", held, err)
		}
		if n := w.int(`SELECT COUNT(*) FROM robot WHERE name = 'p+ci'`) + w.int(`SELECT COUNT(*) FROM project WHERE public AND id = $1`, id); n != 0 {
			t.Error("its robot has its name, or it is public")
		}
		all, err := w.Deleted(t.Context(), 0, 10)
		if err != nil || len(all) != 1 || all[0].Name != "p" || all[0].By != "ann" || all[0].Until.Sub(all[0].At) != 7*24*time.Hour {
			t.Errorf("deleted are %+v, %v", all, err)
		}

		again := w.create(bob, "p", false)
		if _, err := w.Undelete(t.Context(), admin, id); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "delete it first") {
			t.Errorf("beside another one of its name: %v", err)
		}
		w.must(w.Delete(t.Context(), bob, again))
		_, err = w.Undelete(t.Context(), admin, id)
		w.must(err)
		p, err := w.Get(t.Context(), id)
		w.must(err)
		if was.Epoch = p.Epoch; !reflect.DeepEqual(p, was) {
			t.Errorf("restored it is %+v, it was %+v", p, was)
		}
		if roles, err := w.Roles(t.Context(), ann.ID, id); err != nil || len(roles) != 1 {
			t.Errorf("restored, ann has the roles %v, %v", roles, err)
		}
		if n := w.int(`SELECT COUNT(*) FROM robot r JOIN robot_permission p ON p.robot_id = r.id WHERE r.name = 'p+ci'`); n != 1 {
			t.Errorf("restored, it has %d robots with their right", n)
		}
		events := w.events()
		if e := events[len(events)-1]; !strings.HasPrefix(e, "create_project ") || !strings.Contains(e, `"operation":"restore"`) {
			t.Errorf("got the event %s", e)
		}
		if _, err := w.Undelete(t.Context(), admin, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}

		w.must(w.Delete(t.Context(), ann, id))
		w.exec(`UPDATE project SET restorable_until = 1 WHERE restorable_until > 0`)
		if _, err := w.Undelete(t.Context(), admin, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("too late: %v", err)
		}
		if n, err := w.EndDeleted(t.Context()); err != nil || n != 2 {
			t.Errorf("%d projects ended, %v", n, err)
		}
		if n := w.int(`SELECT (SELECT COUNT(*) FROM robot) + (SELECT COUNT(*) FROM robot_permission) + (SELECT COUNT(*) FROM project_member WHERE project_id = $1)
			+ (SELECT COUNT(*) FROM project WHERE restorable_until > 0)`, id); n != 0 {
			t.Errorf("%d rows are left of projects that are gone", n)
		}
		ended := 0
		for _, e := range w.events() {
			if strings.HasPrefix(e, "end_project ") {
				ended++
			}
		}
		if ended != 2 {
			t.Errorf("%d projects were said to be gone", ended)
		}
	})
}
