package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// A list tells which blobs a backup has: a line each, in the order of the digests' bytes,
//
//	DIGEST SIZE LOCATION
//
// with the location in the target, "-" for a blob that the registry's store had lost. It is cut into records that are compressed each by
// itself, and grows while blobs are copied: a backup that is killed leaves a list of what is in the target already.

// entry is a line.
type entry struct {
	digest   oci.Digest
	size     int64
	location string // "" for one that is lost
}

const lost = "-"

const (
	// listLines is how many lines a record of a list has.
	listLines = 10_000
	// listEvery is how often a list is written while it grows.
	listEvery = 10 * time.Second
)

func (e entry) appendTo(line []byte) []byte {
	line = append(append(line, e.digest...), ' ')
	line = append(strconv.AppendInt(line, e.size, 10), ' ')
	return append(append(line, cmp.Or(e.location, lost)...), '\n')
}

func parseEntry(line string) (e entry, err error) {
	words := strings.Split(line, " ")
	if len(words) != 3 {
		return e, fmt.Errorf("%w: a line of a list of blobs has %d words", ErrDamaged, len(words))
	}
	if e.digest, err = oci.ParseDigest(words[0]); err == nil {
		e.size, err = strconv.ParseInt(words[1], 10, 64)
	}
	if err != nil {
		return e, fmt.Errorf("%w: a list of blobs: %w", ErrDamaged, err)
	}
	if words[2] != lost {
		e.location = words[2]
	}
	return e, nil
}

// listWriter writes the list of a backup.
type listWriter struct {
	target  Target
	dir     string
	packer  *zstd.Encoder
	written time.Time
	lines   []byte
	count   int
	lists   []Piece
	current int // the number of the record that grows
}

func newListWriter(t Target, id string) (*listWriter, error) {
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	return &listWriter{target: t, dir: backupsDir + id + listsDir, packer: packer, written: time.Now(), current: 1}, err
}

// add appends a line. What it says is durable in the target.
func (w *listWriter) add(ctx context.Context, e entry) error {
	w.lines = e.appendTo(w.lines)
	if w.count++; w.count < listLines {
		return nil
	}
	if err := w.write(ctx); err != nil {
		return err
	}
	w.lines, w.count = w.lines[:0], 0
	w.current++
	return nil
}

// write writes the record that grows, as it is now.
func (w *listWriter) write(ctx context.Context) error {
	if w.count == 0 {
		return nil
	}
	p, err := w.target.put(ctx, pieceName(w.dir, w.current), w.packer.EncodeAll(w.lines, nil))
	w.lists = append(w.lists[:w.current-1], p)
	w.written = time.Now()
	return err
}

// listReader reads a list line by line.
type listReader struct {
	target Target
	dir    string
	pieces []Piece
	// growing: the backup was never finished, and nothing says how many pieces there are, nor what is in them.
	growing bool
	next    int
	lines   string
	packer  *zstd.Decoder
}

// list reads the list of a backup.
func (t Target) list(d Description) (*listReader, error) {
	r, err := t.unfinishedList(d.ID)
	r.pieces, r.growing = d.Blobs.Lists, false
	return r, err
}

// unfinishedList reads what there is of a list whose backup was never finished.
func (t Target) unfinishedList(id string) (*listReader, error) {
	packer, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	return &listReader{target: t, dir: backupsDir + id + listsDir, growing: true, packer: packer}, err
}

func (r *listReader) close() { r.packer.Close() }

// read returns the next line, io.EOF after the last one.
func (r *listReader) read(ctx context.Context) (entry, error) {
	for r.lines == "" {
		if err := r.load(ctx); err != nil {
			return entry{}, err
		}
	}
	line, rest, _ := strings.Cut(r.lines, "\n")
	r.lines = rest
	return parseEntry(line)
}

func (r *listReader) load(ctx context.Context) error {
	name := pieceName(r.dir, r.next+1)
	var content []byte
	var err error
	switch {
	case r.growing:
		content, err = r.target.ReadRecord(ctx, name)
		if errors.Is(err, blob.ErrNotFound) {
			err = io.EOF
		}
	case r.next == len(r.pieces):
		err = io.EOF
	default:
		content, err = r.target.get(ctx, name, r.pieces[r.next])
	}
	if err != nil {
		return err
	}
	r.next++
	lines, err := r.packer.DecodeAll(content, nil)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	r.lines = string(lines)
	return nil
}

