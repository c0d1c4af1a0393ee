package vulndb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/telemetry"
)

// Verifier looks through a database before it is used: folder dir with trivy.db and metadata.json.
type Verifier interface {
	Verify(ctx context.Context, dir string) (Metadata, error)
}

// Switch is told, in the transaction in which an edition comes into force.
type Switch func(ctx context.Context, tx db.Tx, e Edition) error

// Deps is what the service stands on.
type Deps struct {
	DB       *db.DB
	Records  blob.Records
	Verifier Verifier
	Client   *http.Client // for sources that are registries
	Sources  []Source     // tried in their order
	Jobs     *job.Service // what asks them by the clock; nil: nobody does
	// Happened is told of each import and refresh, in the transaction that brings an edition into force where one does;
	// nil: nobody keeps a log.
	Happened func(ctx context.Context, tx db.Tx, e event.Event) error
	Dir      string // for copies on this machine; made when it is needed
	Clock    func() time.Time
	Log      *slog.Logger
}

// Service keeps the database. It implements Store.
type Service struct {
	db       *db.DB
	records  blob.Records
	verifier Verifier
	client   *http.Client
	sources  []Source
	jobs     *job.Service
	happened func(ctx context.Context, tx db.Tx, e event.Event) error
	dir      string
	clock    func() time.Time
	log      *slog.Logger
	switches []Switch
	endings  telemetry.Tally[Ending] // of imports and refreshes

	importing chan struct{} // held by the one import of this process
	mu        sync.Mutex    // held while a copy is made or removed
}

var _ Store = (*Service)(nil)

// New does no I/O.
func New(d Deps) *Service {
	s := &Service{
		db: d.DB, records: d.Records, verifier: d.Verifier, client: d.Client, sources: d.Sources, jobs: d.Jobs, happened: d.Happened, dir: d.Dir, clock: d.Clock, log: d.Log,
		importing: make(chan struct{}, 1),
	}
	s.register()
	return s
}

// OnSwitch has f called in the transaction in which an edition comes into force. It is for the wiring.
func (s *Service) OnSwitch(f Switch) { s.switches = append(s.switches, f) }

// State is what is known of the database.
type State struct {
	Current  *Edition // nil: none was imported yet
	Previous *Edition // nil: there is none
	Sources  []string // without credentials
}

// State returns which edition is in force, and which was before.
func (s *Service) State(ctx context.Context) (state State, err error) {
	rows, err := s.newest(ctx, s.db.Auto())
	if err != nil {
		return state, err
	}
	for _, source := range s.sources {
		state.Sources = append(state.Sources, source.String())
	}
	if len(rows) > 0 {
		state.Current = &rows[0].Edition
	}
	if len(rows) > 1 {
		state.Previous = &rows[1].Edition
	}
	return state, nil
}

func (s *Service) newest(ctx context.Context, tx db.Tx) ([]row, error) {
	rows, err := db.Collect(ctx, tx, scanRow, newest)
	if err != nil {
		return nil, fmt.Errorf("look for the vulnerability database: %w", err)
	}
	return rows, nil
}

// ErrBusy is returned while another import runs in this process.
var ErrBusy = fault.Conflictf("another import of the vulnerability database is running")

// Import takes in an archive: the database as registries hold it, or an OCI layout with it. It returns the edition in
// force then, and whether it is a new one: the same again changes nothing. An error that is a fault says what is wrong
// with the archive.
func (s *Service) Import(ctx context.Context, by string, archive io.Reader, source string) (e Edition, changed bool, err error) {
	n := note{what: "import", by: by, source: source}
	e, changed, err = s.take(ctx, n, false, func(dir string) (string, error) {
		name := filepath.Join(dir, "archive")
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", err
		}
		n, err := io.Copy(f, io.LimitReader(archive, maxArchive+1))
		if err := errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		if n > maxArchive {
			return "", fault.Invalidf("the archive has more than %d bytes", int64(maxArchive))
		}
		return takeFile(dir, name)
	})
	return e, changed, s.ended(ctx, n, e, changed, err)
}

// Refresh asks the sources in their order, until one has a database. It changes nothing when that isn't newer than the
// one in force. logf hears of each step.
func (s *Service) Refresh(ctx context.Context, by string, logf func(format string, args ...any)) (e Edition, changed bool, err error) {
	if len(s.sources) == 0 {
		return e, false, fault.Invalidf("no source is set: vulndb_source")
	}
	n := note{what: "refresh", by: by}
	var failures []error
	for _, source := range s.sources {
		n.source = source.String()
		logf("asking %s", source)
		e, changed, err := s.from(ctx, n, source)
		if err == nil && changed {
			logf("the database of %s is in force", e.UpdatedAt.Format(time.RFC3339))
		} else if err == nil {
			logf("the database of %s is still the newest", e.UpdatedAt.Format(time.RFC3339))
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrBusy) {
			return e, changed, s.ended(ctx, n, e, changed, err)
		}
		logf("%s: %v", source, err)
		failures = append(failures, fmt.Errorf("%s: %w", source, err))
	}
	n.source = "any source"
	return e, false, s.ended(ctx, n, e, false, errors.Join(failures...))
}

