package project_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

func TestQuotas(t *testing.T) {
	each(t, func(w world) {
		open, priv, solo := w.cast()
		w.uses(open, 100)
		w.uses(solo, 200, -50)
		w.must(w.SetQuota(t.Context(), admin, priv, 5000))
		w.must(w.SetQuota(t.Context(), admin, open, 1<<50))
		for _, n := range []int64{0, -2, 1<<50 + 1} {
			if !errors.Is(w.SetQuota(t.Context(), admin, open, n), fault.Invalid) {
				t.Errorf("a limit of %d was taken", n)
			}
		}
		for _, c := range []struct {
			project int64
			sort    []db.Sort
			want    string
		}{
			{0, nil, "solo:-1/150 priv:5000/0 open:1125899906842624/100 library:-1/0"},
			{0, []db.Sort{{Key: "hard.storage"}}, "priv:5000/0 open:1125899906842624/100 library:-1/0 solo:-1/150"},
			{0, []db.Sort{{Key: "used.storage", Desc: true}}, "solo:-1/150 open:1125899906842624/100 priv:5000/0 library:-1/0"},
			{priv, nil, "priv:5000/0"},
		} {
			before := w.db.Executed()
			rows, total, err := w.ListQuotas(t.Context(), c.project, db.List{Sort: c.sort})
			w.must(err)
			var got []string
			for _, q := range rows {
				got = append(got, fmt.Sprintf("%s:%d/%d", q.Project, q.Hard, q.Used))
			}
			if strings.Join(got, " ") != c.want || total != int64(len(rows)) {
				t.Errorf("sorted by %v: got %v of %d, want %s", c.sort, got, total, c.want)
			}
			if n := w.db.Executed() - before; n != 2 {
				t.Errorf("took %d statements, want 2", n)
			}
		}
		q, err := w.GetQuota(t.Context(), solo)
		if err != nil || q.Used != 150 || q.OwnerName != "bob" {
			t.Errorf("got %+v, %v", q, err)
		}
		if _, err := w.GetQuota(t.Context(), 99); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
		if err := w.SetQuota(t.Context(), admin, 99, 1); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
		events := w.events()
		if e := events[len(events)-1]; !strings.HasPrefix(e, "update_project ") || !strings.Contains(e, "update quota of project: open") {
			t.Errorf("got the event %s", e)
		}
	})
}
