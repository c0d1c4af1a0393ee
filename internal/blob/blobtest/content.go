package blobtest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

const emptyDigest oci.Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func appendAndCommit(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("hello, "))
	wantSize(t, s, uploadID(0), 7)
	mustAppend(t, s, uploadID(0), 7, []byte("world"))
	wantUpload(t, s, uploadID(0), []byte("hello, world"))
	location := mustCommit(t, s, uploadID(0), []byte("hello, world"))
	wantUploadUnknown(t, s, uploadID(0))
	wantBlob(t, s, location, []byte("hello, world"))
	wantBlob(t, d.Open(t), location, []byte("hello, world"))
	wantObjects(t, d, 1)
}

func emptyBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	wantUploadUnknown(t, s, uploadID(0))
	mustAppend(t, s, uploadID(0), 0, nil)
	wantSize(t, s, uploadID(0), 0)
	wantBlob(t, s, mustCommit(t, s, uploadID(0), nil), nil)
}

func sha512Blob(t *testing.T, d Driver) {
	s := d.Open(t)
	content := []byte("hashed by another algorithm")
	digest, err := oci.FromBytes(oci.SHA512, content)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, uploadID(0), 0, content)
	location, _, err := s.Commit(t.Context(), uploadID(0), digest)
	if err != nil {
		t.Fatal(err)
	}
	wantBlob(t, s, location, content)
	if other := put(t, s, uploadID(1), content); other == location {
		t.Errorf("both digests lie at %s", location)
	}
}

// largeBlob is larger than any buffer of a driver.
func largeBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(12_345_678, 3)
	hasher := blob.NewHasher()
	n, err := s.Append(t.Context(), uploadID(0), 0, hasher.Reader(bytes.NewReader(content)))
	if err != nil || n != int64(len(content)) || hasher.Size() != n {
		t.Fatalf("appended %d, hashed %d, %v", n, hasher.Size(), err)
	}
	if hasher.Digest() != oci.SHA256Of(content) {
		t.Error("the hasher saw other bytes")
	}
	c, err := s.Open(t.Context(), mustCommit(t, s, uploadID(0), content))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, c); err != nil || oci.FromHash(oci.SHA256, sum) != oci.SHA256Of(content) {
		t.Errorf("read other bytes (%v)", err)
	}
}

func seekInBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(100_000, 4)
	c, err := s.Open(t.Context(), put(t, s, uploadID(0), content))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, step := range []struct {
		offset int64
		whence int
		at     int
	}{{70_000, io.SeekStart, 70_000}, {-10, io.SeekEnd, 99_990}, {-50, io.SeekCurrent, 99_950}, {0, io.SeekStart, 0}} {
		at, err := c.Seek(step.offset, step.whence)
		if err != nil || at != int64(step.at) {
			t.Fatalf("seek %d from %d: %d, %v; want %d", step.offset, step.whence, at, err, step.at)
		}
		got := make([]byte, 10)
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, content[step.at:step.at+10]) {
			t.Errorf("other bytes at %d (%v)", step.at, err)
		}
	}
}

// commitTwice: the process ended before its database knew that the commit had
// succeeded.
func commitTwice(t *testing.T, d Driver) {
	s := d.Open(t)
	location := put(t, s, uploadID(0), []byte("content"))
	if again := mustCommit(t, d.Open(t), uploadID(0), []byte("content")); again != location {
		t.Errorf("first at %s, then at %s", location, again)
	}
	wantBlob(t, s, location, []byte("content"))
	wantObjects(t, d, 1)
}

func commitExisting(t *testing.T, d Driver) {
	s := d.Open(t)
	first := put(t, s, uploadID(0), []byte("content"))
	second := put(t, s, uploadID(1), []byte("content"))
	if first != second {
		t.Errorf("one copy at %s, another at %s", first, second)
	}
	wantUploadUnknown(t, s, uploadID(1))
	wantBlob(t, s, second, []byte("content"))
	wantObjects(t, d, 1)
}

// commitReplaces: a blob cut short by a broken disk is healed by the next push.
func commitReplaces(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("cont"))
	if _, _, err := s.Commit(t.Context(), uploadID(0), oci.SHA256Of([]byte("content"))); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, s, put(t, s, uploadID(1), []byte("content")), []byte("content"))
	wantObjects(t, d, 1)
}

func commitUnknown(t *testing.T, d Driver) {
	s := d.Open(t)
	if _, _, err := s.Commit(t.Context(), uploadID(0), emptyDigest); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("got %v, want ErrUploadUnknown", err)
	}
	wantObjects(t, d, 0)
}

func concurrentCommits(t *testing.T, d Driver) {
	s := d.Open(t)
	const count = 16
	content := pattern(50_000, 5)
	for i := range count {
		mustAppend(t, s, uploadID(i), 0, content)
	}
	var wait sync.WaitGroup
	locations, errs := make([]string, count), make([]error, count)
	for i := range count {
		wait.Go(func() {
			locations[i], _, errs[i] = s.Commit(t.Context(), uploadID(i), oci.SHA256Of(content))
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		wantBlob(t, s, locations[i], content)
	}
	wantObjects(t, d, 1)
}

func deleteBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	keep := put(t, s, uploadID(0), []byte("keep"))
	drop := put(t, s, uploadID(1), []byte("drop"))
	for range 2 { // deleting what is gone is no error
		if err := s.Delete(t.Context(), drop); err != nil {
			t.Fatal(err)
		}
	}
	wantNoBlob(t, s, drop)
	wantBlob(t, s, keep, []byte("keep"))
	wantObjects(t, d, 1)
	wantBlob(t, s, put(t, s, uploadID(2), []byte("drop")), []byte("drop"))
	wantObjects(t, d, 2)
}

func deleteWhileReading(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(400_000, 6)
	location := put(t, s, uploadID(0), content)
	c, err := s.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), location); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || !bytes.Equal(append(head, rest...), content) {
		t.Errorf("a pull in flight was cut: %d bytes, %v", len(head)+len(rest), err)
	}
}

func badLocations(t *testing.T, d Driver) {
	s := d.Open(t)
	good := put(t, s, uploadID(0), []byte("content"))
	for name, location := range map[string]string{
		"empty":      "",
		"absolute":   "/etc/passwd",
		"parent":     "../" + good,
		"inner dots": "docker/../" + good,
		"other tail": good + "/..",
		"nul":        good + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Open(t.Context(), location)
			wantNameInvalid(t, err)
			wantNameInvalid(t, s.Delete(t.Context(), location))
		})
	}
	wantBlob(t, s, good, []byte("content"))
}

func badDigest(t *testing.T, d Driver) {
	s := d.Open(t)
	mustAppend(t, s, uploadID(0), 0, []byte("content"))
	for _, digest := range []oci.Digest{"", "sha256:", "sha256:../../x", "md5:d41d8cd98f00b204e9800998ecf8427e"} {
		if _, _, err := s.Commit(t.Context(), uploadID(0), digest); err == nil {
			t.Errorf("committed as %q", digest)
		}
	}
	wantUpload(t, s, uploadID(0), []byte("content"))
}

func checkAndFree(t *testing.T, d Driver) {
	s := d.Open(t)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantObjects(t, d, 0)
	total, free, err := s.Free(t.Context())
	if err != nil || free > total {
		t.Errorf("free %d of %d, %v", free, total, err)
	}
}
