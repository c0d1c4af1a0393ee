// Package app is the wiring: it reads the configuration, builds every part by its plain constructor,
// starts them and drains them. Nothing else knows how the parts fit together.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/observed"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/notice"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication"
	"github.com/havenregistry/haven/internal/replication/endpoint"
	"github.com/havenregistry/haven/internal/replication/proxycache"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/servertls"
	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
	"github.com/havenregistry/haven/internal/webhook"
)

// App is a registry that is ready to serve.
type App struct {
	cfg         config.Config
	log         *slog.Logger
	db          *db.DB
	blobs       blob.Store
	notices     *notice.Board
	registry    *registry.Service
	identity    *identity.Service
	events      *event.Dispatcher
	records     *record.Keeper
	forwarder   *audit.Forwarder
	purger      *audit.Purger
	jobs        *job.Service
	engine      *confined.Process
	vulndb      *vulndb.Service
	scans       *scan.Service
	endpoints   *endpoint.Service
	replication *replication.Service
	caches      *proxycache.Service
	webhooks    *webhook.Service
	foreign     *scanners
	metrics     *telemetry.Metrics
	tracer      *trace.Tracer // nil: nothing is traced
	calls       *outbound.Calls
	stored      *observed.Figures
	health      *health
	handler     http.Handler
	tls         *tls.Config          // nil: the port speaks HTTP
	certificate servertls.Source     // nil without HTTPS
	automatic   *servertls.Automatic // nil without ACME
	generated   secret.Text          // the first administrator's password, when this start made it
	passwordAt  string               // file that it is in
}

// New opens the database and the store, migrates the schema, creates what a first start creates, and
// builds all parts. It listens to nothing yet.
func New(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	a := &App{cfg: cfg, log: telemetry.WithRequestIDs(log), calls: outbound.NewCalls()}
	if err := a.trace(); err != nil {
		return nil, err
	}
	if err := a.connectStores(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	d, err := a.assemble()
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	// A first start is mostly migrations and the hash of a password; the pages are made meanwhile.
	var halves errgroup.Group
	halves.Go(func() (err error) {
		a.handler, err = a.connect(d)
		return err
	})
	halves.Go(func() error {
		if err := a.migrate(ctx); err != nil {
			return err
		}
		if err := checkServable(ctx, a.db); err != nil {
			return err
		}
		return a.populate(ctx, d)
	})
	if err := halves.Wait(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// open connects the stores and brings the schema up to date.
func (a *App) open(ctx context.Context) error {
	if err := a.connectStores(ctx); err != nil {
		return err
	}
	return a.migrate(ctx)
}

// migrate brings the schema up to date, and says so.
func (a *App) migrate(ctx context.Context) error {
	s, err := a.db.Schema(ctx)
	if err != nil {
		return err
	}
	if s.Ahead() {
		a.log.WarnContext(ctx, "the database was migrated by a newer version of Haven, with which this one can go on", "schema", s.Current, "known", s.Target)
	}
	if !s.Pending() {
		return nil
	}
	if s.Current == 0 {
		return a.db.Migrate(ctx)
	}
	a.log.InfoContext(ctx, "the database's schema is brought up to date", "from", s.Current, "to", s.Target, "copy", a.db.SnapshotPath(s.Current))
	if err := a.db.Migrate(ctx); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "the database's schema is up to date", "schema", s.Target)
	return nil
}

func (a *App) connectStores(ctx context.Context) error {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	var err error
	if a.notices, err = notice.Open(a.cfg.RedisURL, a.log); err != nil {
		return fmt.Errorf("redis_url: %w", err)
	}
	blobs, err := OpenStore(ctx, a.cfg.StorageURL)
	if err != nil {
		return err
	}
	a.blobs, a.stored = observed.Store(blobs, storageName(a.cfg.StorageURL))
	if a.db, err = db.Open(ctx, a.cfg.DatabaseURL); err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	if err := a.db.Claim(); err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	return nil
}

// ready reports whether the database answers and the store takes a file. blocked is why nothing can be written where that is all that is wrong: the store
// is full, or the database a standby. Pulls go on then, and need to get here.
func (a *App) ready(ctx context.Context) (blocked, err error) {
	stored, written := a.blobs.Check(ctx), a.db.Writable(ctx)
	if errors.Is(stored, blob.ErrNoSpace) {
		blocked, stored = stored, nil
	}
	if errors.Is(written, db.ErrReadOnly) {
		blocked, written = errors.Join(blocked, written), nil
	}
	if err = errors.Join(written, stored); err != nil {
		a.log.WarnContext(ctx, "not ready", "error", err)
	} else if blocked != nil {
		a.log.WarnContext(ctx, "not ready for writes: pushes are refused", "error", blocked)
	}
	return blocked, err
}

// Handler answers every request of the registry's port.
func (a *App) Handler() http.Handler { return a.handler }

const (
	// drainTime is how long requests in flight may take after SIGTERM; the process ends within 30 s.
	drainTime = 25 * time.Second
	// closeTime bounds writing down what was batched.
	closeTime = 3 * time.Second
	// headerTime bounds how long a client may take to send a request's head.
	headerTime  = 20 * time.Second
	idleTime    = 2 * time.Minute
	maxHeadSize = 64 << 10
)

// Run serves until ctx is cancelled, then drains: no new connections, requests in flight finish, what is
// batched in memory is written.
func (a *App) Run(ctx context.Context) error {
	l, err := listen(ctx, a.cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), a.Close())
	}
	server := a.server(a.handler)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var jobs errgroup.Group
	jobs.Go(func() error { return a.Background(background) })
	jobs.Go(func() error { rest(background); return nil })
	jobs.Go(func() error {
		if pause.For(background, restAfter) {
			sayConfinement(a.log, a.engine)
		}
		return nil
	})
	metrics, err := a.serveBeside(ctx, "metrics_listen", a.cfg.MetricsListen, a.inside())
	if err != nil {
		stop()
		return errors.Join(err, jobs.Wait(), l.Close(), a.Close())
	}
	challenges, err := a.serveBeside(ctx, "acme_listen", a.cfg.ACMEListen, a.challenges())
	if err != nil {
		stop()
		return errors.Join(err, jobs.Wait(), l.Close(), metrics.Close(), a.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(server, l, a.tls) }()
	if a.automatic != nil {
		jobs.Go(func() error { return a.automatic.Run(background) })
	}
	a.announce(l.Addr())
	a.tellSystemd(background, "READY=1")
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.log.Info("draining")
		a.tellSystemd(background, "STOPPING=1")
		a.jobs.Drain()
		a.health.draining.Store(true)
		err = drain(server)
	}
	stop()
	return errors.Join(err, jobs.Wait(), metrics.Close(), challenges.Close(), a.Close())
}

