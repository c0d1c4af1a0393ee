package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

// Append implements blob.Store.
func (s *Store) Append(ctx context.Context, u blob.Upload, r io.Reader) (blob.Upload, error) {
	name, err := uploadName(u.ID)
	if err != nil {
		return u, err
	}
	flag := os.O_WRONLY
	if u.Size == 0 {
		flag |= os.O_CREATE
	}
	f, held, err := s.openLocked(name, flag)
	if err != nil {
		return u, fmt.Errorf("append to upload %s: %w", u.ID, err)
	}
	defer f.Close()
	if err := rewind(f, held, u.Size); err != nil {
		return u, fmt.Errorf("append to upload %s: %w", u.ID, err)
	}
	n, err := s.copy(ctx, f, u.Size, r)
	grown := blob.Upload{ID: u.ID, Size: u.Size + n, State: s.account(u)}
	if err == nil {
		// A network file system may report a failed write only here.
		if err = f.Close(); err == nil {
			return grown, nil
		}
		err = &writeError{classify(err)}
	}
	var failed *writeError
	if errors.As(err, &failed) {
		grown = u
		// Give the space back at once: a full disk is everybody's. Should this
		// fail too, the next append truncates.
		_ = f.Truncate(u.Size)
	}
	return grown, fmt.Errorf("append to upload %s: %w", u.ID, err)
}

// rewind drops what the file, of held bytes, has beyond offset and positions it there.
func rewind(f *os.File, held, offset int64) error {
	if offset < 0 || held < offset {
		return &blob.OffsetError{Offset: offset, Held: held}
	} else if held > offset {
		if err := f.Truncate(offset); err != nil {
			return err
		}
	}
	if offset == 0 { // it was just opened
		return nil
	}
	_, err := f.Seek(offset, io.SeekStart)
	return err
}

// openLocked opens an upload's file, locks it, and tells its size. The lock ends when the file is
// closed. A file that was committed or cancelled between the two steps is unknown.
func (s *Store) openLocked(id string, flag int) (f *os.File, held int64, err error) {
	f, err = s.uploads.OpenFile(id, flag, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, blob.ErrUploadUnknown
	}
	if err != nil {
		return nil, 0, classify(err)
	}
	if held, err = s.lock(f, id); err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, held, nil
}

func (s *Store) lock(f *os.File, id string) (held int64, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
	}); err != nil {
		return 0, err
	}
	if errors.Is(failed, syscall.EWOULDBLOCK) {
		return 0, blob.ErrUploadBusy
	}
	if failed != nil {
		return 0, fmt.Errorf("lock: %w", failed)
	}
	opened, err := f.Stat()
	if err != nil {
		return 0, err
	}
	named, err := s.uploads.Lstat(id)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(opened, named) {
		return 0, blob.ErrUploadUnknown
	}
	return opened.Size(), err
}

// ReadUpload implements blob.Store.
func (s *Store) ReadUpload(ctx context.Context, u blob.Upload) (io.ReadCloser, error) {
	name, err := uploadName(u.ID)
	if err != nil {
		return nil, err
	}
	f, err := s.uploads.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read upload %s: %w", u.ID, blob.ErrUploadUnknown)
	}
	if err != nil {
		return nil, fmt.Errorf("read upload %s: %w", u.ID, err)
	}
	return acknowledged{io.LimitReader(f, u.Size), f}, nil
}

// acknowledged is the part of an upload's file that the database knows of.
type acknowledged struct {
	io.Reader
	io.Closer
}

// Cancel implements blob.Store.
func (s *Store) Cancel(ctx context.Context, u blob.Upload) error {
	name, err := uploadName(u.ID)
	if err != nil {
		return err
	}
	if err := s.uploads.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cancel upload %s: %w", u.ID, err)
	}
	return nil
}

// Uploads implements blob.Store.
func (s *Store) Uploads(ctx context.Context, before time.Time, yield func(id string) error) error {
	return s.walk(ctx, uploadsDir, func(name string, info fs.FileInfo) error {
		id := path.Base(name)
		if _, err := uploadName(id); err != nil || !info.ModTime().Before(before) {
			return nil // a probe, or in use
		}
		return yield(id)
	})
}
