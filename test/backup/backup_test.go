//go:build acceptance

package backup

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// scaled is a PostgreSQL and a bucket of the test's own.
func scaled(t *testing.T) []string {
	objects := haventest.StartS3(t)
	return append([]string{"HAVEN_DATABASE_URL=" + haventest.Postgres(t), "HAVEN_STORAGE_URL=" + objects.URL}, objects.Env...)
}

// quickly is how garbage is collected here: what nobody names any more has a second.
const quickly = "HAVEN_RECLAIM_AFTER=1s"

// A Haven is backed up while people push and delete and garbage is collected; the backup comes back in the other size with all that
// was there, byte by byte, and people and robots sign in. Then it goes on to where it came from, and is the same, row by row.
func TestAloneToScaledOutAndBack(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Plain: true, Env: []string{quickly}})
	alone, target := of(s), filepath.Join(t.TempDir(), "target")
	s.NewProject(t, "team", false)
	s.NewMember(t, "team", "mia", "Mias-Password-1", haventest.Developer)
	robot, secret := s.NewRobot(t, "team", "ci", [][2]string{{"repository", "pull"}})
	p := newPusher(s)
	for i := range 20 {
		p.push("team/still", fmt.Sprintf("v%d", i), 20_000+i*40_000)
	}
	still := p.pushed
	first := alone.backup(t, target)
	p = newPusher(s)
	stop := p.load("team/busy", 3)
	await.Until(t, "the load runs", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.deleted) > 3 })
	busy := alone.backup(t, target, "--max-rate", "2MB/s")
	stop()
	if len(p.failures) > 0 {
		t.Fatalf("under load: %v", p.failures)
	}
	if busy.Missing != 0 || busy.Copied >= busy.Blobs || busy.Copied < 1 || first.Copied != first.Blobs {
		t.Errorf("the first copied %d of %d blobs, the one under load %d of %d, %d were missing", first.Copied, first.Blobs, busy.Copied, busy.Blobs, busy.Missing)
	}
	alone.run(t, 0, "backup", "verify", target)
	scaledOut := fresh(t, alone, scaled(t)...)
	scaledOut.run(t, 0, "restore", target)
	there := scaledOut.serve(t)
	got := pullable(t, there)
	for name, digest := range still {
		if got[name] != digest {
			t.Errorf("%s is %q, was %s", name, got[name], digest)
		}
	}
	for name, digest := range got {
		if still[name] != digest && p.pushed[name] != digest {
			t.Errorf("%s is %s, which nobody has pushed", name, digest)
		}
	}
	if a := there.Call(t, "mia", "Mias-Password-1", http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusOK {
		t.Errorf("mia: %d %s", a.Status, a.Body)
	}
	there.Token(t, robot, secret, "repository:team/still:pull")
	there.Stop()
	s.Stop()

	// A server changes rows, so what is compared row by row goes its way without one.
	var steps []string
	for range 3 {
		steps = append(steps, filepath.Join(t.TempDir(), "target"))
	}
	out := alone.backup(t, steps[0])
	way := fresh(t, alone, scaled(t)...)
	way.run(t, 0, "restore", steps[0])
	way.backup(t, steps[1])
	back := fresh(t, alone)
	back.run(t, 0, "restore", steps[1])
	in := back.backup(t, steps[2])
	if out.Rows == 0 || out.Blobs != in.Blobs {
		t.Errorf("%d rows and %d blobs went out, %d and %d came in", out.Rows, out.Blobs, in.Rows, in.Blobs)
	}
	sameRows(t, steps[0], steps[2])
	again := pullable(t, back.serve(t))
	for name, digest := range p.pushed {
		if (again[name] == digest) == p.deleted[name] {
			t.Errorf("back again %s is %q, was %s, deleted: %v", name, again[name], digest, p.deleted[name])
		}
	}
}

// sameRows compares the rows of the backups in two folders, but for where blobs are, and what a restore says of itself.
func sameRows(t *testing.T, one, other string) {
	t.Helper()
	tables := func(dir string) map[string]string {
		found, err := filepath.Glob(filepath.Join(dir, "records", "backups", "*", "backup.json"))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", dir, found, err)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Tables []struct {
				Table         string
				Rows, Counter int64
				Pieces        json.RawMessage
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, table := range d.Tables {
			all[table.Table] = fmt.Sprint(table.Rows, " ", table.Counter, " ", string(table.Pieces))
			if table.Table == "blob" {
				all[table.Table] = fmt.Sprint(table.Rows, " ", table.Counter)
			}
		}
		delete(all, "event")
		return all
	}
	was, is := tables(one), tables(other)
	for table := range was {
		if was[table] != is[table] {
			t.Errorf("the table %s was %s, is %s", table, was[table], is[table])
		}
	}
	if len(was) < 60 {
		t.Errorf("only %d tables are compared", len(was))
	}
}

