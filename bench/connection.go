package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The load generator shares the machine with what it measures, so it must cost little: net/http's client, with
// goroutines and a channel for each request, costs more than a registry that answers it. This one speaks as much of
// HTTP/1.1 as registries do, over a connection for each client, in the client's own goroutine. What it doesn't
// understand is an error, never an answer.

const (
	bufferSize  = 64 << 10
	streamSize  = 256 << 10 // of a write of a body that is streamed
	maxHeadSize = 32 << 10
)

// connections are those to one server that nobody uses just now.
type connections struct {
	address string // HOST:PORT
	mu      sync.Mutex
	idle    []*connection // the last one is taken first
}

// connection is one to a server, for a request after the other.
type connection struct {
	net.Conn
	home *connections
	in   *bufio.Reader
	out  []byte    // the head of a request, and a body that is at hand
	sum  hash.Hash // of a body
	used bool      // by a request before this one
}

// take returns a connection for one request.
func (c *connections) take(ctx context.Context) (*connection, error) {
	c.mu.Lock()
	if n := len(c.idle); n > 0 {
		k := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return k, nil
	}
	c.mu.Unlock()
	return c.dial(ctx)
}

func (c *connections) dial(ctx context.Context) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, home: c, in: bufio.NewReaderSize(conn, bufferSize)}, nil
}

func (k *connection) giveBack() {
	k.used = true
	k.home.mu.Lock()
	defer k.home.mu.Unlock()
	k.home.idle = append(k.home.idle, k)
}

// fields are the lines of an answer's head.
type fields string

// Get returns the value of the first field of the name, "" without one.
func (f fields) Get(name string) string {
	for line := range strings.Lines(string(f)) {
		if len(line) > len(name) && line[len(name)] == ':' && strings.EqualFold(line[:len(name)], name) {
			return strings.TrimSpace(line[len(name)+1:])
		}
	}
	return ""
}

// answer is a server's, whose body is to be read to its end and closed.
type answer struct {
	status int
	header fields
	length int64 // of the body; -1: in chunks
	body   io.Reader

	on    *connection
	stop  func() bool // looking after the context
	close bool        // the server won't take another request
	ended bool        // the body was read
}

// Read reads the body.
func (a *answer) Read(p []byte) (int, error) {
	if a.ended {
		return 0, io.EOF
	}
	n, err := a.body.Read(p)
	if err == io.EOF {
		err = a.end()
	}
	return n, err
}

// end returns io.EOF when the body ends where it should.
func (a *answer) end() error {
	if whole, ok := a.body.(*io.LimitedReader); ok && whole.N > 0 {
		return io.ErrUnexpectedEOF
	}
	if a.length < 0 {
		switch trailer, err := a.on.line(); {
		case err != nil:
			return err
		case len(trailer) > 0:
			return fmt.Errorf("an answer with a trailer, %q", trailer)
		}
	}
	a.ended = true
	return io.EOF
}

// digest reads the body to its end and returns its digest.
func (a *answer) digest() (string, error) {
	k := a.on
	if k.sum == nil {
		k.sum = sha256.New()
	}
	k.sum.Reset()
	if whole, ok := a.body.(*io.LimitedReader); ok {
		for whole.N > 0 { // as it lies in the buffer
			if _, err := k.in.Peek(1); err != nil {
				return "", err
			}
			b, _ := k.in.Peek(int(min(whole.N, int64(k.in.Buffered())))) // it is there
			k.sum.Write(b)
			n, _ := k.in.Discard(len(b))
			whole.N -= int64(n)
		}
	} else if _, err := io.Copy(k.sum, onlyReader{a}); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(k.sum.Sum(nil)), nil
}

// Close gives the connection back if the body was read, else the next request would have the rest of it.
func (a *answer) Close() {
	if whole, ok := a.body.(*io.LimitedReader); ok && whole.N == 0 {
		a.ended = true
	}
	if !a.stop() || !a.ended || a.close {
		a.on.Close()
		return
	}
	a.on.giveBack()
}

// exchange sends a request and returns the head of its answer. A connection that the server has closed meanwhile is
// replaced by another one.
func (c *connections) exchange(ctx context.Context, r *request, authorization string) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		k, err := c.take(ctx)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = k.Close() }) // it fails whatever is under way
		a, err := k.exchange(r, authorization)
		if err == nil {
			a.on, a.stop = k, stop
			return a, nil
		}
		stop()
		_ = k.Close() // the first error says more
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var gone *goneError
		if !errors.As(err, &gone) || !k.used || r.body != nil {
			return nil, err
		}
	}
}

// goneError: the server had closed the connection before it answered anything.
type goneError struct{ error }

