package project

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/setting"
)

// Deps is what a Service needs.
type Deps struct {
	DB       *db.DB
	Settings *setting.Service
	Clock    func() time.Time
	// Upstreams knows what projects may be a cache of; nil: nothing.
	Upstreams Upstreams
	// Immutable knows which projects are held; nil: none.
	Immutable Holds
}

// Holds tells what may not be deleted.
type Holds interface {
	// HeldUntil returns when the last hold in a project ends, or ended.
	HeldUntil(ctx context.Context, tx db.Tx, projectID int64) (time.Time, error)
}

// Service is the package's use cases. It is safe for concurrent use. But for MayCreate's rule, callers
// have asked authz before.
type Service struct {
	db       *db.DB
	settings *setting.Service
	clock    func() time.Time

	upstreams Upstreams
	holds     Holds
	caches    caches

	changes *db.Watch
	refs    *db.Memo[string, Ref] // by name
}

// maxRefs bounds the projects that are remembered by their names, in bytes.
const maxRefs = 2 << 20

// New returns a Service. It reads nothing yet.
func New(d Deps) *Service {
	return &Service{db: d.DB, settings: d.Settings, clock: d.Clock, upstreams: d.Upstreams, holds: d.Immutable, changes: d.DB.Watch("project"), refs: db.NewMemo[string, Ref](maxRefs)}
}
