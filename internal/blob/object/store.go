package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Options of a Store.
type Options struct {
	// PartSize is the size of an upload's first parts, in bytes: DefaultPartSize when 0. Later
	// ones are larger, so that the provider's number of parts is enough for 5 TiB.
	PartSize int64
	// Memory bounds what all uploads together buffer, in bytes: DefaultMemory when 0. Beyond
	// it parts are buffered in temporary files in Spool, by default the system's folder.
	Memory int64
	Spool  string
	// Redirect lets clients read blobs from the bucket itself.
	Redirect bool
}

const (
	// DefaultPartSize is large enough that the time of a request weighs little.
	DefaultPartSize = 8 << 20
	// DefaultMemory lets one fast push go on without a temporary file.
	DefaultMemory = 32 << 20
)

// Store is a blob.Store over a Bucket.
type Store struct {
	bucket  Bucket
	options Options
	memory  *memory
}

// New returns a store over the bucket. It makes no request.
func New(bucket Bucket, options Options) *Store {
	if options.PartSize == 0 {
		options.PartSize = DefaultPartSize
	}
	options.PartSize = max(options.PartSize, bucket.Limits().Part)
	if options.Memory == 0 {
		options.Memory = DefaultMemory
	}
	if options.Spool == "" {
		options.Spool = os.TempDir()
	}
	return &Store{bucket: bucket, options: options, memory: newMemory(options.Memory, options.Spool)}
}

// Close implements blob.Store. Requests that are under way go on.
func (s *Store) Close() error {
	s.memory.release()
	return nil
}

// Free implements blob.Store: a bucket knows no limit.
func (s *Store) Free(ctx context.Context) (total, free uint64, err error) { return 0, 0, nil }

// Sync implements blob.Store: what a bucket has acknowledged is durable.
func (s *Store) Sync(ctx context.Context, locations ...string) error {
	for _, location := range locations {
		if err := checkLocation(location); err != nil {
			return err
		}
	}
	return nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, location string) error {
	if err := checkLocation(location); err != nil {
		return err
	}
	if err := s.delete(ctx, blobsDir+location); err != nil {
		return fmt.Errorf("delete blob %s: %w", location, err)
	}
	return nil
}

// Blobs implements blob.Store. Small uploads that were never committed are among them.
func (s *Store) Blobs(ctx context.Context, yield func(location string, size int64) error) error {
	return s.each(ctx, blobsDir, func(o Object) error {
		if _, ours := idOf(blobsDir, o.Key); !ours {
			return nil
		}
		return yield(o.Key[len(blobsDir):], o.Size)
	})
}

// Redirect implements blob.Redirector.
func (s *Store) Redirect(ctx context.Context, location string, ttl time.Duration) (string, bool, error) {
	signer, can := s.bucket.(Signer)
	if !can || !s.options.Redirect {
		return "", false, nil
	}
	if err := checkLocation(location); err != nil {
		return "", false, err
	}
	var url string
	err := try(ctx, quick, func(ctx context.Context) (err error) {
		url, err = signer.Sign(ctx, blobsDir+location, ttl)
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("sign an address of blob %s: %w", location, err)
	}
	return url, true, nil
}

// Check implements blob.Store.
func (s *Store) Check(ctx context.Context) error {
	key, want := checksDir+NewNonce(), []byte("written by a check of the store\n")
	if err := s.put(ctx, key, bytes.NewReader(want), int64(len(want))); err != nil {
		return fmt.Errorf("check the store: write: %w", err)
	}
	got, err := s.read(ctx, key, int64(len(want)))
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("other bytes came back")
	}
	if err != nil {
		return fmt.Errorf("check the store: read: %w", err)
	}
	if err := s.delete(ctx, key); err != nil {
		return fmt.Errorf("check the store: delete: %w", err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, key string, content io.ReaderAt, size int64) error {
	return trySending(ctx, content, size, func(ctx context.Context, body *io.SectionReader) error {
		return s.bucket.Put(ctx, key, body)
	})
}

// read returns an object of at most limit bytes.
func (s *Store) read(ctx context.Context, key string, limit int64) (content []byte, err error) {
	err = try(ctx, forBody(limit), func(ctx context.Context) error {
		body, o, err := s.bucket.Get(ctx, key, 0, "")
		if err != nil {
			return err
		}
		defer body.Close()
		if o.Size > limit {
			return fmt.Errorf("object %s has %d bytes, %d are allowed", key, o.Size, limit)
		}
		content, err = io.ReadAll(io.LimitReader(body, limit))
		if err == nil && int64(len(content)) != o.Size {
			err = sizeError(key, int64(len(content)), o.Size)
		}
		return Retry(err)
	})
	return content, err
}

func (s *Store) stat(ctx context.Context, key string) (o Object, err error) {
	err = try(ctx, quick, func(ctx context.Context) (err error) {
		o, err = s.bucket.Stat(ctx, key)
		return err
	})
	return o, err
}

func (s *Store) delete(ctx context.Context, key string) error {
	return try(ctx, quick, func(ctx context.Context) error { return s.bucket.Delete(ctx, key) })
}

// each calls yield with every object below prefix.
func (s *Store) each(ctx context.Context, prefix string, yield func(Object) error) error {
	return pages(ctx, yield, func(ctx context.Context, page string) ([]Object, string, error) {
		return s.bucket.List(ctx, prefix, page)
	})
}

// eachMultipart calls yield with every multipart upload below prefix.
func (s *Store) eachMultipart(ctx context.Context, prefix string, yield func(Multipart) error) error {
	return pages(ctx, yield, func(ctx context.Context, page string) ([]Multipart, string, error) {
		return s.bucket.Multiparts(ctx, prefix, page)
	})
}

// parts returns all parts of a multipart upload.
func (s *Store) parts(ctx context.Context, key, id string) (all []Part, err error) {
	err = pages(ctx, func(p Part) error { all = append(all, p); return nil },
		func(ctx context.Context, page string) ([]Part, string, error) {
			return s.bucket.Parts(ctx, key, id, page)
		})
	return all, err
}

// pages calls yield with each row of a listing that comes in pages.
func pages[T any](ctx context.Context, yield func(T) error, list func(ctx context.Context, page string) ([]T, string, error)) error {
	for page := ""; ; {
		var rows []T
		err := try(ctx, quick, func(ctx context.Context) (err error) {
			var next string
			if rows, next, err = list(ctx, page); err == nil {
				page = next
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := yield(row); err != nil {
				return err
			}
		}
		if page == "" {
			return nil
		}
	}
}
