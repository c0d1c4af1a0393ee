//go:build acceptance

package fault

import (
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// Redis only says that there is something to look at. Without it, and when it has
// forgotten everything, every request is answered as before.
func TestRedisIsKilledAndFlushed(t *testing.T) {
	cluster := haventest.StartCluster(t, haventest.Options{Plain: true})
	fleet := newFleet(t, cluster.Door)
	for range 2 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(500 * time.Millisecond) // the load's time before the fault
			cluster.Redis.Kill()
			time.Sleep(time.Second)
			cluster.Redis.Restart() // empty
		}()
		work(t, fleet, 2500*time.Millisecond)
		<-done
		settle(t, fleet)
	}
	checkAll(t, fleet)
	if n := fleet.Counts.Cut.Load() + fleet.Counts.Refused.Load(); n > 0 {
		t.Errorf("%d requests met the fault", n)
	}
	t.Log(fleet.Counts)
}
