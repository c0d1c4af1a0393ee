package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
	"github.com/havenregistry/haven/internal/oci"
)

// OpenStore opens the store that storage_url names.
type OpenStore func(ctx context.Context, storageURL string) (blob.Store, error)

// storage looks at the folder of blobs, or has a bucket do what pushes and pulls do.
func (g *Given) storage(open OpenStore) func(context.Context, *Notes) {
	return func(ctx context.Context, n *Notes) {
		if dir, ok := strings.CutPrefix(g.StorageURL, "file:"); ok {
			folder(n, "storage_url", strings.TrimPrefix(dir, "//"))
			return
		}
		store, err := open(ctx, g.StorageURL)
		if err != nil {
			n.Wrong("Correct storage_url (docs/storage.md), its credentials and what they may do, or make the bucket.", "%v", err)
			return
		}
		defer func() { _ = store.Close() }()
		bucket(ctx, n, store)
	}
}

const bucketAdvice = "Let the credentials read, write, list and delete objects below the prefix, and make and abort multipart uploads (docs/storage.md)."

// bucket puts, reads and deletes a small object, and one of several parts as large layers are.
func bucket(ctx context.Context, n *Notes, store blob.Store) {
	began := time.Now()
	if err := store.Check(ctx); err != nil {
		n.Wrong(bucketAdvice, "storage_url: %v", err)
		return
	}
	took := time.Since(began)
	if took > 2*time.Second {
		n.Doubt("See the way to the object store: each push and pull waits for it.", "an object took %s to be written, read and deleted", took.Round(time.Millisecond))
	}
	// A part and something behind it.
	content := make([]byte, object.DefaultPartSize+4096)
	rand.Read(content)
	u := blob.Upload{ID: hex.EncodeToString(content[:16])}
	u, err := store.Append(ctx, u, bytes.NewReader(content))
	if err != nil {
		n.Wrong(bucketAdvice, "storage_url: a large object can't be written: %v", err)
		drop(n, store.Cancel(context.WithoutCancel(ctx), u))
		return
	}
	location, err := store.Commit(ctx, u, oci.SHA256Of(content))
	if err != nil {
		n.Wrong(bucketAdvice, "storage_url: a multipart upload can't be completed: %v", err)
		drop(n, store.Cancel(context.WithoutCancel(ctx), u))
		return
	}
	if err := ranged(ctx, store, location, content); err != nil {
		n.Wrong("See whether a cache or proxy stands before the object store, and that it honours Range.", "storage_url: %v", err)
	} else {
		n.Good("an object and a multipart upload can be written, read in part, and deleted")
	}
	redirect(ctx, n, store, location, content)
	drop(n, store.Delete(context.WithoutCancel(ctx), location))
}

// drop notes that something of the doctor's own stayed.
func drop(n *Notes, err error) {
	if err != nil {
		n.Wrong(bucketAdvice, "storage_url: an object can't be deleted: %v", err)
	}
}

// ranged reads the end of a blob, which asks the store for a part of it.
func ranged(ctx context.Context, store blob.Store, location string, content []byte) error {
	c, err := store.Open(ctx, location)
	if err != nil {
		return fmt.Errorf("read an object: %w", err)
	}
	defer c.Close()
	const from = object.DefaultPartSize - 1024
	if _, err := c.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("read a part of an object: %w", err)
	}
	read, err := io.ReadAll(c)
	if err != nil {
		return fmt.Errorf("read a part of an object: %w", err)
	}
	if !bytes.Equal(read, content[from:]) {
		return errors.New("a part of an object has other bytes than were written")
	}
	return nil
}

// redirect follows the address that clients are sent to, where they are.
func redirect(ctx context.Context, n *Notes, store blob.Store, location string, content []byte) {
	r, ok := store.(blob.Redirector)
	if !ok {
		return
	}
	address, ok, err := r.Redirect(ctx, location, time.Minute)
	if err != nil {
		n.Wrong("See whether these credentials can sign addresses, or leave redirect out of storage_url.", "storage_url: an address for clients can't be signed: %v", err)
		return
	}
	if !ok {
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		n.Wrong("Leave redirect out of storage_url.", "storage_url: the address for clients can't be read")
		return
	}
	host := request.URL.Host
	request.Header.Set("Range", "bytes=0-15")
	answer, err := plainClient(nil).Do(request)
	if err != nil {
		n.Wrong("Let clients reach the object store by the endpoint's name, or leave redirect out of storage_url.", "storage_url: %s, where clients are sent to, doesn't answer: %s", host, reason(err))
		return
	}
	defer answer.Body.Close()
	first, err := io.ReadAll(io.LimitReader(answer.Body, 16))
	if err != nil || answer.StatusCode >= 300 || !bytes.Equal(first, content[:16]) {
		n.Wrong("See whether a proxy before the object store changes Host or paths, which are signed, or leave redirect out of storage_url.", "storage_url: %s, where clients are sent to, answers %d", host, answer.StatusCode)
		return
	}
	n.Good("clients are sent to %s for blobs, and get them there", host)
}
