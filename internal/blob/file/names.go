package file

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// uploadName is the name of an upload in the directory of uploads. Ids are lower-case hexadecimal with dashes
// inside, as UUIDs are; anything else is blob.ErrNameInvalid.
func uploadName(id string) (string, error) {
	if len(id) < 16 || len(id) > 64 || id[0] == '-' {
		return "", fmt.Errorf("upload id of %d bytes: %w", len(id), blob.ErrNameInvalid)
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != '-' {
			return "", fmt.Errorf("upload id: %w", blob.ErrNameInvalid)
		}
	}
	return id, nil
}

// checkLocation accepts only what location returns for some digest.
func checkLocation(name string) error {
	if _, ok := digestAt(name); !ok {
		return fmt.Errorf("blob location: %w", blob.ErrNameInvalid)
	}
	return nil
}

// digestAt returns the digest that location returns the name for.
func digestAt(name string) (d oci.Digest, ok bool) {
	parts := strings.Split(strings.TrimPrefix(name, blobsDir+"/"), "/")
	if len(parts) != 4 {
		return "", false
	}
	d, err := oci.ParseDigest(parts[0] + ":" + parts[2])
	return d, err == nil && location(d) == name
}

// classify makes errors of a full file system blob.ErrNoSpace. A file beyond the
// process's or the file system's limit counts: this store takes no more of it.
func classify(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
		}
	}
	return err
}
