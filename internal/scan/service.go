package scan

import (
	"context"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// Scanners knows which scanner reports come from.
type Scanners interface {
	// InForce returns the scanner of a project, of the whole registry for project 0. It is asked on every pull
	// that a policy guards: it answers from memory.
	InForce(ctx context.Context, projectID int64) (Scanner, error)
}

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Scanners Scanners
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service is scanning and what came of it. It is safe for concurrent use. It takes authorised input.
type Service struct {
	db       *db.DB
	scanners Scanners
	clock    func() time.Time
	log      *slog.Logger
}

// New returns a Service.
func New(d Deps) *Service {
	return &Service{db: d.DB, scanners: d.Scanners, clock: d.Clock, log: d.Log}
}
