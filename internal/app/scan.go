package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scanner"
	"github.com/havenregistry/haven/internal/telemetry"
)

// scanning makes scanning, and has everything judged anew when another edition of the vulnerability database comes
// into force.
func (a *App) scanning(d domain, client *adapter.Client) *scan.Service {
	known := &scanners{
		scanners: d.scanners, client: client, identity: d.identity, projects: d.projects, registry: d.registry, address: a.scannerAddress(), log: a.log,
		changes: a.db.Watch("scanner", "project_metadata"), held: map[int64]heldScanner{},
	}
	scans := scan.New(scan.Deps{
		DB: a.db, Registry: d.registry, Jobs: a.jobs, Engine: a.engine, Editions: d.vulndb, Merge: inventory.Merge,
		Scanners: known, Others: known, Clock: time.Now, Log: a.log,
	})
	d.vulndb.OnSwitch(scans.EditionChanged)
	a.foreign = known
	return scans
}

// scannerAddress is where other scanners reach this registry.
func (a *App) scannerAddress() string {
	if len(a.cfg.ExternalURL) > 0 {
		return a.cfg.ExternalURL[0]
	}
	return "http://" + a.cfg.Listen
}

const (
	// scannerFor is how long it is believed which scanner a project has, where other processes may change that.
	scannerFor = 5 * time.Second
	// maxHeld bounds the projects whose scanner is remembered.
	maxHeld = 10_000
)

type heldScanner struct {
	scan.Scanner
	version int64
	at      time.Time
}

// scanners tells scanning which scanners there are, and has those that aren't our own do their work.
type scanners struct {
	scanners *scanner.Service
	client   *adapter.Client
	identity *identity.Service
	projects *project.Service
	registry *registry.Service
	address  string
	log      *slog.Logger
	changes  *db.Watch
	failures telemetry.Tally[string] // of scans by others, by adapter.Kinds

	mu   sync.Mutex
	held map[int64]heldScanner // by project
}

