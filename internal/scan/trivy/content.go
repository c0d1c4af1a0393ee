package trivy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// content is a file of the layer that can be looked into anywhere.
type content interface {
	io.Reader
	io.Seeker
	io.ReaderAt
	Size() int64
}

// spool is a file that what is too large for memory is written into: large files of the layer, and archives in
// archives behind them. It is a stack: who adds to it takes away again.
type spool struct {
	file *os.File
	end  int64
}

// add writes size bytes down.
func (s *spool) add(r io.Reader, size int64) (content, error) {
	if s.file == nil {
		return nil, errors.New("there is nowhere to write a large file down")
	}
	at := s.end
	n, err := io.Copy(io.NewOffsetWriter(s.file, at), io.LimitReader(r, size))
	if err != nil {
		return nil, err
	}
	if n < size {
		return nil, io.ErrUnexpectedEOF
	}
	s.end = at + size
	return io.NewSectionReader(s.file, at, size), nil
}

// cut takes away what was added behind a mark.
func (s *spool) cut(mark int64) error {
	if s.end == mark {
		return nil
	}
	s.end = mark
	if err := s.file.Truncate(mark); err != nil {
		return fmt.Errorf("empty the spool: %w", err)
	}
	return nil
}

// hold reads a file of known size, into memory where it is small. What it writes down, the caller cuts.
func (s *spool) hold(r io.Reader, size, memory int64) (content, error) {
	if size > memory {
		return s.add(r, size)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return bytes.NewReader(b), nil
}
