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

func appendAndCommit(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), []byte("hello, "))
	u = mustAppend(t, s, u, []byte("world"))
	location := mustCommit(t, s, u, []byte("hello, world"))
	if d.ByDigest {
		wantUploadUnknown(t, s, u)
	}
	wantBlob(t, s, location, []byte("hello, world"))
	wantBlob(t, d.Open(t), location, []byte("hello, world"))
	wantObjects(t, d, 1)
}

func emptyBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	wantUploadUnknown(t, s, upload(0))
	u := mustAppend(t, s, upload(0), nil)
	wantUpload(t, s, u, nil)
	wantBlob(t, s, mustCommit(t, s, u, nil), nil)
	wantObjects(t, d, 1)
}

func sha512Blob(t *testing.T, d Driver) {
	s := d.Open(t)
	content := []byte("hashed by another algorithm")
	digest, err := oci.FromBytes(oci.SHA512, content)
	if err != nil {
		t.Fatal(err)
	}
	u := mustAppend(t, s, upload(0), content)
	wantUpload(t, s, u, content)
	location, err := s.Commit(t.Context(), u, digest)
	if err != nil {
		t.Fatal(err)
	}
	wantBlob(t, s, location, content)
	if other := put(t, s, upload(1), content); other == location {
		t.Errorf("both digests lie at %s", location)
	}
}

// largeBlob is larger than any buffer of a driver.
func largeBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(22_345_678, 3)
	hasher := blob.NewHasher()
	u, err := s.Append(t.Context(), upload(0), hasher.Reader(bytes.NewReader(content)))
	if err != nil {
		t.Fatal(err)
	}
	wantGrown(t, upload(0), u, int64(len(content)))
	if hasher.Digest() != oci.SHA256Of(content) {
		t.Error("the hasher saw other bytes")
	}
	c, err := s.Open(t.Context(), mustCommit(t, s, u, content))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, c); err != nil || oci.FromHash(oci.SHA256, sum) != oci.SHA256Of(content) {
		t.Errorf("read other bytes (%v)", err)
	}
	wantObjects(t, d, 1)
}

func seekInBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(100_000, 4)
	c, err := s.Open(t.Context(), put(t, s, upload(0), content))
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
	if _, err := c.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // readers return it plain
		t.Errorf("read %d bytes at the end, %v", n, err)
	}
	if _, err := c.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought before the beginning")
	}
}

// commitTwice: the process ended before its database knew that the commit had
// succeeded.
func commitTwice(t *testing.T, d Driver) {
	for n, size := range []int{7, Part, 2*Part + 7} {
		s := d.Open(t)
		content := pattern(size, 16)
		u := mustAppend(t, s, upload(n), content)
		location := mustCommit(t, s, u, content)
		if again := mustCommit(t, d.Open(t), u, content); again != location {
			t.Errorf("first at %s, then at %s", location, again)
		}
		wantBlob(t, s, location, content)
	}
	wantObjects(t, d, 3)
}

func commitExisting(t *testing.T, d Driver) {
	s := d.Open(t)
	first := put(t, s, upload(0), []byte("content"))
	second := put(t, s, upload(1), []byte("content"))
	if d.ByDigest != (first == second) {
		t.Errorf("one copy at %s, another at %s", first, second)
	}
	if !d.ByDigest {
		if err := s.Delete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	wantBlob(t, s, second, []byte("content"))
	wantObjects(t, d, 1)
}

// commitReplaces: a blob cut short by a broken disk is healed by the next push.
func commitReplaces(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), []byte("cont"))
	short, err := s.Commit(t.Context(), u, oci.SHA256Of([]byte("content")))
	if err != nil {
		t.Fatal(err)
	}
	whole := put(t, s, upload(1), []byte("content"))
	wantBlob(t, s, whole, []byte("content"))
	if d.ByDigest {
		wantBlob(t, s, short, []byte("content"))
		wantObjects(t, d, 1)
	}
}

func commitUnknown(t *testing.T, d Driver) {
	s := d.Open(t)
	if _, err := s.Commit(t.Context(), upload(0), oci.SHA256Of(nil)); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("got %v, want ErrUploadUnknown", err)
	}
	large := mustAppend(t, s, upload(1), pattern(Part+1, 17))
	if err := s.Cancel(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), large, oci.SHA256Of(pattern(Part+1, 17))); !errors.Is(err, blob.ErrUploadUnknown) {
		t.Errorf("cancelled: got %v, want ErrUploadUnknown", err)
	}
	wantObjects(t, d, 0)
}

func concurrentCommits(t *testing.T, d Driver) {
	s := d.Open(t)
	const count = 16
	content := pattern(50_000, 5)
	uploads := make([]blob.Upload, count)
	for i := range count {
		uploads[i] = mustAppend(t, s, upload(i), content)
	}
	var wait sync.WaitGroup
	locations, errs := make([]string, count), make([]error, count)
	for i := range count {
		wait.Go(func() {
			locations[i], errs[i] = s.Commit(t.Context(), uploads[i], oci.SHA256Of(content))
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		wantBlob(t, s, locations[i], content)
	}
	if d.ByDigest {
		wantObjects(t, d, 1)
	} else {
		wantObjects(t, d, count)
	}
}

func deleteBlob(t *testing.T, d Driver) {
	s := d.Open(t)
	keep := put(t, s, upload(0), []byte("keep"))
	drop := put(t, s, upload(1), []byte("drop"))
	for range 2 { // deleting what is gone is no error
		if err := s.Delete(t.Context(), drop); err != nil {
			t.Fatal(err)
		}
	}
	wantNoBlob(t, s, drop)
	wantBlob(t, s, keep, []byte("keep"))
	wantObjects(t, d, 1)
	wantBlob(t, s, put(t, s, upload(2), []byte("drop")), []byte("drop"))
	wantObjects(t, d, 2)
}

// deleteWhileReading: a pull in flight ends whole where the driver says so, and elsewhere never
// with other bytes or as if it were whole.
func deleteWhileReading(t *testing.T, d Driver) {
	s := d.Open(t)
	content := pattern(4_000_000, 6)
	location := put(t, s, upload(0), content)
	c, err := s.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make([]byte, 1000)
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), location); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(c)
	got = append(got, rest...)
	if !bytes.HasPrefix(content, got) || err == nil && len(got) != len(content) || d.Local && err != nil {
		t.Errorf("a pull in flight was cut: %d bytes, %v", len(got), err)
	}
}

func badLocations(t *testing.T, d Driver) {
	s := d.Open(t)
	good := put(t, s, upload(0), []byte("content"))
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
			wantNameInvalid(t, s.Sync(t.Context(), location))
		})
	}
	wantBlob(t, s, good, []byte("content"))
}

func badDigest(t *testing.T, d Driver) {
	s := d.Open(t)
	u := mustAppend(t, s, upload(0), []byte("content"))
	for _, digest := range []oci.Digest{"", "sha256:", "sha256:../../x", "md5:d41d8cd98f00b204e9800998ecf8427e"} {
		if _, err := s.Commit(t.Context(), u, digest); err == nil {
			t.Errorf("committed as %q", digest)
		}
	}
	wantUpload(t, s, u, []byte("content"))
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
