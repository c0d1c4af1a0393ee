package scan

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// filled writes reports of images that share packages as real ones do: most of an image's packages are of a base that
// many have, the others are anybody's.
func filled100k(t testing.TB, d *db.DB, images, packages, each int) {
	t.Helper()
	start := time.Now()
	exec := func(query string, args ...any) {
		t.Helper()
		err := d.Write(context.Background(), func(tx db.Tx) error {
			_, err := tx.Exec(context.Background(), query, args...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT)) `
	exec(`INSERT INTO scan_evaluation (edition, edition_at, started_at, finished_at) VALUES ('sha256:before', 1, 1, 2)`)
	exec(`INSERT INTO scan_package (key, scope, name, version, subject, evaluation_id)
		`+numbers+`SELECT 'key' || i, CASE WHEN i % 2 = 0 THEN 'debian ' || (10 + i % 6) ELSE 'npm' END, 'package' || i, '1.' || i,
			'{"class":"os-pkgs","scope":"debian 12","name":"package' || i || '","version":"1.' || i || '","src_name":"package' || i || '"}', 1 FROM n`, packages)
	exec(`INSERT INTO scan_report (uuid, digest, scanner, status, complete, evaluated, evaluation_id, created_at, updated_at)
		`+numbers+`SELECT 'uuid' || i, 'sha256:' || i, 'own', 'Success', TRUE, 2, 1, 1, 1 FROM n`, images)
	// 120 packages of one of 200 bases, and some more from everywhere.
	exec(`INSERT INTO scan_content (report_id, package_id)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < CAST($1 AS BIGINT) - 1)
		SELECT r.id, CASE WHEN n.i < 120 THEN 1 + (r.id % 200) * 120 + n.i ELSE 24001 + (r.id * 7919 + n.i * 104729) % (CAST($2 AS BIGINT) - 24000) END
		FROM scan_report r CROSS JOIN n WHERE TRUE ON CONFLICT DO NOTHING`, each, packages)
	t.Logf("filled in %v", time.Since(start).Round(time.Second))
}

// quickEngine finds something in every tenth package, and with the second edition in some more.
type quickEngine struct {
	*fakeEngine
}

func (e quickEngine) JudgeEach(_ context.Context, edition vulndb.Edition, subjects iter.Seq[inventory.Subject], each func(inventory.Subject, inventory.Verdict) error) error {
	for s := range subjects {
		var v inventory.Verdict
		var n int
		fmt.Sscanf(s.Name, "package%d", &n)
		if n%10 == 0 {
			v.Findings = append(v.Findings, finding(fmt.Sprintf("CVE-%d", n%5000), inventory.Severity(n/10%6), "9"))
		}
		if edition.Digest == "sha256:after" && n%100 == 5 {
			v.Findings = append(v.Findings, finding(fmt.Sprintf("CVE-NEW-%d", n%700), inventory.High, ""))
		}
		e.judged.Add(1)
		if err := each(s, v); err != nil {
			return err
		}
	}
	return nil
}

// reevaluated judges everything by another edition and says how long that took, and how much memory was in use.
func reevaluated(t testing.TB, d *db.DB, s *Service, engine *quickEngine, edition string) (took time.Duration, peak uint64) {
	t.Helper()
	var e Evaluation
	err := d.Write(context.Background(), func(tx db.Tx) (err error) {
		e, err = db.Get(context.Background(), tx, scanEvaluation, insertEvaluation, edition, 1, 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-done:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	start := time.Now()
	note := func(format string, args ...any) {
		t.Logf("%6.1f s: "+format, append([]any{time.Since(start).Seconds()}, args...)...)
	}
	p := pass{Service: s, Evaluation: e, edition: vulndb.Edition{Digest: edition}, note: note, write: d.WriteRelaxed}
	if err := p.evaluate(context.Background()); err != nil {
		t.Fatal(err)
	}
	took = time.Since(start)
	close(done)
	return took, peak
}

var images = flag.Int("images", 100_000, "how many images BenchmarkReevaluate fills the database with")

// BenchmarkReevaluate judges the packages of 100,000 images anew: -bench Reevaluate -benchtime 1x.
func BenchmarkReevaluate(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			filled100k(b, d, *images, 100_000, 150)
			engine := &quickEngine{fakeEngine: newFakeEngine()}
			s := &Service{stats: newStats(), db: d, engine: engine, clock: time.Now, log: quiet, packer: newPacker()}
			for _, edition := range []string{"sha256:first", "sha256:after"} {
				took, peak := reevaluated(b, d, s, engine, edition)
				b.Logf("%s: %v, %d MB of heap at most", edition, took.Round(time.Millisecond), peak>>20)
				b.ReportMetric(took.Seconds(), "s/"+edition)
			}
		})
	}
}
