package file

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// Commit implements blob.Store.
func (s *Store) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	at, err := s.Place(ctx, u, d)
	if err == nil {
		err = s.Cancel(ctx, u)
	}
	return at, err
}

// Place implements blob.Resumer.
func (s *Store) Place(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	name, err := uploadName(u.ID)
	if err != nil {
		return "", err
	}
	if _, err := oci.ParseDigest(string(d)); err != nil {
		return "", fmt.Errorf("commit upload %s: %w", u.ID, err)
	}
	if err := s.placeAs(ctx, name, u, d); err != nil {
		return "", fmt.Errorf("commit upload %s as %s: %w", u.ID, d, classify(err))
	}
	return location(d), nil
}

func (s *Store) placeAs(ctx context.Context, upload string, u blob.Upload, d oci.Digest) error {
	target := location(d)
	f, held, err := s.openLocked(upload, os.O_RDWR)
	if errors.Is(err, blob.ErrUploadUnknown) {
		return s.committed(ctx, u, d)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if held.placed && held.size != u.Size {
		return blob.ErrUploadUnknown
	}
	if err := rewind(f, held.size, u.Size); err != nil {
		return err
	}
	if s.inDoubt(u) {
		if err := s.verify(ctx, path.Join(uploadsDir, upload), u.Size, d); err != nil {
			return err
		}
	}
	return s.place(f, upload, target)
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

// place gives the upload the blob's name. A Delete may take the blob's directory away between its
// creation and the link; then both are done again, a few times.
func (s *Store) place(f *os.File, upload, target string) error {
	dir := path.Dir(target)
	var err error
	for range 10 {
		if err = s.settle(path.Dir(dir)); err != nil {
			return err
		}
		var shard *folder
		if shard, err = s.shard(path.Dir(dir)); err != nil {
			return err
		}
		if err = shard.Mkdir(path.Base(dir), dirMode); err == nil || errors.Is(err, fs.ErrExist) {
			err = s.link(f, shard, upload, target)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// link never puts bytes that are not synced where somebody may have synced others: a manifest may
// count on them. Nor does it trust what is there already: after the loss of power it may be torn.
func (s *Store) link(f *os.File, shard *folder, upload, target string) error {
	dir, err := shard.Open(path.Base(path.Dir(target)))
	if err != nil {
		return err
	}
	defer dir.Close()
	err = linkInto(s.uploads.self, upload, dir, path.Base(target))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// It exists, or the file system has no links.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := s.replace(upload, target); err != nil {
		return err
	}
	s.syncs.lost.Delete(target)
	return nil
}

// replace gives the upload the name of a blob that is there, by a third name, so that at no time there is no
// blob, or no upload. A crash leaves that name as an upload that nobody goes on with.
func (s *Store) replace(upload, target string) error {
	third := make([]byte, 16)
	rand.Read(third) // never fails
	spare := hex.EncodeToString(third)
	if linkInto(s.uploads.self, upload, s.uploads.self, spare) != nil {
		spare = upload // no links: the upload itself goes there
	}
	if err := s.root.Rename(path.Join(uploadsDir, spare), target); err != nil {
		return err
	}
	if spare == upload {
		return nil
	}
	// Two names of one file stay as they are when one is renamed to the other.
	if err := s.uploads.Remove(spare); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// linkInto gives the file old in the directory from another name. Neither name has a slash, so no symbolic
// link is followed.
func linkInto(from *os.File, old string, to *os.File, name string) error {
	return between(from, to, func(fromFD, toFD int) error { return unix.Linkat(fromFD, old, toFD, name, 0) })
}

// between runs do on the descriptors of two directories.
func between(from, to *os.File, do func(from, to int) error) error {
	fromRaw, err := from.SyscallConn()
	if err != nil {
		return err
	}
	toRaw, err := to.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = fromRaw.Control(func(fromFD uintptr) {
		err := toRaw.Control(func(toFD uintptr) { failed = do(int(fromFD), int(toFD)) })
		failed = errors.Join(failed, err)
	})
	return errors.Join(err, failed)
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
