package backup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/setting"
)

// other is the kind of database that d isn't.
func other(t *testing.T, d *db.DB) string {
	if d.Dialect() == db.SQLite {
		return dbtest.PostgresURL(t)
	}
	return dbtest.SQLiteURL(t)
}

// A backup of one size comes back on the other, row by row and byte by byte, and what is bound to the old place stays there.
func TestABackupComesBackOnTheOtherDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fill()
		want := w.rows()
		target, _ := newTarget(t)
		made := w.backup(target)
		if made.Blobs.Count != 28 || made.Blobs.Copied != 28 || made.Blobs.Missing != 0 || made.RowCount() == 0 {
			t.Errorf("made %+v", made.Blobs)
		}
		to, dir := empty(t, other(t, d))
		report, err := restoring(t, target, to, w.Box).Run(t.Context(), made)
		ok(t, err)
		if !report.Whole() || report.Blobs != 28 || report.Resumed {
			t.Errorf("report %+v", report)
		}
		there := w.at(to, dir)
		there.same(want)
		for query, want := range map[string]int64{
			`SELECT COUNT(*) FROM session`: 0, `SELECT COUNT(*) FROM sealed_key WHERE purpose = 'token'`: 0, `SELECT COUNT(*) FROM record_pass`: 2,
			`SELECT COUNT(*) FROM event WHERE kind = 'restore_backup'`: 1, `SELECT COUNT(*) FROM blob_hold`: 0,
		} {
			if got := there.count(query); got != want {
				t.Errorf("%s: %d, want %d", query, got, want)
			}
		}
		if _, err := restoring(t, target, to, w.Box).Run(t.Context(), made); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("once more: %v, want ErrNotEmpty", err)
		}
		there.image("later", 10, "later") // ids go on
	})
}

// What is there already stays, however little it is.
func TestARestoreRefusesWhatIsInUse(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.fill()
	target, _ := newTarget(t)
	made := w.backup(target)
	for what, insert := range map[string]string{
		"a robot": `INSERT INTO robot (id, name, description, duration_days, expires_at, disabled, creator_type, creator_id, created_at, updated_at)
			VALUES (1, 'robot$r', '', -1, 0, FALSE, 'local', 1, 0, 0)`,
		"a registry elsewhere": `INSERT INTO remote_registry (name, kind, url, description, insecure, ca_certificate, credential_type, access_key, realm, check_at, created_at, updated_at)
			VALUES ('r', 'harbor', 'https://r.test', '', FALSE, '', '', '', '', 0, 0, 0)`,
	} {
		for _, url := range []string{dbtest.SQLiteURL(t), dbtest.PostgresURL(t)} {
			to, _ := empty(t, url)
			ok(t, to.DB.Migrate(t.Context()))
			ok(t, to.DB.Write(t.Context(), func(tx db.Tx) error {
				_, err := tx.Exec(t.Context(), insert)
				return err
			}))
			if _, err := restoring(t, target, to, w.Box).Run(t.Context(), made); !errors.Is(err, ErrNotEmpty) {
				t.Errorf("%s: %v, want ErrNotEmpty", what, err)
			}
		}
	}
}

// Every table goes along or is left for a reason.
func TestNoTableIsForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		target, _ := newTarget(t)
		made := w.backup(target)
		taken := map[string]bool{}
		for _, table := range made.Tables {
			taken[table.Table] = true
		}
		tables, err := d.Tables(t.Context())
		ok(t, err)
		there := map[string]bool{}
		for _, table := range tables {
			there[table.Name] = true
			if taken[table.Name] == (left[table.Name] != "") {
				t.Errorf("%s: taken %v, left because %q", table.Name, taken[table.Name], left[table.Name])
			}
		}
		for name := range left {
			if !there[name] {
				t.Errorf("%s is left, and isn't there", name)
			}
		}
	})
}

// The second backup copies what is new only; an older one that goes takes only what none else names.
func TestBackupsShareBlobs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fill()
		target, _ := newTarget(t)
		first := w.backup(target)
		if again := w.backup(target); again.Blobs.Copied != 0 || again.Blobs.Count != first.Blobs.Count {
			t.Errorf("unchanged, %d blobs were copied", again.Blobs.Copied)
		}
		w.image("new", 700_000, "new")
		last := w.backup(target)
		if last.Blobs.Copied != 2 || last.Blobs.Count != first.Blobs.Count+2 {
			t.Errorf("after a push, %d of %d blobs were copied, want 2", last.Blobs.Copied, last.Blobs.Count)
		}
		removed, err := target.Delete(t.Context(), []string{last.ID}, silent{})
		ok(t, err)
		if removed.Blobs != 2 {
			t.Errorf("%d blobs went with the last one, want 2", removed.Blobs)
		}
		if removed, err = target.Prune(t.Context(), 1, silent{}); err != nil || removed.Blobs != 0 || len(removed.Backups) != 1 {
			t.Errorf("pruned %+v, %v", removed, err)
		}
		left, err := target.List(t.Context())
		ok(t, err)
		if len(left) != 1 {
			t.Fatalf("%d backups are left", len(left))
		}
		v := Verify{Target: target, Pace: Pace{Parallel: 2}, Progress: silent{}}
		report, err := v.Run(t.Context(), left[0])
		ok(t, err)
		if !report.Whole() || report.Blobs != first.Blobs.Count || report.Rows != left[0].RowCount() {
			t.Errorf("verified %+v", report)
		}
	})
}

// stopping is a store that fails after some blobs.
type stopping struct {
	blob.Store
	left atomic.Int64
}

func stoppingAfter(s blob.Store, blobs int64) *stopping {
	b := &stopping{Store: s}
	b.left.Store(blobs)
	return b
}

var errStopped = errors.New("stopped")

func (s *stopping) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	if s.left.Add(-1) < 0 {
		return "", errStopped
	}
	return s.Store.Commit(ctx, u, d)
}

// A backup that was broken off isn't there, and what it has copied is used by the next one.
func TestABackupThatWasBrokenOff(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.fill()
	target, _ := newTarget(t)
	c := w.create(Target{stoppingAfter(target.Store, 10)})
	c.Pace.Parallel = 1
	if _, err := c.Run(t.Context()); !errors.Is(err, errStopped) {
		t.Fatalf("got %v", err)
	}
	if _, err := target.Find(t.Context(), ""); !errors.Is(err, ErrNoBackup) {
		t.Errorf("Find: %v, want ErrNoBackup", err)
	}
	if n := w.count(`SELECT COUNT(*) FROM blob_hold`); n != 0 {
		t.Errorf("%d holds are left", n)
	}
	made := w.backup(target)
	if made.Blobs.Count != 28 || made.Blobs.Copied != 18 {
		t.Errorf("the next one copied %d of %d blobs, want 18", made.Blobs.Copied, made.Blobs.Count)
	}
	if removed, err := target.Prune(t.Context(), 1, silent{}); err != nil || len(removed.Unfinished) != 1 {
		t.Errorf("pruned %+v, %v", removed, err)
	}
	report, err := (&Verify{Target: target, Pace: Pace{Parallel: 2}, Progress: silent{}}).Run(t.Context(), made)
	if err != nil || !report.Whole() {
		t.Errorf("verified %+v, %v", report, err)
	}
}

// A restore that was broken off leaves a database that nobody serves, and goes on where it was; another backup isn't mixed in.
func TestARestoreGoesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fill()
		target, _ := newTarget(t)
		made := w.backup(target)
		second := w.backup(target)
		to, dir := empty(t, other(t, d))
		broken := to
		broken.Blobs = stoppingAfter(to.Blobs, 20)
		if _, err := restoring(t, target, broken, w.Box).Run(t.Context(), made); !errors.Is(err, errStopped) {
			t.Fatalf("got %v", err)
		}
		if err := to.DB.Migrate(t.Context()); !errors.Is(err, db.ErrFilling) {
			t.Errorf("Migrate: %v, want ErrFilling", err)
		}
		if _, err := restoring(t, target, to, w.Box).Run(t.Context(), second); !errors.Is(err, ErrOther) {
			t.Errorf("another backup: %v, want ErrOther", err)
		}
		report, err := restoring(t, target, to, w.Box).Run(t.Context(), made)
		ok(t, err)
		if !report.Resumed || !report.Whole() {
			t.Errorf("report %+v", report)
		}
		w.at(to, dir).same(w.rows())
	})
}

// What is spoiled is found, wherever it is, and a restore says so instead of taking it for good.
func TestASpoiledBackupIsFound(t *testing.T) {
	for _, c := range []struct {
		what  string
		words []string
	}{{"rows", []string{"rows", "tag", "00001"}}, {"a list", []string{"/blobs/00001"}}, {"a blob", []string{"docker/registry"}}} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t, dbtest.SQLite(t))
			w.fill()
			target, dir := newTarget(t)
			made := w.backup(target)
			spoil(t, dir, c.words...)
			v := Verify{Target: target, Pace: Pace{Parallel: 2}, Progress: silent{}}
			report, err := v.Run(t.Context(), made)
			ok(t, err)
			if report.Whole() {
				t.Error("nothing is found")
			}
			to, _ := empty(t, dbtest.SQLiteURL(t))
			restored, err := restoring(t, target, to, w.Box).Run(t.Context(), made)
			if !errors.Is(err, ErrDamaged) && (err != nil || restored.Damaged != 1) {
				t.Errorf("restored %+v, %v", restored, err)
			}
		})
	}
}

// The wrong key, a newer backup and a target without backups are refused before anything is written.
func TestARestoreRefusesBeforeItWrites(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.fill()
	target, _ := newTarget(t)
	made := w.backup(target)
	to, _ := empty(t, dbtest.SQLiteURL(t))
	if _, err := restoring(t, target, to, newBox(t)).Run(t.Context(), made); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	newer := restoring(t, target, to, w.Box)
	newer.Schema = made.Schema - 1
	if _, err := newer.Run(t.Context(), made); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer backup: %v", err)
	}
	if s, err := to.DB.Schema(t.Context()); err != nil || s.Current != 0 {
		t.Errorf("afterwards the schema is %+v, %v", s, err)
	}
	nothing, _ := newTarget(t)
	if _, err := nothing.Find(t.Context(), ""); !errors.Is(err, ErrNoBackup) {
		t.Errorf("an empty target: %v", err)
	}
	if _, err := target.Find(t.Context(), "../x"); !errors.Is(err, ErrNoBackup) {
		t.Errorf("an id that is none: %v", err)
	}
	strange := w
	strange.Source.Box = newBox(t)
	if _, err := strange.create(target).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "secret_key_file") {
		t.Errorf("a backup with another key than the database's: %v", err)
	}
}

