package blobtest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// crashes breaks the connection at each request of an append and of a commit in turn. After it the upload
// that was acknowledged before is good for another try, and that try leaves nothing behind.
func crashes(t *testing.T, d Driver) {
	if d.Breaking == nil {
		return // a process of its own is killed in the tests of the whole program
	}
	first, second := pattern(Part+100, 23), pattern(100_000, 24)
	content := append(bytes.Clone(first), second...)
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("answers lost %v", lost), func(t *testing.T) {
			n := 0
			for i := 0; ; i++ {
				u, broken := brokenAppend(t, d, upload(n), i, lost, first)
				u, again := brokenAppend(t, d, u, i, lost, second)
				location, third := brokenCommit(t, d, u, i, lost, content)
				wantBlob(t, d.Open(t), location, content)
				if err := d.Open(t).Delete(t.Context(), location); err != nil {
					t.Fatal(err)
				}
				if n++; !broken && !again && !third {
					break
				}
			}
			if n < 4 {
				t.Errorf("only %d requests were broken", n)
			}
			wantObjects(t, d, 0)
		})
	}
}

// brokenAppend appends over a connection that breaks, and then once more.
func brokenAppend(t *testing.T, d Driver, u blob.Upload, n int, lost bool, content []byte) (grown blob.Upload, broken bool) {
	t.Helper()
	grown, err := d.Breaking(t, n, lost).Append(t.Context(), u, bytes.NewReader(content))
	if err == nil {
		return grown, false
	}
	if grown.Size < u.Size || grown.Size > u.Size+int64(len(content)) {
		t.Fatalf("after an error %d bytes became %d", u.Size, grown.Size)
	}
	return mustAppend(t, d.Open(t), u, content), true
}

func brokenCommit(t *testing.T, d Driver, u blob.Upload, n int, lost bool, content []byte) (location string, broken bool) {
	t.Helper()
	location, err := d.Breaking(t, n, lost).Commit(t.Context(), u, oci.SHA256Of(content))
	if err == nil {
		return location, false
	}
	return mustCommit(t, d.Open(t), u, content), true
}
