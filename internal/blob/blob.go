// Package blob is the byte store below the registry: uploads that grow by appending,
// and blobs that are written once and read ever after.
//
// A store is dumb. It knows no repositories and no permissions, it never checks that
// bytes have the digest they are committed under, and nobody lists it: which uploads
// and blobs exist, how many bytes of an upload were acknowledged and where a blob
// lies (its location) is written in the database. Each driver lives in a folder below
// this one and passes the suite in blobtest.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// OffsetError is returned by Append when the upload holds fewer bytes than the offset.
type OffsetError struct {
	Offset int64 // what the caller asked for
	Held   int64 // what the upload holds
}

// Error names both figures, in bytes.
func (e *OffsetError) Error() string {
	return fmt.Sprintf("append at offset %d of an upload of %d bytes", e.Offset, e.Held)
}

// Unwrap returns ErrOffset.
func (e *OffsetError) Unwrap() error { return ErrOffset }

// Store keeps bytes. All methods may be called concurrently. Errors are those of this
// package, wrapped, or the driver's own.
type Store interface {
	// Append writes what r yields at offset, the number of bytes of the upload that
	// were acknowledged so far, and returns how many it wrote, in O(1) memory. With
	// offset 0 an absent upload is created, by an empty r too; else it is
	// ErrUploadUnknown.
	//
	// Bytes that the upload holds beyond offset were never acknowledged and are
	// dropped first. Fewer bytes than offset is an *OffsetError, and changes nothing.
	//
	// When r or ctx fails, every byte that was read has been written: the count
	// comes with the error, and the caller may acknowledge these bytes or leave
	// them to be dropped. When writing fails (ErrNoSpace), nothing of this append
	// is kept and the count is 0. The first offset bytes are never touched.
	//
	// The bytes survive the end of the process; only Commit makes them survive
	// the loss of power.
	Append(ctx context.Context, upload string, offset int64, r io.Reader) (int64, error)

	// UploadSize returns how many bytes the upload holds, acknowledged or not, or
	// ErrUploadUnknown.
	UploadSize(ctx context.Context, upload string) (int64, error)

	// ReadUpload opens what the upload holds so far, or returns ErrUploadUnknown.
	ReadUpload(ctx context.Context, upload string) (io.ReadCloser, error)

	// Commit makes the upload's bytes the blob d and ends the upload. The caller
	// has verified that they have this digest, and cut the upload to its
	// acknowledged size (an append of nothing does). It returns the location to
	// open the blob by, at most 512 bytes, and its size in bytes. The blob
	// survives the loss of power when Commit returns.
	//
	// A blob d of the same size that is already there is kept, one of another
	// size replaced: bytes are stored once. When the upload is unknown but the
	// blob is there, Commit succeeds, so that it can be repeated after a crash;
	// without the blob it is ErrUploadUnknown. After any other error Commit can be
	// repeated, and no byte is lost.
	//
	// Commit and Delete of the same digest must not overlap; the caller's
	// database sees to that.
	Commit(ctx context.Context, upload string, d oci.Digest) (location string, size int64, err error)

	// Cancel drops the upload. Cancelling an unknown one is no error.
	Cancel(ctx context.Context, upload string) error

	// Open opens the blob for reading, or returns ErrNotFound.
	Open(ctx context.Context, location string) (Content, error)

	// Delete removes the blob. Deleting an absent one is no error, so that it can be
	// repeated after a crash. Open contents stay readable.
	Delete(ctx context.Context, location string) error

	// Free returns the capacity of the store and what of it can still be written,
	// in bytes; both are 0 where the store knows no limit.
	Free(ctx context.Context) (total, free uint64, err error)

	// Check writes, syncs, reads and deletes a few bytes.
	Check(ctx context.Context) error
}

// Content is an open blob. The contents of a driver that keeps plain files are a
// syscall.Conn too, so that http.ServeContent reaches sendfile when it is given the
// Content itself, not a wrapper of it.
type Content interface {
	io.ReadSeekCloser
	// Size is the blob's size in bytes.
	Size() int64
}
