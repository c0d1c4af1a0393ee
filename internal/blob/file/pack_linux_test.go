package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/blob"
)

// packing opens a store that packs.
func packing(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if !s.Packs() {
		t.Fatal("the file system of the tests gives no space back out of the middle of a file")
	}
	return s
}

func readAll(s *Store, location string) ([]byte, error) {
	content, err := s.Open(context.Background(), location)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

func listed(t *testing.T, list func(context.Context, func(string, int64) error) error) (all []string) {
	t.Helper()
	if err := list(t.Context(), func(location string, _ int64) error { all = append(all, location); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// Whatever is packed and deleted, in this process and the next ones: what is there is read as it was written and is
// listed, and what was deleted isn't there.
func TestPackedBlobs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		s := packing(t, dir)
		there := map[string][]byte{}
		sizes := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(blockSize-headerSize-2, blockSize+2), rapid.IntRange(blob.MaxPacked-2, blob.MaxPacked))
		rt.Repeat(map[string]func(*rapid.T){
			"pack": func(rt *rapid.T) {
				content := bytes.Repeat([]byte{byte(len(there) + 1)}, sizes.Draw(rt, "size"))
				location, err := s.Pack(t.Context(), content)
				if err != nil {
					rt.Fatal(err)
				}
				if there[location] != nil {
					rt.Fatalf("%s is given twice", location)
				}
				there[location] = content
			},
			"delete": func(rt *rapid.T) {
				for location := range there {
					if err := errors.Join(s.Delete(t.Context(), location), s.Delete(t.Context(), location)); err != nil {
						rt.Fatal(err)
					}
					if _, err := readAll(s, location); !errors.Is(err, blob.ErrNotFound) {
						rt.Fatalf("a deleted blob: %v", err)
					}
					if err := s.Sync(t.Context(), location); !errors.Is(err, blob.ErrNotFound) {
						rt.Fatalf("a deleted blob is synced: %v", err)
					}
					delete(there, location)
					break
				}
			},
			"another process": func(rt *rapid.T) {
				if rapid.Bool().Draw(rt, "the last one ended well") {
					if err := s.Close(); err != nil {
						rt.Fatal(err)
					}
				}
				s = packing(t, dir)
			},
			"": func(rt *rapid.T) {
				var want []string
				for location, content := range there {
					want = append(want, location)
					if got, err := readAll(s, location); err != nil || !bytes.Equal(got, content) {
						rt.Fatalf("%s: %d bytes, %v; want %d", location, len(got), err, len(content))
					}
				}
				slices.Sort(want)
				if err := s.Sync(t.Context(), want...); err != nil {
					rt.Fatal(err)
				}
				if got := listed(t, s.Blobs); !slices.Equal(got, want) {
					rt.Fatalf("listed are %v, want %v", got, want)
				}
			},
		})
	})
}

