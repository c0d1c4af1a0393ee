package confined

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/scan/scantest"
)

// zeros is an endless file of nothing.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// repeated is an endless archive of the same entries.
type repeated struct {
	entries []byte
	at      int
}

func (r *repeated) Read(b []byte) (int, error) {
	n := copy(b, r.entries[r.at:])
	r.at = (r.at + n) % len(r.entries)
	return n, nil
}

// peak watches how much memory a process has at most, in MiB, until it ends.
func peak(pid int, most *atomic.Int64) {
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, ok := strings.Cut(string(text), "VmHWM:")
		if err != nil || !ok {
			return
		}
		var kib int64
		if _, err := fmt.Sscan(rest, &kib); err == nil {
			most.Store(max(most.Load(), kib>>10))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// stream writes an archive while it is read.
func stream(write func(*tar.Writer) error, packed bool) io.Reader {
	r, w := io.Pipe()
	go func() {
		var out io.WriteCloser = w
		if packed {
			out, _ = gzip.NewWriterLevel(w, gzip.BestSpeed)
		}
		t := tar.NewWriter(out)
		err := errors.Join(write(t), t.Close())
		if packed {
			err = errors.Join(err, out.Close())
		}
		_ = w.CloseWithError(err)
	}()
	return r
}

func plain(t *tar.Writer, name string, mode int64, size int64, body io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: size}); err != nil {
		return err
	}
	_, err := io.CopyN(t, body, size)
	return err
}

