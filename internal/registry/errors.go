package registry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// What callers may tell apart.
var (
	ErrRepositoryUnknown = errors.New("repository unknown")
	ErrManifestUnknown   = errors.New("manifest unknown")
	ErrTagUnknown        = errors.New("tag unknown")
	ErrTagExists         = errors.New("tag already exists")
	ErrBlobUnknown       = errors.New("blob unknown")
	// ErrTagMoved: the tag isn't where the caller saw it.
	ErrTagMoved = errors.New("the tag has moved meanwhile")
	// ErrReferenced: what is to be deleted is part of an index, or a blob of a manifest.
	ErrReferenced = errors.New("referenced by others")
	// ErrIsAccessory: an accessory can't be copied without its subject.
	ErrIsAccessory = errors.New("the artifact is an accessory")
	// ErrDigestMismatch: the bytes don't have the digest that the client named.
	ErrDigestMismatch = errors.New("content does not match the digest")

	ErrUploadUnknown = errors.New("upload unknown")
	// ErrUploadBusy: another request is writing the same upload.
	ErrUploadBusy = errors.New("upload is being written by another request")
	// ErrRange is what a *RangeError is.
	ErrRange = errors.New("chunk out of order")
)

// RangeError is returned by Append for an offset other than the number of bytes held.
type RangeError struct {
	Held int64 // bytes acknowledged so far
}

// Error names the offset that was expected.
func (e *RangeError) Error() string {
	return fmt.Sprintf("chunk out of order: the upload holds %d bytes", e.Held)
}

// Unwrap returns ErrRange.
func (e *RangeError) Unwrap() error { return ErrRange }

// MissingError is returned by PutManifest for blobs and children that the repository doesn't hold. It
// unwraps to ErrBlobUnknown.
type MissingError struct {
	Digests []oci.Digest // in the manifest's order
}

// Error names the first few digests.
func (e *MissingError) Error() string {
	const most = 5
	named := make([]string, 0, most)
	for _, d := range e.Digests[:min(len(e.Digests), most)] {
		named = append(named, string(d))
	}
	text := "the repository does not hold " + strings.Join(named, ", ")
	if more := len(e.Digests) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Unwrap returns ErrBlobUnknown.
func (e *MissingError) Unwrap() error { return ErrBlobUnknown }
