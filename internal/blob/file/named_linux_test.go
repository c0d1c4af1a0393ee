package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/blob"
)

// named is a record as text.
func named(r blob.PackedRecord) string { return fmt.Sprintf("%s@%d: %q", r.Name, r.Stamp, r.Content) }

type listing func(context.Context, func(string, blob.PackedRecord) error) error

// listedRecords are records as text, by their locations.
func listedRecords(t *testing.T, list listing) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := list(t.Context(), func(location string, r blob.PackedRecord) error {
		all[location] = named(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// packRecords packs records with one letter each as content.
func packRecords(t *testing.T, s *Store, names ...string) (locations []string) {
	t.Helper()
	var records []blob.PackedRecord
	for i, name := range names {
		records = append(records, blob.PackedRecord{Name: name, Stamp: int64(i), Content: []byte(name[:1])})
	}
	locations, err := s.PackRecords(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	return locations
}

// Whatever is packed and deleted, in this process and the next ones: what is there is read as it was written and is listed,
// and what was deleted isn't there. Blobs and records never meet.
func TestPackedRecords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		s := packing(t, dir)
		there := map[string]string{}
		blobs := []string{}
		small := rapid.IntRange(0, 200)
		sizes := rapid.OneOf(small, small, small, rapid.IntRange(blockSize-headerSize-namedHead-10, blockSize), rapid.IntRange(blob.MaxPackedRecord-2, blob.MaxPackedRecord))
		names := rapid.SampledFrom([]string{"a", "a/b", "manifests/p/r/_m/sha256/" + strings.Repeat("0", 64), strings.Repeat("n", blob.MaxRecordName)})
		stamp := int64(0)
		rt.Repeat(map[string]func(*rapid.T){
			"pack": func(rt *rapid.T) {
				var records []blob.PackedRecord
				for range rapid.IntRange(0, 4).Draw(rt, "count") {
					stamp++
					content := bytes.Repeat([]byte{byte(stamp)}, sizes.Draw(rt, "size"))
					records = append(records, blob.PackedRecord{Name: names.Draw(rt, "name"), Stamp: stamp, Content: content})
				}
				locations, err := s.PackRecords(t.Context(), records)
				if err != nil || len(locations) != len(records) {
					rt.Fatalf("%d of %d, %v", len(locations), len(records), err)
				}
				for i, location := range locations {
					if there[location] != "" {
						rt.Fatalf("%s is given twice", location)
					}
					there[location] = named(records[i])
				}
			},
			"pack a blob": func(rt *rapid.T) {
				location, err := s.Pack(t.Context(), []byte("blob"))
				if err != nil {
					rt.Fatal(err)
				}
				blobs = append(blobs, location)
			},
			"delete": func(rt *rapid.T) {
				var some []string
				for location := range there {
					some = append(some, location)
					delete(there, location)
					if len(some) == 3 {
						break
					}
				}
				if err := errors.Join(s.DeletePackedRecords(t.Context(), some...), s.DeletePackedRecords(t.Context(), some...)); err != nil {
					rt.Fatal(err)
				}
				for _, location := range some {
					if r, err := s.ReadPackedRecord(t.Context(), location); !errors.Is(err, blob.ErrNotFound) {
						rt.Fatalf("a deleted record is %s, %v", r.Name, err)
					}
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
				for location, want := range there {
					if r, err := s.ReadPackedRecord(t.Context(), location); err != nil || named(r) != want {
						rt.Fatalf("%s is %s, %v", location, r.Name, err)
					}
				}
				if got := listedRecords(t, s.EachPackedRecord); !maps.Equal(got, there) {
					rt.Fatalf("%d records are listed, want %d", len(got), len(there))
				}
				slices.Sort(blobs)
				if got := listed(t, s.Blobs); !slices.Equal(got, blobs) {
					rt.Fatalf("listed are %v, want the blobs %v", got, blobs)
				}
			},
		})
	})
}

// What a process that died packed is listed for the next one, once; what one packed that ended well isn't.
func TestUnendedRecords(t *testing.T) {
	dir := t.TempDir()
	well := packing(t, dir)
	packRecords(t, well, "well")
	if err := well.Close(); err != nil {
		t.Fatal(err)
	}
	want := packRecords(t, packing(t, dir), "one", "two")
	next := packing(t, dir)
	packRecords(t, next, "its-own")
	got := listedRecords(t, next.UnendedRecords)
	if len(got) != 2 || got[want[0]] != `one@0: "o"` || got[want[1]] != `two@1: "t"` {
		t.Fatalf("unended are %v, want %v", got, want)
	}
	if err := next.EndRecords(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := listedRecords(t, next.UnendedRecords); len(got) != 0 {
		t.Fatalf("unended are %v after the end", got)
	}
	if got := listedRecords(t, next.EachPackedRecord); len(got) != 4 {
		t.Fatalf("all records are %v", got)
	}
}

// A record that is torn isn't there, and those around it are.
func TestTornRecords(t *testing.T) {
	dir := t.TempDir()
	s := packing(t, dir)
	long := bytes.Repeat([]byte("0123456789abcdef"), blob.MaxPackedRecord/16)
	locations, err := s.PackRecords(t.Context(), []blob.PackedRecord{
		{Name: "flipped", Content: long}, {Name: "renamed"}, {Name: "headless"}, {Name: "whole", Content: long}, {Name: "cut-off", Content: long},
	})
	if err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(dir, filepath.Dir(filepath.Dir(locations[0])))
	f, err := os.OpenFile(segment, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, at := range []int64{100_000, headerSize + namedHead, 20} {
		p, _ := namedSegments.parse(locations[i])
		if _, err := f.WriteAt([]byte("!"), p.offset()+at); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := namedSegments.parse(locations[4])
	if err := f.Truncate(p.offset() + 70_000); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, packing(t, dir)} {
		for i, location := range locations {
			if _, err := s.ReadPackedRecord(t.Context(), location); (err == nil) != (i == 3) || err != nil && !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("%s: %v", location, err)
			}
		}
		if got := listedRecords(t, s.EachPackedRecord); len(got) != 1 || got[locations[3]] == "" {
			t.Errorf("%d are listed", len(got))
		}
	}
	// What comes next lies behind the torn end.
	more := packRecords(t, s, "more")
	if got := listedRecords(t, s.EachPackedRecord); len(got) != 2 || got[more[0]] == "" {
		t.Errorf("%d are listed after one more", len(got))
	}
	if err := s.DeletePackedRecords(t.Context(), append(locations, more...)...); err != nil {
		t.Error(err)
	}
	if got := listedRecords(t, s.EachPackedRecord); len(got) != 0 {
		t.Errorf("%d are left", len(got))
	}
}

// A copy that has zeros where the segment had holes holds the same.
func TestRecordsOfACopyWithoutHoles(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	s := packing(t, dir)
	locations := packRecords(t, s, "first", "second", "third", "fourth")
	if err := s.DeletePackedRecords(t.Context(), locations[0], locations[2]); err != nil {
		t.Fatal(err)
	}
	want := listedRecords(t, s.EachPackedRecord)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s = packing(t, copied)
	if got := listedRecords(t, s.EachPackedRecord); len(want) != 2 || !maps.Equal(got, want) {
		t.Errorf("the copy has %v, want %v", got, want)
	}
	if err := s.DeletePackedRecords(t.Context(), locations...); err != nil {
		t.Error(err)
	}
	if got := listedRecords(t, s.EachPackedRecord); len(got) != 0 {
		t.Errorf("%v are left", got)
	}
}

// Deleting gives space back, and a segment without any record goes.
func TestSpaceOfDeletedRecords(t *testing.T) {
	dir := t.TempDir()
	s := packing(t, dir)
	content := bytes.Repeat([]byte("x"), 100_000)
	var records []blob.PackedRecord
	for i := range 30 { // several writes
		records = append(records, blob.PackedRecord{Name: fmt.Sprint("r", i), Content: content})
	}
	locations, err := s.PackRecords(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(dir, filepath.Dir(filepath.Dir(locations[0])))
	if err := s.named.use(mustParse(t, locations[0]).segment, (*os.File).Sync); err != nil { // so that it has blocks
		t.Fatal(err)
	}
	before := allocated(t, segment)
	if err := s.DeletePackedRecords(t.Context(), locations[1:]...); err != nil {
		t.Fatal(err)
	}
	if after := allocated(t, segment); before < 2*30*100 || after > before/10 {
		t.Errorf("%d blocks are left of %d", after, before)
	}
	if err := errors.Join(s.DeletePackedRecords(t.Context(), locations[0]), s.Close()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(segment)); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func mustParse(t *testing.T, location string) packed {
	t.Helper()
	p, ok := namedSegments.parse(location)
	if !ok {
		t.Fatalf("%q is no location of a record", location)
	}
	return p
}

func TestRefusedRecords(t *testing.T) {
	s := packing(t, t.TempDir())
	for _, r := range []blob.PackedRecord{{Name: "../a"}, {Name: ""}, {Name: strings.Repeat("n", blob.MaxRecordName+1)}, {Name: "long", Content: make([]byte, blob.MaxPackedRecord+1)}} {
		if locations, err := s.PackRecords(t.Context(), []blob.PackedRecord{{Name: "fine"}, r}); err == nil {
			t.Errorf("%.10s of %d bytes is packed at %v", r.Name, len(r.Content), locations)
		}
	}
	blobLocation, err := s.Pack(t.Context(), []byte("blob"))
	if err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{"", "projects/p", blobLocation, "record-segments/../1/1", "record-segments/" + newSegmentName().String() + "/0/999999"} {
		_, err := s.ReadPackedRecord(t.Context(), location)
		if deleted := s.DeletePackedRecords(t.Context(), location); !errors.Is(err, blob.ErrNameInvalid) || !errors.Is(deleted, blob.ErrNameInvalid) {
			t.Errorf("%q: %v, %v; want ErrNameInvalid", location, err, deleted)
		}
	}
	if got := listedRecords(t, s.EachPackedRecord); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
}

func TestRecordWritten(t *testing.T) {
	s := packing(t, t.TempDir())
	if _, err := s.RecordWritten(t.Context(), "a/b"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("absent: %v, want ErrNotFound", err)
	}
	packRecords(t, s, "a/b")
	if _, err := s.RecordWritten(t.Context(), "a/b"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("packed: %v, want ErrNotFound", err)
	}
	if err := s.PutRecord(t.Context(), "a/b", nil); err != nil {
		t.Fatal(err)
	}
	at, err := s.RecordWritten(t.Context(), "a/b")
	if age := time.Since(time.UnixMicro(at)); err != nil || age < -time.Second || age > time.Minute {
		t.Errorf("written %s ago, %v", age, err)
	}
}

func FuzzNamedRecord(f *testing.F) {
	for _, r := range []blob.PackedRecord{{Name: "a"}, {Name: "projects/p", Stamp: -1, Content: []byte("{}")}} {
		b := make([]byte, namedSize(r))
		encodeNamed(b, r)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parseNamed(b)
		if !ok {
			return
		}
		again := make([]byte, namedSize(r))
		if encodeNamed(again, r); !bytes.Equal(again, b) || blob.CheckRecordName(r.Name) != nil {
			t.Errorf("%q is read as %s", b, named(r))
		}
	})
}