func (s *Service) from(ctx context.Context, n note, source Source) (e Edition, changed bool, err error) {
	if source.path != "" {
		info, err := os.Stat(source.path)
		if err != nil {
			return e, false, err
		}
		return s.take(ctx, n, true, func(dir string) (string, error) {
			if info.IsDir() {
				return takeFolder(dir, source.path)
			}
			return takeFile(dir, source.path)
		})
	}
	r, err := source.connect(s.client)
	if err != nil {
		return e, false, err
	}
	layer, err := source.latest(ctx, r)
	if err != nil {
		return e, false, err
	}
	rows, err := s.newest(ctx, s.db.Auto())
	if err != nil {
		return e, false, err
	}
	if len(rows) > 0 && rows[0].Digest == string(layer.Digest) {
		return rows[0].Edition, false, nil
	}
	return s.take(ctx, n, true, func(dir string) (string, error) {
		packed, err := download(ctx, r, layer, dir)
		if err != nil {
			return "", err
		}
		return packed, takeLayer(dir, packed, strings.TrimPrefix(string(layer.Digest), "sha256:"))
	})
}

// take has the database put into a folder, verifies it, stores it and brings it into force. The function returns the
// file with the packed database.
func (s *Service) take(ctx context.Context, n note, newer bool, get func(dir string) (packed string, err error)) (e Edition, changed bool, err error) {
	select {
	case s.importing <- struct{}{}:
		defer func() { <-s.importing }()
	default:
		return e, false, ErrBusy
	}
	dir, err := s.temporary()
	if err != nil {
		return e, false, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	packed, err := get(dir)
	if err != nil {
		return e, false, err
	}
	m, err := s.verifier.Verify(ctx, dir)
	if err != nil {
		return e, false, err
	}
	digest, size, err := sum(packed)
	if err != nil {
		return e, false, err
	}
	taken := row{
		Edition: Edition{
			Digest: "sha256:" + digest, Size: size, Version: m.Version, UpdatedAt: m.UpdatedAt.UTC(), NextUpdate: m.NextUpdate.UTC(), Source: n.source,
		},
		location: secret.NewToken(), chunks: int((size + chunk - 1) / chunk),
	}
	rows, err := s.newest(ctx, s.db.Auto())
	if err != nil {
		return e, false, err
	}
	if len(rows) > 0 && (rows[0].Digest == taken.Digest || newer && !taken.UpdatedAt.After(rows[0].UpdatedAt)) {
		return rows[0].Edition, false, nil
	}
	if err := s.enforce(ctx, n, packed, &taken); err != nil {
		return e, false, err
	}
	if err := s.keep(dir, taken.Digest); err != nil {
		s.log.WarnContext(ctx, "keeping a copy of the vulnerability database", "error", err)
	}
	if err := s.tidy(ctx); err != nil {
		s.log.WarnContext(ctx, "removing outdated vulnerability databases", "error", err)
	}
	s.log.InfoContext(ctx, "another vulnerability database is in force", "updated_at", taken.UpdatedAt, "digest", taken.Digest, "source", taken.Source)
	return taken.Edition, true, nil
}

// enforce stores an edition's bytes and brings it into force.
func (s *Service) enforce(ctx context.Context, n note, packed string, e *row) error {
	next := int64(0)
	if !e.NextUpdate.IsZero() {
		next = e.NextUpdate.UnixMicro()
	}
	err := s.db.Write(ctx, func(tx db.Tx) (err error) {
		e.ID, err = db.Get(ctx, tx, db.ScanInt, begin, e.location, e.chunks, e.Digest, e.Size, e.Version, e.UpdatedAt.UnixMicro(), next,
			s.clock().UnixMicro(), e.Source)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin the import of a vulnerability database: %w", err)
	}
	if err := s.upload(ctx, packed, *e); err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		e.ImportedAt = s.clock().UTC()
		if _, err := tx.Exec(ctx, finish, e.ImportedAt.UnixMicro(), e.ID); err != nil {
			return err
		}
		for _, told := range s.switches {
			if err := told(ctx, tx, e.Edition); err != nil {
				return err
			}
		}
		return s.tell(ctx, tx, n, e.Edition, "in force now", true)
	})
	if err != nil {
		return fmt.Errorf("bring a vulnerability database into force: %w", err)
	}
	return nil
}
