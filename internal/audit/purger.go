package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/job/upkeep"
)

// Purger deletes old rows, by a schedule or when somebody says so.
type Purger struct {
	*upkeep.Routine[Purged]
	log *Service
}

// Purged is how far a purge is.
type Purged struct {
	Rows int64 `json:"purged"`
}

// Execution is one purge.
type Execution = upkeep.Execution[Purged]

// NewPurger returns the purger of a log, which works as jobs does.
func NewPurger(s *Service, jobs *job.Service, clock func() time.Time) *Purger {
	p := &Purger{log: s}
	p.Routine = upkeep.New[Purged](s.db, jobs, clock, upkeep.Terms{
		Kind: job.PurgeAudit, Do: p.do, What: "the purge of the audit log", Resource: "audit log",
		Unknown: "purge audit job with execution ID: %d not found", Scheduled: event.UpdatePurge, Started: event.StartPurge, Stopped: event.StopPurge,
	})
	return p
}

// decoded is the parameters of a stored purge, which were checked when they were stored.
func decoded(text string) (Purge, error) {
	var sent map[string]any
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		return Purge{}, fmt.Errorf("read the parameters of a purge: %w", err)
	}
	return ParsePurge(sent)
}
