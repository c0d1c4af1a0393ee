//go:build acceptance

// Package crash kills the server again and again while clients push, mount, move tags
// and delete, and while what is unreachable is reclaimed, and checks after each restart
// that every acknowledged change is there, whole, and nothing else.
//
// HAVEN_CRASH_KILLS is the number of kills on each database, 200 by default;
// HAVEN_CRASH_SEED repeats a run's choices.
package crash

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
)

// The load's size and times.
const (
	project  = "crash"
	workers  = 6
	grace    = 8 * time.Second
	fullEach = 25 // kills between two checks of everything
	// emptyEach is kills after which what was deleted is given up, so that it is reclaimed under load too.
	emptyEach = 10
	// claimLease is how long an upload on PostgreSQL belongs to a server that was killed.
	claimLease = 6500 * time.Millisecond
	// Reclaiming must come to its end within settled after the last delete.
	settled = grace + 30*time.Second
	// recordLease is how long a record of a killed server may wait for another one, and some seconds.
	recordLease = 150 * time.Second
)

func TestNothingAcknowledgedIsLostToAKill(t *testing.T) {
	kills := int(haventest.Number(t, "HAVEN_CRASH_KILLS", 200))
	seed := haventest.Number(t, "HAVEN_CRASH_SEED", uint64(time.Now().UnixNano()))
	haventest.OnEachDatabase(t, func(t *testing.T, databaseURL string) {
		t.Logf("seed: HAVEN_CRASH_SEED=%d", seed)
		server := haventest.Start(t, haventest.Options{
			DatabaseURL: databaseURL, Plain: true,
			Env: []string{"HAVEN_RECLAIM_AFTER=" + grace.String(), "HAVEN_UPLOAD_LIFETIME=" + (2 * grace).String()},
		})
		fleet := newFleet(t, server, seed)
		for i, w := range fleet.Workers {
			if i%2 == 0 {
				w.LayerSize = 3 * blob.MaxPacked / 2 // some have a file of their own
			}
			if databaseURL != "" {
				w.ResumeAfter = claimLease
			} else {
				w.Forgotten = blob.MaxPacked
			}
		}
		rng := rand.New(rand.NewPCG(seed, 1000))
		began := time.Now()
		for round := 1; round <= kills; round++ {
			killUnderLoad(t, server, fleet, time.Duration(20+rng.IntN(330))*time.Millisecond)
			server.Restart()
			verify(t, fleet, round%fullEach == 0, round)
			if round%emptyEach == 0 { // else nothing would be reclaimed before the end
				emptyTrash(t, server)
			}
		}
		t.Logf("%d kills in %s; %s", kills, time.Since(began).Round(time.Second), fleet.Counts)
		if err := fleet.Each(func(w *ledger.Worker) error { return w.Finish(t.Context()) }); err != nil {
			t.Fatal(err)
		}
		emptyTrash(t, server)
		nothingIsLeftOver(t, server, fleet)
		recordsAgree(t, server, databaseURL)
	})
}

// emptyTrash has nothing that was deleted be restorable.
func emptyTrash(t *testing.T, server *haventest.Server) {
	t.Helper()
	server.Admin(t, http.StatusOK, http.MethodDelete, "/api/haven/v1/trash", nil)
}

// recordsAgree waits until the records for a rebuild tell of what is there, and of nothing else.
func recordsAgree(t *testing.T, server *haventest.Server, databaseURL string) {
	t.Helper()
	var r struct {
		Records struct{ Checked, Wrong, Lagging, Stray int64 }
	}
	began := time.Now()
	for tick := time.NewTicker(time.Second); ; <-tick.C {
		cmd := exec.CommandContext(t.Context(), haventest.Binary(t, true), "scrub", "--json")
		cmd.Dir = server.DataDir
		cmd.Env = append(os.Environ(), "HAVEN_DATA_DIR="+server.DataDir)
		if databaseURL != "" {
			cmd.Env = append(cmd.Env, "HAVEN_DATABASE_URL="+databaseURL)
		}
		out, err := cmd.Output()
		if parsed := json.Unmarshal(out, &r); parsed != nil {
			t.Fatalf("haven scrub: %v, %v in %s", err, parsed, out)
		}
		if err == nil && r.Records.Lagging == 0 && r.Records.Stray == 0 && r.Records.Checked > 0 {
			t.Logf("%d records agree after %s", r.Records.Checked, time.Since(began).Round(time.Second))
			return
		}
		if time.Since(began) > recordLease {
			t.Fatalf("haven scrub: %v, %+v", err, r.Records)
		}
	}
}

