package file

import (
	"context"
	"io"
	"os"
)

// copySize is the size of one write to an upload, in bytes, and the memory that an
// append costs.
const copySize = 256 << 10

// writeEarly is how many bytes are written before the system is told to begin to put them on the disk. Left
// alone it begins at a tenth of the memory, and then the sync at the end waits for all of it.
const writeEarly = 8 << 20

// writeError sets a failed write apart from a failed read.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// copy writes all of r to f, at offset, where f stands, and returns the number of bytes written. io.CopyBuffer
// would not do: it hides which side failed and ignores ctx. Hashing one buffer while
// another is written was measured on two cores: no faster, and more moving parts.
func (s *Store) copy(ctx context.Context, f *os.File, offset int64, r io.Reader) (written int64, err error) {
	buffer := s.buffers.Get().(*[copySize]byte)
	defer s.buffers.Put(buffer)
	var begun int64   // what of it is on its way to the disk
	var checked int64 // from where on the room has to be looked at again
	for err == nil {
		if err := ctx.Err(); err != nil {
			return written, err
		}
		var n int
		n, err = readFull(r, buffer[:])
		if n > 0 && written >= checked {
			if full := room(f); full != nil {
				return written, &writeError{full}
			}
			checked = written + roomEvery
		}
		if _, failed := f.Write(buffer[:n]); failed != nil {
			return written, &writeError{classify(failed)}
		}
		if written += int64(n); written-begun >= writeEarly {
			startWrite(f, offset+begun, written-begun)
			begun = written
		}
	}
	return written, endOf(err)
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

// endOf makes the end of a reader no error. A wrapped io.EOF is one: it says that a
// reader below ended before its time.
func endOf(err error) error {
	if err == io.EOF { //nolint:errorlint // see above
		return nil
	}
	return err
}
