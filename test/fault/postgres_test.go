//go:build acceptance

package fault

import (
	"net/http"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

func TestPostgresGoesAndComesBack(t *testing.T) {
	postgres := haventest.StartPostgres(t)
	server := haventest.Start(t, haventest.Options{DatabaseURL: postgres.URL, Plain: true})
	fleet := newFleet(t, server.Door)
	for _, w := range fleet.Workers {
		w.ResumeAfter = claimLease
	}
	client := fleet.Workers[0].Client
	for _, fault := range []struct {
		name  string
		stop  func()
		lossy bool // what no manifest names may be lost
		long  bool // it stays away until all have noticed
	}{
		{"restarted", postgres.Stop, false, false},
		{"stopped", postgres.Stop, false, true},
		{"crashed and restarted", postgres.Crash, true, false},
		{"crashed", postgres.Crash, true, true},
	} {
		t.Log(fault.name)
		client.Faulty.Store(true)
		over := make(chan struct{})
		go func() {
			defer close(over)
			time.Sleep(500 * time.Millisecond) // the load's time before the fault
			fault.stop()
			if !fault.long {
				postgres.Start()
			}
		}()
		work(t, fleet, 3*time.Second)
		<-over
		if fault.long {
			withoutDatabase(t, server.Door)
			postgres.Start()
		}
		ready(t, server.Door)
		for _, w := range fleet.Workers {
			w.Lossy = fault.lossy
		}
		settle(t, fleet)
		client.Faulty.Store(false)
		work(t, fleet, time.Second)
	}
	for _, w := range fleet.Workers {
		w.Lossy = false
	}
	work(t, fleet, time.Second)
	checkAll(t, fleet)
	if client.Faults.Load() == 0 {
		t.Error("no request met the fault")
	}
	t.Logf("%d requests were answered with an error; %s", client.Faults.Load(), fleet.Counts)
}

// withoutDatabase is what the registry still answers, at once.
func withoutDatabase(t *testing.T, door haventest.Door) {
	t.Helper()
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		began := time.Now()
		if a := door.Call(t, "", "", http.MethodGet, path, nil); a.Status != want {
			t.Errorf("%s without a database: %d, want %d: %s", path, a.Status, want, a.Body)
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("%s took %s without a database", path, took)
		}
	}
}
