package record_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// BenchmarkImage measures what records add to one pushed image, in CPU time of the whole process: the task of
// a manifest and of a tag, and the two records, in batches as they come under load.
func BenchmarkImage(b *testing.B) {
	store, err := file.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	w := newWorld(b, dbtest.SQLite(b), store, store)
	var spent time.Duration
	for n := 0; n < b.N; n += 100 {
		for i := range 100 {
			w.image(app, fmt.Sprint(n+i), fmt.Sprintf("v%d", n+i))
		}
		w.ok(w.events.Drain(b.Context())) // pays for the outbox too
		before := cpu(b)
		w.ok(w.keeper.Drain(b.Context()))
		spent += cpu(b) - before
	}
	b.ReportMetric(float64(spent.Microseconds())/float64((b.N+99)/100*100), "cpu-µs/image")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
