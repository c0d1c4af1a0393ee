package trend

import (
	"context"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/scan"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A day has one sample, the last one; what is asked for ends with what the registry is now; samples go after two years.
func TestSamples(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, now := t.Context(), time.Date(2026, 3, 1, 0, 5, 0, 0, time.UTC)
		counts := scan.Counts{Critical: 1, Negligible: 2, Unknown: 3}
		s := New(d, func(context.Context) (scan.Counts, error) { return counts, nil }, func() time.Time { return now })
		take := func() {
			t.Helper()
			_, err := s.Take(ctx)
			must(t, err)
		}
		take()
		take()
		counts.Critical = 5
		now = now.Add(23 * time.Hour)
		take() // of the same day
		now = now.AddDate(0, 0, 2)
		counts.Critical = 7

		rows, err := s.Last(ctx, 90)
		must(t, err)
		if len(rows) != 2 || rows[0].Findings.Critical != 5 || rows[0].Findings.Unknown != 5 || rows[1].Findings.Critical != 7 || rows[1].Findings.Unknown != 5 {
			t.Fatalf("got %+v", rows)
		}
		if rows[0].Day != time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) || rows[1].Day != time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC) {
			t.Errorf("the days are %s and %s", rows[0].Day, rows[1].Day)
		}
		take()
		if rows, err = s.Last(ctx, 90); err != nil || len(rows) != 2 {
			t.Errorf("today came twice: %+v %v", rows, err)
		}
		if rows, err = s.Last(ctx, 2); err != nil || len(rows) != 1 {
			t.Errorf("two days: %+v %v", rows, err)
		}

		now = now.AddDate(3, 0, 0)
		take()
		n, err := db.Get(ctx, d.Auto(), db.ScanInt, `SELECT COUNT(*) FROM trend`)
		must(t, err)
		if n != 1 {
			t.Errorf("%d samples are left after three years", n)
		}
	})
}

func TestStatementsUseIndexes(t *testing.T) {
	dbtest.Filled(t, func(t *testing.T, d *db.DB) {
		for name, query := range map[string]string{"since": since, "outlived": outlived} {
			if p := dbtest.PlanOf(t, d, query, false); len(p.Scans)+len(p.Walks) > 0 || p.Sorts {
				t.Errorf("%s:\n%s", name, p.Text)
			}
		}
	})
}
