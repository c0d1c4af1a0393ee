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
	if err == nil && held.placed {
		err = errors.Join(blob.ErrUploadUnknown, f.Close())
	}
	if err != nil {
		return u, fmt.Errorf("append to upload %s: %w", u.ID, err)
	}
	defer f.Close()
	if err := rewind(f, held.size, u.Size); err != nil {
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

// holding is what an upload's file is found to be.
type holding struct {
	size   int64
	placed bool // it is a blob by now, and must not change
}

// openLocked opens an upload's file, locks it, and tells what it is. The lock ends when the file is
// closed. A file that was committed or cancelled between the two steps is unknown.
func (s *Store) openLocked(id string, flag int) (f *os.File, held holding, err error) {
	f, err = s.uploads.OpenFile(id, flag, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, held, blob.ErrUploadUnknown
	}
	if err != nil {
		return nil, held, classify(err)
	}
	if held, err = s.lock(f, id); err != nil {
		f.Close()
		return nil, held, err
	}
	return f, held, nil
}

func (s *Store) lock(f *os.File, id string) (held holding, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return held, err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
	}); err != nil {
		return held, err
	}
	if errors.Is(failed, syscall.EWOULDBLOCK) {
		return held, blob.ErrUploadBusy
	}
	if failed != nil {
		return held, fmt.Errorf("lock: %w", failed)
	}
	opened, err := f.Stat()
	if err != nil {
		return held, err
	}
	named, err := s.uploads.Lstat(id)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(opened, named) {
		return held, blob.ErrUploadUnknown
	}
	held.size = opened.Size()
	if stat, ok := opened.Sys().(*syscall.Stat_t); ok {
		held.placed = stat.Nlink > 1
	}
	return held, err
}

// notBegun is the mode of an upload's file until all is in it that the upload begins with.
const notBegun = 0o200

// Begin implements blob.Resumer. Nobody else knows the id yet, so nothing has to be locked.
func (s *Store) Begin(ctx context.Context, id string, content []byte) (blob.Upload, error) {
	u := blob.Upload{ID: id, Size: int64(len(content))}
	name, err := uploadName(id)
	if err != nil {
		return u, err
	}
	mode := fileMode
	if u.Size > 0 {
		mode = notBegun
	}
	f, err := s.uploads.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return u, fmt.Errorf("begin upload %s: %w", id, classify(err))
	}
	if u.Size > 0 {
		if _, err = f.Write(content); err == nil {
			err = f.Chmod(fileMode)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return u, errors.Join(fmt.Errorf("begin upload %s: %w", id, classify(err)), s.Cancel(ctx, u))
	}
	u.State = s.boot
	return u, nil
}

// Resume implements blob.Resumer.
func (s *Store) Resume(ctx context.Context, id string) (blob.Upload, error) {
	name, err := uploadName(id)
	if err != nil {
		return blob.Upload{}, err
	}
	stat, err := s.uploads.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && stat.Mode().Perm() == notBegun {
		err = blob.ErrUploadUnknown
	}
	if err != nil {
		return blob.Upload{}, fmt.Errorf("resume upload %s: %w", id, err)
	}
	return blob.Upload{ID: id, Size: stat.Size(), State: doubtful}, nil
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
