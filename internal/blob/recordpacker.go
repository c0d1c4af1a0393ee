package blob

import "context"

// MaxPackedRecord is how long the content of a record is at most that is packed, in bytes.
const MaxPackedRecord = 128 << 10

// PackedRecord is a record as a RecordPacker keeps it.
type PackedRecord struct {
	Name    string
	Stamp   int64 // microseconds since 1970: of two records with one name the later is good
	Content []byte
}

// RecordPacker is a store that can keep small records many to a file, and writes many at once: a file and a name of its own
// cost more to make than all else about such a record. What is packed is found by its location only, ReadRecord and
// EachRecord don't know it. A name may have any number: the caller's database knows which is good, and has the others deleted.
type RecordPacker interface {
	Records
	// Packs reports whether PackRecords may be called (Packer).
	Packs() bool
	// PackRecords writes records of at most MaxPackedRecord bytes and returns the location of each, of at most 512 bytes. They
	// survive the end of the process, and of the loss of power as little as those of PutRecord. On an error nothing is there.
	PackRecords(ctx context.Context, records []PackedRecord) (locations []string, err error)
	// ReadPackedRecord returns a record, or ErrNotFound where none lies that is whole.
	ReadPackedRecord(ctx context.Context, location string) (PackedRecord, error)
	// DeletePackedRecords removes records. An absent one is no error.
	DeletePackedRecords(ctx context.Context, locations ...string) error
	// EachPackedRecord calls yield with every record that is whole, until it returns an error. The content is good for that
	// call only.
	EachPackedRecord(ctx context.Context, yield func(location string, r PackedRecord) error) error
	// UnendedRecords is EachPackedRecord for what was packed by processes that ended without Close. The last of it may be known
	// to no database.
	UnendedRecords(ctx context.Context, yield func(location string, r PackedRecord) error) error
	// EndRecords is told when the caller has seen to what UnendedRecords listed: it isn't listed again.
	EndRecords(ctx context.Context) error
	// RecordWritten returns when PutRecord wrote a record, as a stamp, or ErrNotFound. A copy of the store may have later ones.
	RecordWritten(ctx context.Context, name string) (stamp int64, err error)
}
