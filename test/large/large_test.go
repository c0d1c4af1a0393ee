//go:build acceptance

// Package large pushes and pulls blobs much bigger than the server's memory may grow,
// and kills the server in the middle of one. HAVEN_LARGE_BYTES sets the size, 2 GiB by
// default.
package large

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havenregistry/haven/internal/blob/object"
	"github.com/havenregistry/haven/test/haventest"
)

const (
	chunk       = 64 << 20
	memoryLimit = 150 << 20
	// partsLimit is what the driver of an object store collects parts in besides, for all uploads together.
	partsLimit = object.DefaultMemory
	repository = "library/large"
)

func size(t *testing.T) int64 {
	t.Helper()
	text, set := os.LookupEnv("HAVEN_LARGE_BYTES")
	if !set {
		return 2 << 30
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 4*chunk {
		t.Fatalf("HAVEN_LARGE_BYTES=%q: a number of bytes, %d or more", text, 4*chunk)
	}
	return n
}

func TestStreamedBlobInFlatMemory(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, on haventest.Size) {
		p, total := newPusher(t, on), size(t)
		location := p.begin()
		content := newContent(1, total)
		start := time.Now()
		// Without a length the body goes in HTTP's own chunks, as docker sends it.
		resp := p.do(http.MethodPatch, location, io.MultiReader(content), -1, nil)
		p.want(resp, http.StatusAccepted)
		p.finish(resp.Header.Get("Location"), content.digest())
		p.log("push, streamed", total, start)
		p.pull(content.digest(), total)
		p.flat()
	}, haventest.Alone, haventest.Replicated)
}

// Alone, the server comes back and goes on. Of several replicas, one dies and another goes on.
func TestChunkedBlobSurvivesAKill(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, on haventest.Size) {
		p, total := newPusher(t, on), size(t)
		location := p.begin()
		content := newContent(2, total)
		start := time.Now()
		held := int64(0)
		for held < total*7/10 {
			location, held = p.chunk(location, content, held, min(chunk, total-held))
		}
		p.flat()
		p.killInside(location, held)
		if len(p.server.Replicas) == 1 {
			p.server.Replicas[0].Restart()
		}

		got := p.held(location)
		if got < held || got > held+chunk/2 {
			t.Fatalf("after the kill the upload holds %d bytes, acknowledged were %d", got, held)
		}
		// The bytes of the chunk that was cut off were generated apart: catch up.
		if _, err := io.CopyN(io.Discard, content, got-held); err != nil {
			t.Fatal(err)
		}
		for held = got; held < total; {
			location, held = p.chunk(location, content, held, min(chunk, total-held))
		}
		p.finish(location, content.digest())
		p.log("push, chunked, with a kill", total, start)
		p.pull(content.digest(), total)
		p.flat()
	}, haventest.Alone, haventest.Replicated)
}

// content is reproducible noise that keeps the digest of what was read of it.
type content struct {
	noise *rand.ChaCha8
	left  int64
	sum   hash.Hash
}

func newContent(seed byte, n int64) *content {
	return &content{rand.NewChaCha8([32]byte{seed}), n, sha256.New()}
}

func (c *content) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), c.left)]
	n, err := c.noise.Read(p)
	c.left -= int64(n)
	c.sum.Write(p[:n])
	return n, err
}

// digest is of all that was read so far.
func (c *content) digest() string { return fmt.Sprintf("sha256:%x", c.sum.Sum(nil)) }

type pusher struct {
	*testing.T
	server *haventest.Site
	token  string
	memory int64 // that a replica may take, in bytes
}

// needSpace ends the test where a blob doesn't fit on the disk twice: a gateway joins an upload's parts beside them.
func needSpace(t *testing.T, bytes int64) {
	t.Helper()
	var disk unix.Statfs_t
	if err := unix.Statfs(t.TempDir(), &disk); err != nil {
		t.Fatal(err)
	}
	if free := int64(disk.Bavail) * disk.Bsize; free < 5*bytes/2 {
		t.Fatalf("%s has %d bytes free and this test needs %d: free some, or set TMPDIR or HAVEN_LARGE_BYTES", os.TempDir(), free, 5*bytes/2)
	}
}

func newPusher(t *testing.T, on haventest.Size) *pusher {
	needSpace(t, size(t))
	server := on.Start(t, haventest.Options{Plain: true})
	token := server.Token(t, "admin", haventest.AdminPassword, "repository:"+repository+":pull,push")
	memory := int64(memoryLimit)
	if on == haventest.Replicated {
		memory += partsLimit
	}
	return &pusher{t, server, token, memory}
}

func (p *pusher) request(method, location string, body io.Reader, length int64, header map[string]string) (*http.Response, error) {
	if strings.HasPrefix(location, "/") {
		location = p.server.URL + location
	}
	req, err := http.NewRequestWithContext(p.Context(), method, location, body)
	if err != nil {
		p.Fatal(err)
	}
	req.ContentLength = length
	req.Header.Set("Authorization", "Bearer "+p.token)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	return http.DefaultClient.Do(req)
}

