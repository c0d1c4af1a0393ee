package job_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/job"
)

// What a task costs that does nothing: from being queued to its end, with eight at once.
func BenchmarkTask(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			s := job.New(job.Deps{DB: d, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
			s.Register("NOTHING", job.Work{Limit: 8, Do: func(context.Context, *job.Run) error { return nil }})
			ended := make(chan struct{})
			s.OnEnd("NOTHING", func(_ context.Context, tx db.Tx, _ job.Execution) error {
				tx.AfterCommit(func() { close(ended) })
				return nil
			})
			ctx, cancel := context.WithCancel(b.Context())
			stopped := make(chan error, 1)
			go func() { stopped <- s.Run(ctx) }()
			b.ResetTimer()
			err := d.Write(ctx, func(tx db.Tx) error {
				_, _, err := s.Begin(ctx, tx, job.NewExecution{Kind: "NOTHING"}, make([]job.NewTask, b.N)...)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			<-ended
			b.StopTimer()
			cancel()
			if err := <-stopped; err != nil {
				b.Fatal(err)
			}
		})
	}
}
