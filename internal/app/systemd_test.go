package app

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// A service manager that asked for it is told when clients can come, and when it stops.
func TestServiceManagerIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	if err := manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	told := func() string {
		b := make([]byte, 100)
		n, err := manager.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	t.Setenv("NOTIFY_SOCKET", path)
	a := start(t, configIn(t.TempDir()))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if got := told(); got != "READY=1" {
		t.Errorf("first it is told %q", got)
	}
	cancel()
	if got := told(); got != "STOPPING=1" {
		t.Errorf("then it is told %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A manager that has gone stops nothing.
func TestServiceManagerThatHasGone(t *testing.T) {
	if err := notify(t.Context(), filepath.Join(t.TempDir(), "nobody"), "READY=1"); err == nil {
		t.Error("nobody was told")
	}
}
