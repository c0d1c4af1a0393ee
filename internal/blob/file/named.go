package file

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"

	"github.com/havenregistry/haven/internal/blob"
)

// A named record is a record of a segment whose bytes are
//
//	checksum   4, CRC-32 (Castagnoli) of what follows
//	stamp      8, microseconds since 1970
//	length     2, of the name
//	name
//	content
//
// with numbers in big-endian order. The checksum tells what the loss of power left whole: these segments are never synced.

const (
	namedHead = 4 + 8 + 2
	namedMost = namedHead + blob.MaxRecordName + blob.MaxPackedRecord
	// writeMost is about how many bytes are written at once.
	writeMost = 1 << 20
)

var _ blob.RecordPacker = (*Store)(nil)

func namedSize(r blob.PackedRecord) int { return namedHead + len(r.Name) + len(r.Content) }

// encodeNamed writes a record into b, which has namedSize bytes.
func encodeNamed(b []byte, r blob.PackedRecord) {
	binary.BigEndian.PutUint64(b[4:], uint64(r.Stamp))
	binary.BigEndian.PutUint16(b[12:], uint16(len(r.Name)))
	copy(b[namedHead+copy(b[namedHead:], r.Name):], r.Content)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
}

// parseNamed reads what encodeNamed wrote; the content stays in b. ok is false for anything else.
func parseNamed(b []byte) (r blob.PackedRecord, ok bool) {
	if len(b) < namedHead || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) {
		return r, false
	}
	name := int(binary.BigEndian.Uint16(b[12:]))
	if rest := b[namedHead:]; name <= len(rest) {
		r = blob.PackedRecord{Name: string(rest[:name]), Stamp: int64(binary.BigEndian.Uint64(b[4:])), Content: rest[name:]}
	}
	return r, blob.CheckRecordName(r.Name) == nil
}

// PackRecords implements blob.RecordPacker.
func (s *Store) PackRecords(ctx context.Context, records []blob.PackedRecord) (locations []string, err error) {
	for _, r := range records {
		if err := blob.CheckRecordName(r.Name); err != nil {
			return nil, err
		}
		if len(r.Content) > blob.MaxPackedRecord {
			return nil, fmt.Errorf("pack record %s of %d bytes: at most %d", r.Name, len(r.Content), blob.MaxPackedRecord)
		}
	}
	for rest := records; len(rest) > 0 && err == nil; {
		var written []string
		if err = ctx.Err(); err == nil {
			written, err = s.packSome(rest)
		}
		locations, rest = append(locations, written...), rest[len(written):]
	}
	if err != nil {
		undone := s.DeletePackedRecords(context.WithoutCancel(ctx), locations...)
		return nil, fmt.Errorf("pack records: %w", errors.Join(classify(err), undone))
	}
	return locations, nil
}

// packSome writes the first of the records at once, and returns where they lie.
func (s *Store) packSome(records []blob.PackedRecord) (locations []string, err error) {
	var all []packed
	span := int64(0)
	for _, r := range records {
		p := packed{kind: &namedSegments, size: uint32(namedSize(r))}
		if span > 0 && span+p.span() > writeMost {
			break
		}
		all = append(all, p)
		span += p.span()
	}
	segment, block, err := s.named.reserve(span)
	if err != nil {
		return nil, err
	}
	b := make([]byte, span)
	at := int64(0)
	for i, p := range all {
		p.segment, p.block = segment, block+uint32(at/blockSize)
		header := p.header()
		copy(b[at:], header[:])
		encodeNamed(b[at+headerSize:at+headerSize+int64(p.size)], records[i])
		locations = append(locations, p.location())
		at += p.span()
	}
	if err := s.named.write(segment, int64(block)*blockSize, b); err != nil {
		return nil, err
	}
	return locations, nil
}

// ReadPackedRecord implements blob.RecordPacker.
func (s *Store) ReadPackedRecord(ctx context.Context, location string) (r blob.PackedRecord, err error) {
	p, ok := namedSegments.parse(location)
	if !ok {
		return r, fmt.Errorf("location of a record: %w", blob.ErrNameInvalid)
	}
	err = s.named.use(p.segment, func(f *os.File) error {
		b, err := readRecord(f, p, make([]byte, headerSize+p.size))
		if err != nil {
			return err
		}
		if r, ok = parseNamed(b); !ok {
			return fmt.Errorf("record at %s is torn: %w", location, blob.ErrNotFound)
		}
		return nil
	})
	return r, err
}

// DeletePackedRecords implements blob.RecordPacker.
func (s *Store) DeletePackedRecords(ctx context.Context, locations ...string) error {
	for _, location := range locations {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, ok := namedSegments.parse(location)
		if !ok {
			return fmt.Errorf("location of a record: %w", blob.ErrNameInvalid)
		}
		if err := s.named.delete(p); err != nil {
			return err
		}
	}
	return nil
}

// EachPackedRecord implements blob.RecordPacker.
func (s *Store) EachPackedRecord(ctx context.Context, yield func(location string, r blob.PackedRecord) error) error {
	return s.named.names("", s.namedIn(ctx, yield))
}

// UnendedRecords implements blob.RecordPacker.
func (s *Store) UnendedRecords(ctx context.Context, yield func(location string, r blob.PackedRecord) error) error {
	return s.named.unended(s.namedIn(ctx, yield))
}

// EndRecords implements blob.RecordPacker.
func (s *Store) EndRecords(context.Context) error { return s.named.unended(s.named.end) }

// namedIn returns what calls yield with all records of a segment that are whole.
func (s *Store) namedIn(ctx context.Context, yield func(location string, r blob.PackedRecord) error) func(segmentName) error {
	buffer := make([]byte, headerSize+namedMost)
	return func(name segmentName) error {
		return s.named.records(ctx, name, func(f *os.File, p packed) error {
			b, err := readRecord(f, p, buffer)
			if errors.Is(err, blob.ErrNotFound) { // just deleted
				return nil
			}
			if err != nil {
				return err
			}
			r, ok := parseNamed(b)
			if !ok {
				return nil
			}
			return yield(p.location(), r)
		})
	}
}

// RecordWritten implements blob.RecordPacker.
func (s *Store) RecordWritten(ctx context.Context, name string) (int64, error) {
	target, err := recordName(name)
	if err != nil {
		return 0, err
	}
	info, err := s.root.Stat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("look at record %s: %w", name, blob.ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("look at record: %w", err)
	}
	return info.ModTime().UnixMicro(), nil
}
