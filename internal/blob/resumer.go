package blob

import (
	"context"

	"github.com/havenregistry/haven/internal/oci"
)

// Resumer is a Store that knows by itself what it holds of an upload. A process that is alone with it needs no
// database to go on with one.
type Resumer interface {
	Store
	// Begin makes an upload that holds content, and that Resume finds with all of it or, when the process is killed
	// meanwhile, not at all. The id must be a new one.
	Begin(ctx context.Context, id string, content []byte) (Upload, error)
	// Resume returns what there is of an upload since its Begin or first Append, or ErrUploadUnknown. The last bytes may
	// never have been acknowledged. That they are what was sent is verified by the commit: power may have been lost.
	Resume(ctx context.Context, id string) (Upload, error)
	// Place is Commit, but the upload stays until its Cancel: as long as no database knows of the blob, it tells
	// which blob there may be.
	Place(ctx context.Context, u Upload, d oci.Digest) (location string, err error)
}
