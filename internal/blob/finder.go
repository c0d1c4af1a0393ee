package blob

import (
	"context"

	"github.com/havenregistry/haven/internal/oci"
)

// Finder is a Store whose locations follow from the digest. After a crash between a Commit and its note in the
// caller's database, only the digest tells where the blob lies.
type Finder interface {
	// Find returns where the blob d lies and its size in bytes, or ErrNotFound.
	Find(ctx context.Context, d oci.Digest) (location string, size int64, err error)
	// Digest returns the digest that a location follows from. ok is false for one that doesn't follow from any.
	Digest(location string) (d oci.Digest, ok bool)
}