// InForce answers from memory, as of now or of some seconds ago.
func (s *scanners) InForce(ctx context.Context, projectID int64) (scan.Scanner, error) {
	version, exact := s.changes.Version()
	s.mu.Lock()
	held, known := s.held[projectID]
	s.mu.Unlock()
	if known && held.version == version && (exact || time.Since(held.at) < scannerFor) {
		return held.Scanner, nil
	}
	at := time.Now()
	found, err := s.inForce(ctx, projectID)
	if err != nil {
		return scan.Scanner{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) >= maxHeld {
		s.held = map[int64]heldScanner{}
	}
	s.held[projectID] = heldScanner{found, version, at}
	return found, nil
}

func (s *scanners) inForce(ctx context.Context, projectID int64) (scan.Scanner, error) {
	if projectID == 0 {
		found, err := s.scanners.Default(ctx)
		return s.shown(ctx, found), err
	}
	found, err := s.scanners.Effective(ctx, projectID)
	return s.shown(ctx, found), err
}

// shown is a scanner as scanning knows it. What another one says of itself comes with its reports.
func (s *scanners) shown(ctx context.Context, sc scanner.Scanner) scan.Scanner {
	found := scan.Scanner{ID: sc.UUID, Name: sc.Name, Own: sc.Builtin(), Number: sc.ID, Disabled: sc.Disabled}
	if !found.Own {
		return found
	}
	if m, err := s.scanners.Metadata(ctx, sc); err == nil {
		found.Vendor, found.Version = m.Scanner.Vendor, m.Scanner.Version
	}
	return found
}

// ByID implements scan.Scanners.
func (s *scanners) ByID(ctx context.Context, id string) (scan.Scanner, error) {
	found, err := s.scanners.Get(ctx, id)
	return s.shown(ctx, found), err
}

// Own implements scan.Scanners.
func (s *scanners) Own(ctx context.Context) (scan.Scanner, error) {
	all, _, err := s.scanners.List(ctx, db.List{})
	for _, sc := range all {
		if sc.Builtin() {
			return s.shown(ctx, sc), nil
		}
	}
	return scan.Scanner{}, errors.Join(err, errors.New("there is no built-in scanner"))
}

// Vulnerabilities implements scan.Others.
func (s *scanners) Vulnerabilities(ctx context.Context, sc scan.Scanner, of scan.Image, note func(string, ...any)) (scan.Foreign, error) {
	var found adapter.Report
	err := s.ask(ctx, sc, of, func(e adapter.Endpoint, j adapter.Job) (err error) {
		found, err = s.client.Vulnerabilities(ctx, e, j, note)
		return err
	})
	if err != nil {
		return scan.Foreign{}, err
	}
	for _, n := range found.Notes {
		note("%s", n)
	}
	report := scan.Foreign{Scanner: namedBy(found.Scanner)}
	for _, f := range found.Findings {
		report.Findings = append(report.Findings, scan.ForeignFinding{Package: f.Package, Version: f.Version, Finding: f.Finding})
	}
	return report, nil
}

// namedBy is a scanner as an answer of it says.
func namedBy(n adapter.Name) scan.Scanner {
	return scan.Scanner{Name: n.Name, Vendor: n.Vendor, Version: n.Version}
}

// Materials implements scan.Others.
func (s *scanners) Materials(ctx context.Context, sc scan.Scanner, of scan.Image, note func(string, ...any)) (document []byte, by scan.Scanner, err error) {
	var bill adapter.Bill
	err = s.ask(ctx, sc, of, func(e adapter.Endpoint, j adapter.Job) (err error) {
		bill, err = s.client.Bill(ctx, e, j, note)
		return err
	})
	return bill.Document, namedBy(bill.Scanner), err
}

// ask has a scanner do a job, with a pass that is good for the image's repository until it is done.
func (s *scanners) ask(ctx context.Context, sc scan.Scanner, of scan.Image, do func(adapter.Endpoint, adapter.Job) error) (err error) {
	defer func() {
		if f, ok := errors.AsType[*adapter.Failure](err); ok {
			s.failures.Add(adapter.Kinds()[f.Kind], 1)
		}
	}()
	registered, err := s.scanners.Get(ctx, sc.ID)
	if err != nil {
		return err
	}
	endpoint, err := s.scanners.Endpoint(registered)
	if err != nil {
		return err
	}
	metadata, err := s.scanners.Metadata(ctx, registered)
	if err != nil {
		return explained(err)
	}
	p, err := s.projects.Get(ctx, of.ProjectID)
	if errors.Is(err, fault.NotFound) {
		return explained(err)
	}
	if err != nil {
		return err
	}
	ref := registry.Ref{ProjectID: of.ProjectID, Project: of.Project, Name: of.Repository}
	held, err := s.registry.ManifestInfo(ctx, ref, oci.DigestReference(of.Digest))
	if err != nil {
		return err
	}
	pass, err := s.identity.GiveScanPass(ctx, registered.Name, identity.TokenAccess{Name: ref.FullName(), ProjectID: p.ID, ProjectEpoch: p.Epoch}, adapter.ScanTime+time.Minute)
	if err != nil {
		return err
	}
	defer func() {
		if err := s.identity.EndScanPass(context.WithoutCancel(ctx), pass.ID); err != nil {
			s.log.WarnContext(ctx, "the pass of a scan ends only when its time is over", "scanner", registered.Name, "error", err)
		}
	}()
	authorization := pass.Basic
	if metadata.WantsBearer() {
		authorization = pass.Bearer
	}
	return explained(do(endpoint, adapter.Job{
		Artifact: adapter.Artifact{Repository: ref.FullName(), Digest: string(of.Digest), MediaType: held.MediaType, Size: held.Size},
		Registry: s.address, Authorization: authorization,
	}))
}

// scannerFailure is a failure of a scanner that people may be told.
type scannerFailure struct{ error }

// Unwrap returns the failure itself.
func (f scannerFailure) Unwrap() error { return f.error }

// Explain implements scan.Explained.
func (f scannerFailure) Explain() string { return f.Error() }

func explained(err error) error {
	if _, ok := errors.AsType[*adapter.Failure](err); ok || errors.Is(err, fault.NotFound) {
		return scannerFailure{fmt.Errorf("the scanner: %w", err)}
	}
	return err
}

// lateListener is a listener that is made after who calls it.
type lateListener struct{ event.Listener }