// each calls yield with each line of a backup's list.
func (t Target) each(ctx context.Context, d Description, yield func(entry) error) error {
	r, err := t.list(d)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		e, err := r.read(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = yield(e)
		}
		if err != nil {
			return err
		}
	}
}

// places is a set of locations with their sizes, in eight bytes each: a registry may have millions of blobs. Two of them may be
// taken for one, once in some hundred thousand registries of three million blobs.
type places struct {
	seed   maphash.Seed
	hashes []uint64
}

func newPlaces() *places { return &places{seed: maphash.MakeSeed()} }

func (p *places) hash(location string, size int64) uint64 {
	return maphash.String(p.seed, location+" "+strconv.FormatInt(size, 10))
}

func (p *places) add(location string, size int64) {
	p.hashes = append(p.hashes, p.hash(location, size))
}

// done is called between the last add and the first has.
func (p *places) done() { slices.Sort(p.hashes) }

func (p *places) has(location string, size int64) bool {
	_, found := slices.BinarySearch(p.hashes, p.hash(location, size))
	return found
}

// known finds out what of a new backup's blobs lies in the target already. It goes through the lists of other backups in step with
// those who ask, so that it keeps little of them in memory.
type known struct {
	there    *places
	lists    []*ahead
	editions map[string]Piece // records of the vulnerability database, by name
}

// ahead is a list with the line that comes next.
type ahead struct {
	*listReader
	line entry
	over bool
}

// latest is how many finished backups are asked what is there. What was left out of the last ones seldom comes again.
const latest = 5

func (t Target) known(ctx context.Context) (*known, error) {
	c, err := t.contents(ctx)
	if err != nil {
		return nil, err
	}
	k := &known{there: newPlaces(), editions: map[string]Piece{}}
	if len(c.finished)+len(c.unfinished) == 0 {
		return k, nil
	}
	for _, id := range c.finished[max(0, len(c.finished)-latest):] {
		d, err := t.describe(ctx, id)
		if err != nil {
			return nil, err
		}
		r, err := t.list(d)
		if err != nil {
			return nil, err
		}
		if err := k.ask(ctx, r); err != nil {
			return nil, err
		}
		for _, e := range d.Editions {
			for _, r := range e.Records {
				if slices.Contains(c.editions, r.Name) {
					k.editions[r.Name] = r.Piece
				}
			}
		}
	}
	for _, id := range c.unfinished {
		r, err := t.unfinishedList(id)
		if err != nil {
			return nil, err
		}
		if err := k.ask(ctx, r); err != nil {
			return nil, err
		}
	}
	err = t.Blobs(ctx, func(location string, size int64) error {
		k.there.add(location, size)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the target: %w", err)
	}
	k.there.done()
	return k, nil
}

func (k *known) ask(ctx context.Context, r *listReader) error {
	a := &ahead{listReader: r}
	k.lists = append(k.lists, a)
	return a.step(ctx)
}

// step goes on by a line. A list that is damaged tells no more: what it would have told is copied again.
func (a *ahead) step(ctx context.Context) (err error) {
	a.line, err = a.read(ctx)
	if errors.Is(err, io.EOF) || errors.Is(err, ErrDamaged) {
		a.over, err = true, nil
	}
	return err
}

func (k *known) close() {
	for _, a := range k.lists {
		a.close()
	}
}

// find returns where the blob lies, "" for nowhere. Who asks does so in the order of the digests.
func (k *known) find(ctx context.Context, d oci.Digest, size int64) (location string, err error) {
	for _, a := range k.lists {
		for !a.over && a.line.digest < d {
			if err := a.step(ctx); err != nil {
				return "", err
			}
		}
		if location == "" && !a.over && a.line.digest == d && a.line.location != "" && k.there.has(a.line.location, size) {
			location = a.line.location
		}
	}
	return location, nil
}
