package job

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Deps is what a Service needs.
type Deps struct {
	DB    *db.DB
	Tell  func() // has the other replicas Look; it must not block. nil: there are none
	Clock func() time.Time
	Log   *slog.Logger
	// Tracer traces runs; nil: nobody does.
	Tracer *trace.Tracer
}

// Service keeps jobs and works on them. Register, OnEnd and OnSchedule come before Run.
type Service struct {
	db     *db.DB
	tell   func()
	clock  func() time.Time
	log    *slog.Logger
	tracer *trace.Tracer
	holder string // this process, for leases
	host   string
	pid    int

	works    map[Kind]Work
	ends     map[Kind][]func(context.Context, db.Tx, Execution) error
	fires    map[Kind]func(context.Context, db.Tx, Schedule) error
	builtin  []Schedule
	cleanups []func(context.Context, *Run) error

	wake     chan struct{}
	running  atomic.Bool
	draining atomic.Bool
	looked   atomic.Int64 // when this process last looked for work without a failure, or began, in microseconds
	stats    stats
	watches  watches
	lanes    lanes

	mu   sync.Mutex
	runs map[int64]*Run // by task
	busy map[Kind]int
	// resting are schedules whose beginning failed, until they are tried again.
	resting map[int64]time.Time
}

// New returns a service that does nothing yet.
func New(d Deps) *Service {
	s := &Service{
		db: d.DB, tell: d.Tell, clock: d.Clock, log: d.Log, tracer: d.Tracer, holder: rand.Text(), pid: os.Getpid(),
		works: map[Kind]Work{}, ends: map[Kind][]func(context.Context, db.Tx, Execution) error{},
		fires: map[Kind]func(context.Context, db.Tx, Schedule) error{},
		wake:  make(chan struct{}, 1), lanes: newLanes(), runs: map[int64]*Run{}, busy: map[Kind]int{}, resting: map[int64]time.Time{},
		watches: watches{byID: map[int64]*watched{}}, stats: newStats(),
	}
	s.host, _ = os.Hostname() // "": nobody is shown where it runs
	if s.tell == nil {
		s.tell = func() {}
	}
	s.looked.Store(db.Micros(s.clock()))
	s.housekeeping()
	return s
}

// Register says how tasks of a kind are done. Tasks of other kinds wait for a process that knows them. All is registered
// before Run, which reads it without a lock.
func (s *Service) Register(kind Kind, w Work) {
	s.beforeRun()
	s.works[kind] = w.complete()
	s.stats.spread.Timer(string(kind))
}

func (s *Service) beforeRun() {
	if s.running.Load() {
		panic("job: what is done is registered before Run")
	}
}

// OnEnd has f called in the transaction in which an execution of the kind ends, again when it was tried again. f must
// do nothing but statements on tx; its error undoes the end.
func (s *Service) OnEnd(kind Kind, f func(ctx context.Context, tx db.Tx, e Execution) error) {
	s.beforeRun()
	s.ends[kind] = append(s.ends[kind], f)
}

// Look says that there may be work, or that something was stopped, as another replica tells. It never blocks.
func (s *Service) Look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// changed has this process and the others look.
func (s *Service) changed() {
	s.Look()
	s.tell()
}

// Drain has no further task begin here. Those that run go on until Run's context ends.
func (s *Service) Drain() { s.draining.Store(true) }

// lookLate is how long looking for work may fail, or wait, until this process isn't well: longer than its longest pause.
const lookLate = 90 * time.Second

// Check is an error while nobody in this process looks for work: Run wasn't called, or the database doesn't answer.
func (s *Service) Check(context.Context) error {
	if age := s.clock().Sub(db.Time(s.looked.Load())); age > lookLate {
		return fmt.Errorf("this process last looked for jobs %s ago", age.Round(time.Second))
	}
	return nil
}

// Draining reports whether Drain was called: who follows a log ends then.
func (s *Service) Draining() bool { return s.draining.Load() }

// concurrency is how many tasks this process does at once, of all kinds together.
func (s *Service) concurrency() (n int) {
	for _, w := range s.works {
		n += w.Limit
	}
	return n
}
