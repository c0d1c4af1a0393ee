//go:build acceptance

// Package fault breaks what the registry needs, while clients work: the disk is full,
// PostgreSQL is stopped, the object store answers 500, slowly, half or not at all, Redis
// is killed, clients stall. Then errors are clear, nothing acknowledged is missing, what
// can go on goes on, and all is well again without a restart once the fault is over.
//
// HAVEN_FAULT_SEED repeats a run's choices. HAVEN_FAULT_SECONDS is how long replicas are disturbed.
package fault

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
)

const (
	project = "fault"
	workers = 4
	// grace is how long an unnamed blob stays: longer than any test here.
	grace = 2 * time.Hour
	// recovery is how long the registry may take to work again after a fault.
	recovery = 15 * time.Second
	// claimLease is how long an upload on PostgreSQL may stay with a request that could
	// not release it.
	claimLease = 6500 * time.Millisecond
)

func newFleet(t *testing.T, door haventest.Door) *ledger.Fleet {
	t.Helper()
	return fleetIn(t, door, project)
}

// fleetIn makes a project and workers on its repositories.
func fleetIn(t *testing.T, door haventest.Door, project string) *ledger.Fleet {
	t.Helper()
	seed := haventest.Number(t, "HAVEN_FAULT_SEED", uint64(time.Now().UnixNano()))
	t.Logf("seed: HAVEN_FAULT_SEED=%d", seed)
	door.NewProject(t, project, false)
	repositories := ledger.Repositories(project, workers)
	var scopes []string
	for _, r := range repositories {
		scopes = append(scopes, "repository:"+r+":pull,push,delete")
	}
	token := door.Token(t, "admin", haventest.AdminPassword, strings.Join(scopes, " "))
	client := ledger.NewClient(door.URL, token, haventest.AdminPassword, "fault")
	return ledger.NewFleet(client, repositories, grace, seed)
}

// work lets the fleet work for a while, or until a fault stops each worker.
func work(t *testing.T, fleet *ledger.Fleet, long time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	if err := fleet.Work(ctx); err != nil {
		t.Fatal(err)
	}
}

// settle finds out what came of all that was not answered, and checks what has changed.
// As long as the client takes faults, it tries again.
func settle(t *testing.T, fleet *ledger.Fleet) {
	t.Helper()
	if err := settleIn(t.Context(), fleet); err != nil {
		t.Fatal(err)
	}
}

func settleIn(ctx context.Context, fleet *ledger.Fleet) error {
	return fleet.Each(func(w *ledger.Worker) error {
		deadline := time.Now().Add(recovery)
		for {
			err := w.Settle(ctx)
			if !errors.Is(err, ledger.ErrCut) || !w.Client.Faulty.Load() || time.Now().After(deadline) {
				return err
			}
		}
	})
}

func checkAll(t *testing.T, fleet *ledger.Fleet) {
	t.Helper()
	if err := fleet.Each(func(w *ledger.Worker) error { return w.CheckAll(t.Context()) }); err != nil {
		t.Fatal(err)
	}
}

// ready waits until the registry says that it can work.
func ready(t *testing.T, door haventest.Door) {
	t.Helper()
	began := time.Now()
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		if door.Call(t, "", "", http.MethodGet, "/readyz", nil).Status == http.StatusOK {
			t.Logf("ready again after %s", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > recovery {
			t.Fatalf("not ready %s after the fault was over", recovery)
		}
	}
}
