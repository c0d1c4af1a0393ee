package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

const (
	// openSegments bounds the segments that are kept open to be read.
	openSegments = 64
	// surelyNamed is how long after a segment is full all that is in it has a row, or never gets one.
	surelyNamed = 10 * time.Minute
)

var _ blob.Packer = (*Store)(nil)

// segments are the segments of one kind: the one that this process writes, and those that it reads.
type segments struct {
	kind *segmentKind
	dir  *folder

	mu      sync.Mutex
	current *segment
	full    []fullSegment
	opened  map[segmentName]*os.File
}

// segment is one that is written.
type segment struct {
	name segmentName
	next uint32 // block
}

type fullSegment struct {
	name  segmentName
	since time.Time
}

// segmentsOf opens the folder of a kind of segments.
func (s *Store) segmentsOf(kind *segmentKind) (*segments, error) {
	dir, err := s.root.OpenRoot(kind.dir)
	if err != nil {
		return nil, err
	}
	return &segments{kind: kind, dir: dir, opened: map[segmentName]*os.File{}}, nil
}

// Packs implements blob.Packer.
func (s *Store) Packs() bool { return s.packs() }

// Pack implements blob.Packer.
func (s *Store) Pack(ctx context.Context, content []byte) (string, error) {
	if len(content) > blob.MaxPacked {
		return "", fmt.Errorf("pack a blob of %d bytes: at most %d", len(content), blob.MaxPacked)
	}
	p := packed{kind: &blobSegments, size: uint32(len(content))}
	var err error
	if p.segment, p.block, err = s.segments.reserve(p.span()); err != nil {
		return "", fmt.Errorf("begin a segment: %w", classify(err))
	}
	buffer := s.packBuffers.Get().(*[recordMost]byte)
	defer s.packBuffers.Put(buffer)
	header := p.header()
	n := copy(buffer[:], header[:])
	n += copy(buffer[n:], content)
	if err := s.segments.write(p.segment, p.offset(), buffer[:n]); err != nil {
		return "", fmt.Errorf("pack a blob: %w", classify(err))
	}
	return p.location(), nil
}

// reserve returns where whole blocks of so many bytes go.
func (g *segments) reserve(span int64) (name segmentName, block uint32, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current == nil || int64(g.current.next)*blockSize+span > segmentMost {
		if err := g.begin(); err != nil {
			return name, 0, err
		}
	}
	name, block = g.current.name, g.current.next
	g.current.next += uint32(span / blockSize)
	return name, block, nil
}

// write writes what was reserved, or nothing.
func (g *segments) write(name segmentName, offset int64, b []byte) error {
	return g.use(name, func(f *os.File) error {
		_, err := f.WriteAt(b, offset)
		if err != nil {
			_ = punch(f, offset, (int64(len(b))+blockSize-1)/blockSize*blockSize) // a full disk is everybody's
		}
		return err
	})
}

