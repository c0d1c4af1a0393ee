package blob

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// ErrReadOnly refuses to write into a store that is only looked at.
var ErrReadOnly = errors.New("the blob store is only read")

// Reader is as much of a store as reading takes.
type Reader interface {
	Open(ctx context.Context, location string) (Content, error)
	Blobs(ctx context.Context, yield func(location string, size int64) error) error
	Close() error
}

// ReadOnly is a Store over what can be read alone: it holds no uploads and no records, and all that would write is ErrReadOnly.
func ReadOnly(r Reader) Store { return readOnly{r} }

type readOnly struct{ Reader }

func (readOnly) Append(_ context.Context, u Upload, _ io.Reader) (Upload, error) {
	return u, ErrReadOnly
}

func (readOnly) ReadUpload(context.Context, Upload) (io.ReadCloser, error) {
	return nil, ErrUploadUnknown
}

func (readOnly) Commit(context.Context, Upload, oci.Digest) (string, error) { return "", ErrReadOnly }

func (readOnly) Sync(context.Context, ...string) error { return ErrReadOnly }

func (readOnly) Cancel(context.Context, Upload) error { return ErrReadOnly }

func (readOnly) Uploads(context.Context, time.Time, func(string) error) error { return nil }

func (readOnly) Delete(context.Context, string) error { return ErrReadOnly }

func (readOnly) PutRecord(context.Context, string, []byte) error { return ErrReadOnly }

func (readOnly) ReadRecord(context.Context, string) ([]byte, error) { return nil, ErrNotFound }

func (readOnly) DeleteRecord(context.Context, string) error { return ErrReadOnly }

func (readOnly) EachRecord(context.Context, func(string) error) error { return nil }

func (readOnly) Free(context.Context) (total, free uint64, err error) { return 0, 0, nil }

func (readOnly) Check(context.Context) error { return ErrReadOnly }
