//go:build acceptance

package fault

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// How a storage server may answer.
const (
	well     = "well"
	refusing = "500"        // every request is answered 500
	slow     = "slowly"     // each answer waits
	half     = "half"       // answers break off in the middle, requests may have been done
	deaf     = "not at all" // requests are taken and never answered
	gone     = "gone"       // nobody listens
)

// proxy stands before a storage server and breaks what passes, as it is told.
type proxy struct {
	t       *testing.T
	address string
	server  *http.Server
	next    *httputil.ReverseProxy

	mu   sync.Mutex
	mode string
	over chan struct{} // closed when the mode changes
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	// The address stays the client's: it is part of what S3 signs.
	next := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			panic(http.ErrAbortHandler) // the client left, or the server
		},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, address: l.Addr().String(), next: next, mode: well, over: make(chan struct{})}
	p.serve(l)
	t.Cleanup(func() { p.set(well); p.server.Close() })
	return p
}

func (p *proxy) serve(l net.Listener) {
	p.server = &http.Server{Handler: p}
	go func(s *http.Server) {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.t.Errorf("proxy: %v", err)
		}
	}(p.server)
}

// set changes how requests are answered, from now on and those that wait.
func (p *proxy) set(mode string) {
	p.mu.Lock()
	was := p.mode
	p.mode = mode
	close(p.over)
	p.over = make(chan struct{})
	p.mu.Unlock()
	if mode == gone && was != gone {
		p.server.Close()
	}
	if mode != gone && was == gone {
		l, err := net.Listen("tcp", p.address)
		if err != nil {
			p.t.Fatal(err)
		}
		p.serve(l)
	}
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	mode, over := p.mode, p.over
	p.mu.Unlock()
	switch mode {
	case refusing:
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>InternalError</Code><Message>broken on purpose</Message></Error>`)
		return
	case deaf:
		select {
		case <-over:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case slow:
		select {
		case <-time.After(150 * time.Millisecond):
		case <-r.Context().Done():
		}
	case half:
		p.next.ServeHTTP(&halfWriter{ResponseWriter: w}, r)
		panic(http.ErrAbortHandler)
	}
	p.next.ServeHTTP(w, r)
}

// halfWriter lets half of the first piece of a body pass, and of an answer without one
// its head at most.
type halfWriter struct {
	http.ResponseWriter
	cut bool
}

// Write implements io.Writer.
func (w *halfWriter) Write(b []byte) (int, error) {
	if w.cut || len(b) == 0 {
		return 0, io.ErrShortWrite
	}
	w.cut = true
	n, err := w.ResponseWriter.Write(b[:len(b)/2])
	if err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *halfWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