// restAfter is when a process has not been started only to see what it is like.
const restAfter = 30 * time.Second

// Background works on what requests leave behind until ctx is cancelled: events, batched pulls, records in
// the store, when robots were used, word to the other replicas, audit rows to forward, jobs. It returns nil then.
func (a *App) Background(ctx context.Context) error {
	var g errgroup.Group
	for _, run := range []func(context.Context) error{a.events.Run, a.registry.Run, a.registry.RunReclaim, a.records.Run, a.identity.Run, a.notices.Run, a.forwarder.Run, a.jobs.Run, a.scans.Run, a.caches.Run, a.endpoints.Run, a.replication.Run, a.webhooks.Run} {
		g.Go(func() error {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeadSize,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// drain waits for requests in flight. Those that take too long are cut; their uploads can be resumed.
func drain(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.Close()
	}
	return err
}

// inside answers those who run the registry: metrics, and probes, which may not be able to speak HTTPS as the other port does.
func (a *App) inside() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.Handle("GET /healthz", a.health)
	mux.Handle("GET /readyz", a.health)
	return mux
}

// serveBeside opens another port, that of a setting. The server that it returns serves nothing where that has no address.
func (a *App) serveBeside(ctx context.Context, setting, address string, h http.Handler) (*http.Server, error) {
	s := a.server(h)
	if address == "" {
		return s, nil
	}
	l, err := listen(ctx, address)
	if err != nil {
		return s, fmt.Errorf("%s: %w", setting, err)
	}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("a port is not served any more", "setting", setting, "error", err)
		}
	}()
	return s, nil
}

// announce says where the registry is, and once the password that this start made.
func (a *App) announce(addr net.Addr) {
	fmt.Printf("Haven %s is ready at %s://%s\n", telemetry.Version(), schemeOf(a.tls), addr)
	if a.generated != "" {
		fmt.Printf("First start: sign in as admin with the password %s (kept in %s)\n", a.generated.Reveal(), a.passwordAt)
	}
}

// Close writes what is batched and closes the store and the database. It can be called twice.
func (a *App) Close() error {
	var errs []error
	if a.caches != nil {
		a.caches.Close()
		a.caches = nil
	}
	if a.registry != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		if err := a.registry.Flush(ctx); err != nil {
			a.log.WarnContext(ctx, "the last pulls are not counted", "error", err) // no reason to end badly
		}
		if err := a.registry.Drain(ctx); err != nil {
			a.log.WarnContext(ctx, "uploads that were begun have to be sent anew", "error", err)
		}
		cancel()
		a.registry = nil
	}
	if a.notices != nil {
		errs = append(errs, a.notices.Close())
		a.notices = nil
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
		a.db = nil
	}
	if a.blobs != nil {
		errs = append(errs, a.blobs.Close())
		a.blobs = nil
	}
	if a.tracer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lastSpansTime)
		if err := a.tracer.Close(ctx); err != nil {
			a.log.WarnContext(ctx, "the last traces are not sent", "error", err) // no reason to end badly
		}
		cancel()
		a.tracer = nil
	}
	return errors.Join(errs...)
}
