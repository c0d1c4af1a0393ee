package blobtest

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

func idsBefore(t *testing.T, s blob.Store, before time.Time) []string {
	t.Helper()
	ids := map[string]bool{}
	err := s.Uploads(t.Context(), before, func(id string) error { ids[id] = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(ids))
}

func listUploads(t *testing.T, d Driver) {
	s := d.Open(t)
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if got := idsBefore(t, s, future); len(got) != 0 {
		t.Errorf("an empty store lists %q", got)
	}
	mustAppend(t, s, upload(0), nil)
	mustAppend(t, s, upload(1), []byte("small"))
	mustAppend(t, s, upload(2), pattern(Part, 18))
	mustAppend(t, s, mustAppend(t, s, upload(3), pattern(2*Part+9, 19)), []byte("rest"))
	committed := put(t, s, upload(4), []byte("committed"))
	want := []string{upload(0).ID, upload(1).ID, upload(2).ID, upload(3).ID}
	got := idsBefore(t, s, future)
	if !d.ByDigest { // it can't be told apart
		got = slices.DeleteFunc(got, func(id string) bool { return id == upload(4).ID })
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := idsBefore(t, s, past); len(got) != 0 {
		t.Errorf("written since then: %q", got)
	}
	stop := errors.New("enough")
	calls := 0
	err := s.Uploads(t.Context(), future, func(string) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	for _, id := range want {
		if err := s.Cancel(t.Context(), blob.Upload{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	wantObjects(t, d, 1)
	wantBlob(t, s, committed, []byte("committed"))
}

func listBlobs(t *testing.T, d Driver) {
	s := d.Open(t)
	want := map[string]int64{}
	for n, size := range []int{0, 10, 1000, Part + 1} {
		want[put(t, s, upload(n), pattern(size, uint32(n)))] = int64(size)
	}
	mustAppend(t, s, upload(9), pattern(Part+1, 20)) // is no blob
	got := map[string]int64{}
	err := s.Blobs(t.Context(), func(location string, size int64) error { got[location] = size; return nil })
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
	stop := errors.New("enough")
	calls := 0
	err = s.Blobs(t.Context(), func(string, int64) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func syncBlobs(t *testing.T, d Driver) {
	s := d.Open(t)
	var locations []string
	for n := range 3 {
		locations = append(locations, put(t, s, upload(n), pattern(n, 21)))
	}
	for _, some := range [][]string{nil, locations[:1], locations, locations} {
		if err := d.Open(t).Sync(t.Context(), some...); err != nil {
			t.Errorf("sync of %d blobs: %v", len(some), err)
		}
	}
	if err := s.Delete(t.Context(), locations[1]); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(t.Context(), locations...); d.ByDigest && !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("sync of a blob that is gone: %v, want ErrNotFound", err)
	}
}

func records(t *testing.T, d Driver) {
	s := d.Open(t)
	if _, err := s.ReadRecord(t.Context(), "a/b"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("absent record: %v, want ErrNotFound", err)
	}
	want := map[string][]byte{
		"a/b":                                []byte("first"),
		"a/c/" + digestName():                pattern(4<<20, 22),
		"single":                             {},
		strings.Repeat("d/", 20) + "x_Y-z.1": []byte("deep"),
	}
	for name, content := range want {
		for _, version := range [][]byte{[]byte("an older and perhaps longer one"), content} {
			if err := s.PutRecord(t.Context(), name, version); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(t, s, upload(0), []byte("is no record"))
	s = d.Open(t)
	for name, content := range want {
		if got, err := s.ReadRecord(t.Context(), name); err != nil || !bytes.Equal(got, content) {
			t.Errorf("record %s: %d bytes (%v), want %d", name, len(got), err, len(content))
		}
	}
	var names []string
	err := s.EachRecord(t.Context(), func(name string) error { names = append(names, name); return nil })
	if slices.Sort(names); err != nil || !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
		t.Errorf("got %q (%v), want those of %d records", names, err, len(want))
	}
	stop := errors.New("enough")
	if err := s.EachRecord(t.Context(), func(string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of yield", err)
	}
	for name := range want {
		for range 2 {
			if err := s.DeleteRecord(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantObjects(t, d, 1)
}

func digestName() string { return strings.ReplaceAll(oci.SHA256Of(nil).String(), ":", "/") }

func badRecordNames(t *testing.T, d Driver) {
	s := d.Open(t)
	for _, name := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a\x00", "ä", "a?b", strings.Repeat("a/", 460) + "a"} {
		wantNameInvalid(t, s.PutRecord(t.Context(), name, []byte("x")))
		_, err := s.ReadRecord(t.Context(), name)
		wantNameInvalid(t, err)
		wantNameInvalid(t, s.DeleteRecord(t.Context(), name))
	}
	wantObjects(t, d, 0)
}
