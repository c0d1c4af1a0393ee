package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/havenregistry/haven/internal/blob"
)

// part collects the bytes of one part, so that they can be sent again when sending fails.
type part struct {
	memory *memory
	chunks []chunk
	file   *os.File // what the chunks don't hold; it has no name any more
	size   int64
}

// inMemory is how many bytes the chunks can hold.
func (p *part) inMemory() int64 { return int64(len(p.chunks)) * chunkSize }

// fill reads until the part has size bytes, and returns the reader's or ctx's error, io.EOF at
// the end, or a *spoolError.
func (p *part) fill(ctx context.Context, r io.Reader, size int64) error {
	for p.size < size {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.size == p.inMemory() && p.file == nil && p.inMemory() < partMemory {
			if c := p.memory.take(); c != nil {
				p.chunks = append(p.chunks, c)
			}
		}
		var err error
		if p.size < p.inMemory() {
			err = p.fillChunk(r, size)
		} else {
			err = p.spool(r, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *part) fillChunk(r io.Reader, size int64) error {
	free := p.chunks[len(p.chunks)-1][p.size%chunkSize:]
	n, err := r.Read(free[:min(int64(len(free)), size-p.size)])
	p.size += int64(n)
	return err
}

// spool reads once and writes that to the temporary file.
func (p *part) spool(r io.Reader, size int64) error {
	if p.file == nil {
		file, err := os.CreateTemp(p.memory.dir, "haven-part-*")
		if err != nil {
			return &spoolError{err}
		}
		p.file = file
		if err := os.Remove(file.Name()); err != nil {
			return &spoolError{err}
		}
	}
	scratch := p.memory.scratch.Get().(*[scratchSize]byte)
	defer p.memory.scratch.Put(scratch)
	n, err := r.Read(scratch[:min(scratchSize, size-p.size)])
	if _, failed := p.file.Write(scratch[:n]); failed != nil {
		return &spoolError{failed}
	}
	p.size += int64(n)
	return err
}

// ReadAt implements io.ReaderAt over the bytes collected.
func (p *part) ReadAt(b []byte, offset int64) (n int, err error) {
	for n < len(b) && offset < min(p.size, p.inMemory()) {
		chunk := p.chunks[offset/chunkSize][offset%chunkSize:]
		m := copy(b[n:], chunk[:min(int64(len(chunk)), p.size-offset)])
		n, offset = n+m, offset+int64(m)
	}
	if n == len(b) {
		return n, nil
	}
	if p.file == nil || offset >= p.size {
		return n, io.EOF
	}
	m, err := p.file.ReadAt(b[n:], offset-p.inMemory())
	return n + m, err
}

// release gives memory and file back.
func (p *part) release() {
	p.memory.give(p.chunks)
	p.chunks, p.size = nil, 0
	if p.file != nil {
		p.file.Close()
		p.file = nil
	}
}

// spoolError is a failed write to a temporary file.
type spoolError struct{ err error }

func (e *spoolError) Error() string { return fmt.Sprintf("keep a part in a temporary file: %v", e.err) }

// Unwrap makes a full disk blob.ErrNoSpace.
func (e *spoolError) Unwrap() error {
	if errors.Is(e.err, syscall.ENOSPC) || errors.Is(e.err, syscall.EDQUOT) {
		return errors.Join(e.err, blob.ErrNoSpace)
	}
	return e.err
}
