package confined

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// Engine reads layers and judges packages. All methods may be called concurrently; those that find no free child wait.
type Engine interface {
	// Layer reads the blob of a layer. The media type is a hint for errors only: the bytes say how they are packed.
	// The result's Digest is empty. An error that AtFault blames the content for comes again with every try.
	Layer(ctx context.Context, blob io.Reader, mediaType string) (inventory.Layer, error)

	// Judge returns a verdict for each subject, in their order. It holds all of them: for many, JudgeEach.
	Judge(ctx context.Context, edition vulndb.Edition, subjects []inventory.Subject) ([]inventory.Verdict, error)

	// JudgeEach calls each with every subject and its verdict, in their order, and holds a batch of them at a time.
	// An error of each ends it. Subjects of one Scope in a row are judged together, which is quicker.
	JudgeEach(ctx context.Context, edition vulndb.Edition, subjects iter.Seq[inventory.Subject],
		each func(inventory.Subject, inventory.Verdict) error) error

	// SBOM writes down what an image consists of.
	SBOM(ctx context.Context, of inventory.Inventory, request SBOMRequest) ([]byte, error)

	// Confinement says how far children are confined on this machine, for the log and the health page.
	Confinement() string
}

// SBOMRequest says what document is wanted, and of what.
type SBOMRequest struct {
	Format  Format    `json:"format"`
	Name    string    `json:"name"`   // the repository, with the registry's host
	Digest  string    `json:"digest"` // of the image's manifest
	Tags    []string  `json:"tags,omitempty"`
	Arch    string    `json:"arch,omitempty"`
	Created time.Time `json:"created"` // of the document; equal requests give equal bytes
	Version string    `json:"version"` // of Haven
}

// Format of a bill of materials.
type Format string

// The formats, and what media type a document in each has.
const (
	CycloneDX Format = "cyclonedx"
	SPDX      Format = "spdx-json"
)

// MediaType is the format's, "" of one that nobody knows.
func (f Format) MediaType() string {
	switch f {
	case CycloneDX:
		return "application/vnd.cyclonedx+json"
	case SPDX:
		return "application/spdx+json"
	default:
		return ""
	}
}

// Cause says why there is no answer.
type Cause string

// The causes of failures. Machine is the one that another try may not meet.
const (
	Content Cause = "content" // what was to be read is not what it should be, or too large
	Memory  Cause = "memory"  // more was needed than a child may have
	Time    Cause = "time"    // it took too long
	Crash   Cause = "crash"   // the child ended by itself
	Flood   Cause = "flood"   // the child said what it may not
	Machine Cause = "machine" // no child could be started, or the machine killed it
)

// Failure is an error of an Engine. Its Reason is for people: it names neither files of this machine nor secrets.
type Failure struct {
	Cause  Cause
	Reason string
	Err    error // perhaps nil; for the log only
}

// Error names the reason, and the error below it.
func (f *Failure) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %v", f.Reason, f.Err)
	}
	return f.Reason
}

// Explain is what people may be told.
func (f *Failure) Explain() string { return f.Reason }

// Unwrap returns the error below.
func (f *Failure) Unwrap() error { return f.Err }

// AtFault returns the reason when an error follows from what was read, so that another try would fail too.
func AtFault(err error) (reason string, yes bool) {
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Cause == Machine {
		return "", false
	}
	return f.Reason, true
}