// Whatever is killed, there is no backup and no registry that only looks whole, and the next try does it. What is spoiled is found.
func TestKilledAndSpoiled(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Plain: true})
	alone, target := of(s), filepath.Join(t.TempDir(), "target")
	p := newPusher(s)
	for i := range 30 {
		p.push("library/app", fmt.Sprintf("v%d", i), 150_000)
	}
	alone.killAt(t, "blobs", "backup", "create", target, "--max-rate", "300KB/s")
	alone.run(t, 2, "backup", "verify", target)
	alone.run(t, 2, "restore", target)
	made := alone.backup(t, target, "--with-secret-key")
	// The claim of the one that was killed is still good: nothing is deleted beside it.
	if _, errs := alone.run(t, 2, "backup", "prune", target, "--keep", "1"); !strings.Contains(errs, "writes a backup") {
		t.Errorf("prune beside a claim: %s", errs)
	}
	s.Stop()

	stranger := fresh(t, alone)
	if err := os.WriteFile(filepath.Join(stranger.dir, "secret-key"), []byte("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := stranger.run(t, 2, "restore", target); !strings.Contains(errs, "secret key file doesn't hold the key") {
		t.Errorf("with another key: %s", errs)
	}
	there := place{dir: t.TempDir()} // the key is in the backup
	there.killAt(t, "blobs", "restore", target, "--max-rate", "300KB/s")
	there.refuses(t, "has not filled this database to the end")
	there.killAt(t, "rows", "restore", target)
	there.refuses(t, "has not filled this database to the end")
	there.run(t, 0, "restore", target, "--backup", made.ID)
	server := there.serve(t)
	if got := pullable(t, server); fmt.Sprint(got) != fmt.Sprint(p.pushed) {
		t.Errorf("there is %v, was %v", got, p.pushed)
	}
	server.Stop()
	there.run(t, 2, "restore", target) // it isn't empty

	blobs, err := filepath.Glob(filepath.Join(target, "docker/registry/v2/blobs/sha256/*/*/data"))
	if err != nil || len(blobs) == 0 {
		t.Fatalf("%v, %v", blobs, err)
	}
	if err := os.Truncate(blobs[0], 100); err != nil {
		t.Fatal(err)
	}
	if out, _ := alone.run(t, 1, "backup", "verify", target); !strings.Contains(out, "DAMAGED blob sha256:"+filepath.Base(filepath.Dir(blobs[0]))) {
		t.Errorf("verify of a spoiled backup: %s", out)
	}
	if again := alone.backup(t, target); again.Copied != 1 {
		t.Errorf("the next backup copied %d blobs, want the one that was spoiled", again.Copied)
	}
	alone.run(t, 0, "backup", "verify", target)
}

// A Haven moves to the other size while people push: whatever they were told is there is there.
func TestMoveWhilePeoplePush(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Plain: true, Env: []string{quickly}})
	alone, env := of(s), scaled(t)
	p := newPusher(s)
	stop := p.load("library/busy", 2)
	await.Until(t, "the load runs", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.deleted) > 3 })
	moving := alone
	moving.env = append(moving.env, env[2:]...) // the credentials of the store
	to := []string{"move", "--to-database-url", strings.TrimPrefix(env[0], "HAVEN_DATABASE_URL="), "--to-storage-url", strings.TrimPrefix(env[1], "HAVEN_STORAGE_URL=")}
	moving.killAt(t, "blobs, round 1", to...)
	moving.run(t, 0, to...)
	stop()
	if len(p.failures) > 0 || p.refused == 0 {
		t.Errorf("%d pushes were refused, %v failed", p.refused, p.failures)
	}
	there := fresh(t, alone, env...).serve(t)
	got := pullable(t, there)
	for name, digest := range p.pushed {
		if !p.deleted[name] && got[name] != digest {
			t.Errorf("%s is %q, was %s", name, got[name], digest)
		}
		if p.deleted[name] && got[name] != "" {
			t.Errorf("%s was deleted, and is there", name)
		}
	}
	if !newPusher(there).push("library/later", "v1", 1000) {
		t.Error("the new place takes no push")
	}
	moving.run(t, 0, "move", "--undo")
	await.Until(t, "the old place takes pushes again", func() bool { return newPusher(s).push("library/later", "v1", 1000) })
}

// A bucket is a target, too: blobs of all sizes, shared by backups, and none of them goes with a backup that isn't the last to name it.
func TestABucketIsATarget(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Plain: true})
	objects := haventest.StartS3(t)
	alone := of(s, objects.Env...)
	target := strings.Replace(objects.URL, "s3://blobs", "s3://blobs/backups", 1)
	p := newPusher(s)
	p.push("library/app", "small", 1000)
	p.push("library/app", "large", 20_000_000)
	first := alone.backup(t, target)
	p.push("library/app", "later", 400_000)
	second := alone.backup(t, target)
	if first.Copied != 4 || second.Copied != 2 {
		t.Errorf("%d and then %d blobs were copied, want 4 and 2", first.Copied, second.Copied)
	}
	alone.killAt(t, "blobs", "backup", "create", strings.Replace(target, "backups", "others", 1), "--max-rate", "1MB/s")
	alone.run(t, 0, "backup", "delete", target, second.ID)
	alone.run(t, 0, "backup", "verify", target)
	if again := alone.backup(t, target); again.Copied != 2 {
		t.Errorf("after its deletion %d blobs were copied, want 2", again.Copied)
	}
	out, _ := alone.run(t, 0, "backup", "prune", target, "--keep", "1")
	if !strings.Contains(out, "deleted "+first.ID) || !strings.Contains(out, "0 blobs") {
		t.Errorf("prune: %s", out)
	}
	alone.run(t, 0, "backup", "verify", target)
	there := fresh(t, alone, objects.Env...)
	there.run(t, 0, "restore", target)
	if got := pullable(t, there.serve(t)); fmt.Sprint(got) != fmt.Sprint(p.pushed) {
		t.Errorf("there is %v, was %v", got, p.pushed)
	}
	// The registry's own store is no target.
	own := place{alone.dir, append([]string{"HAVEN_STORAGE_URL=" + objects.URL}, objects.Env...)}
	if _, errs := own.run(t, 2, "backup", "create", objects.URL); !strings.Contains(errs, "itself keeps blobs") {
		t.Errorf("its own store: %s", errs)
	}
}
