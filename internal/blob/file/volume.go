package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// Volume is a directory in the layout of CNCF Distribution that is looked at where it lies: nothing in it is written, nor made. It is a
// blob.Reader whose locations are those of a Store of the same directory.
type Volume struct{ root *os.Root }

var _ blob.Reader = (*Volume)(nil)

// OpenVolume opens a directory that holds docker/registry/v2. Another one is an error for people.
func OpenVolume(dir string) (*Volume, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the volume: %w", err)
	}
	stat, err := root.Stat(path.Dir(blobsDir))
	if err != nil || !stat.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s holds no %s: it is no volume of Harbor's registry or CNCF Distribution", dir, path.Dir(blobsDir)), root.Close())
	}
	return &Volume{root}, nil
}

// Find returns where a blob lies and its size in bytes, or blob.ErrNotFound.
func (v *Volume) Find(_ context.Context, d oci.Digest) (at string, size int64, err error) {
	if _, err := oci.ParseDigest(string(d)); err != nil {
		return "", 0, fmt.Errorf("find blob: %w", err)
	}
	stat, err := v.root.Lstat(location(d))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !stat.Mode().IsRegular() {
		return "", 0, fmt.Errorf("find blob %s: %w", d, blob.ErrNotFound)
	}
	if err != nil {
		return "", 0, fmt.Errorf("find blob %s: %w", d, err)
	}
	return location(d), stat.Size(), nil
}

// Open implements blob.Reader.
func (v *Volume) Open(_ context.Context, at string) (blob.Content, error) {
	if err := checkLocation(at); err != nil {
		return nil, err
	}
	f, err := v.root.Open(at)
	return contentOf(f, at, err)
}

// Blobs implements blob.Reader.
func (v *Volume) Blobs(ctx context.Context, yield func(at string, size int64) error) error {
	return walk(ctx, v.root.FS(), blobsDir, func(name string, info fs.FileInfo) error {
		if checkLocation(name) != nil {
			return nil
		}
		return yield(name, info.Size())
	})
}

// Files is the volume as it lies there.
func (v *Volume) Files() fs.FS { return v.root.FS() }

// Close releases the directory.
func (v *Volume) Close() error { return v.root.Close() }
