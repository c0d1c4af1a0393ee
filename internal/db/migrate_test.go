package db_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// eachURL runs a test on an empty database of each kind.
func eachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL, "postgres": dbtest.PostgresURL} {
		t.Run(name, func(t *testing.T) { test(t, url(t)) })
	}
}

func open(t *testing.T, url string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// newer is what a later release's migrations are, after this program's.
func newer(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		t.Cleanup(db.AddMigration(text))
	}
}

const (
	laterColumn = `ALTER TABLE project ADD COLUMN later {{int}} NOT NULL DEFAULT 7;`
	laterTable  = `CREATE TABLE later (id {{int}} NOT NULL PRIMARY KEY) {{strict}};`
)

func schema(t *testing.T, d *db.DB) db.Schema {
	t.Helper()
	s, err := d.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A program goes on with what a newer one has migrated, unless a migration says that it can't.
func TestProgramsBeforeGoOn(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		d, now := open(t, url), db.Newest()
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		upgrade := func(texts ...string) {
			t.Run("upgrade", func(t *testing.T) {
				newer(t, texts...)
				if err := open(t, url).Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		}
		upgrade(laterColumn, laterTable)
		if s := schema(t, d); !s.Ahead() || s.Pending() || s.Current != now+2 || s.Target != now {
			t.Errorf("%+v", s)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Errorf("the program before doesn't start: %v", err)
		}
		exec(t, d, `INSERT INTO account (username, email, created_at, updated_at) VALUES ('a', 'a', 1, 1)`)
		exec(t, d, `INSERT INTO project (name, owner_id, created_at, updated_at) SELECT 'p', id, 1, 1 FROM account WHERE username = 'a'`)
		if got := ids(t, d, `SELECT later FROM project WHERE name = 'p'`); len(got) != 1 || got[0] != 7 {
			t.Errorf("written by the program before: %v", got)
		}
		upgrade(laterColumn, laterTable, `UPDATE compatible_schema SET since = `+strconv.FormatInt(now+3, 10)+`;`)
		for range 2 {
			if err := d.Migrate(t.Context()); !errors.Is(err, db.ErrNewerSchema) {
				t.Errorf("the program before starts with what it can't bear: %v", err)
			}
		}
	})
}

// Of several migrations the last one fails: nothing of the others is left, and the program before goes on.
func TestAFailedUpgradeLeavesTheOldState(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		d, now := open(t, url), db.Newest()
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Run("upgrade", func(t *testing.T) {
			newer(t, laterColumn, laterTable, `INSERT INTO nowhere VALUES (1);`)
			err := open(t, url).Migrate(t.Context())
			if err == nil || !strings.Contains(err.Error(), "left as it was") || !strings.Contains(err.Error(), "nowhere") {
				t.Fatalf("%v", err)
			}
		})
		if s := schema(t, d); s.Current != now {
			t.Errorf("%+v", s)
		}
		if there, err := d.Auto().HasTable(t.Context(), "later"); there || err != nil {
			t.Errorf("a table of a migration before the one that failed is there: %v", err)
		}
		t.Run("mended", func(t *testing.T) {
			newer(t, laterColumn, laterTable)
			if err := open(t, url).Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// SQLite's database is kept as it was before the last upgrade, and only that.
func TestSnapshotBeforeAnUpgrade(t *testing.T) {
	url := dbtest.SQLiteURL(t)
	path := strings.TrimPrefix(url, "sqlite:")
	copies := func() (names []string) {
		found, err := filepath.Glob(path + ".schema-*")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			names = append(names, strings.TrimPrefix(f, path+".schema-"))
		}
		return names
	}
	d, now := open(t, url), db.Newest()
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := copies(); got != nil {
		t.Errorf("an empty database was kept: %v", got)
	}
	exec(t, d, `INSERT INTO account (username, email, created_at, updated_at) VALUES ('before', 'a', 1, 1)`)
	newer(t, laterTable)
	if err := open(t, url).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(copies(), " "); got != strconv.FormatInt(now, 10) {
		t.Fatalf("copies of %q, want of %d", got, now)
	}
	if info, err := os.Stat(d.SnapshotPath(now)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	kept := open(t, "sqlite:"+d.SnapshotPath(now))
	if s := schema(t, kept); s.Current != now || len(s.Lacking()) != 1 {
		t.Errorf("the copy: %+v", s)
	}
	if got := ids(t, kept, `SELECT id FROM account WHERE username = 'before'`); len(got) != 1 {
		t.Errorf("the copy lacks a row")
	}
	if there, err := kept.Auto().HasTable(t.Context(), "later"); there || err != nil {
		t.Errorf("the copy is of the new schema: %v", err)
	}
	newer(t, laterColumn)
	if err := open(t, url).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(copies(), " "); got != strconv.FormatInt(now+1, 10) {
		t.Errorf("copies of %q, want of %d", got, now+1)
	}
}

// Somebody's long transaction holds up a migration, and the migration nobody who comes after it for long.
func TestMigrationsWaitForTablesWithoutHoldingOthersUp(t *testing.T) {
	url := dbtest.PostgresURL(t)
	d := open(t, url)
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	reading, read, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		done <- d.Read(t.Context(), func(tx db.Tx) error {
			_, err := db.Collect(t.Context(), tx, db.ScanInt, `SELECT id FROM project`)
			close(reading)
			<-read
			return err
		})
	}()
	<-reading
	newer(t, laterColumn)
	later := open(t, url)
	go func() { done <- later.Migrate(t.Context()) }()
	waits := `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE project%'`
	await.Until(t, "the migration waits for the table", func() bool { return ids(t, d, waits)[0] > 0 })
	began := time.Now()
	ids(t, d, `SELECT id FROM project`) // behind the migration, as requests are
	if waited := time.Since(began); waited > 10*time.Second {
		t.Errorf("a request waited %v for a migration that waits itself", waited)
	}
	close(read)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if s := schema(t, later); s.Pending() {
		t.Errorf("%+v", s)
	}
}

// cant finds what programs of the schema before can't bear: what they read or write is gone, has another name, or is refused.
var cant = regexp.MustCompile(`(?i)\bDROP (TABLE|COLUMN)|\bRENAME\b|\bALTER COLUMN\b|\bSET NOT NULL\b|\bADD CONSTRAINT\b|CREATE UNIQUE INDEX|` +
	`ADD COLUMN \S+ \S+ NOT NULL(\s*;|\s+(REFERENCES|CHECK|UNIQUE))`)

// A migration that programs before it can't bear says so.
func TestMigrationsThatAreForNewerProgramsAlone(t *testing.T) {
	for text, want := range map[string]bool{
		laterColumn: false, laterTable: false, "DROP TABLE a;": true, "ALTER TABLE a RENAME COLUMN b TO c;": true, "CREATE INDEX a ON b (c);": false,
		"ALTER TABLE a ADD COLUMN b TEXT NOT NULL;": true, "ALTER TABLE a ADD COLUMN b TEXT;": false, "CREATE UNIQUE INDEX a ON b (c);": true,
	} {
		if cant.MatchString(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
	const first = 39 // nothing was released before
	for _, m := range (db.Schema{Current: first, Target: db.Newest()}).Lacking() {
		if up := db.UpPart(m); cant.MatchString(up) && !m.Alone {
			t.Errorf("%s changes what programs before it rely on: spread it over two releases, or raise compatible_schema in it", m.Name)
		}
	}
}

// What a replica's start meets that begins while another one migrates.
func TestTwoMigrateAtATime(t *testing.T) {
	url := dbtest.PostgresURL(t)
	one, two := open(t, url), open(t, url)
	done := make(chan error, 2)
	for _, d := range []*db.DB{one, two} {
		go func() { done <- d.Migrate(context.WithoutCancel(t.Context())) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if s := schema(t, one); s.Pending() {
		t.Errorf("%+v", s)
	}
}