// begin begins another segment, and makes its name survive the loss of power.
func (g *segments) begin() error {
	name := newSegmentName()
	mark, err := g.dir.OpenFile(name.String()+openSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	f, err := g.dir.OpenFile(name.String(), os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err = errors.Join(err, mark.Close()); err == nil {
		err = g.dir.self.Sync()
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		return errors.Join(err, g.remove(name))
	}
	g.retire(time.Now())
	g.current = &segment{name: name}
	g.opened[name] = f
	return nil
}

// retire ends the segment that is written, and forgets of former ones that they were.
func (g *segments) retire(now time.Time) {
	if g.current != nil {
		g.full = append(g.full, fullSegment{g.current.name, now})
		g.current = nil
	}
	for len(g.full) > 0 && now.Sub(g.full[0].since) > surelyNamed {
		_ = g.end(g.full[0].name) // else it is looked through once more after a crash
		g.full = g.full[1:]
	}
}

// abandon sees to it that nothing more is written to a segment that the disk refused.
func (g *segments) abandon(name segmentName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current != nil && g.current.name == name {
		g.retire(time.Now())
	}
}

// remove deletes a segment with its mark.
func (g *segments) remove(name segmentName) error {
	if err := g.dir.Remove(name.String()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return g.unmark(name)
}

// use runs do with the segment's file, or returns blob.ErrNotFound.
func (g *segments) use(name segmentName, do func(f *os.File) error) error {
	for {
		f, err := g.open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("segment %s: %w", name, blob.ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("open segment %s: %w", name, err)
		}
		if err = do(f); !errors.Is(err, os.ErrClosed) { // else it made room for another meanwhile
			return err
		}
	}
}

func (g *segments) open(name segmentName) (*os.File, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.opened[name]; f != nil {
		return f, nil
	}
	f, err := g.dir.OpenFile(name.String(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = g.dir.Open(name.String())
	}
	if err != nil {
		return nil, err
	}
	for other, old := range g.opened { // any: it is opened again
		if len(g.opened) < openSegments {
			break
		}
		if g.current == nil || other != g.current.name {
			delete(g.opened, other)
			old.Close()
		}
	}
	g.opened[name] = f
	return f, nil
}

func (g *segments) forget(name segmentName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.opened[name]; f != nil {
		delete(g.opened, name)
		f.Close()
	}
}

// close ends what this process wrote: all of it has its row.
func (g *segments) close() error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retire(time.Now())
	var errs []error
	for _, done := range g.full {
		errs = append(errs, g.end(done.name))
	}
	for _, f := range g.opened {
		errs = append(errs, f.Close())
	}
	g.full, g.opened = nil, map[segmentName]*os.File{}
	return errors.Join(append(errs, g.dir.Close())...)
}

// openPacked reads a packed blob.
func (s *Store) openPacked(p packed) (blob.Content, error) {
	c := &packedContent{pool: &s.packBuffers, buffer: s.packBuffers.Get().(*[recordMost]byte)}
	err := s.segments.use(p.segment, func(f *os.File) (err error) {
		c.content, err = readRecord(f, p, c.buffer[:])
		return err
	})
	if err != nil {
		s.packBuffers.Put(c.buffer)
		return nil, err
	}
	c.Reset(c.content)
	return c, nil
}

// packedContent is a blob that was read whole.
type packedContent struct {
	bytes.Reader
	content []byte
	buffer  *[recordMost]byte
	pool    *sync.Pool
}

// Bytes are the blob's, until Close.
func (c *packedContent) Bytes() []byte { return c.content }

// Close gives the buffer back.
func (c *packedContent) Close() error {
	if c.buffer != nil {
		c.Reset(nil)
		c.pool.Put(c.buffer)
		c.content, c.buffer = nil, nil
	}
	return nil
}

// delete gives a record's space back, and with its last one the segment's.
func (g *segments) delete(p packed) error {
	empty := false
	err := g.use(p.segment, func(f *os.File) error {
		err := punch(f, p.offset(), p.span())
		if errors.Is(err, errors.ErrUnsupported) { // the store was moved to a file system without holes: its space is lost
			_, err = f.WriteAt(make([]byte, headerSize), p.offset())
		}
		if err != nil {
			return fmt.Errorf("delete %s: %w", p.location(), err)
		}
		if g.writes(p.segment) {
			return nil
		}
		_, more, err := nextData(f, 0)
		empty = err == nil && !more
		return err
	})
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil || !empty {
		return err
	}
	g.forget(p.segment)
	return g.remove(p.segment)
}

// writes reports whether this process may still write the segment.
func (g *segments) writes(name segmentName) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current != nil && g.current.name == name
}

// names calls yield with the segments whose file has the suffix.
func (g *segments) names(suffix string, yield func(segmentName) error) error {
	entries, err := fs.ReadDir(g.dir.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		text, ok := strings.CutSuffix(entry.Name(), suffix)
		name, named := parseSegmentName(text)
		if !ok || !named {
			continue
		}
		if err := yield(name); err != nil {
			return err
		}
	}
	return nil
}

// records calls yield with all records of a segment, and its file.
func (g *segments) records(ctx context.Context, name segmentName, yield func(f *os.File, p packed) error) error {
	f, err := g.dir.Open(name.String()) // by a descriptor of its own: it seeks
	if errors.Is(err, fs.ErrNotExist) {
		return nil // just deleted
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return g.kind.eachRecord(f, name, func(p packed) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return yield(f, p)
	})
}

// packedIn returns what calls yield with location and size of all blobs of a segment.
func (s *Store) packedIn(ctx context.Context, yield func(location string, size int64) error) func(segmentName) error {
	return func(name segmentName) error {
		return s.segments.records(ctx, name, func(_ *os.File, p packed) error { return yield(p.location(), int64(p.size)) })
	}
}

// Unended implements blob.Packer.
func (s *Store) Unended(ctx context.Context, yield func(location string, size int64) error) error {
	return s.segments.unended(s.packedIn(ctx, yield))
}

// End implements blob.Packer.
func (s *Store) End(context.Context) error {
	return s.segments.unended(s.segments.end)
}

// end notes that all is named in a segment that is to be. One in which all was deleted while it was written goes.
func (g *segments) end(name segmentName) error {
	f, err := g.dir.Open(name.String())
	if errors.Is(err, fs.ErrNotExist) {
		return g.unmark(name)
	}
	if err != nil {
		return err
	}
	_, more, err := nextData(f, 0)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if more {
		return g.unmark(name)
	}
	return g.remove(name)
}

// unmark removes the mark of a segment that is written.
func (g *segments) unmark(name segmentName) error {
	err := g.dir.Remove(name.String() + openSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unended calls yield with the segments of processes that ended without Close.
func (g *segments) unended(yield func(segmentName) error) error {
	return g.names(openSuffix, func(name segmentName) error {
		if g.mine(name) {
			return nil
		}
		return yield(name)
	})
}

func (g *segments) mine(name segmentName) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.full {
		if f.name == name {
			return true
		}
	}
	return g.current != nil && g.current.name == name
}
