//go:build acceptance

package replication

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

// line is the way to a registry: it counts what crosses, and can be slow, and break.
type line struct {
	URL string

	mu      sync.Mutex
	stored  map[oci.Digest]int // blobs that the registry took
	read    map[oci.Digest]int // blobs that it gave, from the start on
	mounted int
	asked   map[string]int // requests, by method and kind of path
	speed   int64          // bytes a second of each connection; 0: no limit
	cutAt   int64          // all connections break when so many bytes have crossed; 0: never
	crossed int64          // bytes, both ways
	open    map[net.Conn]bool
}

// newLine returns a line to an address such as http://127.0.0.1:8080, until the test ends.
func newLine(t *testing.T, to string) *line {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{stored: map[oci.Digest]int{}, read: map[oci.Digest]int{}, asked: map[string]int{}, open: map[net.Conn]bool{}}
	counted := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // so that what the registry says about itself leads here
		},
		ModifyResponse: func(r *http.Response) error { l.count(r); return nil },
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(counted.Close)
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Close() })
	l.URL = "http://" + front.Addr().String()
	go func() {
		for {
			c, err := front.Accept()
			if err != nil {
				return
			}
			go l.carry(c, counted.Listener.Addr().String())
		}
	}()
	return l
}

// carry forwards a connection both ways.
func (l *line) carry(c net.Conn, to string) {
	defer c.Close()
	there, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer there.Close()
	l.set(func() { l.open[c], l.open[there] = true, true })
	defer l.set(func() { delete(l.open, c); delete(l.open, there) })
	var both sync.WaitGroup
	both.Go(func() { io.Copy(slow{there, l}, c); there.(*net.TCPConn).CloseWrite() })
	both.Go(func() { io.Copy(slow{c, l}, there); c.(*net.TCPConn).CloseWrite() })
	both.Wait()
}

func (l *line) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// cut breaks all connections.
func (l *line) cut() {
	l.set(func() {
		for c := range l.open {
			c.Close()
		}
	})
}

// slow writes as fast as the line is, and breaks when it is time. It sleeps: that is how slow a line is, and nothing waits for it but the bytes.
type slow struct {
	net.Conn
	l *line
}

func (s slow) Write(p []byte) (int, error) {
	var speed int64
	cut := false
	s.l.set(func() {
		speed = s.l.speed
		s.l.crossed += int64(len(p))
		if s.l.cutAt > 0 && s.l.crossed >= s.l.cutAt {
			s.l.cutAt, cut = 0, true
		}
	})
	if cut {
		s.l.cut()
	}
	if speed > 0 {
		time.Sleep(time.Duration(int64(len(p)) * int64(time.Second) / speed))
	}
	return s.Conn.Write(p)
}

// count notes what an answer means.
func (l *line) count(r *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path, q := r.Request.URL.Path, r.Request.URL.Query()
	kind := "other"
	switch {
	case strings.Contains(path, "/manifests/"):
		kind = "manifest"
	case strings.Contains(path, "/blobs/uploads"):
		kind = "upload"
	case strings.Contains(path, "/blobs/"):
		kind = "blob"
	case strings.HasSuffix(path, "/tags/list"):
		kind = "tags"
	}
	l.asked[r.Request.Method+" "+kind]++
	switch {
	case r.Request.Method == http.MethodPost && q.Get("mount") != "" && r.StatusCode == http.StatusCreated:
		l.mounted++
	case q.Get("digest") != "" && r.StatusCode == http.StatusCreated:
		l.stored[oci.Digest(q.Get("digest"))]++
	case r.Request.Method == http.MethodGet && kind == "blob" && r.StatusCode == http.StatusOK:
		l.read[oci.Digest(path[strings.LastIndex(path, "/")+1:])]++
	}
}

// once fails the test where a blob crossed twice.
func (l *line) once(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, all := range map[string]map[oci.Digest]int{"stored": l.stored, "read": l.read} {
		for d, n := range all {
			if n > 1 {
				t.Errorf("blob %s was %s %d times", d, what, n)
			}
		}
	}
}

func (l *line) requests() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.asked {
		n += v
	}
	return n
}
