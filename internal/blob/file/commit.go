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

// Commit implements blob.Store.
func (s *Store) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	name, err := uploadName(u.ID)
	if err != nil {
		return "", err
	}
	if _, err := oci.ParseDigest(string(d)); err != nil {
		return "", fmt.Errorf("commit upload %s: %w", u.ID, err)
	}
	if err := s.commit(ctx, name, u, d); err != nil {
		return "", fmt.Errorf("commit upload %s as %s: %w", u.ID, d, classify(err))
	}
	return location(d), nil
}

func (s *Store) commit(ctx context.Context, upload string, u blob.Upload, d oci.Digest) error {
	target := location(d)
	f, err := s.openLocked(upload, os.O_RDWR)
	if errors.Is(err, blob.ErrUploadUnknown) {
		return s.committed(ctx, u, d)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := rewind(f, u.Size); err != nil {
		return err
	}
	if s.inDoubt(u) {
		if err := s.verify(ctx, upload, u.Size, d); err != nil {
			return err
		}
	}
	if err := s.place(f, upload, target); err != nil {
		return err
	}
	if err := s.root.Remove(upload); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// committed answers for an upload that is gone: an earlier Commit, cut off before its
// caller could note it, may have placed the blob.
func (s *Store) committed(ctx context.Context, u blob.Upload, d oci.Digest) error {
	target := location(d)
	stat, err := s.root.Lstat(target)
	if errors.Is(err, fs.ErrNotExist) || err == nil && stat.Size() != u.Size {
		return blob.ErrUploadUnknown
	}
	if err == nil && s.inDoubt(u) {
		return s.verify(ctx, target, u.Size, d)
	}
	return err
}

// Sync implements blob.Store: for each blob its bytes, its directory, and the directory above, unless
// that was named by another of them.
func (s *Store) Sync(ctx context.Context, locations ...string) error {
	shards := map[string]bool{}
	for _, target := range locations {
		if err := checkLocation(target); err != nil {
			return err
		}
		dir := path.Dir(target)
		shards[path.Dir(dir)] = true
		if err := s.syncName(target); err != nil {
			return fmt.Errorf("sync blob %s: %w", target, err)
		}
		if err := s.syncName(dir); err != nil {
			return fmt.Errorf("sync directory of blob %s: %w", target, err)
		}
	}
	for shard := range shards {
		if err := s.settle(shard); err != nil {
			return fmt.Errorf("sync directory: %w", err)
		}
		if err := s.syncName(shard); err != nil {
			return fmt.Errorf("sync directory: %w", err)
		}
	}
	return nil
}

// place gives the upload the blob's name. A Delete may take the blob's directory away between its
// creation and the link; then both are done again, a few times.
func (s *Store) place(f *os.File, upload, target string) error {
	dir := path.Dir(target)
	shard := path.Dir(dir)
	var err error
	for range 10 {
		if err = s.settle(shard); err != nil {
			return err
		}
		if err = s.root.Mkdir(dir, dirMode); err == nil || errors.Is(err, fs.ErrExist) {
			err = s.link(f, upload, target)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.settled.Delete(shard)
	}
	return err
}

// link never puts bytes that are not synced where somebody may have synced others: a manifest may
// count on them. Nor does it trust what is there already: after the loss of power it may be torn.
func (s *Store) link(f *os.File, upload, target string) error {
	err := s.root.Link(upload, target)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// It exists, or the file system has no links.
	if err := f.Sync(); err != nil {
		return err
	}
	return s.root.Rename(upload, target)
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
	if err := s.syncName(parent); err != nil {
		return err
	}
	s.settled.Store(dir, true)
	return nil
}

// syncName syncs a file or a directory. Its bytes may have been written through another descriptor.
func (s *Store) syncName(name string) error {
	f, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return classify(f.Sync())
}
