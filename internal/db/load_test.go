package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// dump is all rows of all tables as text, each table's sorted, and its counter.
func dump(t *testing.T, d *db.DB) string {
	t.Helper()
	var all strings.Builder
	err := d.Read(t.Context(), func(tx db.Tx) error {
		tables, err := tx.Tables(t.Context())
		if err != nil {
			return err
		}
		for _, table := range tables {
			var rows []string
			err := tx.Rows(t.Context(), table, "", "", func(row []any) error {
				rows = append(rows, fmt.Sprintf("%q", row))
				return nil
			})
			if err != nil {
				return err
			}
			last := int64(0)
			if table.Counter != "" {
				if last, err = tx.Counted(t.Context(), table); err != nil {
					return err
				}
			}
			slices.Sort(rows)
			fmt.Fprintf(&all, "%s %d\n%s\n", table.Name, last, strings.Join(rows, "\n"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// pour fills one database from another.
func pour(t *testing.T, from, to *db.DB, schema int64) (mended int64) {
	t.Helper()
	ctx := t.Context()
	if err := to.Remake(ctx, schema); err != nil {
		t.Fatal(err)
	}
	into, err := to.Tables(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = from.Read(ctx, func(tx db.Tx) error {
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		for i, table := range tables {
			if into[i].Name != table.Name {
				return fmt.Errorf("table %d is %s here, %s there", i, table.Name, into[i].Name)
			}
			l, err := to.Load(ctx, into[i])
			if err != nil {
				return err
			}
			n := int64(0)
			if err := tx.Rows(ctx, table, "", "", func(row []any) error { n++; return l.Add(ctx, row) }); err != nil {
				return err
			}
			last := int64(0)
			if table.Counter != "" {
				if last, err = tx.Counted(ctx, table); err != nil {
					return err
				}
			}
			rows, m, err := l.Close(ctx, last)
			if err != nil {
				return err
			}
			if mended += m; rows != n {
				t.Errorf("%s: %d rows of %d", table.Name, rows, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return mended
}

func newest(t *testing.T, d *db.DB) int64 {
	t.Helper()
	s, err := d.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Target
}

// Both databases have the same tables, columns and counters, in an order in which rows can be put in.
func TestTablesAreTheSameOnBothDatabases(t *testing.T) {
	var told []string
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		tables, err := d.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		before := map[string]bool{}
		for _, table := range tables {
			for _, other := range table.Refers {
				if !before[other] {
					t.Errorf("%s comes before %s, which it refers to", table.Name, other)
				}
			}
			before[table.Name] = true
			fmt.Fprintln(&all, table.Name, table.Counter, table.Refers)
			for _, c := range table.Columns {
				fmt.Fprintln(&all, " ", c.Name, strings.ReplaceAll(string(c.Kind), "bool", "int"))
			}
		}
		told = append(told, all.String())
		count := `SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'`
		if d.Dialect() == db.SQLite {
			count = `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'goose_db_version'`
		}
		if n, err := db.Get(t.Context(), d.Auto(), db.ScanInt, count); err != nil || n != int64(len(tables)) {
			t.Errorf("%d tables are told of, there are %d (%v)", len(tables), n, err)
		}
	})
	if len(told) == 2 && told[0] != told[1] {
		t.Errorf("SQLite has\n%s\nPostgreSQL has\n%s", told[0], told[1])
	}
}

// What goes from one database to the other and back is what it was, ids that were used up among it.
func TestRowsGoToTheOtherDatabaseAndBack(t *testing.T) {
	lite, pg, back := dbtest.SQLite(t), dbtest.Postgres(t), dbtest.SQLite(t)
	exec(t, lite, `INSERT INTO account (username, email, sysadmin, created_at, updated_at) VALUES ('a''b', 'ü@example.com', TRUE, 1, 2)`)
	exec(t, lite, `INSERT INTO account (username, email, created_at, updated_at) VALUES ('gone', 'gone', 1, 2)`)
	exec(t, lite, `DELETE FROM account WHERE username = 'gone'`)
	exec(t, lite, `INSERT INTO project (name, owner_id, created_at, updated_at) VALUES ('p', 1, 0, 9223372036854775807)`)
	for i := range 100 {
		exec(t, lite, `INSERT INTO repository (project_id, name, created_at, updated_at) VALUES (1, $1, 0, 0)`, fmt.Sprintf("r%d", i))
	}
	exec(t, lite, `INSERT INTO robot (name, duration_days, creator_type, creator_id, created_at, updated_at) VALUES ('r', 1, 'local', 1, 0, 0)`) // project_id NULL
	exec(t, lite, `INSERT INTO sealed_key (purpose, kid, sealed, created_at) VALUES ('x', 'empty', $1, 0), ('x', 'some', $2, 0)`, []byte{}, []byte{0, 255, 10})
	exec(t, lite, `INSERT INTO upload (id, repository_id, sha256_state, created_at, updated_at) VALUES ('u', 1, $1, 0, 0)`, []byte("state")) // store_state NULL
	want := dump(t, lite)
	version := newest(t, lite)
	if mended := pour(t, lite, pg, version); mended != 0 {
		t.Errorf("%d values were changed", mended)
	}
	if got := dump(t, pg); got != want {
		t.Errorf("on PostgreSQL it is\n%s\nwas\n%s", got, want)
	}
	pour(t, pg, back, version)
	if got := dump(t, back); got != want {
		t.Errorf("back again it is\n%s\nwas\n%s", got, want)
	}
	for _, d := range []*db.DB{pg, back} {
		id, err := insertAccount(t.Context(), d)
		if err != nil || id != 3 {
			t.Errorf("the next account has the id %d, %v; 2 was used up", id, err)
		}
	}
}

func insertAccount(ctx context.Context, d *db.DB) (id int64, err error) {
	err = d.Write(ctx, func(tx db.Tx) error {
		id, err = db.Get(ctx, tx, db.ScanInt, `INSERT INTO account (username, email, created_at, updated_at) VALUES ('n', 'n', 0, 0) RETURNING id`)
		return err
	})
	return id, err
}

// Text that only SQLite takes is made such that PostgreSQL does, and is counted.
func TestTextThatPostgreSQLDoesNotTake(t *testing.T) {
	lite, pg := dbtest.SQLite(t), dbtest.Postgres(t)
	exec(t, lite, `INSERT INTO account (username, email, realname, comment, created_at, updated_at) VALUES ('a', 'a', $1, $2, 0, 0)`, "x\x00y", "x\xffy")
	if mended := pour(t, lite, pg, newest(t, lite)); mended != 2 {
		t.Errorf("%d values were changed, want 2", mended)
	}
	if got, err := db.Get(t.Context(), pg.Auto(), db.ScanString, `SELECT realname || comment FROM account`); err != nil || got != "x\uFFFDyx\uFFFDy" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A row that refers to nothing is refused, and the statement for many rows and that for one write the same.
func TestLoadRefusesWhatRefersToNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		tables, err := d.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(tables, func(table db.Table) bool { return table.Name == "project_usage" })
		l, err := d.Load(t.Context(), tables[at])
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(t.Context(), []any{int64(1), int64(77), int64(0)}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.Close(t.Context(), 0); !errors.Is(err, db.ErrReferenced) {
			t.Errorf("got %v, want ErrReferenced", err)
		}
	})
}

// As long as somebody fills the database nobody can use it, at whichever schema it is.
func TestADatabaseThatIsBeingFilledIsNotUsed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE filling (id BIGINT PRIMARY KEY)`)
		for _, version := range []int64{1, newest(t, dbtest.SQLite(t))} {
			if err := d.Remake(t.Context(), version); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Schema(t.Context()); !errors.Is(err, db.ErrFilling) {
				t.Errorf("Schema at %d: %v, want ErrFilling", version, err)
			}
			if err := d.Migrate(t.Context()); !errors.Is(err, db.ErrFilling) {
				t.Errorf("Migrate at %d: %v, want ErrFilling", version, err)
			}
		}
		if err := d.Upgrade(t.Context()); err != nil {
			t.Fatal(err)
		}
		exec(t, d, `DROP TABLE filling`)
		if s, err := d.Schema(t.Context()); err != nil || s.Pending() {
			t.Errorf("afterwards: %+v, %v", s, err)
		}
	})
}
