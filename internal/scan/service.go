package scan

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Scanners knows which scanner reports come from.
type Scanners interface {
	// InForce returns the scanner of a project, of the whole registry for project 0. It is asked on every pull
	// that a policy guards: it answers from memory.
	InForce(ctx context.Context, projectID int64) (Scanner, error)
	// ByID returns a scanner by its ID.
	ByID(ctx context.Context, id string) (Scanner, error)
	// Own returns Haven's own scanner, whichever is in force.
	Own(ctx context.Context) (Scanner, error)
}

// parallel is how many images one process scans at once when nobody says otherwise.
const parallel = 2

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Registry *registry.Service
	Jobs     *job.Service
	Engine   Engine
	Editions Editions
	// Merge makes an image's inventory of its layers, the lowest first.
	Merge    func(layers []inventory.Layer) inventory.Inventory
	Scanners Scanners
	Others   Others
	Parallel int // images that one process scans at once; 0: 2
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service is scanning and what came of it. It is safe for concurrent use. It takes authorised input.
type Service struct {
	db       *db.DB
	registry *registry.Service
	jobs     *job.Service
	engine   Engine
	editions Editions
	merge    func([]inventory.Layer) inventory.Inventory
	scanners Scanners
	others   Others
	parallel int
	clock    func() time.Time
	log      *slog.Logger
	packer   packer
	stats    *Stats
}

// New returns a Service, and has its work done by the jobs.
func New(d Deps) *Service {
	s := &Service{db: d.DB, registry: d.Registry, jobs: d.Jobs, engine: d.Engine, editions: d.Editions, merge: d.Merge, scanners: d.Scanners,
		others: d.Others, parallel: cmp.Or(d.Parallel, parallel), clock: d.Clock, log: d.Log, packer: newPacker(), stats: newStats()}
	for kind, work := range s.works() {
		s.jobs.Register(kind, work)
	}
	for _, kind := range []job.Kind{job.ImageScan, job.SBOM, job.ScanAll} {
		s.jobs.OnEnd(kind, s.settle)
	}
	s.jobs.OnSchedule(job.ScanAll, s.scheduled)
	s.jobs.OnCleanup(s.tidy)
	return s
}