// What a process that died packed is listed for the next one, once; what one packed that ended well isn't.
func TestUnended(t *testing.T) {
	dir := t.TempDir()
	pack := func(s *Store, text string) string {
		location, err := s.Pack(t.Context(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return location
	}
	well := packing(t, dir)
	pack(well, "well")
	if err := well.Close(); err != nil {
		t.Fatal(err)
	}
	died := packing(t, dir)
	want := []string{pack(died, "one"), pack(died, "two")}
	slices.Sort(want)
	next := packing(t, dir)
	pack(next, "its own")
	if got := listed(t, next.Unended); !slices.Equal(got, want) {
		t.Fatalf("unended are %v, want %v", got, want)
	}
	if err := next.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, next.Unended); len(got) != 0 {
		t.Fatalf("unended are %v after the end", got)
	}
	if got := listed(t, next.Blobs); len(got) != 4 {
		t.Fatalf("all blobs are %v", got)
	}
}

// A segment whose last blob is deleted goes, when nobody writes it any more; and holes give their space back before.
func TestEmptySegmentGoes(t *testing.T) {
	dir := t.TempDir()
	s := packing(t, dir)
	var all []string
	for i := range 20 {
		location, err := s.Pack(t.Context(), bytes.Repeat([]byte{byte(i)}, 100_000))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, location)
	}
	if err := s.Sync(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	segments := func() (files int, blocks int64) {
		entries, err := os.ReadDir(filepath.Join(dir, blobSegments.dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			files++
			blocks += allocated(t, filepath.Join(dir, blobSegments.dir, e.Name()))
		}
		return files, blocks
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = packing(t, dir)
	_, before := segments()
	for _, location := range all[:19] {
		if err := s.Delete(t.Context(), location); err != nil {
			t.Fatal(err)
		}
	}
	if files, after := segments(); files != 1 || after > before/10 {
		t.Errorf("%d files of %d blocks are left of %d", files, after, before)
	}
	if err := s.Delete(t.Context(), all[19]); err != nil {
		t.Fatal(err)
	}
	if files, _ := segments(); files != 0 {
		t.Errorf("%d files are left", files)
	}
	location, err := s.Pack(t.Context(), []byte("deleted while its segment is written"))
	if err = errors.Join(err, s.Delete(t.Context(), location)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := segments(); files != 0 {
		t.Errorf("%d files are left of a segment that was all deleted when it ended", files)
	}
}

// Bytes that look like a record, where a torn one was, are none: a client can't know the segment's name.
func TestForgedRecord(t *testing.T) {
	dir := t.TempDir()
	s := packing(t, dir)
	forged := packed{kind: &blobSegments, segment: newSegmentName(), block: 2, size: 10}
	header := forged.header()
	content := append(make([]byte, blockSize-headerSize), header[:]...)
	location, err := s.Pack(t.Context(), append(content, "0123456789"...))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := blobSegments.parse(location)
	f, err := os.OpenFile(filepath.Join(dir, blobSegments.dir, p.segment.String()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, headerSize), p.offset()); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s.Blobs); len(got) != 0 {
		t.Errorf("found are %v", got)
	}
}

func TestPackedLocations(t *testing.T) {
	name := newSegmentName().String()
	for _, location := range []string{"segments/" + name + "/0/0", "segments/" + name + "/16383/131072"} {
		if p, ok := blobSegments.parse(location); !ok || p.location() != location {
			t.Errorf("%s is read as %+v, %v", location, p, ok)
		}
	}
	for _, location := range []string{
		"", "segments", "segments/" + name, "segments/" + name + "/1", "segments/" + name + "/1/", "segments/" + name + "/01/2", "segments/" + name + "/1/-2",
		"segments/" + name + "/1/2/3", "segments/" + name + "/1/131073", "segments/" + name + "/4294967296/1", "segments/../1/2", "segments/" + name[1:] + "/1/2",
		"segments/" + strings.ToUpper(name) + "/1/2", "segments/" + name + ".open/1/2", "segment/" + name + "/1/2",
	} {
		if p, ok := blobSegments.parse(location); ok && location != "segments/"+name+"/1/2" {
			t.Errorf("%q is read as %+v", location, p)
		}
	}
}

// Many pack, read and delete at once.
func TestPackSideBySide(t *testing.T) {
	s := packing(t, t.TempDir())
	var g sync.WaitGroup
	for worker := range 8 {
		g.Go(func() {
			for i := range 200 {
				content := fmt.Appendf(nil, "%d of %d%s", i, worker, strings.Repeat(".", i*50))
				location, err := s.Pack(t.Context(), content)
				if err == nil {
					err = s.Sync(t.Context(), location)
				}
				got, readErr := readAll(s, location)
				if err = errors.Join(err, readErr); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s: %d bytes, %v; want %d", location, len(got), err, len(content))
					return
				}
				if i%2 == 0 {
					if err := s.Delete(t.Context(), location); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	g.Wait()
	if got := listed(t, s.Blobs); len(got) != 800 {
		t.Errorf("%d are left, want 800", len(got))
	}
}

// A full segment is followed by another one, and each is read.
func TestSegmentsFollow(t *testing.T) {
	s := packing(t, t.TempDir())
	content := make([]byte, blob.MaxPacked)
	var all []string
	for range 2*segmentMost/(blob.MaxPacked+blockSize) + 1 {
		location, err := s.Pack(t.Context(), content)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, location)
	}
	seen := map[segmentName]bool{}
	for _, location := range all {
		p, _ := blobSegments.parse(location)
		seen[p.segment] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d segments, want 3", len(seen))
	}
	slices.Sort(all)
	if got := listed(t, s.Blobs); !slices.Equal(got, all) {
		t.Errorf("%d are listed, want %d", len(got), len(all))
	}
}

// allocated is how many blocks of 512 bytes a file has on the disk.
func allocated(t *testing.T, name string) int64 {
	t.Helper()
	stat, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return stat.Sys().(*syscall.Stat_t).Blocks
}
