package observed

import (
	"context"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// packer, recordPacker and the like are what a store of files can do beside store. What isn't counted goes through: it is done at a start, or
// by repairs.
type (
	packer interface {
		Packs() bool
		Pack(ctx context.Context, content []byte) (string, error)
		Unended(ctx context.Context, yield func(location string, size int64) error) error
		End(ctx context.Context) error
		Begin(ctx context.Context, id string, content []byte) (blob.Upload, error)
		Resume(ctx context.Context, id string) (blob.Upload, error)
		Place(ctx context.Context, u blob.Upload, d oci.Digest) (string, error)
	}
	recordPacker interface {
		PackRecords(ctx context.Context, records []blob.PackedRecord) ([]string, error)
		ReadPackedRecord(ctx context.Context, location string) (blob.PackedRecord, error)
		DeletePackedRecords(ctx context.Context, locations ...string) error
		EachPackedRecord(ctx context.Context, yield func(location string, r blob.PackedRecord) error) error
		UnendedRecords(ctx context.Context, yield func(location string, r blob.PackedRecord) error) error
		EndRecords(ctx context.Context) error
		RecordWritten(ctx context.Context, name string) (int64, error)
	}
)

// local observes a store of files.
type local struct {
	store
	packer
	recordPacker
	blob.Finder
	blob.RecordSyncer
}

// Pack implements blob.Packer.
func (l local) Pack(ctx context.Context, content []byte) (string, error) {
	run := l.f.begin(ctx, packing)
	location, err := l.packer.Pack(ctx, content)
	run.end(err)
	return location, err
}

// Begin implements blob.Resumer.
func (l local) Begin(ctx context.Context, id string, content []byte) (blob.Upload, error) {
	run := l.f.begin(ctx, appending)
	u, err := l.packer.Begin(ctx, id, content)
	run.end(err)
	return u, err
}

// Place implements blob.Resumer.
func (l local) Place(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	run := l.f.begin(ctx, committing)
	location, err := l.packer.Place(ctx, u, d)
	run.end(err)
	return location, err
}

// PackRecords implements blob.RecordPacker.
func (l local) PackRecords(ctx context.Context, records []blob.PackedRecord) ([]string, error) {
	run := l.f.begin(ctx, recording)
	locations, err := l.recordPacker.PackRecords(ctx, records)
	run.end(err)
	return locations, err
}

// DeletePackedRecords implements blob.RecordPacker.
func (l local) DeletePackedRecords(ctx context.Context, locations ...string) error {
	run := l.f.begin(ctx, recording)
	err := l.recordPacker.DeletePackedRecords(ctx, locations...)
	run.end(err)
	return err
}
