package registry

import (
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// Deps is what a Service needs. All fields are required.
type Deps struct {
	DB    *db.DB
	Blobs blob.Store
	Clock func() time.Time
	Log   *slog.Logger
	Wake  func() // called when an event was committed; must not block
}

// Service is the registry. It is safe for concurrent use. It takes authorised input: the edges have
// asked package authz before they call.
type Service struct {
	db      *db.DB
	blobs   blob.Store
	clock   func() time.Time
	log     *slog.Logger
	wake    func()
	writers writers
	pulls   pulls
}

// New returns a Service. Run must run for pulls to be counted.
func New(d Deps) *Service {
	return &Service{db: d.DB, blobs: d.Blobs, clock: d.Clock, log: d.Log, wake: d.Wake}
}

// now is the time as the database stores it.
func (s *Service) now() int64 { return db.Micros(s.clock()) }
