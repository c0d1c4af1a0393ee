package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

const (
	blobRepository = "library/blob"
	chunkSize      = 64 << 20
	maxPeak        = 150.0 // MB resident while a blob of any size goes through
)

// transfer is one way of sending a blob.
type transfer struct {
	name string
	push func(context.Context, *client, *content, string) error
}

var transfers = []transfer{
	{"push, streamed", pushStreamed},
	{"push, in chunks of 64 MiB", pushChunked},
}

var blobHead = []string{"what", "registry", "seconds", "MB/s", "server CPU s", "peak MB"}

// measureBlobs sends and fetches 1 GiB, by turns with the other registry, and fetches it from a plain file
// server too.
func measureBlobs(ctx context.Context, o options, r *report) error {
	t := r.table("A blob of 1 GiB", fmt.Sprintf("The digest is known beforehand, as with docker. A pull is timed by a client that drops the bytes, so that the "+
		"server is measured and not the client's hashing; another pull compares the digest. The plain file server is Go's http.ServeFile in a "+
		"process of its own, serving the same file. Where both registries stand, medians of %d rounds. Haven %s. Distribution %s.",
		o.sizes().rounds, haven.durability, distribution.durability), blobHead...)
	if err := blobContest(ctx, o, r, t); err != nil {
		return err
	}
	return measureBlob(ctx, o, r, t, transfers[1], newContent(11, 1<<30))
}

// blobTimes are seconds and seconds of the server's processor, of one kind of transfer, by peer.
type blobTimes struct{ wall, cpu [][]float64 }

func blobContest(ctx context.Context, o options, r *report, t *table) (err error) {
	c, err := startContest(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	newTimes := func() blobTimes {
		return blobTimes{make([][]float64, len(c.peers)), make([][]float64, len(c.peers))}
	}
	pushed, pulled := newTimes(), newTimes()
	var digest string
	for round := range o.sizes().rounds {
		blob := newContent(uint64(100+round), 1<<30)
		if digest, err = blob.digest(); err != nil {
			return err
		}
		for _, peer := range c.turns(round) {
			client, server := c.clients[peer], c.servers[peer]
			if err := pushed.add(peer, server, func() error { return pushStreamed(ctx, client, newContent(blob.seed, blob.size), digest) }); err != nil {
				return fmt.Errorf("%s: %w", server.name, err)
			}
			if err := pulled.add(peer, server, func() error { return client.pullBlob(ctx, digest, false) }); err != nil {
				return fmt.Errorf("%s: %w", server.name, err)
			}
		}
	}
	if err := pushed.rows(t, c, "push, streamed"); err != nil {
		return err
	}
	if err := pulled.rows(t, c, "pull"); err != nil {
		return err
	}
	r.atLeast("1 GiB, push, against Distribution", "times as fast", middle(pushed.wall[1])/middle(pushed.wall[0]), 1)
	r.atLeast("1 GiB, pull, against Distribution", "times as fast", middle(pulled.wall[1])/middle(pulled.wall[0]), 1)
	m := blobMeter{c.servers[0], t, 1 << 30}
	if err := m.compareWithFile(ctx, digest); err != nil {
		return err
	}
	if err := m.row("pull, compared", func() error { return c.clients[0].pullBlob(ctx, digest, true) }); err != nil {
		return err
	}
	_, peak, err := c.servers[0].memory()
	r.memoryTarget("peak memory, 1 GiB, streamed and pull", float64(peak)/1e6)
	return err
}

func (b blobTimes) add(peer int, s *server, transfer func() error) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	took, err := timed(transfer)
	if err != nil {
		return err
	}
	after, err := s.cpu()
	b.wall[peer], b.cpu[peer] = append(b.wall[peer], took.Seconds()), append(b.cpu[peer], (after-before).Seconds())
	return err
}

func (b blobTimes) rows(t *table, c *contest, name string) error {
	for i, p := range c.peers {
		_, peak, err := c.servers[i].memory()
		if err != nil {
			return err
		}
		wall := middle(b.wall[i])
		t.add(name, p.name, wall, float64(1<<30)/1e6/wall, middle(b.cpu[i]), megabytes(peak))
	}
	wall := middle(b.wall[1]) / middle(b.wall[0])
	t.add(name, "times as good", wall, wall, middle(b.cpu[1])/max(middle(b.cpu[0]), 0.01), "")
	return nil
}

// measureLarge sends and fetches a blob that is much larger than memory may grow.
func measureLarge(ctx context.Context, o options, r *report) error {
	size := o.sizes().large
	if size == 0 {
		return nil
	}
	t := r.table(fmt.Sprintf("A blob of %d GiB", size>>30), "Each way with a server of its own; the peak is that of its whole life, VmHWM.",
		blobHead...)
	for i, way := range transfers {
		if err := measureBlob(ctx, o, r, t, way, newContent(uint64(20+i), size)); err != nil {
			return err
		}
	}
	return nil
}

