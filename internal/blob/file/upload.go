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

// copySize is the size of one write to an upload, in bytes. Larger ones measured no
// faster; the buffer is what one append costs in memory.
const copySize = 256 << 10

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

// writeError sets a failed write apart from a failed read.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// copy writes all of r to f and returns the number of bytes written. io.CopyBuffer
// would not do: it allocates when f is a file, hides which side failed and ignores ctx.
func (s *Store) copy(ctx context.Context, f *os.File, r io.Reader) (written int64, err error) {
	buffer := s.buffers.Get().(*[copySize]byte)
	defer s.buffers.Put(buffer)
	for {
		if err := ctx.Err(); err != nil {
			return written, err
		}
		n, err := readFull(r, buffer[:])
		if n > 0 {
			if _, err := f.Write(buffer[:n]); err != nil {
				return written, &writeError{classify(err)}
			}
			written += int64(n)
		}
		if err == io.EOF { //nolint:errorlint // a reader ends with io.EOF itself, never wrapped
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

// readFull reads until the buffer is full, because network readers yield little at a
// time, and returns the reader's own error, io.EOF at the end.
func readFull(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	return n, err
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
