package blob

import (
	"context"
	"time"
)

// Redirector is a Store that can send clients to read a blob where it lies, so that its bytes don't
// pass through this process.
type Redirector interface {
	// Redirect returns an address from which anybody reads the blob within ttl, without
	// other credentials. It is not ok where the store does not do this, or was not told to.
	// The blob need not exist.
	Redirect(ctx context.Context, location string, ttl time.Duration) (url string, ok bool, err error)
}
