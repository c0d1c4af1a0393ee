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
	// ByDigest says that locations follow from the digest. Else they are the upload's own.
	ByDigest bool
	// Local says that open contents outlive the blob's Delete.
	Local bool
	// Breaking opens the store over a connection that breaks at its n-th request, counted
	// from 0: that one and all after it fail. When lost is true, the n-th is carried out and
	// only its answer is lost. Nil for drivers without a connection.
	Breaking func(t *testing.T, n int, lost bool) blob.Store
}

// Part is the size of the first parts that drivers with parts are opened with here, in bytes.
const Part = 5 << 20

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
		{"many parts on many replicas", manyParts},
		{"resume after reopening", resumeAfterReopen},
		{"unacknowledged bytes are dropped", unacknowledgedDropped},
		{"commit drops unacknowledged bytes", commitDropsUnacknowledged},
		{"append of nothing", emptyAppend},
		{"append beyond the end", appendBeyondEnd},
		{"append to an unknown upload", appendUnknown},
		{"reader that fails", failingReader},
		{"cancelled append", cancelledAppend},
		{"cancelled contexts", cancelledContexts},
		{"read an upload", readUpload},
		{"commit twice", commitTwice},
		{"commit of a blob that is there", commitExisting},
		{"commit replaces a blob of another size", commitReplaces},
		{"commit of an unknown upload", commitUnknown},
		{"concurrent commits of one digest", concurrentCommits},
		{"uploads side by side", uploadsSideBySide},
		{"cancel", cancel},
		{"cancel after the commit", cancelCommitted},
		{"crash at any request", crashes},
		{"uploads for a janitor", listUploads},
		{"blobs for repairs", listBlobs},
		{"sync", syncBlobs},
		{"records", records},
		{"record names that are none", badRecordNames},
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

// upload is the n-th upload of a test, of which nothing is known but its id.
func upload(n int) blob.Upload {
	const digits = "0123456789abcdef"
	return blob.Upload{ID: "0192f0c1-7d3e-7000-8000-0000000000" + digits[n/16%16:][:1] + digits[n%16:][:1]}
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

// mustAppend returns the upload as the database would have it after the append.
func mustAppend(t *testing.T, s blob.Store, u blob.Upload, content []byte) blob.Upload {
	t.Helper()
	grown, err := s.Append(t.Context(), u, bytes.NewReader(content))
	if err != nil {
		t.Fatalf("append of %d bytes at %d: %v", len(content), u.Size, err)
	}
	wantGrown(t, u, grown, int64(len(content)))
	return grown
}

func wantGrown(t *testing.T, u, grown blob.Upload, by int64) {
	t.Helper()
	if grown.ID != u.ID || grown.Size != u.Size+by || len(grown.State) > blob.MaxState {
		t.Fatalf("upload %s of %d bytes became %s of %d bytes with a state of %d bytes; want %d more bytes",
			u.ID, u.Size, grown.ID, grown.Size, len(grown.State), by)
	}
}

func mustCommit(t *testing.T, s blob.Store, u blob.Upload, content []byte) string {
	t.Helper()
	location, err := s.Commit(t.Context(), u, oci.SHA256Of(content))
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if location == "" || len(location) > 512 {
		t.Fatalf("location of %d bytes", len(location))
	}
	return location
}

// put stores content as a blob and returns its location.
func put(t *testing.T, s blob.Store, u blob.Upload, content []byte) string {
	t.Helper()
	return mustCommit(t, s, mustAppend(t, s, u, content), content)
}

func wantUpload(t *testing.T, s blob.Store, u blob.Upload, want []byte) {
	t.Helper()
	r, err := s.ReadUpload(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("upload holds %d bytes (%v), want %d, or other bytes", len(got), err, len(want))
	}
}

func wantUploadUnknown(t *testing.T, s blob.Store, u blob.Upload) {
	t.Helper()
	if r, err := s.ReadUpload(t.Context(), u); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("ReadUpload: %v, %v, want ErrUploadUnknown", r, err)
	}
	u.Size = max(u.Size, 1)
	if _, err := s.Append(t.Context(), u, bytes.NewReader([]byte("more"))); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("Append: %v, want ErrUploadUnknown", err)
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

func wantNameInvalid(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, blob.ErrNameInvalid) {
		t.Errorf("got %v, want ErrNameInvalid", err)
	}
}