func measureBlob(ctx context.Context, o options, r *report, t *table, way transfer, blob *content) (err error) {
	digest, err := blob.digest()
	if err != nil {
		return err
	}
	s, remove, err := newServer(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c := newClient(s)
	m := blobMeter{s, t, blob.size}
	if err := m.row(way.name, func() error { return way.push(ctx, c, blob, digest) }); err != nil {
		return err
	}
	if blob.size == 1<<30 {
		if err := m.row("pull", func() error { return c.pullBlob(ctx, digest, false) }); err != nil {
			return err
		}
	}
	if err := m.row("pull, compared", func() error { return c.pullBlob(ctx, digest, true) }); err != nil {
		return err
	}
	_, peak, err := s.memory()
	r.memoryTarget(fmt.Sprintf("peak memory, %d GiB, %s and pull", blob.size>>30, strings.TrimPrefix(way.name, "push, ")), float64(peak)/1e6)
	return err
}

// blobMeter adds rows for transfers of size bytes.
type blobMeter struct {
	s    *server
	t    *table
	size int64
}

func (m blobMeter) row(name string, f func() error) error {
	before, err := m.s.cpu()
	if err != nil {
		return err
	}
	took, err := timed(f)
	if err != nil {
		return err
	}
	after, err := m.s.cpu()
	if err != nil {
		return err
	}
	_, peak, err := m.s.memory()
	m.t.add(name, haven.name, took.Seconds(), megabytesPerSecond(m.size, took), (after - before).Seconds(), megabytes(peak))
	return err
}

// compareWithFile fetches the file behind a blob from a plain file server.
func (m blobMeter) compareWithFile(ctx context.Context, digest string) error {
	hex := strings.TrimPrefix(digest, "sha256:")
	file := filepath.Join(m.s.dataDir, "storage/docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
	url, stop, err := startStatic(ctx, file)
	if err != nil {
		return err
	}
	took, err := timed(func() error {
		plain := client{server: url, connections: newConnections(url)}
		a, err := plain.send(ctx, request{method: http.MethodGet, url: "/"}, http.StatusOK)
		if err != nil {
			return err
		}
		defer a.Close()
		_, err = readAll(a, false)
		return err
	})
	m.t.add("pull", "a plain file server", took.Seconds(), megabytesPerSecond(m.size, took), "", "")
	return errors.Join(err, stop())
}

// begin opens an upload.
func (c *client) begin(ctx context.Context) (token, at string, err error) {
	token, err = c.login(ctx, blobRepository, "pull,push")
	if err != nil {
		return "", "", err
	}
	header, _, err := c.call(ctx, request{method: http.MethodPost, url: "/v2/" + blobRepository + "/blobs/uploads/", token: token}, http.StatusAccepted)
	return token, location(header), err
}

// pushStreamed sends all bytes in one PATCH without a length, as docker does.
func pushStreamed(ctx context.Context, c *client, blob *content, digest string) error {
	token, at, err := c.begin(ctx)
	if err != nil {
		return err
	}
	header, _, err := c.call(ctx, request{method: http.MethodPatch, url: at, token: token, body: onlyReader{blob}, length: -1,
		header: map[string]string{"Content-Type": "application/octet-stream"}}, http.StatusAccepted)
	if err != nil {
		return err
	}
	return c.finish(ctx, location(header), digest)
}

// pushChunked sends chunks with ranges. Its token is renewed like that of any client whose push takes
// longer than the token's life.
func pushChunked(ctx context.Context, c *client, blob *content, digest string) error {
	token, at, err := c.begin(ctx)
	if err != nil {
		return err
	}
	renewed := time.Now()
	for blob.at < blob.size {
		if time.Since(renewed) > 10*time.Minute {
			if token, err = c.login(ctx, blobRepository, "pull,push"); err != nil {
				return err
			}
			renewed = time.Now()
		}
		n := min(chunkSize, blob.size-blob.at)
		header, _, err := c.call(ctx, request{method: http.MethodPatch, url: at, token: token, body: io.LimitReader(blob, n), length: n,
			header: map[string]string{"Content-Type": "application/octet-stream", "Content-Range": fmt.Sprintf("%d-%d", blob.at, blob.at+n-1)}}, http.StatusAccepted)
		if err != nil {
			return err
		}
		at = location(header)
	}
	return c.finish(ctx, at, digest)
}

func (c *client) finish(ctx context.Context, at, digest string) error {
	token, err := c.login(ctx, blobRepository, "pull,push")
	if err != nil {
		return err
	}
	_, _, err = c.call(ctx, request{method: http.MethodPut, url: withDigest(at, digest), token: token}, http.StatusCreated)
	return err
}

func (c *client) pullBlob(ctx context.Context, digest string, compare bool) error {
	token, err := c.login(ctx, blobRepository, "pull")
	if err != nil {
		return err
	}
	a, err := c.send(ctx, request{method: http.MethodGet, url: "/v2/" + blobRepository + "/blobs/" + digest, token: token}, http.StatusOK)
	if err != nil {
		return err
	}
	defer a.Close()
	got, err := readAll(a, compare)
	if err == nil && compare && got != digest {
		return fmt.Errorf("pulled %s, pushed was %s", got, digest)
	}
	return err
}
