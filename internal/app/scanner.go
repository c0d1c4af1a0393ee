package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/adapter/server"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/telemetry"
)

// Scanner is Haven's scanner in a process of its own. It keeps the vulnerability database as a registry does, in a
// small database and store of its own.
type Scanner struct {
	cfg       config.Scanner
	log       *slog.Logger
	db        *db.DB
	blobs     blob.Store
	editions  *vulndb.Service
	jobs      *job.Service
	server    *server.Server
	tls       *tls.Config // nil: the port speaks HTTP
	generated bool        // this start made the credential
	keptIn    string
}

// NewScanner opens what the scanner keeps, and builds its parts. It listens to nothing yet.
func NewScanner(ctx context.Context, cfg config.Scanner, log *slog.Logger) (*Scanner, error) {
	s := &Scanner{cfg: cfg, log: telemetry.WithRequestIDs(log), keptIn: filepath.Join(cfg.DataDir, "scanner-credential")}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Scanner) open(ctx context.Context) error {
	if err := os.MkdirAll(s.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	var err error
	if s.tls, err = filesTLS(s.cfg.TLSCertFile, s.cfg.TLSKeyFile, s.log); err != nil {
		return err
	}
	sources, err := vulndb.ParseSources(s.cfg.VulnDBSource)
	if err != nil {
		return fmt.Errorf("vulndb_source: %w", err)
	}
	credential, err := s.credential()
	if err != nil {
		return fmt.Errorf("scanner_credential: %w", err)
	}
	if s.blobs, err = OpenStore(ctx, "file:"+filepath.Join(s.cfg.DataDir, "storage")); err != nil {
		return err
	}
	if s.db, err = db.Open(ctx, "sqlite:"+filepath.Join(s.cfg.DataDir, "scanner.db")); err != nil {
		return err
	}
	if err := errors.Join(s.db.Claim(), s.db.Migrate(ctx)); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	client, err := sourceClient(s.cfg.Networks, nil)
	if err != nil {
		return err
	}
	engine := confined.New(confined.Options{TempDir: filepath.Join(s.cfg.DataDir, "scan"), Full: s.cfg.Confinement == fullConfinement})
	s.jobs = job.New(job.Deps{DB: s.db, Clock: time.Now, Log: s.log})
	s.editions = vulndb.New(vulndb.Deps{
		DB: s.db, Records: s.blobs, Verifier: engine, Client: client, Sources: sources, Jobs: s.jobs,
		Dir: filepath.Join(s.cfg.DataDir, "vulndb"), Clock: time.Now, Log: s.log,
	})
	if err := s.editions.Prepare(ctx); err != nil {
		return err
	}
	s.server = server.New(server.Deps{
		Engine: engine, Editions: s.editions, Auth: authOf(s.cfg.Auth), Credential: credential, Elsewhere: outbound.Internet(s.cfg.Networks...),
		Workers: s.cfg.Workers, Queue: s.cfg.Queue, Clock: time.Now, Log: s.log,
	})
	sayConfinement(s.log, engine)
	return nil
}

func authOf(setting string) adapter.Auth {
	return map[string]adapter.Auth{"api-key": adapter.APIKey, "basic": adapter.Basic, "bearer": adapter.Bearer, "none": adapter.NoAuth}[setting]
}

// credential is the one that is set, or the one that is kept, or a new one (S18).
func (s *Scanner) credential() (secret.Text, error) {
	if s.cfg.Credential != "" || s.cfg.Auth == "none" {
		return s.cfg.Credential, nil
	}
	kept, err := os.ReadFile(s.keptIn)
	if err == nil && len(strings.TrimSpace(string(kept))) > 0 {
		return secret.Text(strings.TrimSpace(string(kept))), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	made := secret.NewToken()
	s.generated = true
	return secret.Text(made), os.WriteFile(s.keptIn, []byte(made+"\n"), 0o600)
}

// Handler answers every request of the scanner's port.
func (s *Scanner) Handler() http.Handler { return s.server.Handler() }

// requestTime bounds a request of a registry: reports are in memory.
const requestTime = time.Minute

// Run serves until ctx is cancelled. Scans that are under way end then: registries ask again.
func (s *Scanner) Run(ctx context.Context) error {
	l, err := listen(ctx, s.cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), s.Close())
	}
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeadSize,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Background(ctx) })
	g.Go(func() error { return serve(h, l, s.tls) })
	g.Go(func() error {
		<-ctx.Done()
		return drain(h)
	})
	s.announce(l.Addr())
	return errors.Join(g.Wait(), s.Close())
}

// Background scans, and keeps the vulnerability database fresh, until ctx is cancelled.
func (s *Scanner) Background(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return s.server.Run(ctx) })
	g.Go(func() error { return s.jobs.Run(ctx) })
	return g.Wait()
}

func (s *Scanner) announce(addr net.Addr) {
	fmt.Printf("Haven's scanner %s is ready at %s://%s\n", telemetry.Version(), schemeOf(s.tls), addr)
	if s.generated {
		fmt.Printf("First start: the credential for registries is in %s (auth %s)\n", s.keptIn, s.cfg.Auth)
	}
}

// Close gives everything back.
func (s *Scanner) Close() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.blobs != nil {
		errs = append(errs, s.blobs.Close())
	}
	return errors.Join(errs...)
}
