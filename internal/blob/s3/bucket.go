package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
	"github.com/havenregistry/haven/internal/oci"
)

// bucket implements object.Bucket and object.Signer.
type bucket struct {
	client *minio.Core
	name   string
	prefix string
	sse    encrypt.ServerSide
	plain  bool // without TLS
}

// pageSize is what S3 lists at most at once.
const pageSize = 1000

// Limits implements object.Bucket.
func (b *bucket) Limits() object.Limits { return limits }

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *io.SectionReader) error {
	sum, err := b.sum(body)
	if err != nil {
		return err
	}
	options := b.putOptions()
	options.DisableContentSha256 = true // see sum
	_, err = b.client.PutObject(ctx, b.name, b.prefix+key, body, body.Size(), "", sum, options)
	return known(err)
}

// sum is the sha256 of a body that goes without TLS, by which the server sees that it arrived as it was sent.
// The SDK would sign each 64 KiB of it instead, which costs as much time, and a tenth of a MB of memory a MB.
func (b *bucket) sum(body *io.SectionReader) (string, error) {
	if !b.plain {
		return "", nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (b *bucket) putOptions() minio.PutObjectOptions {
	return minio.PutObjectOptions{ContentType: oci.MediaTypeOctetStream, ServerSideEncryption: b.sse}
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, from int64, etag string) (io.ReadCloser, object.Object, error) {
	var options minio.GetObjectOptions
	if from > 0 {
		options.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
	}
	if etag != "" {
		options.Set("If-Match", `"`+etag+`"`)
	}
	body, answer, header, err := b.client.GetObject(ctx, b.name, b.prefix+key, options)
	if err != nil {
		return nil, object.Object{}, known(err)
	}
	o := described(key, answer)
	if from > 0 {
		if o.Size, err = object.WholeSize(header, from); err != nil {
			body.Close()
			return nil, object.Object{}, err
		}
	}
	return body, o, nil
}

func described(key string, o minio.ObjectInfo) object.Object {
	return object.Object{Key: key, Size: o.Size, ETag: strings.Trim(o.ETag, `"`), Modified: o.LastModified}
}

// Stat implements object.Bucket.
func (b *bucket) Stat(ctx context.Context, key string) (object.Object, error) {
	o, err := b.client.StatObject(ctx, b.name, b.prefix+key, minio.StatObjectOptions{})
	return described(key, o), known(err)
}

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	err := known(b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{}))
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

// List implements object.Bucket. The page is the last key of the one before.
func (b *bucket) List(ctx context.Context, prefix, page string) (objects []object.Object, next string, err error) {
	options := minio.ListObjectsOptions{Prefix: b.prefix + prefix, StartAfter: page, Recursive: true, MaxKeys: pageSize}
	for o := range b.client.ListObjectsIter(ctx, b.name, options) {
		if o.Err != nil {
			return nil, "", known(o.Err)
		}
		key := strings.TrimPrefix(o.Key, b.prefix)
		objects = append(objects, described(key, o))
		if len(objects) == pageSize {
			return objects, o.Key, nil
		}
	}
	return objects, "", nil
}

// Begin implements object.Bucket.
func (b *bucket) Begin(ctx context.Context, key string) (string, error) {
	id, err := b.client.NewMultipartUpload(ctx, b.name, b.prefix+key, b.putOptions())
	return id, known(err)
}

// PutPart implements object.Bucket.
func (b *bucket) PutPart(ctx context.Context, key, id string, p object.Part, body *io.SectionReader) (string, error) {
	sum, err := b.sum(body)
	if err != nil {
		return "", err
	}
	options := minio.PutObjectPartOptions{Sha256Hex: sum, DisableContentSha256: true}
	sent, err := b.client.PutObjectPart(ctx, b.name, b.prefix+key, id, p.Number, body, body.Size(), options)
	return sent.ETag, known(err)
}

// Parts implements object.Bucket. The page is the number of the last part of the one before.
func (b *bucket) Parts(ctx context.Context, key, id, page string) (parts []object.Part, next string, err error) {
	after := 0
	if page != "" {
		if after, err = strconv.Atoi(page); err != nil {
			return nil, "", fmt.Errorf("page of parts: %w", err)
		}
	}
	listed, err := b.client.ListObjectParts(ctx, b.name, b.prefix+key, id, after, pageSize)
	if err != nil {
		return nil, "", known(err)
	}
	for _, p := range listed.ObjectParts {
		parts = append(parts, object.Part{Number: p.PartNumber, Size: p.Size, ETag: strings.Trim(p.ETag, `"`), Modified: p.LastModified})
	}
	if listed.IsTruncated && listed.NextPartNumberMarker > after {
		next = strconv.Itoa(listed.NextPartNumberMarker)
	}
	return parts, next, nil
}

// Complete implements object.Bucket.
func (b *bucket) Complete(ctx context.Context, key, id string, parts []object.Part) error {
	list := make([]minio.CompletePart, len(parts))
	for i, p := range parts {
		list[i] = minio.CompletePart{PartNumber: p.Number, ETag: p.ETag}
	}
	_, err := b.client.CompleteMultipartUpload(ctx, b.name, b.prefix+key, id, list, minio.PutObjectOptions{})
	return known(err)
}

// Abort implements object.Bucket.
func (b *bucket) Abort(ctx context.Context, key, id string) error {
	err := known(b.client.AbortMultipartUpload(ctx, b.name, b.prefix+key, id))
	if errors.Is(err, blob.ErrUploadUnknown) {
		return nil
	}
	return err
}

// Multiparts implements object.Bucket. The page is key and id of the last one before.
func (b *bucket) Multiparts(ctx context.Context, prefix, page string) (uploads []object.Multipart, next string, err error) {
	afterKey, afterID, _ := strings.Cut(page, "\n")
	listed, err := b.client.ListMultipartUploads(ctx, b.name, b.prefix+prefix, afterKey, afterID, "", pageSize)
	if err != nil {
		return nil, "", known(err)
	}
	for _, m := range listed.Uploads {
		uploads = append(uploads, object.Multipart{Key: strings.TrimPrefix(m.Key, b.prefix), ID: m.UploadID, Begun: m.Initiated})
	}
	if last := listed.NextKeyMarker + "\n" + listed.NextUploadIDMarker; listed.IsTruncated && last != page {
		next = last
	}
	return uploads, next, nil
}

// Sign implements object.Signer.
func (b *bucket) Sign(ctx context.Context, key string, ttl time.Duration) (string, error) {
	u, err := b.client.PresignedGetObject(ctx, b.name, b.prefix+key, ttl, nil)
	if err != nil {
		return "", known(err)
	}
	return u.String(), nil
}

// known makes errors those of object.Bucket.
func known(err error) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[minio.ErrorResponse](err)
	if !ok {
		return object.Retry(object.WithoutAddress(err))
	}
	switch answer.Code {
	case minio.NoSuchUpload:
		return fmt.Errorf("%w: %w", blob.ErrUploadUnknown, err)
	case minio.NoSuchKey, minio.PreconditionFailed:
		return fmt.Errorf("%w: %w", blob.ErrNotFound, err)
	case "IncompleteBody", "RequestTimeout", "SlowDown", "InternalError", "BadDigest":
		return object.Retry(err)
	case "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded":
		return fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
	}
	if answer.StatusCode == http.StatusInsufficientStorage {
		return fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
	}
	return object.RetryStatus(answer.StatusCode, err)
}
