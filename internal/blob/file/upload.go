package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/havenregistry/haven/internal/blob"
)

// Append implements blob.Store.
func (s *Store) Append(ctx context.Context, upload string, offset int64, r io.Reader) (int64, error) {
	name, err := uploadName(upload)
	if err != nil {
		return 0, err
	}
	flag := os.O_WRONLY
	if offset == 0 {
		flag |= os.O_CREATE
	}
	f, err := s.openLocked(name, flag)
	if err != nil {
		return 0, fmt.Errorf("append to upload %s: %w", upload, err)
	}
	defer f.Close()
	if err := rewind(f, offset); err != nil {
		return 0, fmt.Errorf("append to upload %s: %w", upload, err)
	}
	n, err := s.copy(ctx, f, r)
	if err == nil {
		// A network file system may report a failed write only here.
		if err = f.Close(); err == nil {
			return n, nil
		}
	}
	var failed *writeError
	if errors.As(err, &failed) {
		n = 0
		// Give the space back at once: a full disk is everybody's. Should this
		// fail too, the next append truncates.
		_ = f.Truncate(offset)
	}
	return n, fmt.Errorf("append to upload %s: %w", upload, err)
}

// rewind drops what the file holds beyond offset and positions it there.
func rewind(f *os.File, offset int64) error {
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if held := stat.Size(); offset < 0 || held < offset {
		return &blob.OffsetError{Offset: offset, Held: held}
	} else if held > offset {
		if err := f.Truncate(offset); err != nil {
			return err
		}
	}
	_, err = f.Seek(offset, io.SeekStart)
	return err
}

// openLocked opens an upload's file and locks it. The lock ends when the file is
// closed. A file that was committed or cancelled between the two steps is unknown.
func (s *Store) openLocked(name string, flag int) (*os.File, error) {
	f, err := s.root.OpenFile(name, flag, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blob.ErrUploadUnknown
	}
	if err != nil {
		return nil, classify(err)
	}
	if err := s.lock(f, name); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *Store) lock(f *os.File, name string) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
	}); err != nil {
		return err
	}
	if errors.Is(failed, syscall.EWOULDBLOCK) {
		return blob.ErrUploadBusy
	}
	if failed != nil {
		return fmt.Errorf("lock: %w", failed)
	}
	opened, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := s.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(opened, named) {
		return blob.ErrUploadUnknown
	}
	return err
}

// UploadSize implements blob.Store.
func (s *Store) UploadSize(ctx context.Context, upload string) (int64, error) {
	name, err := uploadName(upload)
	if err != nil {
		return 0, err
	}
	stat, err := s.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("size of upload %s: %w", upload, blob.ErrUploadUnknown)
	}
	if err != nil {
		return 0, fmt.Errorf("size of upload %s: %w", upload, err)
	}
	return stat.Size(), nil
}

// ReadUpload implements blob.Store.
func (s *Store) ReadUpload(ctx context.Context, upload string) (io.ReadCloser, error) {
	name, err := uploadName(upload)
	if err != nil {
		return nil, err
	}
	f, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read upload %s: %w", upload, blob.ErrUploadUnknown)
	}
	if err != nil {
		return nil, fmt.Errorf("read upload %s: %w", upload, err)
	}
	return f, nil
}

// Cancel implements blob.Store.
func (s *Store) Cancel(ctx context.Context, upload string) error {
	name, err := uploadName(upload)
	if err != nil {
		return err
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cancel upload %s: %w", upload, err)
	}
	return nil
}
