package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/azure"
	"github.com/havenregistry/haven/internal/blob/file"
	"github.com/havenregistry/haven/internal/blob/gcs"
	"github.com/havenregistry/haven/internal/blob/s3"
)

// OpenStore opens the store that storage_url names, by its scheme.
func OpenStore(ctx context.Context, storageURL string) (blob.Store, error) {
	scheme, rest, _ := strings.Cut(storageURL, ":")
	var store blob.Store
	var err error
	switch scheme {
	case "file":
		store, err = file.Open(strings.TrimPrefix(rest, "//"))
	case s3.Scheme:
		store, err = s3.Open(ctx, storageURL)
	case gcs.Scheme:
		store, err = gcs.Open(ctx, storageURL)
	case azure.Scheme:
		store, err = azure.Open(ctx, storageURL)
	default:
		err = fmt.Errorf("no driver for %q", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("storage_url: %w", err)
	}
	return store, nil
}