// Layers that were made to do harm are refused or read in part, in bounded time and memory, and say why.
func TestHostileLayers(t *testing.T) {
	deep := scantest.Zip([]scantest.File{{Name: "META-INF/maven/g/a/pom.properties", Body: []byte("groupId=g\nartifactId=a\nversion=1\n")}})
	for range 20 {
		deep = scantest.Zip([]scantest.File{{Name: "inner.jar", Body: deep}})
	}
	wide := make([]scantest.File, 250_000)
	for i := range wide {
		wide[i] = scantest.File{Name: fmt.Sprint("x", i), Mode: 1}
	}
	wideJar := scantest.Zip(wide)
	big := make([]byte, 64<<20)
	bombJar := scantest.Zip([]scantest.File{{Name: "a.jar", Body: scantest.Zip([]scantest.File{{Name: "b.jar", Body: big}, {Name: "META-INF/x/pom.properties", Body: big}})}})
	for _, c := range []struct {
		name   string
		layer  func() io.Reader
		reason string // of a refusal
		unread string // in what was read
	}{
		{"2 GiB of zeros, packed to 9 MB", func() io.Reader {
			return stream(func(t *tar.Writer) error { return plain(t, "var/lib/data", 0o644, 2<<30, zeros{}) }, true)
		}, "", ""},
		{"2 million entries", func() io.Reader {
			entry := scantest.Tar([]scantest.File{{Name: "a"}})[:512]
			return &repeated{entries: bytes.Repeat(entry, 128)}
		}, "more than 2000000 entries", ""},
		{"100,001 packages", func() io.Reader {
			return stream(func(t *tar.Writer) error {
				for i := range 100_001 {
					body := fmt.Sprintf(`{"name":"p%d","version":"1.0.0"}`, i)
					if err := plain(t, fmt.Sprintf("node_modules/p%d/package.json", i), 0o644, int64(len(body)), strings.NewReader(body)); err != nil {
						return err
					}
				}
				return nil
			}, false)
		}, "more than 100000 packages", ""},
		{"a list of 300 MB", func() io.Reader {
			return stream(func(t *tar.Writer) error { return plain(t, "var/lib/dpkg/status", 0o644, 300<<20, zeros{}) }, false)
		}, "", "var/lib/dpkg/status: too large, not read"},
		{"a jar of 1.5 GB", func() io.Reader {
			return stream(func(t *tar.Writer) error { return plain(t, "a.jar", 0o644, 1500<<20, zeros{}) }, false)
		}, "", "a.jar: too large, not read"},
		{"a jar of 600 MB that is none", func() io.Reader {
			return stream(func(t *tar.Writer) error { return plain(t, "a.jar", 0o644, 600<<20, zeros{}) }, false)
		}, "", "a.jar: zip: not a valid zip file"},
		{"JSON a million deep", func() io.Reader {
			return stream(func(t *tar.Writer) error {
				return plain(t, "a/package.json", 0o644, 1_000_000, strings.NewReader(strings.Repeat("[", 1_000_000)))
			}, false)
		}, "", "a/package.json: "},
		{"jars in jars", func() io.Reader { return bytes.NewReader(scantest.Tar([]scantest.File{{Name: "a.jar", Body: deep}})) }, "", "too many archives in archives"},
		{"a jar of 250,000 files", func() io.Reader {
			return bytes.NewReader(scantest.Tar([]scantest.File{{Name: "a.jar", Body: wideJar}}))
		}, "", "too many files"},
		{"a jar that unpacks", func() io.Reader {
			return bytes.NewReader(scantest.Tar([]scantest.File{{Name: "a.jar", Body: bombJar}}))
		}, "", "a.jar: "},
		{"ways out", func() io.Reader {
			return stream(func(t *tar.Writer) error {
				for _, h := range []*tar.Header{
					{Name: "../../../../etc/os-release", Typeflag: tar.TypeSymlink, Linkname: "/proc/self/environ"},
					{Name: "/var/lib/dpkg/status", Typeflag: tar.TypeLink, Linkname: "../../etc/shadow"},
					{Name: "a/.wh..", Typeflag: tar.TypeReg}, {Name: ".wh.", Typeflag: tar.TypeReg}, {Name: "x/../../.wh.y", Typeflag: tar.TypeReg},
					{Name: "dev/sda", Typeflag: tar.TypeBlock, Devmajor: 8}, {Name: "var/lib/rpm/Packages", Typeflag: tar.TypeFifo},
				} {
					if err := t.WriteHeader(h); err != nil {
						return err
					}
				}
				return nil
			}, false)
		}, "", ""},
		{"a program of noise", func() io.Reader {
			noise := append([]byte("\x7fELF\x02\x01\x01"), bytes.Repeat([]byte{0xff, 0x41}, 1<<20)...)
			return bytes.NewReader(scantest.Tar([]scantest.File{{Name: "bin/x", Mode: 0o755, Body: noise}}))
		}, "", ""},
		{"a database of RPM's of noise", func() io.Reader {
			noise := append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{0xff, 0x41}, 1<<20)...)
			return bytes.NewReader(scantest.Tar([]scantest.File{{Name: "var/lib/rpm/rpmdb.sqlite", Mode: 0o644, Body: noise}}))
		}, "", "var/lib/rpm/rpmdb.sqlite: "},
		{"zstd with a window of 2 GiB", func() io.Reader {
			return bytes.NewReader([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00})
		}, "no tar archive", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := New(Options{TempDir: t.TempDir()})
			p.confine()
			var most atomic.Int64
			var watching sync.WaitGroup
			p.started = func(pid int) { watching.Go(func() { peak(pid, &most) }) }
			began := time.Now()
			layer, err := p.Layer(t.Context(), c.layer(), "")
			took := time.Since(began)
			watching.Wait()
			t.Logf("%v, %d MiB in the child, error: %v, unread: %q", took.Round(time.Millisecond), most.Load(), err, layer.Unread)
			reason, atFault := AtFault(err)
			switch {
			case shadowed && atFault && strings.Contains(reason, "more memory than it may"): // a refusal too
			case c.reason == "" && err != nil, c.reason != "" && (!atFault || !strings.Contains(reason, c.reason)):
				t.Errorf("refused: %v", err)
			case c.unread != "" && !strings.Contains(strings.Join(layer.Unread, "\n"), c.unread):
				t.Errorf("unread: %q", layer.Unread)
			case most.Load() > 400:
				t.Errorf("the child took %d MiB", most.Load())
			case c.name == "ways out" && (len(layer.Files) > 0 || len(layer.Gone) > 4):
				t.Errorf("%+v", layer)
			}
		})
	}
}
