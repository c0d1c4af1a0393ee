package gcs

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
	"github.com/havenregistry/haven/internal/oci"
)

// bucket implements object.Bucket and object.Signer. An object's generation stands for its entity tag.
type bucket struct {
	http     *http.Client
	endpoint string
	name     string
	prefix   string
	signer   *signer // nil without a private key
}

const pageSize = "1000"

// Limits implements object.Bucket.
func (b *bucket) Limits() object.Limits { return limits }

func (b *bucket) pathOf(key string) string {
	return "/storage/v1/b/" + url.PathEscape(b.name) + "/o/" + url.PathEscape(b.prefix+key)
}

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *io.SectionReader) error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, body); err != nil {
		return err
	}
	want := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	var written resource
	err := b.read(ctx, call{
		method: http.MethodPost, path: "/upload/storage/v1/b/" + url.PathEscape(b.name) + "/o",
		query:       url.Values{"uploadType": {"media"}, "name": {b.prefix + key}},
		contentType: oci.MediaTypeOctetStream, body: body,
	}, &written)
	if err != nil {
		return err
	}
	if written.Size != body.Size() || written.CRC32C != "" && written.CRC32C != want {
		return object.Retry(fmt.Errorf("object %s arrived with other bytes than were sent", key))
	}
	return nil
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, from int64, etag string) (io.ReadCloser, object.Object, error) {
	c := call{method: http.MethodGet, path: b.pathOf(key), query: url.Values{"alt": {"media"}}, header: http.Header{}}
	if etag != "" {
		c.query.Set("generation", etag)
	}
	if from > 0 {
		c.header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
	}
	answer, err := b.send(ctx, c)
	if err != nil {
		return nil, object.Object{}, err
	}
	o := object.Object{Key: key, Size: answer.ContentLength, ETag: answer.Header.Get("X-Goog-Generation")}
	if from > 0 {
		o.Size, err = object.WholeSize(answer.Header, from)
	}
	if o.Size < 0 {
		err = fmt.Errorf("object %s comes without its size", key)
	}
	if err != nil {
		answer.Body.Close()
		return nil, object.Object{}, err
	}
	return answer.Body, o, nil
}

func (b *bucket) described(r resource) object.Object {
	modified, _ := time.Parse(time.RFC3339Nano, r.Updated) // zero when it isn't told
	return object.Object{Key: strings.TrimPrefix(r.Name, b.prefix), Size: r.Size, ETag: r.Generation, Modified: modified}
}

// Stat implements object.Bucket.
func (b *bucket) Stat(ctx context.Context, key string) (object.Object, error) {
	var r resource
	err := b.read(ctx, call{method: http.MethodGet, path: b.pathOf(key)}, &r)
	return b.described(r), err
}

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	err := b.read(ctx, call{method: http.MethodDelete, path: b.pathOf(key)}, nil)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

// listing is a page of the API.
type listing struct {
	Items    []resource `json:"items"`
	Prefixes []string   `json:"prefixes"`
	Next     string     `json:"nextPageToken"`
}

func (b *bucket) list(ctx context.Context, prefix, delimiter, page string) (listing, error) {
	query := url.Values{"prefix": {b.prefix + prefix}, "maxResults": {pageSize}}
	if delimiter != "" {
		query.Set("delimiter", delimiter)
	}
	if page != "" {
		query.Set("pageToken", page)
	}
	var l listing
	err := b.read(ctx, call{method: http.MethodGet, path: "/storage/v1/b/" + url.PathEscape(b.name) + "/o", query: query}, &l)
	return l, err
}

// List implements object.Bucket.
func (b *bucket) List(ctx context.Context, prefix, page string) ([]object.Object, string, error) {
	l, err := b.list(ctx, prefix, "", page)
	if err != nil {
		return nil, "", err
	}
	objects := make([]object.Object, len(l.Items))
	for i, r := range l.Items {
		objects[i] = b.described(r)
	}
	return objects, l.Next, nil
}

// Sign implements object.Signer.
func (b *bucket) Sign(ctx context.Context, key string, ttl time.Duration) (string, error) {
	if b.signer == nil {
		return "", errors.New("the credentials can't sign an address")
	}
	return b.signer.sign(b.endpoint, b.name, b.prefix+key, time.Now(), ttl)
}
