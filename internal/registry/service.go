package registry

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/immutable"
)

// What ReclaimAfter and UploadLifetime are when nobody says.
const (
	DefaultReclaimAfter   = 2 * time.Hour
	DefaultUploadLifetime = 7 * 24 * time.Hour
)

// Deps is what a Service needs. All fields but the durations and Rules are required.
type Deps struct {
	DB    *db.DB
	Blobs blob.Store
	Clock func() time.Time
	Log   *slog.Logger
	Wake  func() // called when an event was committed; must not block
	Rules func(context.Context) (Rules, error)
	// Immutable is the rules about tags that stay as they are; without it there are none.
	Immutable *immutable.Service

	ReclaimAfter   time.Duration // how long blobs are kept that no manifest names
	UploadLifetime time.Duration // how long uploads are kept that nobody writes
}

// Service is the registry. It is safe for concurrent use. It takes authorised input: the edges have
// asked package authz before they call.
type Service struct {
	db      *db.DB
	blobs   blob.Store
	resumer blob.Resumer // blobs, where uploads may go without rows; else nil
	packer  blob.Packer  // blobs, where small ones may be packed; else nil
	clock   func() time.Time
	log     *slog.Logger
	wake    func()
	rules   rules
	fixed   *immutable.Service
	writers writers
	pulls   pulls
	digests digestLocks
	reclaim reclaim

	inherited inherited
	recents   recents
	buffers   buffers
	unnamed   unnamed
	homes     knownHomes
	known     known
	projects  *db.Watch
	unlimited unlimited
	quotaTold told

	reclaimAfter, uploadLifetime time.Duration
}

// New returns a Service. Run must run for pulls to be counted, and RunReclaim for space to come back.
func New(d Deps) *Service {
	s := &Service{projects: d.DB.Watch("project"), known: newKnown(d.DB), db: d.DB, blobs: d.Blobs, clock: d.Clock, log: d.Log, wake: d.Wake, rules: rules{ask: d.Rules},
		fixed: d.Immutable, reclaimAfter: cmp.Or(d.ReclaimAfter, DefaultReclaimAfter), uploadLifetime: cmp.Or(d.UploadLifetime, DefaultUploadLifetime)}
	if d.DB.Exclusive() {
		s.resumer, _ = d.Blobs.(blob.Resumer)
		s.packer, _ = d.Blobs.(blob.Packer)
	}
	return s
}

// now is the time as the database stores it.
func (s *Service) now() int64 { return db.Micros(s.clock()) }
