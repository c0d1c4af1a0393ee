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
				start := time.Now()
				name := fmt.Sprint(seed, client, "-", i)
				copy(layer, name)
				config := f.blob(app, oci.MediaTypeImageConfig, fmt.Appendf(nil, `{"os":%q}`, name))
				image := document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config,
					Layers: []oci.Descriptor{f.blob(app, "application/vnd.oci.image.layer.v1.tar", layer)}}
				f.push(app, image, fmt.Sprint(client))
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
				var alone, beside []time.Duration
				stop := make(chan struct{})
				time.AfterFunc(10*time.Second, func() { close(stop) })
				alone = f.pushing(fmt.Sprint(time.Now().UnixNano()), stop)
				b.StartTimer()
				stop = make(chan struct{})
				var g errgroup.Group
				g.Go(func() error {
					beside = f.pushing(fmt.Sprint(time.Now().UnixNano()), stop)
					return nil
				})
				start := time.Now()
				total := f.besides(blobs)
				rate := float64(total.Memberships+total.Blobs) / 2 / time.Since(start).Seconds()
				close(stop)
				f.ok(g.Wait())
				p99 := func(all []time.Duration) time.Duration { return all[len(all)*99/100] }
				b.ReportMetric(rate, "blobs/s")
				b.ReportMetric(float64(p99(alone).Microseconds())/1000, "p99-alone-ms")
				b.ReportMetric(float64(p99(beside).Microseconds())/1000, "p99-beside-ms")
				b.ReportMetric(float64(p99(beside))/float64(p99(alone)), "p99-ratio")
				b.ReportMetric(float64(len(alone))/10, "pushes-alone/s")
				b.ReportMetric(float64(len(beside))/time.Since(start).Seconds(), "pushes-beside/s")
			}
		})
	}
}

// besides runs the collector until so many blobs are gone; the second grace passes when all are condemned.
func (f fixture) besides(blobs int64) (total Reclaimed) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- f.RunReclaim(ctx) }()
	passed := false
	for total.Blobs < blobs {
		time.Sleep(10 * time.Millisecond)
		total, _ = f.Reclaimed()
		if !passed && total.Memberships >= blobs {
			passed = true
			f.clock.skip(DefaultReclaimAfter)
		}
	}
	cancel()
	f.ok(<-done)
	return total
}
