//go:build acceptance

package fault

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

const (
	// usualSeconds is how long the replicas are disturbed at least, where HAVEN_FAULT_SECONDS doesn't say 900.
	usualSeconds = 24
	// between is how many requests are answered well between two disturbances, and while the store is slow.
	between = 200
)

// answers are what clients got: how long it took, and what was no answer.
type answers struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
}

// more waits until so many more requests are answered well.
func (a *answers) more(t *testing.T, n int) {
	t.Helper()
	well := func() int {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.took) - a.failed
	}
	before := well()
	await.Until(t, "the registry answers", func() bool { return well() >= before+n })
}

func (a *answers) note(status int, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.took = append(a.took, took)
	if status == 0 || status >= http.StatusInternalServerError {
		a.failed++
	}
}

// quantile is how long that share of the requests took at most.
func (a *answers) quantile(share float64) time.Duration {
	slices.Sort(a.took)
	return a.took[int(share*float64(len(a.took)-1))]
}

// Three replicas under load: one after the other is killed or restarted in order, Redis forgets everything, PostgreSQL is restarted, the store is slow.
// Nothing acknowledged is lost, no byte is wrong, and what it costs clients is told.
func TestReplicasAreDisturbed(t *testing.T) {
	seconds := haventest.Number(t, "HAVEN_FAULT_SECONDS", usualSeconds)
	store, postgres := haventest.StartS3(t), haventest.StartPostgres(t)
	p := newProxy(t, store.Host)
	c := haventest.StartCluster(t, haventest.Options{Plain: true, Replicas: 3, DatabaseURL: postgres.URL, Env: append(store.Env,
		"HAVEN_STORAGE_URL="+strings.Replace(store.URL, store.Host, p.address, 1))})
	fleet := newFleet(t, c.Door)
	var got answers
	client := fleet.Workers[0].Client // of all
	client.Faulty.Store(true)
	client.Observe = got.note
	for _, w := range fleet.Workers {
		w.ResumeAfter = claimLease
	}
	turn := 0
	replica := func() *haventest.Server {
		turn++
		return c.Replicas[turn%len(c.Replicas)]
	}
	kill := func() {
		r := replica()
		r.Kill()
		r.Restart()
	}
	disturbances := []struct {
		name string
		do   func()
	}{
		{"killed", kill},
		{"stopped in order", func() {
			r := replica()
			r.Stop()
			r.Restart()
		}},
		{"killed", kill},
		{"Redis is empty", func() {
			c.Redis.Kill()
			c.Redis.Restart()
		}},
		{"killed", kill},
		{"PostgreSQL is restarted", func() {
			postgres.Stop()
			postgres.Start()
		}},
		{"killed", kill},
		{"the store is slow", func() {
			p.set(slow)
			got.more(t, between)
			p.set(well)
		}},
	}
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	did := map[string]int{}
	during(t, fleet, func() {
		for i := 0; i < len(disturbances) || time.Now().Before(until); i++ {
			d := disturbances[i%len(disturbances)]
			d.do()
			did[d.name]++
			got.more(t, between)
		}
		for _, r := range c.Replicas {
			ready(t, r.Door)
		}
	})
	client.Faulty.Store(false)
	work(t, fleet, time.Second)
	checkAll(t, fleet)
	for _, r := range c.Replicas {
		now, peak := r.Memory()
		t.Logf("%s: %d MB, at most %d MB since its start", r.Host, now>>20, peak>>20)
	}
	t.Logf("%v; %d requests, %d without an answer or with 5xx (%.2f %%); half within %s, 99 %% within %s", did, len(got.took), got.failed,
		100*float64(got.failed)/float64(len(got.took)), got.quantile(0.5).Round(time.Millisecond/10), got.quantile(0.99).Round(time.Millisecond))
	t.Log(fleet.Counts)
}
