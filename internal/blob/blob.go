// Package blob is the byte store below the registry: uploads that grow by appending,
// and blobs that are written once and read ever after.
//
// A store is dumb. It knows no repositories and no permissions, it never checks that
// bytes have the digest they are committed under, and nobody lists it but to repair:
// which uploads and blobs exist, how many bytes of an upload were acknowledged and
// where a blob lies (its location) is written in the database. Each driver lives in a
// folder below this one and passes the suite in blobtest.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

var (
	// ErrNotFound is returned for a location where no blob is.
	ErrNotFound = errors.New("blob not found")
	// ErrUploadUnknown is returned for an upload that holds nothing, not even zero
	// bytes.
	ErrUploadUnknown = errors.New("unknown upload")
	// ErrUploadBusy is returned when another append or commit of the same upload
	// is under way, by drivers that can tell.
	ErrUploadBusy = errors.New("upload is being written")
	// ErrOffset is what an *OffsetError is.
	ErrOffset = errors.New("wrong upload offset")
	// ErrNoSpace is returned when the store is full.
	ErrNoSpace = errors.New("no space left in the blob store")
	// ErrNameInvalid is returned for an upload id that is not lower-case hexadecimal
	// with dashes (16 to 64 bytes), and for a location that the driver never made.
	ErrNameInvalid = errors.New("invalid name in the blob store")
)

// OffsetError is returned when the store holds fewer bytes of the upload than were acknowledged.
type OffsetError struct {
	Offset int64 // what the caller counts on
	Held   int64 // what the upload holds
}

// Error names both figures, in bytes.
func (e *OffsetError) Error() string {
	return fmt.Sprintf("upload at offset %d holds %d bytes", e.Offset, e.Held)
}

// Unwrap returns ErrOffset.
func (e *OffsetError) Unwrap() error { return ErrOffset }

// MaxState bounds Upload.State, in bytes.
const MaxState = 4096

// Upload is an upload as the caller's database has it.
type Upload struct {
	ID    string
	Size  int64  // bytes acknowledged
	State []byte // the driver's own account of them, at most MaxState; nil in the beginning
}

// Store keeps bytes. All methods may be called concurrently. Errors are those of this
// package, wrapped, or the driver's own.
type Store interface {
	// Append writes what r yields behind the bytes that were acknowledged, in O(1)
	// memory, and returns the upload as the caller may acknowledge it then. With size
	// 0 an absent upload is created, by an empty r too; else it is ErrUploadUnknown.
	//
	// Bytes that the upload holds beyond u.Size were never acknowledged and are
	// dropped first. Fewer bytes than that is an *OffsetError, and changes nothing.
	//
	// When r or ctx fails, every byte that was read has been written: the upload
	// comes with the error, and the caller may acknowledge it or leave these bytes
	// to be dropped. When writing fails (ErrNoSpace), the upload comes back with
	// what was written whole, perhaps nothing. The acknowledged bytes are never
	// touched: after any error, or a crash, the upload u that was given is good for
	// another try.
	//
	// The bytes survive the end of the process; only Sync makes them survive the loss
	// of power.
	Append(ctx context.Context, u Upload, r io.Reader) (Upload, error)

	// ReadUpload opens the acknowledged bytes, or returns ErrUploadUnknown. After it
	// the upload is only committed or cancelled: some drivers can't append any more.
	ReadUpload(ctx context.Context, u Upload) (io.ReadCloser, error)

	// Commit makes the upload's acknowledged bytes the blob d and ends the upload; what
	// it holds beyond them is dropped. The caller has verified that they have this
	// digest. It returns the location to open the blob by, at most 512 bytes. The blob
	// survives the end of the process; Sync makes it survive the loss of power.
	//
	// A driver whose locations follow from the digest replaces what is already there,
	// which the loss of power may have torn. Others return a location of this upload's
	// own, and the caller deletes it when the digest has one already.
	// When the upload is unknown but its blob is there, Commit succeeds, so that it
	// can be repeated after a crash; without the blob it is ErrUploadUnknown. After
	// any other error Commit can be repeated, and no byte is lost.
	//
	// Commit and Delete of the same digest must not overlap; the caller's
	// database sees to that.
	Commit(ctx context.Context, u Upload, d oci.Digest) (location string, err error)

	// Sync makes blobs survive the loss of power, all of them in as few waits for the
	// disk as it can, and shares these with concurrent callers. A location without a
	// blob is ErrNotFound. It does nothing where Commit does all.
	Sync(ctx context.Context, locations ...string) error

	// Cancel drops the upload, and the blob that a Commit made of it if its location is
	// the upload's own: cancel nothing that a blob's row names. Cancelling an unknown
	// one is no error; the id alone is enough, without size and state.
	Cancel(ctx context.Context, u Upload) error

	// Uploads calls yield with the id of each upload that holds anything and was not
	// written since before, until it returns an error: for a janitor that knows which
	// ones the database has lost. Ids may come twice.
	Uploads(ctx context.Context, before time.Time, yield func(id string) error) error

	// Open opens the blob for reading, or returns ErrNotFound.
	Open(ctx context.Context, location string) (Content, error)

	// Delete removes the blob. Deleting an absent one is no error, so that it can be
	// repeated after a crash. Open contents of a local driver stay readable.
	Delete(ctx context.Context, location string) error

	// Blobs calls yield with the location and the size in bytes of every blob, until it
	// returns an error: for repairs, never for serving.
	Blobs(ctx context.Context, yield func(location string, size int64) error) error

	Records

	// Free returns the capacity of the store and what of it can still be written,
	// in bytes; both are 0 where the store knows no limit.
	Free(ctx context.Context) (total, free uint64, err error)

	// Check writes, syncs, reads and deletes a few bytes.
	Check(ctx context.Context) error

	// Close releases what the store holds open. Contents that are open stay readable.
	Close() error
}

// Records are small named pieces of text beside the blobs, from which a lost database is made anew.
// A name is a path of parts of letters, digits, '.', '_' and '-', without "." and "..", of at most
// MaxRecordName bytes; anything else is ErrNameInvalid.
type Records interface {
	// PutRecord writes or replaces a record of at most 4 MiB, whole or not at all.
	PutRecord(ctx context.Context, name string, content []byte) error
	// ReadRecord returns a record, or ErrNotFound.
	ReadRecord(ctx context.Context, name string) ([]byte, error)
	// DeleteRecord removes a record. An absent one is no error.
	DeleteRecord(ctx context.Context, name string) error
	// EachRecord calls yield with the name of every record, in no order, until it returns
	// an error.
	EachRecord(ctx context.Context, yield func(name string) error) error
}

// Content is an open blob. The contents of a driver that keeps plain files are a
// syscall.Conn too, so that http.ServeContent reaches sendfile when it is given the
// Content itself, not a wrapper of it.
type Content interface {
	io.ReadSeekCloser
	// Size is the blob's size in bytes.
	Size() int64
}

// MaxRecordName is how long the name of a record is at most, in bytes.
const MaxRecordName = 900

// CheckRecordName returns ErrNameInvalid for what is no record's name.
func CheckRecordName(name string) error {
	if len(name) > MaxRecordName {
		return fmt.Errorf("record name of %d bytes: %w", len(name), ErrNameInvalid)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.Trim(part, recordLetters) != "" {
			return fmt.Errorf("record name: %w", ErrNameInvalid)
		}
	}
	return nil
}

const recordLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
