// Package redistest runs a real Redis for tests.
package redistest

import (
	"net"
	"os/exec"
	"testing"
	"time"
)

// Server is a redis-server of one test, on an address of its own that it keeps when it is stopped and
// started again. It keeps nothing.
type Server struct {
	Address  string // 127.0.0.1:PORT
	URL      string // with Password in it
	Password string

	t   testing.TB
	dir string
	cmd *exec.Cmd
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: l.Addr().String(), Password: "canary-of-redis", t: t, dir: t.TempDir()}
	s.URL = "redis://:" + s.Password + "@" + s.Address
	l.Close()
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// Restart starts the server after Kill, empty, and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("no redis-server found; install the package redis-server (`make test` does)")
	}
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--requirepass", s.Password, "--save", "", "--appendonly", "no", "--dir", s.dir)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", s.Address); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("redis-server doesn't answer after 20 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Kill ends the server at once. Killing it twice is no error.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}
