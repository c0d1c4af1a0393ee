//go:build acceptance

package proxycache

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// distribution runs CNCF Distribution until the test ends, and returns its address.
func distribution(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	config := filepath.Join(home, "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}\nhttp: {addr: %q}\n", filepath.Join(home, "store"), host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(haventest.Tool(t, "distribution"), "serve", config)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	await.Until(t, "Distribution answers", func() bool {
		answer, err := http.Get("http://" + host + "/v2/")
		return err == nil && answer.Body.Close() == nil
	})
	return host
}

// line leads to an upstream, counts what is asked of it, and misbehaves as it is told.
type line struct {
	host string // where it begins

	mu    sync.Mutex
	asked map[string]int
	dead  bool          // connections are closed
	limit bool          // 429
	slow  time.Duration // passes before each answer
	cut   int64         // the next blob breaks off behind so many bytes
}

func startLine(t *testing.T, upstream string) *line {
	t.Helper()
	l := &line{asked: map[string]int{}}
	through := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: upstream})
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, through) }))
	t.Cleanup(server.Close)
	l.host = server.Listener.Addr().String()
	return l
}

func (l *line) serve(w http.ResponseWriter, r *http.Request, through http.Handler) {
	l.mu.Lock()
	l.asked[r.Method+" "+r.URL.Path]++
	dead, limit, slow, cut := l.dead, l.limit, l.slow, int64(0)
	if strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet {
		cut, l.cut = l.cut, 0
	}
	l.mu.Unlock()
	time.Sleep(slow) // is the slow upstream itself: nothing waits for this to have happened, and no outcome hangs on when it ends
	switch {
	case dead:
		panic(http.ErrAbortHandler)
	case limit:
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case cut > 0:
		w = &cutting{ResponseWriter: w, left: cut}
	}
	through.ServeHTTP(w, r)
}

// cutting breaks the connection behind some bytes.
type cutting struct {
	http.ResponseWriter
	left int64
}

func (c *cutting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(int64(len(p)), c.left)])
	if c.left -= int64(n); c.left == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (l *line) set(change func(l *line)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// taken are the requests since the last look.
func (l *line) taken() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.asked
	l.asked = map[string]int{}
	return was
}

// whole is a registry as it is, without what a test said of the line.
func (l *line) whole() { l.set(func(l *line) { l.dead, l.limit, l.slow, l.cut = false, false, 0, 0 }) }
