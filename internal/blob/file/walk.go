package file

import (
	"context"
	"errors"
	"io/fs"
)

// Blobs implements blob.Store. Files that are no blobs are passed over.
func (s *Store) Blobs(ctx context.Context, yield func(location string, size int64) error) error {
	if err := s.segments.names("", s.packedIn(ctx, yield)); err != nil {
		return err
	}
	return s.walk(ctx, blobsDir, func(name string, info fs.FileInfo) error {
		if checkLocation(name) != nil {
			return nil
		}
		return yield(name, info.Size())
	})
}

// walk calls yield for every regular file below dir. What vanishes meanwhile is no error.
func (s *Store) walk(ctx context.Context, dir string, yield func(name string, info fs.FileInfo) error) error {
	return walk(ctx, s.root.FS(), dir, yield)
}

func walk(ctx context.Context, files fs.FS, dir string, yield func(name string, info fs.FileInfo) error) error {
	return fs.WalkDir(files, dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return yield(name, info)
	})
}