// A blob that the store has lost is missing in the backup and after the restore; all else is there.
func TestALostBlobIsNoReasonToHaveNoBackup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fill()
		layer := oci.SHA256Of(w.image("lost", 200_000, "lost"))
		b, err := w.Registry.StoredBlob(t.Context(), layer)
		ok(t, err)
		ok(t, w.Blobs.Delete(t.Context(), b.Location))
		target, _ := newTarget(t)
		made := w.backup(target)
		if made.Blobs.Missing != 1 {
			t.Errorf("%d are missing", made.Blobs.Missing)
		}
		to, dir := empty(t, other(t, d))
		report, err := restoring(t, target, to, w.Box).Run(t.Context(), made)
		ok(t, err)
		if report.Missing != 1 || report.Damaged != 0 {
			t.Errorf("report %+v", report)
		}
		if n := w.at(to, dir).count(`SELECT COUNT(*) FROM blob WHERE damaged AND location = ''`); n != 1 {
			t.Errorf("%d rows say so", n)
		}
	})
}

// Who deletes and who writes keep out of each other's way; a claim that was left behind ends.
func TestATargetIsNotPrunedWhileSomebodyWrites(t *testing.T) {
	target, _ := newTarget(t)
	ok(t, target.using(t.Context(), writing, func(ctx context.Context) error {
		ok(t, target.using(ctx, writing, func(context.Context) error { return nil }))
		ok(t, target.using(ctx, reading, func(context.Context) error { return nil }))
		if _, err := target.Prune(ctx, 1, silent{}); !errors.Is(err, ErrInUse) {
			t.Errorf("prune: %v, want ErrInUse", err)
		}
		return nil
	}))
	ok(t, target.using(t.Context(), deleting, func(ctx context.Context) error {
		if err := target.using(ctx, writing, func(context.Context) error { return nil }); !errors.Is(err, ErrInUse) {
			t.Errorf("write: %v, want ErrInUse", err)
		}
		return nil
	}))
	dead := lock{Use: writing, Until: time.Now().Add(-time.Second)}
	ok(t, target.say(t.Context(), locksDir+"write-dead", dead))
	if _, err := target.Prune(t.Context(), 1, silent{}); err != nil {
		t.Errorf("after its lease: %v", err)
	}
	if err := target.EachRecord(t.Context(), func(name string) error { return fmt.Errorf("%s is left", name) }); err != nil {
		t.Error(err)
	}
}

// A move brings over what is pushed meanwhile, leaves the source read-only, and the new place takes pushes.
func TestAMove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.fill()
		w.exec(`UPDATE blob SET condemned_at = 1 WHERE id = 1`)
		settings := setting.New(d, w.Box, time.Now)
		to, dir := empty(t, other(t, d))
		m := &Move{Source: w.Source, Settings: settings, Destination: to, From: "move of x", Name: "old", Heard: time.Millisecond, Pace: Pace{Parallel: 2}, Log: quiet, Progress: &pushing{w: w}}
		report, err := m.Run(t.Context())
		ok(t, err)
		if report.Missing != 0 || report.Rows == 0 {
			t.Errorf("report %+v", report)
		}
		there := w.at(to, dir)
		want := strings.ReplaceAll(w.rows(), `setting name="read_only" value="true"`, `setting name="read_only" value="false"`)
		there.same(want)
		for what, s := range map[string]*setting.Service{"old": settings, "new": setting.New(to.DB, w.Box, time.Now)} {
			if readOnly, err := s.ReadOnly(t.Context()); err != nil || readOnly != (what == "old") {
				t.Errorf("%s: read-only %v, %v", what, readOnly, err)
			}
		}
		there.image("after", 10, "after")
	})
}

// pushing pushes when the rows begin, as somebody would whom the servers had let in before.
type pushing struct {
	silent
	w    world
	done bool
}

func (p *pushing) Stage(name string, _ int64, _ bool) {
	if name == "rows" && !p.done {
		p.done = true
		p.w.image("meanwhile", 400_000, "meanwhile")
	}
}

func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	row := []any{nil, int64(-1), int64(1) << 62, "", "x\x00\xff", []byte{}, []byte{0, 1}}
	line, err := appendRow(nil, row)
	ok(t, err)
	got, err := readRow(newLineReader(line), len(row))
	if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", row) {
		t.Errorf("got %#v, %v", got, err)
	}
	for n := 1; n < len(line); n++ {
		if _, err := readRow(newLineReader(line[:n]), len(row)); err == nil {
			t.Errorf("%d of %d bytes are taken for a row", n, len(line))
		}
	}
}

func newLineReader(line []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(line)) }
