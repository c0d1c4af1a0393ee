package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

var _ blob.Finder = (*Store)(nil)

// Digest implements blob.Finder.
func (s *Store) Digest(location string) (oci.Digest, bool) { return digestAt(location) }

// Find implements blob.Finder.
func (s *Store) Find(ctx context.Context, d oci.Digest) (string, int64, error) {
	if _, err := oci.ParseDigest(string(d)); err != nil {
		return "", 0, fmt.Errorf("find blob: %w", err)
	}
	stat, err := s.root.Lstat(location(d))
	if errors.Is(err, fs.ErrNotExist) {
		err = blob.ErrNotFound
	}
	if err != nil {
		return "", 0, fmt.Errorf("find blob %s: %w", d, err)
	}
	return location(d), stat.Size(), nil
}
