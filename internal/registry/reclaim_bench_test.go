package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// litter makes n blobs that nobody has named for the grace, with their files.
func (f fixture) litter(n int) {
	f.t.Helper()
	f.blob(app, "", []byte("makes the repository"))
	repositoryID := f.count(`SELECT id FROM repository WHERE project_id = 1 AND name = 'app'`)
	const batch = 5000
	for done := 0; done < n; done += batch {
		f.ok(f.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			for range min(batch, n-done) {
				content := make([]byte, 32)
				rand.Read(content)
				d := oci.SHA256Of(content)
				location := fmt.Sprintf("docker/registry/v2/blobs/sha256/%s/%s/data", d.Hex()[:2], d.Hex())
				path := filepath.Join(f.dir, location)
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					return err
				}
				if err := os.WriteFile(path, content, 0o600); err != nil {
					return err
				}
				id, err := db.Get(ctx, tx, db.ScanInt, insertBlob, d, len(content), location, 1, true)
				if err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
					VALUES ($1, $2, 1, 1, 1, FALSE)`, repositoryID, id); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// pushing pushes small images by eight clients until stop is closed, and returns how long each push took.
func (f fixture) pushing(seed string, stop <-chan struct{}) []time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	var g errgroup.Group
	for client := range 8 {
		g.Go(func() error {
			layer := bytes.Repeat([]byte("x"), 16<<10)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return nil
				default:
				}
				f.pushes.RLock()
				start := time.Now()
				name := fmt.Sprint(seed, client, "-", i)
				copy(layer, name)
				config := f.blob(app, oci.MediaTypeImageConfig, fmt.Appendf(nil, `{"os":%q}`, name))
				image := document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config,
					Layers: []oci.Descriptor{f.blob(app, "application/vnd.oci.image.layer.v1.tar", layer)}}
				f.push(app, image, fmt.Sprint(client))
				f.pushes.RUnlock()
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	f.ok(g.Wait())
	slices.Sort(took)
	return took
}

// pushingFor pushes for a while.
func (f fixture) pushingFor(d time.Duration) []time.Duration {
	stop := make(chan struct{})
	time.AfterFunc(d, func() { close(stop) })
	return f.pushing(fmt.Sprint(time.Now().UnixNano()), stop)
}

// BenchmarkReclaimBesidePushes takes back blobs as the server does while eight clients push, and tells how fast
// that is and what it costs the pushes. One round is some minutes of the real thing: -benchtime=1x.
func BenchmarkReclaimBesidePushes(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			const blobs = 100_000
			f := newFixture(b, open(b))
			for range b.N {
				b.StopTimer()
				f.litter(blobs)
				f.clock.skip(DefaultReclaimAfter)
				unix.Sync()
				// What pushes alone take changes with what was pushed: it is measured before and after.
				alone := f.pushingFor(10 * time.Second)
				b.StartTimer()
				stop, start := make(chan struct{}), time.Now()
				var beside []time.Duration
				var g errgroup.Group
				g.Go(func() error {
					beside = f.pushing(fmt.Sprint(time.Now().UnixNano()), stop)
					return nil
				})
				total := f.besides(blobs)
				took := time.Since(start).Seconds()
				rate := float64(total.Memberships+total.Blobs) / 2 / took
				close(stop)
				f.ok(g.Wait())
				b.StopTimer()
				alone = append(alone, f.pushingFor(10*time.Second)...)
				slices.Sort(alone)
				b.StartTimer()
				p99 := func(all []time.Duration) time.Duration { return all[len(all)*99/100] }
				b.ReportMetric(rate, "blobs/s")
				b.ReportMetric(float64(p99(alone).Microseconds())/1000, "p99-alone-ms")
				b.ReportMetric(float64(p99(beside).Microseconds())/1000, "p99-beside-ms")
				b.ReportMetric(float64(p99(beside))/float64(p99(alone)), "p99-ratio")
				b.ReportMetric(float64(len(alone))/20, "pushes-alone/s")
				b.ReportMetric(float64(len(beside))/took, "pushes-beside/s")
			}
		})
	}
}

// besides runs the collector until so many memberships have ended, and again, a grace later, until their blobs are gone.
func (f fixture) besides(blobs int64) (total Reclaimed) {
	f.t.Helper()
	start := time.Now()
	f.until(func(so Reclaimed) bool { return so.Memberships >= blobs })
	f.t.Logf("memberships ended after %v", time.Since(start).Round(time.Second))
	f.pushes.Lock() // the grace is of no use to a push that it passes within
	f.clock.skip(DefaultReclaimAfter)
	f.pushes.Unlock()
	return f.until(func(so Reclaimed) bool { return so.Blobs >= blobs })
}

func (f fixture) until(done func(Reclaimed) bool) (total Reclaimed) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- f.RunReclaim(ctx) }()
	for !done(total) {
		time.Sleep(10 * time.Millisecond)
		total, _ = f.Reclaimed()
	}
	cancel()
	f.ok(<-ended)
	return total
}
