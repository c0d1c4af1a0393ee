//go:build acceptance

package haventest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// AdminPassword is the password of user admin on every server started here.
const AdminPassword = "Haven-test-12345"

// startLimit is how long a server may take until /readyz says yes, on a machine
// that is busy with something else and with the race detector on.
const startLimit = 60 * time.Second

// stopLimit is the promise of SIGTERM: exit 0 within 30 s.
const stopLimit = 30 * time.Second

// Options says how a server runs. The zero value is SQLite under the race detector.
type Options struct {
	DatabaseURL string      // empty: SQLite in the data directory
	Plain       bool        // without the race detector, as users run it
	Program     string      // another one than that of this source; empty: that
	Replicas    int         // of StartCluster; 0: two
	Secure      *tls.Config // how it is spoken with by HTTPS; nil: it speaks HTTP
	Host        string      // 127.0.0.1:PORT to listen at; empty: any
	Env         []string    // more settings, as HAVEN_NAME=value; they win over the harness's
}

// Server is one `haven serve` and its data directory, which outlives its process.
type Server struct {
	Door
	DataDir string

	t       testing.TB
	options Options
	logPath string
	process *exec.Cmd
	exited  chan error
}

// Start runs a server with a fresh data directory and waits until it is ready. It is
// stopped when the test ends; a stop that isn't clean fails the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := launch(t, o)
	s.waitReady()
	return s
}

// launch is Start without waiting.
func launch(t testing.TB, o Options) *Server {
	t.Helper()
	host := cmp.Or(o.Host, FreeAddress(t))
	s := &Server{Door: Door{Host: host, URL: "http://" + host}, DataDir: t.TempDir(), t: t, options: o}
	if o.Secure != nil {
		s.URL = "https://" + host
	}
	s.logPath = filepath.Join(t.TempDir(), "haven.log")
	s.spawn()
	t.Cleanup(func() {
		if s.process != nil {
			s.Stop()
		}
		s.report()
	})
	return s
}

// Restart starts the program on the same address and data after Stop or Kill.
func (s *Server) Restart() {
	s.t.Helper()
	s.spawn()
	s.waitReady()
}

// RestartPlain is Restart without the race detector: for what is measured of the program that users run.
func (s *Server) RestartPlain() {
	s.t.Helper()
	s.options.Plain = true
	s.Restart()
}

// RestartAs is Restart with another program; "" is that of this source.
func (s *Server) RestartAs(program string) {
	s.t.Helper()
	s.options.Program = program
	s.Restart()
}

// RefusesToStart starts another program, which must end by itself, and returns what it has logged. The server is down then.
func (s *Server) RefusesToStart(program string) string {
	s.t.Helper()
	before := len(s.Log())
	s.options.Program = program
	s.spawn()
	select {
	case err := <-s.exited:
		s.process = nil
		if err == nil {
			s.t.Error("haven serve ended with exit 0, want an error")
		}
	case <-time.After(startLimit):
		s.t.Fatalf("haven serve goes on:\n%s", s.logTail())
	}
	return s.Log()[before:]
}

func (s *Server) spawn() {
	s.t.Helper()
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	program := s.options.Program
	if program == "" {
		program = Binary(s.t, s.options.Plain)
	}
	cmd := exec.Command(program, "serve")
	cmd.Dir = s.DataDir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(),
		"HAVEN_LISTEN="+s.Host,
		"HAVEN_DATA_DIR="+s.DataDir,
		"HAVEN_ADMIN_PASSWORD="+AdminPassword,
		"HAVEN_METRICS_LISTEN=127.0.0.1:0",
	)
	if s.options.DatabaseURL != "" {
		cmd.Env = append(cmd.Env, "HAVEN_DATABASE_URL="+s.options.DatabaseURL)
	}
	cmd.Env = append(cmd.Env, s.options.Env...)
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start haven: %v", err)
	}
	s.process, s.exited = cmd, make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan<- error) { exited <- cmd.Wait() }(cmd, s.exited)
}

func (s *Server) waitReady() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.options.Secure, DisableKeepAlives: true}}
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/readyz", nil)
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				tick.Stop()
				return
			}
		}
		select {
		case err := <-s.exited:
			s.process = nil
			s.t.Fatalf("haven serve ended before it was ready: %v\n%s", err, s.logTail())
		case <-ctx.Done():
			s.t.Fatalf("haven serve is not ready after %s\n%s", startLimit, s.logTail())
		case <-tick.C:
		}
	}
}

// Stop ends the server by SIGTERM; it must exit 0 within 30 s.
func (s *Server) Stop() {
	s.t.Helper()
	s.SignalStop()
	s.Stopped()
}

// Stopped waits for the end after SignalStop; it must come within 30 s, with exit 0.
func (s *Server) Stopped() {
	s.t.Helper()
	select {
	case err := <-s.exited:
		if err != nil {
			s.t.Errorf("haven serve after SIGTERM: %v, want exit 0\n%s", err, s.logTail())
		}
	case <-time.After(stopLimit):
		_ = s.process.Process.Kill()
		<-s.exited
		s.t.Errorf("haven serve did not end within %s of SIGTERM\n%s", stopLimit, s.logTail())
	}
	s.process = nil
}

// Kill ends the server at once, as a crash or the kernel would.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		s.t.Fatalf("kill haven: %v", err)
	}
	<-s.exited
	s.process = nil
}

// Running reports whether the process runs, as far as the test itself started and stopped it.
func (s *Server) Running() bool { return s.process != nil }

// Memory is the resident memory of the process in bytes, now and at its highest.
func (s *Server) Memory() (now, peak int64) {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		switch f := strings.Fields(line); {
		case len(f) == 3 && f[0] == "VmRSS:":
			now = kilobytes(s.t, f[1])
		case len(f) == 3 && f[0] == "VmHWM:":
			peak = kilobytes(s.t, f[1])
		}
	}
	return now, peak
}

// ForgetPeak lets the peak of Memory be what the process takes from now on.
func (s *Server) ForgetPeak() {
	s.t.Helper()
	const peak = "5" // proc(5), clear_refs
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.process.Process.Pid), []byte(peak), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func kilobytes(t testing.TB, field string) int64 {
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// report fails the test for what the server said about itself, and shows the end of
// its log when the test failed.
func (s *Server) report() {
	log, err := os.ReadFile(s.logPath)
	if err != nil {
		s.t.Error(err)
		return
	}
	for _, bad := range []string{"WARNING: DATA RACE", "panic:", "msg=panic", "fatal error:"} {
		if at := bytes.Index(log, []byte(bad)); at >= 0 {
			s.t.Errorf("the server's log has %q:\n%s", bad, log[at:min(len(log), at+4000)])
		}
	}
	if s.t.Failed() {
		s.t.Logf("end of the server's log:\n%s", s.logTail())
	}
}

// Log is what the server has written so far, to its output and its errors.
func (s *Server) Log() string {
	s.t.Helper()
	log, err := os.ReadFile(s.logPath)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(log)
}

// SignalStop sends SIGTERM and returns at once.
func (s *Server) SignalStop() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("signal haven: %v", err)
	}
}

func (s *Server) logTail() string {
	log, _ := os.ReadFile(s.logPath)
	return string(log[max(0, len(log)-4000):])
}

// FreeAddress is an address of this machine, HOST:PORT, that nobody listens at.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
