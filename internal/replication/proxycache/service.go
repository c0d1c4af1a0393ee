package proxycache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
)

// ourselves is who stores what came from upstream.
var ourselves = authz.Principal{Name: "proxy-cache"}

// Scans has images scanned, and says what came of it. Package scan implements it.
type Scans interface {
	Scan(ctx context.Context, by authz.Principal, ref registry.Ref, d oci.Digest, kind scan.Kind) error
	Standing(ctx context.Context, projectID int64, d oci.Digest) (scan.Standing, error)
}

// Deps is what a Service needs.
type Deps struct {
	DB        *db.DB
	Registry  *registry.Service
	Endpoints Endpoints
	Scans     Scans
	Jobs      *job.Service
	// ReadOnly says whether nothing is to be stored.
	ReadOnly func(ctx context.Context) (bool, error)
	Wake     func() // called when an event was committed; must not block
	Dir      string // where blobs lie while they come
	Clock    func() time.Time
	Log      *slog.Logger

	// Patience is how long upstream may take where something is here that can be served instead; 0: 2 s.
	Patience time.Duration
	// Hold is how long a client waits for an image that is fetched whole, before it is told to come again; 0: 20 s.
	Hold time.Duration
}

const (
	defaultPatience = 2 * time.Second
	defaultHold     = 20 * time.Second
	// firstTime is how long upstream may take for a manifest of which nothing is here.
	firstTime = 30 * time.Second
	// settleTime is how long writing down what has happened may go on.
	settleTime = 30 * time.Second
)

var (
	errSlow   = errors.New("upstream is slow")
	errClosed = errors.New("the process ends")
)

// Service answers for projects that are a cache. It is safe for concurrent use. It takes authorised input.
type Service struct {
	Deps
	db       *db.DB
	registry *registry.Service
	clock    func() time.Time
	log      *slog.Logger
	wake     func()
	changes  *db.Watch

	policies       policies
	budgets        budgets
	gone           negatives
	checks         flights[tagRow]
	manifests      flights[waiting]
	wholes         flights[struct{}]
	settles        flights[struct{}]
	lists          flights[[]string]
	referrers      flights[[]oci.Descriptor]
	heardTags      heard[string]
	heardReferrers heard[oci.Descriptor]
	fetches        fetches
	mirrors        Mirrors
	counts         counts

	life  context.Context
	end   context.CancelFunc
	mu    sync.Mutex
	ended bool
	group errgroup.Group
}

// New returns a Service. Run must run for what clients left half to become whole, and Close ends what is under way.
func New(d Deps) *Service {
	if d.Patience == 0 {
		d.Patience = defaultPatience
	}
	if d.Hold == 0 {
		d.Hold = defaultHold
	}
	s := &Service{Deps: d, db: d.DB, registry: d.Registry, clock: d.Clock, log: d.Log, wake: d.Wake,
		changes: d.DB.Watch("project", "project_metadata", "proxy_policy")}
	s.life, s.end = context.WithCancel(context.Background())
	s.mirrors.db, s.mirrors.changes = d.DB, d.DB.Watch("mirror", "project")
	s.schedule()
	return s
}

func (s *Service) now() int64 { return db.Micros(s.clock()) }

// spawn runs f until it ends or the service closes, and reports whether it could.
func (s *Service) spawn(f func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.group.Go(func() error {
		f(s.life)
		return nil
	})
	return true
}

// Close ends what is under way, and waits for it.
func (s *Service) Close() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.end()
	_ = s.group.Wait() // nothing of it returns an error
}

const tick = time.Second

// Run makes whole what clients left half, and looks for changes of the mirrors, until ctx is cancelled. It returns nil then.
func (s *Service) Run(ctx context.Context) error {
	for n := 0; ; n++ {
		if err := s.mirrors.refresh(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "changes of the mirrors are not noticed", "error", err)
		}
		if n%5 == 0 {
			if err := s.completeDue(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "images that were pulled in part are not completed", "error", err)
			}
		}
		if n%600 == 0 {
			if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "tidying up behind caches", "error", err)
			}
		}
		if !pause.For(ctx, tick) {
			return nil
		}
	}
}

const (
	dropRepository = `DELETE FROM proxy_manifest WHERE project_id = $1 AND repository = $2`
	dropTags       = `DELETE FROM proxy_tag WHERE project_id = $1 AND repository = $2`
	dropManifest   = `DELETE FROM proxy_manifest WHERE project_id = $1 AND repository = $2 AND digest = $3`
	dropTagsOf     = `DELETE FROM proxy_tag WHERE project_id = $1 AND repository = $2 AND digest = $3`
	dropTag        = `DELETE FROM proxy_tag WHERE project_id = $1 AND repository = $2 AND name = $3`
	dropAll        = `DELETE FROM proxy_manifest WHERE project_id = $1`
	dropAllTags    = `DELETE FROM proxy_tag WHERE project_id = $1`
	dropMirrors    = `DELETE FROM mirror WHERE project_id = $1`
)

// Handle forgets what was deleted, as an event.Listener.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	for _, e := range events {
		if !e.Success || e.ProjectID == 0 {
			continue
		}
		ref := registry.RefOf(e)
		run := func(statements []string, args ...any) error {
			for _, statement := range statements {
				if _, err := tx.Exec(ctx, statement, args...); err != nil {
					return err
				}
			}
			return nil
		}
		var err error
		switch e.Kind {
		case event.DeleteProject:
			err = run([]string{dropAll, dropAllTags}, e.ProjectID)
		case event.EndProject:
			err = run([]string{dropMirrors}, e.ProjectID)
		case event.DeleteRepository:
			err = run([]string{dropRepository, dropTags}, e.ProjectID, ref.Name)
		case event.DeleteArtifact:
			err = run([]string{dropManifest, dropTagsOf}, e.ProjectID, ref.Name, e.Digest)
		case event.DeleteTag:
			err = run([]string{dropTag}, e.ProjectID, ref.Name, e.Tag)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
