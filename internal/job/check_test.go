package job_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/job"
)

// Who looks for no work isn't well: not at once, but when the longest pause is over.
func TestCheck(t *testing.T) {
	now := time.Now()
	s := job.New(job.Deps{DB: dbtest.SQLite(t), Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("at the start: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if err := s.Check(t.Context()); err == nil {
		t.Error("two minutes later nobody has looked, and all is well")
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for s.Check(t.Context()) != nil {
		runtime.Gosched()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
