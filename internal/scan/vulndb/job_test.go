package vulndb_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// With a source a refresh is begun at the first start, and others by the clock; without one there is no schedule.
func TestRefreshIsAJob(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		start := func(sources ...vulndb.Source) (*vulndb.Service, *job.Service) {
			jobs := job.New(job.Deps{DB: d, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
			s := vulndb.New(vulndb.Deps{
				DB: d, Records: w.store, Verifier: confined.New(confined.Options{TempDir: t.TempDir()}), Client: http.DefaultClient, Sources: sources, Jobs: jobs, Happened: event.Append,
				Dir: filepath.Join(t.TempDir(), "vulndb"), Clock: time.Now, Log: slog.New(slog.DiscardHandler),
			})
			ok(t, s.Prepare(t.Context()))
			return s, jobs
		}
		source, err := vulndb.ParseSource("file://" + folder(t, 1))
		ok(t, err)
		s, jobs := start(source)
		start(source) // another replica, or another start
		begun, n, err := jobs.Executions(t.Context(), []job.Kind{job.VulnDBRefresh}, nil, db.List{Page: 1, Size: 10})
		ok(t, err)
		if n != 1 || begun[0].Status != job.Pending {
			t.Fatalf("%d executions are begun: %+v", n, begun)
		}
		if sch, found, err := jobs.FindSchedule(t.Context(), job.VulnDBRefresh, job.System); err != nil || !found {
			t.Errorf("no schedule: %+v %v", sch, err)
		}
		ended := make(chan job.Execution, 1)
		jobs.OnEnd(job.VulnDBRefresh, func(_ context.Context, _ db.Tx, e job.Execution) error {
			select {
			case ended <- e:
			default: // the transaction ran again
			}
			return nil
		})
		run(t, jobs)
		if e := <-ended; e.Status != job.Success {
			t.Errorf("the refresh ended with %+v", e)
		}
		w.told("haven: refresh of the vulnerability database from file://")
		if state, err := s.State(t.Context()); err != nil || state.Current == nil {
			t.Errorf("no database is in force: %v", err)
		}
		_, jobs = start()
		if _, found, err := jobs.FindSchedule(t.Context(), job.VulnDBRefresh, job.System); err != nil || found {
			t.Errorf("a schedule is left without a source: %v", err)
		}
	})
}

// run works on jobs until the test ends.
func run(t *testing.T, jobs *job.Service) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		ok(t, <-done)
	})
}
