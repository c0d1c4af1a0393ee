package scan

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/telemetry"
)

// Ending is how one try at a scan ended.
type Ending string

// The endings.
const (
	EndedWell         Ending = "success"
	EndedNotEvaluated Ending = "not_evaluated" // it went well, and a part of the image can't be judged
	EndedFailed       Ending = "failed"        // and no other try follows
	EndedRetried      Ending = "retried"
	EndedStopped      Ending = "stopped" // by somebody
	EndedCutOff       Ending = "cut_off" // the process drains, or another one took over
)

// Endings are all of them.
func Endings() []Ending {
	return []Ending{EndedWell, EndedNotEvaluated, EndedFailed, EndedRetried, EndedStopped, EndedCutOff}
}

// By is who scanned, for figures: scanners have names that administrators make up.
type By string

// Who scans.
const (
	ByOurselves By = "built-in"
	ByAnother   By = "other"
)

func by(s Scanner) By {
	if s.Own {
		return ByOurselves
	}
	return ByAnother
}

// Bys are both.
func Bys() []By { return []By{ByOurselves, ByAnother} }

// Tries are tries at scans of one scanner that ended in one way.
type Tries struct {
	By     By
	Ending Ending
}

// LayerFate is what became of a layer that a scan asked for.
type LayerFate string

// The fates.
const (
	LayerRead   LayerFate = "read"
	LayerKept   LayerFate = "kept"   // somebody had read it
	LayerUnread LayerFate = "unread" // it can't be looked into
)

// LayerFates are all of them.
func LayerFates() []LayerFate { return []LayerFate{LayerRead, LayerKept, LayerUnread} }

// Stats are figures of this process.
type Stats struct {
	Tries      telemetry.Tally[Tries]
	Took       *telemetry.Spread // tries, by By
	Layers     telemetry.Tally[LayerFate]
	LayerBytes atomic.Int64 // of the blobs that were read, as they are kept
	Judged     atomic.Int64 // packages, in evaluations
	Changed    atomic.Int64 // reports whose summary an evaluation changed
}

func newStats() *Stats {
	return &Stats{Took: telemetry.NewSpread("haven_scan_duration_seconds", "How long tries of this process at scans took, by scanner.", "scanner",
		[]string{string(ByOurselves), string(ByAnother)}, 100*time.Millisecond, 300*time.Millisecond, time.Second, 3*time.Second, 10*time.Second, 30*time.Second,
		2*time.Minute, 10*time.Minute, scanTime)}
}

func (s *Stats) tried(r *run, ending Ending, took time.Duration) {
	by := by(r.scanner)
	s.Tries.Add(Tries{by, ending}, 1)
	s.Took.Observe(string(by), took)
}

// Stats are the figures of this process since it began.
func (s *Service) Stats() *Stats { return s.stats }

// ending says how a try ended, of which the report's status is known if it was written.
func (r *run) ending(ctx context.Context, err error) Ending {
	cause := context.Cause(ctx)
	switch {
	case err == nil && r.status == Success:
		return EndedWell
	case err == nil:
		return EndedNotEvaluated
	case errors.Is(cause, job.ErrStopped):
		return EndedStopped
	case errors.Is(cause, job.ErrLost), errors.Is(cause, job.ErrDraining), errors.Is(err, job.ErrLost):
		return EndedCutOff
	case r.status == Failed:
		return EndedFailed
	}
	return EndedRetried
}