func newFleet(t *testing.T, server *haventest.Server, seed uint64) *ledger.Fleet {
	t.Helper()
	server.NewProject(t, project, false)
	repositories := ledger.Repositories(project, workers)
	token := server.Token(t, "admin", haventest.AdminPassword, scope(repositories))
	client := ledger.NewClient(server.URL, token, haventest.AdminPassword, "crash")
	return ledger.NewFleet(client, repositories, grace, seed)
}

func scope(repositories []string) string {
	scopes := make([]string, len(repositories))
	for i, r := range repositories {
		scopes[i] = "repository:" + r + ":pull,push,delete"
	}
	return strings.Join(scopes, " ")
}

// killUnderLoad lets the fleet work and kills the server after a while.
func killUnderLoad(t *testing.T, server *haventest.Server, fleet *ledger.Fleet, after time.Duration) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- fleet.Work(context.WithoutCancel(t.Context())) }()
	select {
	case err := <-done: // a promise was broken; nothing else ends the work
		t.Fatal(err)
	case <-time.After(after):
	}
	server.Kill()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	fleet.Workers[0].Client.Disconnect()
}

func verify(t *testing.T, fleet *ledger.Fleet, all bool, round int) {
	t.Helper()
	err := fleet.Each(func(w *ledger.Worker) error { return w.Settle(t.Context()) })
	if err == nil && all {
		err = fleet.Each(func(w *ledger.Worker) error { return w.CheckAll(t.Context()) })
	}
	if err != nil {
		t.Fatalf("after kill %d: %v", round, err)
	}
}

// nothingIsLeftOver waits until the grace of all that is unreachable is over. Then the
// store holds the blobs of the manifests that are there, and nothing else, and the
// project's quota counts just these.
func nothingIsLeftOver(t *testing.T, server *haventest.Server, fleet *ledger.Fleet) {
	t.Helper()
	live := fleet.Blobs()
	var want int64
	for _, size := range live {
		want += size
	}
	want += fleet.ManifestBytes()
	var extra, missing []string
	var used int64
	for tick, deadline := time.NewTicker(100*time.Millisecond), time.Now().Add(settled); ; <-tick.C {
		extra, missing = compare(t, filepath.Join(server.DataDir, "storage"), live)
		used = quotaUsed(t, server)
		if len(extra) == 0 && len(missing) == 0 && used == want {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%s after the last delete the store holds %d files too many and %d too few, quota used is %d, want %d; %q %q",
				settled, len(extra), len(missing), used, want, some(extra), some(missing))
			break
		}
	}
	t.Logf("at the end: %d blobs live, %d left over, quota used %d of %d bytes", len(live), len(extra), used, want)
	if err := fleet.Each(func(w *ledger.Worker) error { return w.CheckAll(t.Context()) }); err != nil {
		t.Error(err)
	}
}

// some are the first few, to be shown.
func some(names []string) []string { return names[:min(len(names), 6)] }

// compare lists what the store has and no live blob needs, unfinished uploads among it, and live blobs that it lacks.
func compare(t *testing.T, dir string, live map[string]int64) (extra, missing []string) {
	t.Helper()
	store, err := file.Open(dir) // as haven scrub does while the server runs
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	found := map[string]bool{}
	err = store.Blobs(t.Context(), func(location string, _ int64) error {
		digest, err := digestAt(t.Context(), store, location)
		if _, isLive := live[digest]; isLive && !found[digest] {
			found[digest] = true
		} else if !errors.Is(err, blob.ErrNotFound) { // else it was reclaimed just now
			extra = append(extra, location)
		}
		return nil
	})
	if err == nil {
		err = store.Uploads(t.Context(), time.Now().Add(time.Hour), func(id string) error {
			extra = append(extra, "upload "+id)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	for digest := range live {
		if !found[digest] {
			missing = append(missing, digest)
		}
	}
	return extra, missing
}

// digestAt reads what lies at a location.
func digestAt(ctx context.Context, store *file.Store, location string) (string, error) {
	content, err := store.Open(ctx, location)
	if err != nil {
		return "", err
	}
	defer content.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, content)
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), err
}

func quotaUsed(t *testing.T, server *haventest.Server) int64 {
	t.Helper()
	var summary struct {
		Quota struct{ Used struct{ Storage int64 } }
	}
	a := server.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+project+"/summary", nil)
	if err := json.Unmarshal(a.Body, &summary); err != nil {
		t.Fatal(err)
	}
	return summary.Quota.Used.Storage
}
