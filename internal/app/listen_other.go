//go:build !linux

package app

import (
	"context"
	"net"
)

// listen opens the address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", address)
}
