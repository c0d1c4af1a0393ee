//go:build acceptance

// Package storage runs the contract of blob.Store on a real server of each kind of object storage.
package storage

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/blobtest"
	"github.com/havenregistry/haven/internal/blob/object"
)

// kind is a server of object storage with one bucket for all tests.
type kind struct {
	address string // host and port of the server
	url     string // storage_url of the bucket
	open    func(ctx context.Context, storageURL string) (*object.Store, error)
	// objects lists objects and unfinished uploads below a prefix.
	objects func(ctx context.Context, prefix string) ([]string, error)
}

// prefixes are numbered, so that each test has an empty store of its own.
var prefixes atomic.Int64

// under puts a prefix and more parameters into a storage_url.
func under(storageURL, prefix, parameters string) string {
	before, after, _ := strings.Cut(storageURL, "?")
	return before + "/" + prefix + "?" + after + parameters
}

func (k kind) contract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Driver {
		prefix := fmt.Sprintf("store/%d", prefixes.Add(1))
		storageURL := under(k.url, prefix, fmt.Sprintf("&part_size=%d", blobtest.Part))
		return blobtest.Driver{
			Open: func(t *testing.T) blob.Store { return k.mustOpen(t, storageURL) },
			Objects: func(t *testing.T) []string {
				names, err := k.objects(context.Background(), prefix+"/")
				if err != nil {
					t.Fatal(err)
				}
				return names
			},
			Breaking: func(t *testing.T, n int, lost bool) blob.Store {
				b := k.breaker(t)
				s := k.mustOpen(t, strings.ReplaceAll(storageURL, k.address, b.address))
				b.arm(n, lost)
				return s
			},
		}
	})
}

func (k kind) mustOpen(t *testing.T, storageURL string) *object.Store {
	t.Helper()
	s, err := k.open(t.Context(), storageURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// breaker stands before a server and stops to let requests through.
type breaker struct {
	address string
	proxy   *httputil.ReverseProxy
	left    atomic.Int64 // requests to let through
	lost    atomic.Bool
}

func (k kind) breaker(t *testing.T) *breaker {
	target := &url.URL{Scheme: "http", Host: k.address}
	b := &breaker{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}}}
	b.left.Store(1 << 40)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.address = server.Listener.Addr().String()
	return b
}

func (b *breaker) arm(n int, lost bool) {
	b.left.Store(int64(n))
	b.lost.Store(lost)
}

// ServeHTTP answers 403 where it breaks, which no client tries again.
func (b *breaker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch left := b.left.Add(-1); {
	case left >= 0:
		b.proxy.ServeHTTP(w, r)
		return
	case left == -1 && b.lost.Load():
		b.proxy.ServeHTTP(httptest.NewRecorder(), r)
	}
	w.WriteHeader(http.StatusForbidden)
}
