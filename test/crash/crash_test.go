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
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
)

// The load's size and times.
const (
	project  = "crash"
	workers  = 6
	grace    = 8 * time.Second
	fullEach = 25 // kills between two checks of everything
	// claimLease is how long an upload on PostgreSQL belongs to a server that was killed.
	claimLease = 6500 * time.Millisecond
	// Reclaiming must come to its end within settled after the last delete.
	settled = grace + 30*time.Second
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
		if databaseURL != "" {
			for _, w := range fleet.Workers {
				w.ResumeAfter = claimLease
			}
		}
		rng := rand.New(rand.NewPCG(seed, 1000))
		began := time.Now()
		for round := 1; round <= kills; round++ {
			killUnderLoad(t, server, fleet, time.Duration(20+rng.IntN(330))*time.Millisecond)
			server.Restart()
			verify(t, fleet, round%fullEach == 0, round)
		}
		t.Logf("%d kills in %s; %s", kills, time.Since(began).Round(time.Second), fleet.Counts)
		if err := fleet.Each(func(w *ledger.Worker) error { return w.Finish(t.Context()) }); err != nil {
			t.Fatal(err)
		}
		nothingIsLeftOver(t, server, fleet)
	})
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

// compare lists files of the store that belong to no live blob, unfinished uploads
// among them, and live blobs without a file.
func compare(t *testing.T, store string, live map[string]int64) (extra, missing []string) {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(store, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return ignoreGone(err)
		}
		if strings.HasPrefix(path, filepath.Join(store, "records")) { // what a rebuild reads
			return nil
		}
		digest := "sha256:" + filepath.Base(filepath.Dir(path))
		if _, isLive := live[digest]; isLive && entry.Name() == "data" {
			found[digest] = true
		} else {
			extra = append(extra, strings.TrimPrefix(path, store))
		}
		return nil
	})
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

// ignoreGone forgives a directory that was reclaimed while it was walked.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
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
