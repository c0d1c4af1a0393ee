//go:build acceptance

package scanning

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

// hostile are layers that are meant to hurt who reads them.
func hostile(t *testing.T) map[string][]byte {
	t.Helper()
	dpkg := scantest.File{Name: "var/lib/dpkg/status", Mode: 0o644, Body: []byte("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n")}
	good := scantest.Gzip(scantest.Tar([]scantest.File{dpkg}))
	return map[string][]byte{
		"bomb":        zeros(t, "srv/zeros", 70),
		"jar-bomb":    packed(t, func(w io.Writer) { oneFile(t, w, "opt/app.jar", bombJar()) }),
		"large-jar":   zeros(t, "opt/large.jar", 2),
		"many-files":  manyFiles(t, 100),
		"links":       packed(t, func(w io.Writer) { links(t, w) }),
		"truncated":   good[:len(good)-20],
		"no-archive":  []byte("this is no archive"),
		"half-a-file": packed(t, func(w io.Writer) { halfAFile(t, w) }),
	}
}

// packed makes a layer of what write writes, without holding it unpacked.
func packed(t *testing.T, write func(io.Writer)) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	write(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zeros is an archive with one file of so many GiB of zeros, hundreds of times smaller. Members of gzip follow each
// other: one of 1 GiB stands for all.
func zeros(t *testing.T, name string, gigabytes int) []byte {
	t.Helper()
	head := packed(t, func(w io.Writer) {
		header(t, tar.NewWriter(w), &tar.Header{Name: name, Mode: 0o644, Size: int64(gigabytes) << 30})
	})
	body := packed(t, func(w io.Writer) {
		block := make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := w.Write(block); err != nil {
				t.Fatal(err)
			}
		}
	})
	end := packed(t, func(w io.Writer) { finish(t, tar.NewWriter(w)) })
	return slices.Concat(head, bytes.Repeat(body, gigabytes), end)
}

func oneFile(t *testing.T, w io.Writer, name string, content []byte) {
	t.Helper()
	archive := tar.NewWriter(w)
	header(t, archive, &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
	if _, err := archive.Write(content); err != nil {
		t.Fatal(err)
	}
	finish(t, archive)
}

// bombJar nests jars that hold each other many times over.
func bombJar() []byte {
	jar := scantest.Zip([]scantest.File{{Name: "META-INF/MANIFEST.MF", Body: make([]byte, 32<<20)}})
	for range 6 {
		var files []scantest.File
		for i := range 10 {
			files = append(files, scantest.File{Name: fmt.Sprintf("lib/%d.jar", i), Body: jar})
		}
		jar = scantest.Zip(files)
	}
	return jar
}

// manyFiles is an archive with so many times 100,000 files.
func manyFiles(t *testing.T, times int) []byte {
	t.Helper()
	body := packed(t, func(w io.Writer) {
		archive := tar.NewWriter(w)
		for i := range 100_000 {
			header(t, archive, &tar.Header{Name: fmt.Sprintf("srv/%d/package.json", i), Mode: 0o644})
		}
	})
	end := packed(t, func(w io.Writer) { finish(t, tar.NewWriter(w)) })
	return append(bytes.Repeat(body, times), end...)
}

// links lead out of the image, round in circles, and to what comes later under another name.
func links(t *testing.T, w io.Writer) {
	t.Helper()
	archive := tar.NewWriter(w)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeSymlink, Name: "var/lib/dpkg/status", Linkname: "/etc/passwd"},
		{Typeflag: tar.TypeSymlink, Name: "etc", Linkname: "../../../../etc"},
		{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "b"},
		{Typeflag: tar.TypeSymlink, Name: "b", Linkname: "a"},
		{Typeflag: tar.TypeLink, Name: "lib/apk/db/installed", Linkname: "../../../../etc/shadow"},
		{Typeflag: tar.TypeReg, Name: "../../../../tmp/outside", Mode: 0o644},
		{Typeflag: tar.TypeReg, Name: "/etc/os-release", Mode: 0o644},
		{Typeflag: tar.TypeChar, Name: "var/lib/rpm/Packages", Devmajor: 1, Devminor: 5},
	} {
		header(t, archive, &h)
	}
	finish(t, archive)
}

// halfAFile ends in the middle of a file that it announces.
func halfAFile(t *testing.T, w io.Writer) {
	t.Helper()
	archive := tar.NewWriter(w)
	header(t, archive, &tar.Header{Name: "var/lib/dpkg/status", Mode: 0o644, Size: 1 << 20})
	if _, err := archive.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
}

func header(t *testing.T, w *tar.Writer, h *tar.Header) {
	t.Helper()
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
}

func finish(t *testing.T, w *tar.Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// A hostile image costs one scan that says what was wrong with it. It never passes for clean, the registry's memory
// stays what it was, and everybody else is answered as before.
func TestHostileImages(t *testing.T) {
	server := haventest.Start(t, haventest.Options{Plain: true})
	server.NewProject(t, "team", false)
	importDatabase(t, server.Door, 1)
	layers := hostile(t)
	for name, layer := range layers {
		push(t, server.Door, "team/"+name, "v1", scantest.Assemble(layer))
	}
	server.ForgetPeak() // of reading the API's contract, and of the push
	before, _ := server.Memory()
	quiet := latencies(t, server.Door, 500)
	setProject(t, server.Door, "team", map[string]string{"prevent_vul": "true", "severity": "critical"})
	for name := range layers {
		server.Admin(t, http.StatusAccepted, http.MethodPost, artifactPath("team/"+name, "v1")+"/scan", nil)
	}
	busy := latencies(t, server.Door, 500)
	for name := range layers {
		eventually(t, name+" has a report", func() (bool, string) {
			o, found := scanned(t, server.Door, "team/"+name, "v1")
			return found && (o.Status == "Success" || o.Status == "Error"), fmt.Sprintf("%+v", o)
		})
		o, _ := scanned(t, server.Door, "team/"+name, "v1")
		status, message := pull(t, server.Door, "team/"+name, "v1")
		t.Logf("%-12s %9d bytes: %s, %d %s", name, len(layers[name]), o.Status, status, message)
		if name != "links" && status != http.StatusPreconditionFailed {
			t.Errorf("%s: what couldn't be read passes for clean: %+v", name, o)
		}
	}
	_, after := server.Memory()
	t.Logf("the registry's memory: %d MB before, %d MB at most; a list of tags: median %s, 99th percentile %s; while scanning %s, %s",
		before>>20, after>>20, percentile(quiet, 50), percentile(quiet, 99), percentile(busy, 50), percentile(busy, 99))
	if after > before+80<<20 {
		t.Errorf("the registry's memory went from %d MB to %d MB", before>>20, after>>20)
	}
	push(t, server.Door, "team/clean", "v1", scantest.MakeImage(t, "clean"))
	server.Admin(t, http.StatusAccepted, http.MethodPost, artifactPath("team/clean", "v1")+"/scan", nil)
	awaitScan(t, server.Door, "team/clean", "v1", "Success")
}

// latencies are of requests that have nothing to do with scanning.
func latencies(t *testing.T, d haventest.Door, n int) []time.Duration {
	t.Helper()
	token := d.Token(t, "admin", haventest.AdminPassword, "repository:team/links:pull")
	all := make([]time.Duration, n)
	for i := range all {
		start := time.Now()
		send(t, token, http.MethodGet, d.URL+"/v2/team/links/tags/list", "", nil)
		all[i] = time.Since(start)
	}
	slices.Sort(all)
	return all
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
