package scan

import (
	"fmt"

	"github.com/havenregistry/haven/internal/job"
)

const (
	// lanes is how many queues there are for scans by other scanners. A scanner waits in one, so that one that is
	// slow or dead holds up those that share it alone: none, where there are as few as most have.
	lanes = 8
	// abreast is how many scans one process waits for in each lane.
	abreast = 4
)

// laneOf is where scans by a scanner wait: our own with all that this machine does, others in a lane.
func laneOf(s Scanner) job.Kind {
	if s.Own {
		return job.ImageScan
	}
	return lane(s.Number % lanes)
}

func lane(n int64) job.Kind { return job.Kind(fmt.Sprintf("%s_ADAPTER_%d", job.ImageScan, n+1)) }
