package db

import (
	"context"
	"errors"
	"testing"
)

func TestTargetOfAStatement(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1 FROM project":                         "",
		"INSERT INTO project (a) VALUES ($1)":           "project",
		"insert into project(a) values ($1)":            "project",
		"\n\tUPDATE account SET a = 1 WHERE b = 2":      "account",
		"DELETE FROM robot WHERE id = $1":               "robot",
		"DELETE FROM robot":                             "robot",
		"WITH x AS (SELECT 1) DELETE FROM robot":        anyTable,
		"INSERT OR REPLACE INTO project (a) VALUES (1)": anyTable,
		"TRUNCATE project":                              anyTable,
		"UPDATE":                                        anyTable,
	} {
		if got := target(query); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}

func TestWatchSeesCommitsOfItsTables(t *testing.T) {
	d, put := newSQLite(t)
	ctx := context.Background()
	setting, others := d.Watch("setting", "robot"), d.Watch("project")
	version := func(w *Watch) int64 {
		t.Helper()
		v, ok := w.Version()
		if !ok {
			t.Fatal("not exact on SQLite")
		}
		return v
	}
	before, same := version(setting), version(others)
	if err := put(); err != nil {
		t.Fatal(err)
	}
	after := version(setting)
	if after == before || version(others) != same {
		t.Fatalf("versions %d → %d, and %d → %d of a table that nobody wrote", before, after, same, version(others))
	}
	boom := errors.New("boom")
	err := d.WriteRelaxed(ctx, func(tx Tx) error {
		if _, err := tx.Exec(ctx, putSetting, "a", "2"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || version(setting) != after {
		t.Fatalf("%v; version %d → %d by what was rolled back", err, after, version(setting))
	}
	err = d.WriteRelaxed(ctx, func(tx Tx) error {
		_, err := Collect(ctx, tx, ScanString, `DELETE FROM setting WHERE name = $1 RETURNING name`, "a")
		return err
	})
	if err != nil || version(setting) == after {
		t.Fatalf("%v; a change that returns rows was not seen", err)
	}
}

// A statement that makes no difference is spared; the same table written otherwise isn't.
func TestWatchSparesStatements(t *testing.T) {
	d, put := newSQLite(t)
	ctx := t.Context()
	w, strict := d.WatchBut([]string{"INSERT INTO setting"}, "setting"), d.Watch("setting")
	before, _ := w.Version()
	strictly, _ := strict.Version()
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if v, _ := w.Version(); v != before {
		t.Fatal("a spared statement counts")
	}
	if v, _ := strict.Version(); v == strictly {
		t.Fatal("what one watch spares, another doesn't see")
	}
	for _, query := range []string{"DELETE FROM setting", "INSERT OR IGNORE INTO setting SELECT * FROM setting"} {
		before, _ = w.Version()
		err := d.WriteRelaxed(ctx, func(tx Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		})
		if v, _ := w.Version(); err != nil || v == before {
			t.Fatalf("%v; %s was not seen", err, query)
		}
	}
}

func TestNoticesOtherProcesses(t *testing.T) {
	ctx := t.Context()
	url := "sqlite:" + t.TempDir() + "/haven.db"
	ours, err := Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := Open(ctx, url) // as another process
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	write := func(d *DB, query string) {
		t.Helper()
		if err := d.Write(ctx, func(tx Tx) error { _, err := tx.Exec(ctx, query); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(ours, "CREATE TABLE thing (id INTEGER)")
	w := ours.Watch("thing")
	noticed := func() bool {
		t.Helper()
		before, _ := w.Version()
		if err := ours.Notice(ctx); err != nil {
			t.Fatal(err)
		}
		after, _ := w.Version()
		return after != before
	}
	noticed() // whatever was before it looked for the first time
	if noticed() {
		t.Fatal("a change was noticed, and there was none")
	}
	write(theirs, "INSERT INTO thing VALUES (1)")
	if !noticed() {
		t.Fatal("what another process wrote was not noticed")
	}
	write(ours, "INSERT INTO thing VALUES (2)")
	if noticed() {
		t.Fatal("what this process wrote counts as another's")
	}
}