func (k *connection) exchange(r *request, authorization string) (*answer, error) {
	sent := k.send(r, authorization)
	if sent != nil && !closed(sent) {
		return nil, sent
	}
	if _, err := k.in.Peek(1); err != nil { // the answer to a request that was refused half way is there
		if err = errors.Join(sent, err); closed(err) {
			err = &goneError{err}
		}
		return nil, err
	}
	return k.receive(r.method)
}

func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// send writes a request, at once when its body is at hand.
func (k *connection) send(r *request, authorization string) error {
	b := k.out[:0]
	b = append(append(append(b, r.method...), ' '), r.url...)
	b = append(append(b, " HTTP/1.1\r\nHost: "...), k.home.address...)
	b = append(b, "\r\nUser-Agent: haven-bench\r\n"...)
	if authorization != "" {
		b = append(append(append(b, "Authorization: "...), authorization...), '\r', '\n')
	}
	for name, value := range r.header {
		b = append(append(append(append(b, name...), ": "...), value...), '\r', '\n')
	}
	switch {
	case r.body != nil && r.length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case r.body != nil:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), r.length, 10), '\r', '\n')
	case r.method != http.MethodGet && r.method != http.MethodHead:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(r.content)), 10), '\r', '\n')
	}
	b = append(b, '\r', '\n')
	k.out = b
	if r.body == nil {
		if len(r.content) > streamSize {
			_, err := (&net.Buffers{b, r.content}).WriteTo(k.Conn)
			return err
		}
		k.out = append(b, r.content...)
		_, err := k.Write(k.out)
		return err
	}
	if _, err := k.Write(b); err != nil {
		return err
	}
	if r.length < 0 {
		return k.sendChunks(r.body)
	}
	n, err := io.CopyBuffer(onlyWriter{k.Conn}, onlyReader{io.LimitReader(r.body, r.length)}, make([]byte, streamSize))
	if err == nil && n < r.length {
		err = fmt.Errorf("the body to send has %d bytes, announced are %d", n, r.length)
	}
	return err
}

// sendChunks writes a body in HTTP's chunks, each in one write.
func (k *connection) sendChunks(body io.Reader) error {
	const room = 16 // for a chunk's size
	buf := make([]byte, room+streamSize+2)
	for {
		n, err := io.ReadFull(body, buf[room:room+streamSize])
		if n > 0 {
			size := strconv.AppendInt(buf[:0:room], int64(n), 16)
			from := room - len(size) - 2
			copy(buf[from:], size)
			copy(buf[room-2:], "\r\n")
			copy(buf[room+n:], "\r\n")
			if _, err := k.Write(buf[from : room+n+2]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			_, err := k.Write([]byte("0\r\n\r\n"))
			return err
		case err != nil:
			return err
		}
	}
}

// receive reads the head of the answer.
func (k *connection) receive(method string) (*answer, error) {
	for {
		a, err := k.head()
		if err != nil {
			return nil, err
		}
		if a.status >= 200 {
			return a, a.frame(k, method)
		}
		// An answer on the way, as 100: the last one comes.
	}
}

// line reads a line without its end. It is good until the next read.
func (k *connection) line() ([]byte, error) {
	line, err := k.in.ReadSlice('\n')
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, fmt.Errorf("a line of HTTP without its end: %q", line)
	}
	return line[:len(line)-2], nil
}

func (k *connection) head() (*answer, error) {
	line, err := k.line()
	if err != nil {
		return nil, err
	}
	if len(line) < 12 || string(line[:9]) != "HTTP/1.1 " {
		return nil, fmt.Errorf("no answer of HTTP/1.1: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || status < 100 {
		return nil, fmt.Errorf("an answer without a status: %q", line)
	}
	k.out = k.out[:0] // the request was sent
	for {
		line, err := k.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			return &answer{status: status, header: fields(k.out)}, nil
		}
		if k.out = append(append(k.out, line...), '\n'); len(k.out) > maxHeadSize {
			return nil, fmt.Errorf("the head of an answer has more than %d bytes", maxHeadSize)
		}
	}
}

// frame finds out where the body ends.
func (a *answer) frame(k *connection, method string) error {
	a.close = strings.EqualFold(a.header.Get("Connection"), "close")
	if method == http.MethodHead || a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		a.body = &io.LimitedReader{R: k.in}
		return nil
	}
	encoding, length := a.header.Get("Transfer-Encoding"), a.header.Get("Content-Length")
	switch {
	case strings.EqualFold(encoding, "chunked"):
		a.length, a.body = -1, httputil.NewChunkedReader(k.in)
		return nil
	case encoding != "":
		return fmt.Errorf("an answer in the encoding %q", encoding)
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("an answer of status %d without a length (%q)", a.status, length)
	}
	a.length, a.body = n, &io.LimitedReader{R: k.in, N: n}
	return nil
}
