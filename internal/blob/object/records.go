package object

import (
	"bytes"
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/blob"
)

// maxRecord bounds a record, in bytes.
const maxRecord = 4 << 20

func checkRecord(name string, content []byte) error {
	if len(content) > maxRecord {
		return fmt.Errorf("record %s has %d bytes, %d are allowed", name, len(content), maxRecord)
	}
	return blob.CheckRecordName(name)
}

// PutRecord implements blob.Records.
func (s *Store) PutRecord(ctx context.Context, name string, content []byte) error {
	if err := checkRecord(name, content); err != nil {
		return err
	}
	if err := s.put(ctx, recordsDir+name, bytes.NewReader(content), int64(len(content))); err != nil {
		return fmt.Errorf("write record %s: %w", name, err)
	}
	return nil
}

// ReadRecord implements blob.Records.
func (s *Store) ReadRecord(ctx context.Context, name string) ([]byte, error) {
	if err := blob.CheckRecordName(name); err != nil {
		return nil, err
	}
	content, err := s.read(ctx, recordsDir+name, maxRecord)
	if err != nil {
		return nil, fmt.Errorf("read record %s: %w", name, err)
	}
	return content, nil
}

// DeleteRecord implements blob.Records.
func (s *Store) DeleteRecord(ctx context.Context, name string) error {
	if err := blob.CheckRecordName(name); err != nil {
		return err
	}
	if err := s.delete(ctx, recordsDir+name); err != nil {
		return fmt.Errorf("delete record %s: %w", name, err)
	}
	return nil
}

// EachRecord implements blob.Records.
func (s *Store) EachRecord(ctx context.Context, yield func(name string) error) error {
	return s.each(ctx, recordsDir, func(o Object) error { return yield(o.Key[len(recordsDir):]) })
}
