package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// measureMachine measures what bounds every registry on this machine: hashing and the disk.
func measureMachine(_ context.Context, o options, r *report) (err error) {
	dir, err := os.MkdirTemp(o.dir, "haven-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := r.table("The machine", "What the program can't be faster than.", "what", "value")
	hashing, err := timed(func() error { _, err := newContent(1, 1<<30).digest(); return err })
	if err != nil {
		return err
	}
	t.add("making and hashing 1 GiB (SHA-256, one core), MB/s", megabytesPerSecond(1<<30, hashing))
	writing, err := timed(func() error { return writeSynced(dir, 1<<30) })
	if err != nil {
		return err
	}
	t.add("writing 1 GiB to the disk, then fsync, MB/s", megabytesPerSecond(1<<30, writing))
	var syncs []time.Duration
	for range 100 {
		d, err := timed(func() error { return writeSynced(dir, 4<<10) })
		if err != nil {
			return err
		}
		syncs = append(syncs, d)
	}
	slices.Sort(syncs)
	t.add("writing a file of 4 KiB, then fsync, median of 100, ms", syncs[len(syncs)/2])
	return nil
}

func timed(f func() error) (time.Duration, error) {
	start := time.Now()
	err := f()
	return time.Since(start), err
}

func writeSynced(dir string, size int64) error {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{f}, newContent(2, size), make([]byte, 1<<20))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// serveStatic is a plain file server for one file, in a process of its own like the registry. It says
// its address on stdout and serves until ctx is cancelled.
func serveStatic(ctx context.Context, file string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	s := &http.Server{ReadHeaderTimeout: startLimit, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, file)
	})}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// startStatic runs serveStatic in another process.
func startStatic(ctx context.Context, file string) (url string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, self, "-static", file) //nolint:gosec // this very program
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	out, err := command.StdoutPipe()
	if err != nil {
		cancel()
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		cancel()
		return "", nil, err
	}
	stop = func() error {
		cancel()
		if err := command.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("plain file server: %w", err)
		}
		return nil
	}
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return strings.TrimSpace(string(line[:n])), stop, nil
}

// readAll reads a body into nothing, hashing it when asked to.
func readAll(body io.Reader, hashed bool) (digest string, err error) {
	buf := make([]byte, 1<<20)
	if !hashed {
		_, err = io.CopyBuffer(onlyWriter{io.Discard}, onlyReader{body}, buf)
		return "", err
	}
	sum := sha256.New()
	_, err = io.CopyBuffer(onlyWriter{sum}, onlyReader{body}, buf)
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), err
}

// onlyReader hides other methods, so that io.CopyBuffer uses the buffer.
type onlyReader struct{ io.Reader }
