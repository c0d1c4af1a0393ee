//go:build acceptance

package haventest

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"
	"testing"
	"time"
)

// balancer sends each request to the replica after the one before, whoever asks. Nothing sticks and nothing
// is buffered. A replica that nobody listens at is passed over.
type balancer struct {
	replicas []*Server
	turn     atomic.Uint64
}

// startBalancer answers on an address of its own until the test ends.
func startBalancer(t testing.TB, replicas []*Server) Door {
	t.Helper()
	b := &balancer{replicas: replicas}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", b.next()
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // a client that went away is no news
	})
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	return Door{Host: server.Listener.Addr().String(), URL: server.URL}
}

// next is the address of the replica whose turn it is.
func (b *balancer) next() string {
	for range b.replicas {
		r := b.replicas[b.turn.Add(1)%uint64(len(b.replicas))]
		if c, err := net.DialTimeout("tcp", r.Host, time.Second); err == nil {
			c.Close()
			return r.Host
		}
	}
	return "127.0.0.1:1" // nobody listens there: 502
}
