package app

import (
	"context"
	"fmt"
	"net"
	"os"
)

// tellSystemd tells the service manager that started this process what state it is in (sd_notify(3)), such as READY=1. Where none asked for that
// it does nothing; where it can't be told, it says so in the log, because it will stop the process some time.
func (a *App) tellSystemd(ctx context.Context, state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if err := notify(ctx, path, state); err != nil {
		a.log.WarnContext(ctx, "the service manager can't be told", "state", state, "error", err)
	}
}

// notify sends a datagram to a socket. A path that begins with @ is an abstract name, as package net has it too.
func notify(ctx context.Context, path, state string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", path)
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return nil
}
