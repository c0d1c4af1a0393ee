// Package blobtest holds the contract of blob.Store as tests. Every driver runs them.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// Driver is one empty store under test.
type Driver struct {
	// Open opens the store. Each further call opens the same bytes anew, as a
	// restarted or another process would.
	Open func(t *testing.T) blob.Store
	// Objects lists the names of all that is stored: files, objects, unfinished
	// multipart uploads, and directories that a blob or upload left behind.
	Objects func(t *testing.T) []string
}

// Run checks the driver against the whole contract. newDriver makes an empty store for
// each test.
func Run(t *testing.T, newDriver func(t *testing.T) Driver) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, d Driver)
	}{
		{"append in chunks and commit", appendAndCommit},
		{"empty blob", emptyBlob},
		{"sha512 blob", sha512Blob},
		{"large blob", largeBlob},
		{"seek in a blob", seekInBlob},
		{"resume after reopening", resumeAfterReopen},
		{"unacknowledged tail is dropped", truncatedTail},
		{"append of nothing cuts to the offset", emptyAppendCuts},
		{"append beyond the end", appendBeyondEnd},
		{"append to an unknown upload", appendUnknown},
		{"reader that fails", failingReader},
		{"cancelled append", cancelledAppend},
		{"commit twice", commitTwice},
		{"commit of a blob that is there", commitExisting},
		{"commit replaces a blob of another size", commitReplaces},
		{"commit of an unknown upload", commitUnknown},
		{"concurrent commits of one digest", concurrentCommits},
		{"uploads side by side", uploadsSideBySide},
		{"cancel", cancel},
		{"delete", deleteBlob},
		{"delete while reading", deleteWhileReading},
		{"upload ids that are none", badUploadIDs},
		{"locations that are none", badLocations},
		{"commit under a digest that is none", badDigest},
		{"check and free", checkAndFree},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newDriver(t)) })
	}
}

// uploadID names the n-th upload of a test.
func uploadID(n int) string {
	return "0192f0c1-7d3e-7000-8000-0000000000" + string("0123456789abcdef"[n/16%16]) + string("0123456789abcdef"[n%16])
}

// pattern is n bytes that repeat nowhere near.
func pattern(n int, seed uint32) []byte {
	content := make([]byte, n)
	for i := range content {
		seed = seed*1664525 + 1013904223
		content[i] = byte(seed >> 24)
	}
	return content
}

func mustAppend(t *testing.T, s blob.Store, id string, offset int64, content []byte) {
	t.Helper()
	n, err := s.Append(t.Context(), id, offset, bytes.NewReader(content))
	if err != nil || n != int64(len(content)) {
		t.Fatalf("append of %d bytes at %d: %d, %v", len(content), offset, n, err)
	}
}

func mustCommit(t *testing.T, s blob.Store, id string, content []byte) string {
	t.Helper()
	location, size, err := s.Commit(t.Context(), id, oci.SHA256Of(content))
	if err != nil || size != int64(len(content)) {
		t.Fatalf("commit: size %d, %v; want %d", size, err, len(content))
	}
	if location == "" || len(location) > 512 {
		t.Fatalf("location of %d bytes", len(location))
	}
	return location
}

// put stores content as a blob and returns its location.
func put(t *testing.T, s blob.Store, id string, content []byte) string {
	t.Helper()
	mustAppend(t, s, id, 0, content)
	return mustCommit(t, s, id, content)
}

func wantSize(t *testing.T, s blob.Store, id string, want int64) {
	t.Helper()
	if n, err := s.UploadSize(t.Context(), id); err != nil || n != want {
		t.Fatalf("upload size %d, %v; want %d", n, err, want)
	}
}

func wantUpload(t *testing.T, s blob.Store, id string, want []byte) {
	t.Helper()
	r, err := s.ReadUpload(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("upload holds %d bytes (%v), want %d", len(got), err, len(want))
	}
}

func wantUploadUnknown(t *testing.T, s blob.Store, id string) {
	t.Helper()
	if _, err := s.UploadSize(t.Context(), id); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("UploadSize: %v, want ErrUploadUnknown", err)
	}
	if r, err := s.ReadUpload(t.Context(), id); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("ReadUpload: %v, %v, want ErrUploadUnknown", r, err)
	}
}

func wantBlob(t *testing.T, s blob.Store, location string, want []byte) {
	t.Helper()
	c, err := s.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Size() != int64(len(want)) {
		t.Errorf("size %d, want %d", c.Size(), len(want))
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("blob holds %d bytes (%v), want %d, or other bytes", len(got), err, len(want))
	}
}

func wantNoBlob(t *testing.T, s blob.Store, location string) {
	t.Helper()
	if c, err := s.Open(context.Background(), location); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("open: %v, %v; want ErrNotFound", c, err)
	}
}

func wantObjects(t *testing.T, d Driver, want int) {
	t.Helper()
	if got := d.Objects(t); len(got) != want {
		t.Errorf("store holds %d objects, want %d: %q", len(got), want, got)
	}
}
