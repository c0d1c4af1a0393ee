package trust

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// Contents reads what a repository holds. Package registry implements it.
type Contents interface {
	Manifest(ctx context.Context, ref registry.Ref, r oci.Reference) (registry.Manifest, error)
	ReadBlob(ctx context.Context, ref registry.Ref, d oci.Digest, most int64) ([]byte, error)
}

// Deps is what a Service stands on.
type Deps struct {
	DB       *db.DB
	Contents Contents
	Jobs     *job.Service
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service answers whether artifacts are signed as their projects demand. It is safe for concurrent use.
type Service struct {
	db       *db.DB
	contents Contents
	jobs     *job.Service
	clock    func() time.Time
	log      *slog.Logger
	patience time.Duration

	nobody    func() *rules
	policies  *db.Watch // of the documents
	inForce   *db.Memo[int64, *rules]
	compiled  *otter.Cache[string, *rules] // by the text of both documents: never stale
	beforeTag *otter.Cache[int64, bool]    // by project
	graph     *db.Watch                    // of what a standing is read from
	standings *db.Memo[standingKey, Standing]
}

const (
	// maxCompiled bounds the policies that are ready for use.
	maxCompiled = 200
	// maxBeforeTag bounds the projects of which it is remembered what a tag takes.
	maxBeforeTag = 10_000
	// Bounds of what is remembered, in bytes of memory.
	maxInForce   = 1 << 20
	maxStandings = 8 << 20
)

// New returns a Service, and registers its work.
func New(d Deps) *Service {
	s := &Service{
		db: d.DB, contents: d.Contents, jobs: d.Jobs, clock: d.Clock, log: d.Log, patience: defaultPatience,
		nobody:    sync.OnceValue(nobody),
		policies:  d.DB.Watch("trust_policy", "system_trust_policy", "project"),
		inForce:   db.NewMemo[int64, *rules](maxInForce),
		compiled:  otter.Must(&otter.Options[string, *rules]{MaximumSize: maxCompiled}),
		beforeTag: otter.Must(&otter.Options[int64, bool]{MaximumSize: maxBeforeTag, ExpiryCalculator: otter.ExpiryWriting[int64, bool](beforeTagAge)}),
		graph:     registry.WatchGraph(d.DB),
		standings: db.NewMemo[standingKey, Standing](maxStandings),
	}
	d.Jobs.Register(checkKind, job.Work{Do: s.doCheck, Limit: 2, Timeout: time.Hour, Attempts: 5, Keep: 1})
	d.Jobs.Register(recheckKind, job.Work{Do: s.doRecheck, Alone: true, Timeout: 6 * time.Hour, Attempts: 5, Keep: 10})
	d.Jobs.OnCleanup(s.tidy)
	return s
}
