package confined_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
)

// distinct yields as many subjects, no two alike: the packages of Debian 12 in versions of their own.
func distinct(b *testing.B, e confined.Engine, n int) iter.Seq[inventory.Subject] {
	b.Helper()
	packages := readImage(b, e, scantest.MakeImage(b, "debian")).Packages
	return func(yield func(inventory.Subject) bool) {
		for i := range n {
			s := packages[i%len(packages)].Subject
			s.SrcVersion += fmt.Sprintf("+%d", i/len(packages))
			if !yield(s) {
				return
			}
		}
	}
}

func BenchmarkJudge100000(b *testing.B) {
	e := newEngine(b)
	edition := makeEdition(b, 2)
	subjects := distinct(b, e, 100_000)
	for b.Loop() {
		judged, findings := 0, 0
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := e.JudgeEach(b.Context(), edition, subjects, func(_ inventory.Subject, v inventory.Verdict) error {
			judged++
			findings += len(v.Findings)
			if judged == 90_000 {
				runtime.ReadMemStats(&after)
			}
			return nil
		})
		if err != nil || judged != 100_000 {
			b.Fatal(judged, err)
		}
		b.ReportMetric(float64(findings), "findings")
		b.ReportMetric(float64(after.Sys)/(1<<20), "parent-MiB")
	}
}

func BenchmarkLayerOf100MB(b *testing.B) {
	name := filepath.Join(b.TempDir(), "layer")
	out, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	z := gzip.NewWriter(out)
	t := tar.NewWriter(z)
	source := rand.NewChaCha8([32]byte{})
	body := make([]byte, 1<<20)
	for i := range 100 {
		_, _ = source.Read(body)
		copy(body, "\x7fELF")
		if err := t.WriteHeader(&tar.Header{Name: fmt.Sprintf("usr/lib/x%d.so", i), Mode: 0o755, Size: int64(len(body))}); err != nil {
			b.Fatal(err)
		}
		if _, err := t.Write(body); err != nil {
			b.Fatal(err)
		}
	}
	if err := t.Close(); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	e := newEngine(b)
	e.Confinement()
	b.SetBytes(100 << 20)
	for b.Loop() {
		if _, err := out.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		if _, err := e.Layer(b.Context(), out, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSmallLayer(b *testing.B) {
	e := newEngine(b)
	e.Confinement()
	blob := scantest.MakeImage(b, "clean").Layers[0]
	for b.Loop() {
		if _, err := e.Layer(b.Context(), bytes.NewReader(blob), ""); err != nil {
			b.Fatal(err)
		}
	}
}
