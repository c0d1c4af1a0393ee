package scan

import (
	"testing"

	"github.com/havenregistry/haven/internal/job"
)

// A scanner that stalls for the half hour that it has would else hold up everybody's scans.
func TestScannersDoNotShareAQueue(t *testing.T) {
	works := (&Service{parallel: 2}).works()
	if laneOf(Scanner{Own: true, Number: 1}) != job.ImageScan {
		t.Error("our own scanner waits with others")
	}
	taken := map[job.Kind]int64{job.ImageScan: 1, job.SBOM: 1}
	for n := int64(2); n < 2+lanes; n++ {
		kind := laneOf(Scanner{Number: n})
		if other := taken[kind]; other != 0 {
			t.Errorf("scanner %d waits behind scanner %d", n, other)
		}
		if works[kind].Do == nil || works[kind].Limit != abreast {
			t.Errorf("nobody works in %s", kind)
		}
		taken[kind] = n
	}
}
