package backup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// pieceSize is how long the pieces of a table are, in bytes: as long as a record may be.
const pieceSize = 4 << 20

// head is what a rowSink is told of a table.
type head struct {
	table   string
	columns []string
	counter int64 // the greatest id that was ever given, 0 for none
}

// rowSink takes the rows of a snapshot, table by table.
type rowSink interface {
	begin(ctx context.Context, h head) error
	add(ctx context.Context, row []any) error
	end(ctx context.Context) error
}

// pieceSink writes tables into a target.
type pieceSink struct {
	target Target
	id     string
	packer *zstd.Encoder
	out    *pieceWriter
	line   []byte
	tables []Rows
}

func newPieceSink(t Target, id string) (*pieceSink, error) {
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	return &pieceSink{target: t, id: id, packer: packer}, err
}

func (s *pieceSink) begin(ctx context.Context, h head) error {
	s.tables = append(s.tables, Rows{Table: h.table, Columns: h.columns, Counter: h.counter})
	s.out = &pieceWriter{ctx: ctx, target: s.target, dir: backupsDir + s.id + rowsDir + h.table}
	s.packer.Reset(s.out)
	return nil
}

func (s *pieceSink) add(_ context.Context, row []any) (err error) {
	if s.line, err = appendRow(s.line[:0], row); err != nil {
		return err
	}
	s.tables[len(s.tables)-1].Count++
	_, err = s.packer.Write(s.line)
	return err
}

func (s *pieceSink) end(context.Context) error {
	t := &s.tables[len(s.tables)-1]
	if t.Count == 0 {
		return nil
	}
	if err := s.packer.Close(); err != nil {
		return err
	}
	err := s.out.flush()
	t.Pieces = s.out.pieces
	return err
}

// pieceWriter cuts what is written into records.
type pieceWriter struct {
	ctx    context.Context // of the backup: an io.Writer has no other way to know it
	target Target
	dir    string
	buffer []byte
	pieces []Piece
}

// Write implements io.Writer.
func (w *pieceWriter) Write(b []byte) (int, error) {
	written := len(b)
	for len(b) > 0 {
		n := min(len(b), pieceSize-len(w.buffer))
		w.buffer = append(w.buffer, b[:n]...)
		b = b[n:]
		if len(w.buffer) == pieceSize {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

func (w *pieceWriter) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	p, err := w.target.put(w.ctx, pieceName(w.dir, len(w.pieces)+1), w.buffer)
	if err != nil {
		return err
	}
	w.pieces = append(w.pieces, p)
	w.buffer = w.buffer[:0]
	return nil
}

// rowsOf calls yield with each row of a table of a backup.
func (t Target) rowsOf(ctx context.Context, id string, table Rows, yield func(row []any) error) error {
	if err := t.decode(ctx, id, table, yield); err != nil {
		return fmt.Errorf("rows of %s: %w", table.Table, err)
	}
	return nil
}

func (t Target) decode(ctx context.Context, id string, table Rows, yield func(row []any) error) error {
	if table.Count == 0 {
		return nil
	}
	unpacked, err := zstd.NewReader(&pieceReader{ctx: ctx, target: t, dir: backupsDir + id + rowsDir + table.Table, pieces: table.Pieces},
		zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer unpacked.Close()
	r := bufio.NewReaderSize(unpacked, 64<<10)
	for n := int64(0); ; n++ {
		row, err := readRow(r, len(table.Columns))
		if errors.Is(err, io.EOF) {
			if n != table.Count {
				return fmt.Errorf("%w: there are %d, not %d", ErrDamaged, n, table.Count)
			}
			return nil
		}
		if err != nil {
			return unreadable(ctx, err)
		}
		if err := yield(row); err != nil {
			return err
		}
	}
}

// unreadable makes what can't be decoded damage, and leaves errors of the target as they are.
func unreadable(ctx context.Context, err error) error {
	var store *storeError
	if ctx.Err() != nil || errors.As(err, &store) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// storeError is an error of the target that came through a decoder.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// pieceReader reads pieces one after the other.
type pieceReader struct {
	ctx    context.Context // see pieceWriter
	target Target
	dir    string
	pieces []Piece
	next   int
	rest   []byte
}

// Read implements io.Reader.
func (r *pieceReader) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.next == len(r.pieces) {
			return 0, io.EOF
		}
		content, err := r.target.get(r.ctx, pieceName(r.dir, r.next+1), r.pieces[r.next])
		if err != nil {
			return 0, &storeError{err}
		}
		r.rest = content
		r.next++
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// replay gives all rows of a backup to a sink.
func (t Target) replay(ctx context.Context, d Description, to rowSink, progress Progress) error {
	for _, table := range d.Tables {
		if err := to.begin(ctx, head{table: table.Table, columns: table.Columns, counter: table.Counter}); err != nil {
			return err
		}
		err := t.rowsOf(ctx, d.ID, table, func(row []any) error {
			progress.Add(1)
			return to.add(ctx, row)
		})
		if err == nil {
			err = to.end(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
