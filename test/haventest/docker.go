//go:build acceptance

package haventest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// StartDocker runs a Docker daemon of the test's own, with these flags besides, and returns its
// DOCKER_HOST. It keeps off the machine's network: no bridge, no firewall rules.
func StartDocker(t *testing.T, flags ...string) string {
	t.Helper()
	// A path of a socket is at most 107 bytes, so not below t.TempDir.
	dir, err := os.MkdirTemp("", "hvd")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "d.sock")
	args := []string{Tool(t, "dockerd"), "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"-H", "unix://" + socket, "--pidfile", filepath.Join(dir, "pid"), "--iptables=false", "--ip6tables=false", "--bridge=none"}
	args = append(args, flags...)
	var asRoot []string
	if os.Getuid() != 0 {
		asRoot = []string{"sudo", "-n"}
		args = append(append(asRoot, args...), "--group", strconv.Itoa(os.Getgid()))
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start dockerd: %v", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-exited:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
		rm := append(asRoot, "rm", "-rf", dir)
		_ = exec.Command(rm[0], rm[1:]...).Run()
	})
	waitForSocket(t, socket, filepath.Join(dir, "log"), exited)
	return "unix://" + socket
}

func waitForSocket(t *testing.T, socket, log string, exited <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return
		}
		select {
		case <-exited:
			text, _ := os.ReadFile(log)
			t.Fatalf("dockerd ended:\n%s", text[max(0, len(text)-3000):])
		case <-ctx.Done():
			text, _ := os.ReadFile(log)
			t.Fatalf("dockerd does not listen after a minute:\n%s", text[max(0, len(text)-3000):])
		case <-tick.C:
		}
	}
}
