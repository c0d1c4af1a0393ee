package signing

import (
	"context"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/secret"
)

// The kinds of work. Kind signs a manifest, WalkKind finds those of a project.
const (
	Kind     job.Kind = "SIGN"
	WalkKind job.Kind = "SIGN_PROJECT"
)

// ourselves is who signatures are pushed by, as the audit log shows it.
var ourselves = authz.Principal{Name: "haven"}

// Judge says whether a manifest has passed what its project demands, an index by all images that it leads to. why is
// for people, where it hasn't.
type Judge interface {
	MaySign(ctx context.Context, in registry.Ref, m registry.Manifest, requireTrust bool) (ok bool, why string, err error)
}

// Scans knows what scans found. Package scan implements it.
type Scans interface {
	Overviews(ctx context.Context, projectID int64, artifacts []registry.Artifact) (map[int64]scan.Overview, error)
	FoundAtLeast(ctx context.Context, reportID int64, severity inventory.Severity) ([]scan.Found, error)
}

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Registry *registry.Service
	Jobs     *job.Service
	Box      *secret.Box
	Judge    Judge
	Scans    Scans
	// Host is what clients call this registry, as registry.example.com:5000, for Cosign's signatures by tag, which say so. Podman and
	// CRI-O look at it. "": signatures name the repository alone.
	Host string
	// Program is the path of a program that has the keys made from now on, "" for none: see program.
	Program string
	Clock   func() time.Time
	Log     *slog.Logger
}

// Service signs. It is safe for concurrent use. It takes authorised input.
type Service struct {
	db       *db.DB
	registry *registry.Service
	jobs     *job.Service
	box      *secret.Box
	judge    Judge
	scans    Scans
	host     string
	program  *program // nil: Haven has the keys
	clock    func() time.Time
	log      *slog.Logger
}

const (
	attempts = 5
	// signTime bounds a task: some hundred repositories may hold the image.
	signTime = 15 * time.Minute
)

// New returns a Service, and has its work done by the jobs. Handle is to be given the events.
func New(d Deps) *Service {
	s := &Service{db: d.DB, registry: d.Registry, jobs: d.Jobs, box: d.Box, judge: d.Judge, scans: d.Scans, host: d.Host, clock: d.Clock, log: d.Log}
	if d.Program != "" {
		s.program = newProgram(d.Program, d.Log)
	}
	// One at once: two that sign the same image would only get into each other's way, and signing takes milliseconds.
	s.jobs.Register(Kind, job.Work{Do: s.doSign, Alone: true, Timeout: signTime, Attempts: attempts, Keep: 1})
	s.jobs.Register(WalkKind, job.Work{Do: s.doWalk, Attempts: attempts, Keep: 1})
	return s
}
