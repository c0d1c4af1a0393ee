package scan

import (
	"context"
	"io"
	"iter"

	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// Engine reads layers, judges packages and writes bills of materials. confined.Engine is one.
type Engine interface {
	Layer(ctx context.Context, blob io.Reader, mediaType string) (inventory.Layer, error)
	JudgeEach(ctx context.Context, edition vulndb.Edition, subjects iter.Seq[inventory.Subject],
		each func(inventory.Subject, inventory.Verdict) error) error
	SBOM(ctx context.Context, of inventory.Inventory, request confined.SBOMRequest) ([]byte, error)
}

// Editions knows the vulnerability database in force. vulndb.Store is one.
type Editions interface {
	// Current returns vulndb.ErrNone while there is none.
	Current(ctx context.Context) (vulndb.Edition, error)
}