func (p *pusher) do(method, location string, body io.Reader, length int64, header map[string]string) *http.Response {
	p.Helper()
	resp, err := p.request(method, location, body, length, header)
	if err != nil {
		p.Fatalf("%s: %v", method, err)
	}
	p.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (p *pusher) want(resp *http.Response, status int) {
	p.Helper()
	if resp.StatusCode != status {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		p.Fatalf("%s: status %d, want %d: %s", resp.Request.Method, resp.StatusCode, status, text)
	}
}

func (p *pusher) begin() string {
	p.Helper()
	resp := p.do(http.MethodPost, "/v2/"+repository+"/blobs/uploads/", nil, 0, nil)
	p.want(resp, http.StatusAccepted)
	return resp.Header.Get("Location")
}

// chunk sends n bytes at the offset and returns where the next goes.
func (p *pusher) chunk(location string, from io.Reader, offset, n int64) (string, int64) {
	p.Helper()
	resp := p.do(http.MethodPatch, location, io.LimitReader(from, n), n, map[string]string{
		"Content-Range": fmt.Sprintf("%d-%d", offset, offset+n-1), "Content-Type": "application/octet-stream",
	})
	p.want(resp, http.StatusAccepted)
	if got, want := resp.Header.Get("Range"), fmt.Sprintf("0-%d", offset+n-1); got != want {
		p.Fatalf("Range %q, want %q", got, want)
	}
	return resp.Header.Get("Location"), offset + n
}

// killInside starts another chunk at the first replica and kills that when half of it was sent.
func (p *pusher) killInside(location string, offset int64) {
	p.Helper()
	victim := p.server.Replicas[0]
	location = victim.URL + strings.TrimPrefix(location, p.server.URL)
	body, feed := io.Pipe()
	done := make(chan error, 1)
	go func() {
		resp, err := p.request(http.MethodPatch, location, body, chunk, map[string]string{
			"Content-Range": fmt.Sprintf("%d-%d", offset, offset+chunk-1),
		})
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	ahead := newContent(2, offset+chunk)
	if _, err := io.CopyN(io.Discard, ahead, offset); err != nil {
		p.Fatal(err)
	}
	if _, err := io.CopyN(feed, ahead, chunk/2); err != nil {
		p.Fatal(err)
	}
	victim.Kill()
	feed.CloseWithError(io.ErrUnexpectedEOF)
	if err := <-done; err == nil {
		p.Fatal("the chunk that the kill cut off was answered")
	}
}

// held asks the upload how many bytes it has.
func (p *pusher) held(location string) int64 {
	p.Helper()
	resp := p.do(http.MethodGet, location, nil, 0, nil)
	p.want(resp, http.StatusNoContent)
	var last int64
	if _, err := fmt.Sscanf(resp.Header.Get("Range"), "0-%d", &last); err != nil {
		p.Fatalf("Range %q: %v", resp.Header.Get("Range"), err)
	}
	return last + 1
}

func (p *pusher) finish(location, digest string) {
	p.Helper()
	separator := "?"
	if strings.Contains(location, "?") {
		separator = "&"
	}
	resp := p.do(http.MethodPut, location+separator+"digest="+digest, nil, 0, nil)
	p.want(resp, http.StatusCreated)
	if got := resp.Header.Get("Docker-Content-Digest"); got != digest {
		p.Fatalf("the server took %s, pushed was %s", got, digest)
	}
}

func (p *pusher) pull(digest string, n int64) {
	p.Helper()
	start := time.Now()
	resp := p.do(http.MethodGet, "/v2/"+repository+"/blobs/"+digest, nil, 0, nil)
	p.want(resp, http.StatusOK)
	if resp.ContentLength != n {
		p.Fatalf("Content-Length %d, want %d", resp.ContentLength, n)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, resp.Body); err != nil {
		p.Fatal(err)
	}
	if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); got != digest {
		p.Fatalf("pulled %s, want %s", got, digest)
	}
	p.log("pull", n, start)
}

// flat fails the test when a replica that runs ever held more than it may.
func (p *pusher) flat() {
	p.Helper()
	for i, r := range p.server.Replicas {
		if !r.Running() {
			continue
		}
		now, peak := r.Memory()
		p.Logf("resident, replica %d: %d MB now, %d MB at most", i, now>>20, peak>>20)
		if peak > p.memory {
			p.Errorf("replica %d took %d MB, the limit is %d MB", i, peak>>20, p.memory>>20)
		}
	}
}

func (p *pusher) log(what string, n int64, start time.Time) {
	p.Helper()
	s := time.Since(start).Seconds()
	p.Logf("%s: %d MB in %.1f s, %.0f MB/s", what, n>>20, s, float64(n>>20)/s)
}
