//go:build acceptance

package registries

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

// line is a way to a registry that breaks.
type line struct {
	URL string
	// left is how many bytes more go to the registry before the line breaks, which it does some times.
	left         atomic.Int64
	times, broke atomic.Int64
	sent         atomic.Int64
}

// every is after how many bytes a line breaks.
const every = 10 << 20

// newLine leads to a registry until the test ends.
func newLine(t *testing.T, to string) *line {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &line{URL: "http://" + l.Addr().String()}
	p.left.Store(every)
	p.times.Store(3)
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(from, u.Host)
		}
	}()
	return p
}

func (p *line) carry(from net.Conn, host string) {
	defer from.Close()
	to, err := net.Dial("tcp", host)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(from, to)
		from.Close()
	}()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if p.left.Add(-int64(n)) < 0 && p.broke.Load() < p.times.Load() {
			p.left.Store(every)
			p.broke.Add(1)
			return
		}
		p.sent.Add(int64(n))
		if _, failed := to.Write(b[:n]); failed != nil || err != nil {
			return
		}
	}
}

// A blob whose line breaks three times goes over nearly once: it goes on at the byte that the registry has.
func TestBrokenLine(t *testing.T) {
	haven := apptest.Start(t, dbtest.SQLiteURL(t))
	for name, e := range map[string]remote.Endpoint{
		"Distribution": {Kind: remote.DockerRegistry, URL: distribution(t, "")},
		"Haven":        {Kind: remote.Harbor, URL: haven.URL, Credential: remote.Credential{AccessKey: "admin", Secret: apptest.AdminPassword}},
	} {
		for _, chunk := range []int64{0, 8 << 20} {
			t.Run(name, func(t *testing.T) {
				p := newLine(t, e.URL)
				broken := e
				broken.URL = p.URL
				r := open(t, broken)
				if err := r.Prepare(t.Context(), "team/app", false); err != nil {
					t.Fatal(err)
				}
				d, b := remotetest.Random(40 << 20)
				if err := r.PutBlob(t.Context(), "team/app", d, remotetest.From(b), remote.PutOptions{Chunk: chunk}); err != nil {
					t.Fatal(err)
				}
				body, err := r.OpenBlob(t.Context(), "team/app", d, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer body.Close()
				if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%d bytes arrived, %v", len(got), err)
				}
				t.Logf("the line broke %d times, and %d bytes of %d went over", p.broke.Load(), p.sent.Load(), d.Size)
				if p.broke.Load() != p.times.Load() || p.sent.Load() > d.Size+d.Size/10 {
					t.Errorf("%d bytes went over for %d, of a line that broke %d times", p.sent.Load(), d.Size, p.broke.Load())
				}
			})
		}
	}
}
