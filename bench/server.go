package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	adminPassword = "Bench-of-Haven-1" //nolint:gosec // of servers that live for minutes, on 127.0.0.1
	startLimit    = 30 * time.Second
	stopLimit     = 30 * time.Second
)

// server is one running registry.
type server struct {
	process
	name      string
	url       string
	dataDir   string
	readyPath string
	client    *http.Client  // that it is asked by whether it is ready; nil for the usual one
	tokens    bool          // it wants a token for everything; else it asks for nothing
	ready     time.Duration // from the start of the process to its first answer

	command *exec.Cmd
	exited  chan error
	log     string
}

// newServer starts the program on an empty data directory. remove ends it and deletes what it stored.
func newServer(ctx context.Context, o options) (s *server, remove func() error, err error) {
	dir, err := os.MkdirTemp(o.dir, "haven-bench-")
	if err != nil {
		return nil, nil, err
	}
	s, err = startServer(ctx, o.haven, dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, func() error { return errors.Join(s.stop(), os.RemoveAll(dir)) }, nil
}

// startServer starts the program on the data directory, with more settings as NAME=VALUE, and waits until it
// says that it is ready.
func startServer(ctx context.Context, haven, dir string, settings ...string) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{name: "haven serve", url: "http://" + address, dataDir: dir, readyPath: "/readyz", tokens: true}
	settings = append([]string{"HAVEN_LISTEN=" + address, "HAVEN_DATA_DIR=" + dir,
		"HAVEN_ADMIN_PASSWORD=" + adminPassword, "HAVEN_METRICS_LISTEN=off", "HAVEN_LOG_LEVEL=warn"}, settings...)
	return s, s.run(ctx, haven, settings, "serve")
}

// run starts a program in the server's folder and waits until it is ready.
func (s *server) run(ctx context.Context, program string, settings []string, args ...string) error {
	s.exited, s.log = make(chan error, 1), filepath.Join(s.dataDir, "log")
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.command = exec.Command(program, args...) //nolint:noctx,gosec // the program that the user asked to measure; stop ends it
	s.command.Dir, s.command.Stdout, s.command.Stderr = s.dataDir, log, log
	s.command.Env = append(os.Environ(), settings...)
	started := time.Now()
	if err := s.command.Start(); err != nil {
		return err
	}
	s.process = process(s.command.Process.Pid)
	go func() { s.exited <- s.command.Wait() }()
	if err := s.waitReady(ctx, started); err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

func (s *server) waitReady(ctx context.Context, started time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	client := http.DefaultClient
	if s.client != nil {
		client = s.client
	}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+s.readyPath, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				s.ready = time.Since(started)
				return nil
			}
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("%s ended before it was ready: %w\n%s", s.name, err, s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %s\n%s", s.name, startLimit, s.logTail())
		case <-tick.C:
		}
	}
}

// stop ends the server by SIGTERM, or kills it after 30 s.
func (s *server) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case err := <-s.exited:
		if err != nil && s.tokens { // CNCF Distribution ends by the signal itself
			return fmt.Errorf("%s: %w\n%s", s.name, err, s.logTail())
		}
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("%s did not end within %s of SIGTERM", s.name, stopLimit), s.command.Process.Kill())
	}
}

func (s *server) logTail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
