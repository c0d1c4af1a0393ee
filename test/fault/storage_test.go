//go:build acceptance

package fault

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

const (
	// faultTime is how long a fault lasts that should be bridged where it can be.
	faultTime = 1500 * time.Millisecond
	// errorTime is after how long at most a client is told of one that lasts.
	errorTime = 40 * time.Second
)

func TestStorageServerMisbehaves(t *testing.T) {
	store := haventest.StartS3(t)
	p := newProxy(t, store.Host)
	server := haventest.Start(t, haventest.Options{Plain: true, Env: append(store.Env,
		"HAVEN_STORAGE_URL="+strings.Replace(store.URL, store.Host, p.address, 1))})
	fleet := newFleet(t, server.Door)
	client := fleet.Workers[0].Client
	work(t, fleet, time.Second)
	settle(t, fleet)
	for _, fault := range []struct {
		mode  string
		error bool // it lasts until a client has met it
	}{{slow, false}, {refusing, false}, {half, false}, {deaf, false}, {gone, false}, {refusing, true}, {half, true}} {
		began, faults, cut := time.Now(), client.Faults.Load(), fleet.Counts.Cut.Load()
		client.Faulty.Store(fault.mode != slow)
		p.set(fault.mode)
		over := make(chan struct{})
		go func() {
			defer close(over)
			time.Sleep(faultTime)
			for fault.error && client.Faults.Load() == faults && time.Since(began) < errorTime {
				time.Sleep(10 * time.Millisecond)
			}
			p.set(well)
		}()
		work(t, fleet, faultTime)
		<-over
		ready(t, server.Door)
		settle(t, fleet)
		client.Faulty.Store(false)
		t.Logf("%s: %d answers of 5xx, %d changes left open, %s", fault.mode, client.Faults.Load()-faults, fleet.Counts.Cut.Load()-cut, time.Since(began).Round(time.Millisecond))
		if fault.error && client.Faults.Load() == faults {
			t.Error("no request met the fault")
		}
		work(t, fleet, 500*time.Millisecond)
		settle(t, fleet)
	}
	checkAll(t, fleet)
	t.Log(fleet.Counts)
}

// A storage server that doesn't answer makes the registry not ready, and it says so in time.
func TestStorageServerIsGone(t *testing.T) {
	store := haventest.StartS3(t)
	p := newProxy(t, store.Host)
	server := haventest.Start(t, haventest.Options{Plain: true, Env: append(store.Env,
		"HAVEN_STORAGE_URL="+strings.Replace(store.URL, store.Host, p.address, 1))})
	for _, mode := range []string{refusing, deaf, gone} {
		p.set(mode)
		began := time.Now()
		if a := server.Call(t, "", "", http.MethodGet, "/readyz", nil); a.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: /readyz answers %d %s", mode, a.Status, a.Body)
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("%s: /readyz took %s", mode, took)
		}
		if a := server.Call(t, "", "", http.MethodGet, "/healthz", nil); a.Status != http.StatusOK {
			t.Errorf("%s: /healthz answers %d %s", mode, a.Status, a.Body)
		}
		p.set(well)
		ready(t, server.Door)
	}
}
