package app

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// deadPeer is how long sent bytes may stay unacknowledged before the kernel drops the connection, in
// milliseconds. A download may take any time as long as its client takes bytes; a deadline on the
// answer would cut slow clients off, and sendfile would not move it.
const deadPeer = 120_000

// listen opens the address; accepted connections inherit the socket's options.
func listen(ctx context.Context, address string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if ctlErr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, deadPeer)
		}); ctlErr != nil {
			return ctlErr
		}
		return err
	}}
	return lc.Listen(ctx, "tcp", address)
}
