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

// Commit implements blob.Store: three syncs for a blob (its bytes, its directory, the
// directory above).
func (s *Store) Commit(ctx context.Context, upload string, d oci.Digest) (string, int64, error) {
	name, err := uploadName(upload)
	if err != nil {
		return "", 0, err
	}
	if _, err := oci.ParseDigest(string(d)); err != nil {
		return "", 0, fmt.Errorf("commit upload %s: %w", upload, err)
	}
	size, err := s.commit(name, location(d))
	if err != nil {
		return "", 0, fmt.Errorf("commit upload %s as %s: %w", upload, d, classify(err))
	}
	return location(d), size, nil
}

func (s *Store) commit(upload, target string) (int64, error) {
	f, err := s.openLocked(upload, os.O_RDWR)
	if errors.Is(err, blob.ErrUploadUnknown) {
		return s.committed(target)
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if held, err := s.root.Lstat(target); err == nil && held.Mode().IsRegular() && held.Size() == stat.Size() {
		return stat.Size(), s.keep(upload, target)
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	if err := s.place(upload, target); err != nil {
		return 0, err
	}
	return stat.Size(), s.syncDirs(target)
}

// committed answers for an upload that is gone: an earlier Commit, cut off before its
// caller could note it, may have placed the blob.
func (s *Store) committed(target string) (int64, error) {
	stat, err := s.root.Lstat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, blob.ErrUploadUnknown
	}
	if err != nil {
		return 0, err
	}
	return stat.Size(), s.syncDirs(target)
}

// keep drops the upload in favour of the blob that is there. Whoever placed that one
// synced its bytes before, but perhaps not yet the directories.
func (s *Store) keep(upload, target string) error {
	if err := s.syncDirs(target); err != nil {
		return err
	}
	return s.root.Remove(upload)
}

// place renames the upload to the blob. A Delete may take the blob's directory away
// between its creation and the rename; then both are done again, a few times.
func (s *Store) place(upload, target string) error {
	dir := path.Dir(target)
	shard := path.Dir(dir)
	var err error
	for range 10 {
		if err = s.settle(shard); err != nil {
			return err
		}
		if err = s.root.Mkdir(dir, dirMode); err == nil || errors.Is(err, fs.ErrExist) {
			err = s.root.Rename(upload, target)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.settled.Delete(shard)
	}
	return err
}

// settle makes a directory above the blobs' own exist and survive the loss of power.
// That it exists is not enough: whoever created it may not have synced it yet. So each
// is synced once in the life of the process, which costs little for one long there.
func (s *Store) settle(dir string) error {
	if dir == "." {
		return nil
	}
	if _, ok := s.settled.Load(dir); ok {
		return nil
	}
	parent := path.Dir(dir)
	if err := s.settle(parent); err != nil {
		return err
	}
	if err := s.root.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		s.settled.Delete(parent)
		return err
	}
	if err := s.syncDir(parent); err != nil {
		return err
	}
	s.settled.Store(dir, true)
	return nil
}

// syncDirs syncs the blob's own directory, and the one above that holds its entry.
func (s *Store) syncDirs(target string) error {
	dir := path.Dir(target)
	if err := s.settle(path.Dir(dir)); err != nil {
		return err
	}
	if err := s.syncDir(dir); err != nil {
		return err
	}
	return s.syncDir(path.Dir(dir))
}

func (s *Store) syncDir(name string) error {
	dir, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
