package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"golang.org/x/sync/errgroup"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	putSetting = `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	getSetting = `SELECT value FROM setting WHERE name = $1`
)

func TestWriteCommitsAndRollsBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		woken := 0
		put := func(value string, fail error) error {
			return d.Write(ctx, func(tx db.Tx) error {
				tx.AfterCommit(func() { woken++ })
				if _, err := tx.Exec(ctx, putSetting, "a", value); err != nil {
					return err
				}
				return fail
			})
		}
		if err := put("1", nil); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		if err := put("2", boom); !errors.Is(err, boom) {
			t.Fatalf("got %v, want boom", err)
		}
		got, err := db.Get(ctx, d.Auto(), db.ScanString, getSetting, "a")
		if err != nil || got != "1" {
			t.Fatalf("got %q, %v; want the value of the committed write", got, err)
		}
		if woken != 1 {
			t.Fatalf("AfterCommit ran %d times, want 1", woken)
		}
		if _, err := db.Get(ctx, d.Auto(), db.ScanString, getSetting, "none"); !errors.Is(err, db.ErrNotFound) {
			t.Fatalf("got %v, want ErrNotFound", err)
		}
		if _, err := d.Auto().Exec(ctx, putSetting, "a", "3"); err == nil {
			t.Fatal("a write without a transaction passed")
		}
	})
}

// Two kinds of writers on one database: what one commits the other sees, and neither is refused.
func TestRelaxedAndDurableWritersMeet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		var g errgroup.Group
		for w := range 4 {
			write := d.Write
			if w%2 == 0 {
				write = d.WriteRelaxed
			}
			g.Go(func() error {
				for i := range 20 {
					err := write(ctx, func(tx db.Tx) error {
						_, err := tx.Exec(ctx, putSetting, fmt.Sprintf("%d-%d", w, i), "x")
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Get(ctx, d.Auto(), db.ScanInt, `SELECT COUNT(*) FROM setting`); err != nil || n != 80 {
			t.Fatalf("%d rows, %v; want 80", n, err)
		}
	})
}

// Concurrent read-modify-write must not lose an update on either database.
func TestWritesAreSerializable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		const workers, rounds = 8, 10
		if err := d.Write(ctx, func(tx db.Tx) error { _, err := tx.Exec(ctx, putSetting, "n", "0"); return err }); err != nil {
			t.Fatal(err)
		}
		var g errgroup.Group
		for range workers {
			g.Go(func() error {
				for range rounds {
					err := d.Write(ctx, func(tx db.Tx) error {
						v, err := db.Get(ctx, tx, db.ScanString, getSetting, "n")
						if err != nil {
							return err
						}
						var n int
						fmt.Sscan(v, &n)
						_, err = tx.Exec(ctx, putSetting, "n", fmt.Sprint(n+1))
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if got, _ := db.Get(ctx, d.Auto(), db.ScanString, getSetting, "n"); got != fmt.Sprint(workers*rounds) {
			t.Fatalf("counted %s, want %d", got, workers*rounds)
		}
	})
}

func TestConstraintsAreTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		write := func(q string, args ...any) error {
			return d.Write(ctx, func(tx db.Tx) error { _, err := tx.Exec(ctx, q, args...); return err })
		}
		const insert = `INSERT INTO setting (name, value) VALUES ($1, $2)`
		if err := write(insert, "x", "1"); err != nil {
			t.Fatal(err)
		}
		if err := write(insert, "x", "1"); !errors.Is(err, db.ErrUnique) {
			t.Fatalf("got %v, want ErrUnique", err)
		}
		if err := write(`INSERT INTO project_metadata (project_id, name, value) VALUES (99, 'a', 'b')`); !errors.Is(err, db.ErrReferenced) {
			t.Fatalf("got %v, want ErrReferenced", err)
		}
	})
}

var listing = db.Listing{
	Fields:  "name",
	From:    "setting",
	Columns: map[string]db.Column{"name": {Expr: "name"}, "length": {Expr: "length(value)", Kind: db.Int}},
	Default: "name",
	Tie:     "name",
}

func TestPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		err := d.Write(ctx, func(tx db.Tx) error {
			for i := range 25 {
				if _, err := tx.Exec(ctx, putSetting, fmt.Sprintf("k_%02d", i), fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		cases := []struct {
			name  string
			list  db.List
			total int64
			first string
			rows  int
		}{
			{"all", db.List{}, 25, "k_00", 25},
			{"third page", db.List{Page: 3, Size: 10}, 25, "k_20", 5},
			{"past the end", db.List{Page: 9, Size: 10}, 25, "", 0},
			{"descending", db.List{Sort: []db.Sort{{Key: "name", Desc: true}}, Page: 1, Size: 1}, 25, "k_24", 1},
			{"unknown keys", db.List{Sort: []db.Sort{{Key: "secret"}}, Filters: []db.Filter{{Key: "secret", Values: []string{"1"}}}, Page: 1, Size: 1}, 25, "k_00", 1},
			{"contains, case", db.List{Filters: []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"K_1"}}}}, 10, "k_10", 10},
			{"contains, wildcards are text", db.List{Filters: []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"k%1"}}}}, 0, "", 0},
			{"any of", db.List{Filters: []db.Filter{{Key: "name", Op: db.AnyOf, Values: []string{"k_03", "k_07", "x"}}}}, 2, "k_03", 2},
			{"range of numbers", db.List{Filters: []db.Filter{{Key: "length", Op: db.Between, Values: []string{"2", ""}}}}, 15, "k_10", 15},
			{"two filters", db.List{Filters: []db.Filter{{Key: "length", Values: []string{"1"}}, {Key: "name", Op: db.Contains, Values: []string{"9"}}}}, 1, "k_09", 1},
		}
		for _, c := range cases {
			rows, total, err := db.Page(ctx, d.Auto(), listing, "name LIKE $1", []any{"k%"}, c.list, db.ScanString)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			first := ""
			if len(rows) > 0 {
				first = rows[0]
			}
			if total != c.total || len(rows) != c.rows || first != c.first {
				t.Errorf("%s: total %d, rows %d, first %q; want %d, %d, %q", c.name, total, len(rows), first, c.total, c.rows, c.first)
			}
		}
		_, _, err = db.Page(ctx, d.Auto(), listing, "", nil, db.List{Filters: []db.Filter{{Key: "length", Values: []string{"x"}}}}, db.ScanString)
		if !errors.Is(err, db.ErrFilter) {
			t.Errorf("got %v, want ErrFilter", err)
		}
	})
}

// Pages laid end to end are the whole listing, wherever they are read from.
func TestPagesJoin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		const rows = 1013 // more than the deepest offset that reads what it skips
		err := d.Write(ctx, func(tx db.Tx) error {
			for i := range rows {
				if _, err := tx.Exec(ctx, putSetting, fmt.Sprintf("k_%04d", i), fmt.Sprint(i%7)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		orders := map[string][]db.Sort{"default": nil, "value": {{Key: "value"}}, "value, descending": {{Key: "value", Desc: true}}}
		l := listing
		l.Columns = map[string]db.Column{"value": {Expr: "value"}}
		for name, by := range orders {
			all, total, err := db.Page(ctx, d.Auto(), l, "", nil, db.List{Sort: by}, db.ScanString)
			if err != nil || total != rows || len(all) != rows {
				t.Fatalf("%s: %d rows of %d, %v", name, len(all), total, err)
			}
			for _, size := range []int{7, 10, 250, 506, 507, 1012, 1013, 1014} {
				var joined []string
				for page := 1; page <= rows/size+2; page++ {
					some, _, err := db.Page(ctx, d.Auto(), l, "", nil, db.List{Sort: by, Page: page, Size: size}, db.ScanString)
					if err != nil {
						t.Fatal(err)
					}
					joined = append(joined, some...)
				}
				if !slices.Equal(joined, all) {
					t.Errorf("%s, pages of %d: %q, want %q", name, size, joined, all)
				}
			}
		}
	})
}

// A listing that knows its total counts only what a filter leaves.
func TestTotal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := listing
		l.Total = "SELECT CAST($1 AS BIGINT)"
		for name, c := range map[string]struct {
			filters []db.Filter
			want    int64
		}{
			"without a filter": {nil, 7},
			"with one":         {[]db.Filter{{Key: "name", Op: db.Contains, Values: []string{"k"}}}, 0},
		} {
			_, total, err := db.Page(t.Context(), d.Auto(), l, "7 = $1", []any{7}, db.List{Filters: c.filters, Page: 1, Size: 1}, db.ScanString)
			if err != nil || total != c.want {
				t.Errorf("%s: total %d, %v; want %d", name, total, err, c.want)
			}
		}
	})
}

func TestTimesSurvive(t *testing.T) {
	for _, at := range []time.Time{{}, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)} {
		if got := db.Time(db.Micros(at)); !got.Equal(at) {
			t.Errorf("got %v, want %v", got, at)
		}
	}
}

func TestOpenSaysWhatItExpects(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite:"} {
		if _, err := db.Open(context.Background(), url); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
	_, err := db.Open(context.Background(), "postgres://haven:s3cret@127.0.0.1:1/x")
	if err == nil {
		t.Fatal("connected to nothing")
	}
	if msg := err.Error(); len(msg) == 0 || strings.Contains(msg, "s3cret") {
		t.Errorf("the password is in the message: %s", msg)
	}
}
