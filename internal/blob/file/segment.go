package file

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/blob"
)

// A segment is a file of many small things of one kind, blobs or named records, one behind the other:
//
//	<folder of the kind>/<32 hex>            records, each at the beginning of a block
//	<folder of the kind>/<32 hex>.open       it has a process that writes it, or died
//
// A record is a header and some bytes: a blob's, or those that named.go tells of. A process appends to segments of its own
// only, and a record never changes: deleting it punches a hole, and a segment that is all holes goes. The header holds the
// segment's random name, which no client ever learns, and its own place: nothing that somebody pushes looks like one.

const (
	openSuffix = ".open"
	// segmentMost is the size, in bytes, after which another segment is begun.
	segmentMost = 64 << 20
	blockSize   = 4096
	headerSize  = 40
	recordMost  = headerSize + blob.MaxPacked // of a blob
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentKind is what segments hold.
type segmentKind struct {
	dir   string
	magic [8]byte // that each record begins with
	most  uint32  // bytes behind a header, at most
}

// The kinds of segments. Blobs and named records keep apart: who looks through the one never meets the other.
var (
	blobSegments  = segmentKind{"segments", [8]byte{'h', 'v', 'n', 'b', 'l', 'o', 'b', '1'}, blob.MaxPacked}
	namedSegments = segmentKind{"record-segments", [8]byte{'h', 'v', 'n', 'n', 'a', 'm', 'e', '1'}, namedMost}
)

// segmentName is the random name of a segment.
type segmentName [16]byte

func newSegmentName() (name segmentName) {
	rand.Read(name[:]) // never fails
	return name
}

func (n segmentName) String() string { return hex.EncodeToString(n[:]) }

// parseSegmentName reads what String makes, and nothing else.
func parseSegmentName(text string) (name segmentName, ok bool) {
	b, err := hex.DecodeString(text)
	return segmentName(append(b, make([]byte, len(name))...)), err == nil && len(b) == len(name) && text == hex.EncodeToString(b)
}

// packed is where a record lies.
type packed struct {
	kind    *segmentKind
	segment segmentName
	block   uint32 // of the header
	size    uint32 // of what is behind the header, in bytes
}

// location is the record's place in the store: <folder>/<segment>/<block>/<size>.
func (p packed) location() string {
	return p.kind.dir + "/" + p.segment.String() + "/" + strconv.FormatUint(uint64(p.block), 10) + "/" + strconv.FormatUint(uint64(p.size), 10)
}

// parse accepts only what location returns for a record of this kind.
func (k *segmentKind) parse(location string) (p packed, ok bool) {
	p.kind = k
	rest, ok := strings.CutPrefix(location, k.dir+"/")
	if !ok {
		return p, false
	}
	name, rest, _ := strings.Cut(rest, "/")
	block, size, _ := strings.Cut(rest, "/")
	if p.segment, ok = parseSegmentName(name); !ok {
		return p, false
	}
	b, err1 := strconv.ParseUint(block, 10, 32)
	n, err2 := strconv.ParseUint(size, 10, 32)
	p.block, p.size = uint32(b), uint32(n)
	return p, err1 == nil && err2 == nil && p.size <= k.most && p.location() == location
}

func (p packed) offset() int64 { return int64(p.block) * blockSize }

// span is how many bytes of the segment are the record's: whole blocks.
func (p packed) span() int64 {
	return (headerSize + int64(p.size) + blockSize - 1) / blockSize * blockSize
}

// header is what the record begins with.
func (p packed) header() (h [headerSize]byte) {
	copy(h[:8], p.kind.magic[:])
	copy(h[8:24], p.segment[:])
	binary.BigEndian.PutUint32(h[24:], p.block)
	binary.BigEndian.PutUint32(h[28:], p.size)
	binary.BigEndian.PutUint32(h[32:], crc32.Checksum(h[:32], castagnoli))
	return h
}

// recordAt reads the header of the record that begins at the block. ok is false where none does.
func (k *segmentKind) recordAt(f io.ReaderAt, segment segmentName, block uint32) (p packed, ok bool, err error) {
	var h [headerSize]byte
	p = packed{kind: k, segment: segment, block: block}
	if _, err := f.ReadAt(h[:], p.offset()); errors.Is(err, io.EOF) {
		return p, false, nil
	} else if err != nil {
		return p, false, err
	}
	p.size = binary.BigEndian.Uint32(h[28:])
	return p, p.size <= k.most && h == p.header(), nil
}

// eachRecord calls yield with the records of a segment. What is no record, because it was deleted or torn by the
// loss of power, is passed over block by block, and holes at once.
func (k *segmentKind) eachRecord(f *os.File, segment segmentName, yield func(packed) error) error {
	for at := int64(0); ; {
		begin, more, err := nextData(f, at)
		if err != nil || !more {
			return err
		}
		p, ok, err := k.recordAt(f, segment, uint32(begin/blockSize))
		if err != nil {
			return err
		}
		at = begin + blockSize
		if ok {
			at = p.offset() + p.span()
			if err := yield(p); err != nil {
				return err
			}
		}
	}
}

// readRecord returns what is behind a record's header, or blob.ErrNotFound. It is read into buffer, which has room for both.
func readRecord(f io.ReaderAt, p packed, buffer []byte) ([]byte, error) {
	b := buffer[:headerSize+int(p.size)]
	if _, err := f.ReadAt(b, p.offset()); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", p.location(), err)
	} else if err != nil || [headerSize]byte(b) != p.header() {
		return nil, fmt.Errorf("open %s: %w", p.location(), blob.ErrNotFound)
	}
	return b[headerSize:], nil
}
