package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// Registry is what images are copied from and to. All methods are safe for concurrent use. Repository names are as the registry
// has them, with the project in front where it has projects. Errors are ErrNotFound, ErrDenied, ErrUnsupported, a *LimitError
// or an *UnreachableError where they say which; the rest is told as it is.
type Registry interface {
	// Repositories yields the names of repositories below a prefix ("" for all), in no order.
	Repositories(ctx context.Context, prefix string, yield func(name string) error) error
	// Tags yields the tags of a repository, in no order, with their digests where listing tells them. A repository that isn't
	// there is ErrNotFound.
	Tags(ctx context.Context, repository string, yield func(Tag) error) error
	// Head is what a tag or digest means: media type, digest and size. It costs one request, and reads no manifest.
	Head(ctx context.Context, repository string, ref oci.Reference) (oci.Descriptor, error)
	// Manifest is a manifest's exact bytes, which have the digest that is returned, and the one that was asked for.
	Manifest(ctx context.Context, repository string, ref oci.Reference) (Manifest, error)
	// Referrers are the manifests whose subject is the digest, by the API or the tag that stands for it.
	Referrers(ctx context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error)
	// OpenBlob reads a blob from an offset on. Where the registry can't begin there it is ErrUnsupported: begin at 0. The bytes
	// are not verified. A descriptor with a negative size is of a blob whose size nobody told: it is what the registry says then.
	OpenBlob(ctx context.Context, repository string, d oci.Descriptor, offset int64) (io.ReadCloser, error)
	// HasBlob reports whether the repository has the blob.
	HasBlob(ctx context.Context, repository string, d oci.Digest) (bool, error)
	// MountBlob makes a blob of another repository of the same registry one of this, if the registry can; else nothing happened.
	MountBlob(ctx context.Context, repository string, d oci.Descriptor, from string) (mounted bool, err error)
	// PutBlob stores a blob, which open reads from an offset on. After a line that broke it goes on from the last byte that the
	// registry took, where that can; open is called again then. Bytes with another digest are an error, and nothing is there.
	PutBlob(ctx context.Context, repository string, d oci.Descriptor, open func(ctx context.Context, offset int64) (io.ReadCloser, error), o PutOptions) error
	// PutManifest stores a manifest by a tag or by its digest. All that it names is there.
	PutManifest(ctx context.Context, repository string, ref oci.Reference, m Manifest) error
	// DeleteTag removes a tag, and where the registry can't do that alone the manifest if it has no other: else ErrUnsupported.
	DeleteTag(ctx context.Context, repository, tag string) error
	// DeleteManifest removes a manifest with all its tags.
	DeleteManifest(ctx context.Context, repository string, d oci.Digest) error
	// Prepare makes the repository, or the project that it is to be in, where pushing doesn't do that by itself. What it makes is
	// for everybody to read only if public is set.
	Prepare(ctx context.Context, repository string, public bool) error
}

// Labelled is a Registry that knows labels of artifacts.
type Labelled interface {
	// Labels are the names of the labels of what a tag or digest means.
	Labels(ctx context.Context, repository string, ref oci.Reference) ([]string, error)
}

// Tag is a tag as a listing tells it.
type Tag struct {
	Name   string
	Digest oci.Digest // "" where the listing doesn't tell it
}

// Manifest is the exact bytes of a manifest.
type Manifest struct {
	MediaType string
	Digest    oci.Digest
	Bytes     []byte
}

// PutOptions say how a blob goes over.
type PutOptions struct {
	// Chunk is how many bytes go in one request; 0 for all of them in one, where the registry takes that.
	Chunk int64
}

// What a registry may answer, whatever its kind.
var (
	ErrNotFound    = errors.New("the registry has no such thing")
	ErrDenied      = errors.New("the registry doesn't allow it")
	ErrUnsupported = errors.New("the registry can't do this")
)

// LimitError is a registry that was asked too often (429).
type LimitError struct {
	RetryAfter time.Duration // 0 where it doesn't say
}

// Error implements error.
func (e *LimitError) Error() string {
	if e.RetryAfter == 0 {
		return "the registry was asked too often (429)"
	}
	return fmt.Sprintf("the registry was asked too often (429), and wants to be left alone for %s", e.RetryAfter)
}

// UnreachableError is a registry that doesn't answer, or answers that it can't now (5xx): to be tried again.
type UnreachableError struct {
	Words string // for people: no secrets, no internals
	Err   error
}

// Error implements error.
func (e *UnreachableError) Error() string { return e.Words }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }
