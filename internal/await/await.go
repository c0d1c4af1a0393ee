// Package await has tests wait for what comes by itself, where there is no channel to wait at.
package await

import (
	"testing"
	"time"
)

const (
	// patience is far more than anything that is waited for takes, leases that have to end included, on a machine
	// that is busy with other tests.
	patience = 2 * time.Minute
	// Looks come at once, then ever less often: what is looked at may be what is looked for.
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// Until looks until found is true. It fails the test when that takes too long or the test has ended, with what was waited for and
// with what there is instead, where somebody says so.
func Until(t testing.TB, what string, found func() bool, instead ...func() string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for pause := firstPause; !found(); pause = min(2*pause, lastPause) {
		next := time.NewTimer(pause)
		select {
		case <-next.C:
			continue
		case <-deadline.C:
		case <-t.Context().Done():
		}
		next.Stop()
		if found() {
			return
		}
		message := "in vain waited until " + what
		for _, tell := range instead {
			message += ": " + tell()
		}
		t.Fatal(message)
	}
}
