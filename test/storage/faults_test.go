//go:build acceptance

package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// shaky stands before a server and harms every third request, each time in another way.
type shaky struct {
	proxy *httputil.ReverseProxy
	count atomic.Int64
}

func (s *shaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.count.Add(1)
	if n%3 != 0 {
		s.proxy.ServeHTTP(w, r)
		return
	}
	switch n / 3 % 4 {
	case 0:
		w.WriteHeader(http.StatusInternalServerError)
	case 1: // not at all
		panic(http.ErrAbortHandler)
	case 2: // carried out, and the answer is lost
		s.proxy.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusServiceUnavailable)
	case 3: // half of the answer
		whole := httptest.NewRecorder()
		s.proxy.ServeHTTP(whole, r)
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(whole.Body.Len()))
		w.WriteHeader(whole.Code)
		w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		panic(http.ErrAbortHandler)
	}
}

// TestTrouble: nothing of what a store acknowledges is lost or other than it was, though a third of the
// requests fails.
func TestTrouble(t *testing.T) {
	for name, start := range map[string]func(*testing.T) kind{"s3": startS3, "azure": startAzure, "gcs": startGCS} {
		t.Run(name, func(t *testing.T) {
			k := start(t)
			proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: k.address})
				r.Out.Host = r.In.Host
			}}
			server := httptest.NewServer(&shaky{proxy: proxy})
			defer server.Close()
			sound := k.mustOpen(t, under(k.url, "trouble", ""))
			s := k.mustOpen(t, strings.ReplaceAll(under(k.url, "trouble", "&part_size=5MiB"), k.address, server.Listener.Addr().String()))
			var wait sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				wait.Go(func() { errs[i] = throughTrouble(t, s, sound, i) })
			}
			wait.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
		})
	}
}

// throughTrouble pushes in two pieces and pulls.
func throughTrouble(t *testing.T, s, sound blob.Store, i int) error {
	content := random(8_000_000 + i)
	u := blob.Upload{ID: fmt.Sprintf("0192f0c1-7d3e-7000-8000-%012d", i)}
	for _, piece := range [][]byte{content[:7_000_000], content[7_000_000:]} {
		var err error
		if u, err = s.Append(t.Context(), u, bytes.NewReader(piece)); err != nil {
			return err
		}
	}
	location, err := s.Commit(t.Context(), u, oci.SHA256Of(content))
	if err != nil {
		return err
	}
	for _, from := range []blob.Store{sound, s} {
		c, err := from.Open(t.Context(), location)
		if err != nil {
			return err
		}
		defer c.Close()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, content) {
			return fmt.Errorf("pulled %d bytes: %w", len(got), errors.Join(err, errors.New("not those that were pushed")))
		}
	}
	return nil
}
