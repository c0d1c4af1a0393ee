package registry

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

// redirectTTL is how long the address of a blob in the store may be used to begin reading, or to go on.
const redirectTTL = 20 * time.Minute

// RedirectBlob returns an address at which a client reads the blob from the store itself, where the store
// gives one. When it can't be had the client is served from here: that is logged and no error.
func (s *Service) RedirectBlob(ctx context.Context, b Blob) (url string, ok bool) {
	store, can := s.blobs.(blob.Redirector)
	if !can {
		return "", false
	}
	url, ok, err := store.Redirect(ctx, b.Location, redirectTTL)
	if err != nil {
		s.log.WarnContext(ctx, "a blob is served from here, as its address in the store can't be had", "digest", b.Digest, "error", err)
		return "", false
	}
	return url, ok
}
