// Package object is the blob store over a bucket of objects: the drivers s3, gcs and azure
// give it a Bucket each, and share all the rest.
//
// # Layout
//
// Below the bucket's prefix lie blobs, the unfinished ends of large uploads, and records:
//
//	blobs/ID.NONCE     an upload that fits one part, written by one request
//	blobs/ID           an upload of several parts, once it is committed
//	uploads/ID.NONCE   the bytes of an upload behind its last whole part
//	records/NAME       a record
//	checks/NONCE       what Check writes and deletes
//
// Keys follow from the upload's id, so that Commit copies nothing: for a small upload it sends
// no request at all, for a large one it completes the multipart upload.
//
// # Invariants
//
// An append never touches what the upload that it was given counts on. Whole parts keep their
// numbers, and the rest behind them goes into an object with a name of its own each time; the
// one before is deleted when the append after it proves that the newer one was acknowledged.
//
// Whoever still writes to an upload that another process has taken over can spoil nothing: his
// objects bear other names, and of the parts a sum over their entity tags is acknowledged,
// against which they are compared before they become a blob.
package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Bucket is a provider's bucket. Keys are relative to the configured prefix. Errors are
// blob.ErrNotFound for an object that isn't there, blob.ErrUploadUnknown for a multipart upload
// that isn't, blob.ErrNoSpace, or the provider's own; Retry marks those worth another try. A
// method makes one request, as a rule, and does not try again itself.
type Bucket interface {
	// Put writes or replaces an object, whole or not at all.
	Put(ctx context.Context, key string, body *io.SectionReader) error
	// Get opens the object's bytes from an offset on. It gives the size of the whole object.
	// With a tag the object must still have it, else it is blob.ErrNotFound.
	Get(ctx context.Context, key string, from int64, etag string) (io.ReadCloser, Object, error)
	// Stat describes an object.
	Stat(ctx context.Context, key string) (Object, error)
	// Delete removes an object. An absent one is no error.
	Delete(ctx context.Context, key string) error
	// List returns a page of the objects below a prefix, and what to ask for the next one
	// with: an empty string in the beginning and after the last.
	List(ctx context.Context, prefix, page string) (objects []Object, next string, err error)

	// Begin starts a multipart upload of an object.
	Begin(ctx context.Context, key string) (id string, err error)
	// PutPart writes or replaces a part, of which Number, Tag and Previous are given, and
	// returns its entity tag.
	PutPart(ctx context.Context, key, id string, part Part, body *io.SectionReader) (etag string, err error)
	// Parts returns a page of the parts written, by number.
	Parts(ctx context.Context, key, id, page string) (parts []Part, next string, err error)
	// Complete makes the object of these parts, and drops all others.
	Complete(ctx context.Context, key, id string, parts []Part) error
	// Abort drops a multipart upload, and never the object. An unknown one is no error.
	Abort(ctx context.Context, key, id string) error
	// Multiparts returns a page of the multipart uploads below a prefix.
	Multiparts(ctx context.Context, prefix, page string) (uploads []Multipart, next string, err error)

	// Limits of a multipart upload.
	Limits() Limits
}

// Signer is a Bucket that signs addresses by which a client without credentials reads one
// object, for ttl.
type Signer interface {
	Sign(ctx context.Context, key string, ttl time.Duration) (url string, err error)
}

// Object is what a bucket tells about an object.
type Object struct {
	Key      string
	Size     int64
	ETag     string
	Modified time.Time
}

// Part is a part of a multipart upload.
type Part struct {
	Number   int // from 1
	Size     int64
	ETag     string
	Modified time.Time
	// Tag is a random name that the writer gives the part, and Previous the tag of the part
	// before. They are for providers that let parts of the same number lie side by side;
	// these return the Tag as the ETag. Others ignore them.
	Tag, Previous string
}

// Multipart is a multipart upload that was neither completed nor aborted.
type Multipart struct {
	Key   string
	ID    string
	Begun time.Time // zero when the provider doesn't tell
}

// Limits of a multipart upload, in bytes but for Parts.
type Limits struct {
	Part    int64 // the least size of a part that isn't the last
	MaxPart int64
	Parts   int // how many
}

// retryError marks an error that another try may not meet.
type retryError struct{ err error }

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// Retry marks err as worth another try.
func Retry(err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err}
}

// RetryStatus marks err as worth another try when the status of the answer says so: the server
// failed, is busy, or took too long. Status 0 says that there was no answer.
func RetryStatus(status int, err error) error {
	switch status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Retry(err)
	}
	return err
}

// errChanged is why an upload can't go on: what lies in the bucket isn't what was acknowledged.
var errChanged = errors.New("the parts in the bucket are not those that were acknowledged")

func sizeError(key string, got, want int64) error {
	return fmt.Errorf("object %s has %d bytes instead of %d", key, got, want)
}
