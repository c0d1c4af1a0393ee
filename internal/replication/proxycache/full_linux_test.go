package proxycache

import (
	"errors"
	"os"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// A full disk is told as one, and not as an upstream that doesn't answer. The device /dev/full answers as such a disk does.
func TestFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	sp := &spool{file: f, changed: make(chan struct{})}
	defer sp.drop()
	err = sp.write([]byte("x"))
	if !permanent(err) {
		t.Errorf("upstream is asked again after %v", err)
	}
	if err := blobError(err); !errors.Is(err, blob.ErrNoSpace) || isUnavailable(err) {
		t.Errorf("a blob for which there is no space: %v", err)
	}
	if err := clientError(db.ErrFull); !errors.Is(err, db.ErrFull) || isUnavailable(err) {
		t.Errorf("a manifest for which there is none: %v", err)
	}
}

func isUnavailable(err error) bool {
	_, is := errors.AsType[*UnavailableError](err)
	return is
}
