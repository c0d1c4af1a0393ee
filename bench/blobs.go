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

// measureBlobs sends and fetches 1 GiB, and fetches it from a plain file server too.
func measureBlobs(ctx context.Context, o options, r *report) error {
	t := r.table("A blob of 1 GiB", "The digest is known beforehand, as with docker. A pull is timed by a client that drops the bytes, so that "+
		"the server is measured and not the client's hashing; another pull compares the digest. The plain file server is Go's http.ServeFile in a "+
		"process of its own, serving the same file.", "what", "seconds", "MB/s", "server CPU s", "peak MB")
	for i, way := range transfers {
		if err := measureBlob(ctx, o, r, t, way, newContent(uint64(10+i), 1<<30)); err != nil {
			return err
		}
	}
	return nil
}

// measureLarge sends and fetches a blob that is much larger than memory may grow.
func measureLarge(ctx context.Context, o options, r *report) error {
	size := o.sizes().large
	t := r.table(fmt.Sprintf("A blob of %d GiB", size>>30), "Each way with a server of its own; the peak is that of its whole life, VmHWM.",
		"what", "seconds", "MB/s", "server CPU s", "peak MB")
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
	c := newClient(s, 1)
	m := blobMeter{s, t, blob.size}
	if err := m.row(way.name, func() error { return way.push(ctx, c, blob, digest) }); err != nil {
		return err
	}
	if blob.size == 1<<30 {
		if err := m.compareWithFile(ctx, c, digest); err != nil {
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
	m.t.add(name, took.Seconds(), megabytesPerSecond(m.size, took), (after - before).Seconds(), megabytes(peak))
	return err
}

// compareWithFile pulls, and then fetches the file behind it from a plain file server.
func (m blobMeter) compareWithFile(ctx context.Context, c *client, digest string) error {
	if err := m.row("pull", func() error { return c.pullBlob(ctx, digest, false) }); err != nil {
		return err
	}
	hex := strings.TrimPrefix(digest, "sha256:")
	file := filepath.Join(m.s.dataDir, "storage/docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
	url, stop, err := startStatic(ctx, file)
	if err != nil {
		return err
	}
	took, err := timed(func() error {
		resp, err := c.send(ctx, request{method: http.MethodGet, url: url}, http.StatusOK)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = readAll(resp.Body, false)
		return err
	})
	m.t.add("the same file from a plain file server", took.Seconds(), megabytesPerSecond(m.size, took), "", "")
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
	resp, err := c.send(ctx, request{method: http.MethodGet, url: "/v2/" + blobRepository + "/blobs/" + digest, token: token}, http.StatusOK)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := readAll(resp.Body, compare)
	if err == nil && compare && got != digest {
		return fmt.Errorf("pulled %s, pushed was %s", got, digest)
	}
	return err
}
