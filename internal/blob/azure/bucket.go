package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	store "github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
	"github.com/havenregistry/haven/internal/oci"
)

// bucket implements object.Bucket and object.Signer.
type bucket struct {
	client *container.Client
	prefix string
}

// Limits implements object.Bucket.
func (b *bucket) Limits() object.Limits { return limits }

func (b *bucket) blob(key string) *blockblob.Client {
	return b.client.NewBlockBlobClient(b.prefix + key)
}

func pointer[T any](v T) *T { return &v }

func headers() *blob.HTTPHeaders {
	return &blob.HTTPHeaders{BlobContentType: pointer(oci.MediaTypeOctetStream)}
}

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *io.SectionReader) error {
	_, err := b.blob(key).Upload(ctx, streaming.NopCloser(body), &blockblob.UploadOptions{HTTPHeaders: headers()})
	return known(err)
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, from int64, etag string) (io.ReadCloser, object.Object, error) {
	options := &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: from}}
	if etag != "" {
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: pointer(azcore.ETag(etag))}}
	}
	answer, err := b.blob(key).DownloadStream(ctx, options)
	if err != nil {
		return nil, object.Object{}, known(err)
	}
	o := described(key, answer.ContentLength, answer.ETag, answer.LastModified)
	if from > 0 {
		header := http.Header{}
		if answer.ContentRange != nil {
			header.Set("Content-Range", *answer.ContentRange)
		}
		if o.Size, err = object.WholeSize(header, from); err != nil {
			answer.Body.Close()
			return nil, object.Object{}, err
		}
	}
	return answer.Body, o, nil
}

func described(key string, size *int64, etag *azcore.ETag, modified *time.Time) object.Object {
	o := object.Object{Key: key}
	if size != nil {
		o.Size = *size
	}
	if etag != nil {
		o.ETag = string(*etag)
	}
	if modified != nil {
		o.Modified = *modified
	}
	return o
}

// Stat implements object.Bucket.
func (b *bucket) Stat(ctx context.Context, key string) (object.Object, error) {
	answer, err := b.blob(key).GetProperties(ctx, nil)
	return described(key, answer.ContentLength, answer.ETag, answer.LastModified), known(err)
}

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	_, err := b.blob(key).Delete(ctx, nil)
	if err = known(err); errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// List implements object.Bucket.
func (b *bucket) List(ctx context.Context, prefix, page string) ([]object.Object, string, error) {
	return b.list(ctx, prefix, page, container.ListBlobsInclude{})
}

func (b *bucket) list(ctx context.Context, prefix, page string, include container.ListBlobsInclude) (objects []object.Object, next string, err error) {
	options := &container.ListBlobsFlatOptions{Prefix: pointer(b.prefix + prefix), Include: include}
	if page != "" {
		options.Marker = &page
	}
	answer, err := b.client.NewListBlobsFlatPager(options).NextPage(ctx)
	if err != nil {
		return nil, "", known(err)
	}
	for _, o := range answer.Segment.BlobItems {
		objects = append(objects, described(strings.TrimPrefix(*o.Name, b.prefix), o.Properties.ContentLength, o.Properties.ETag, o.Properties.LastModified))
	}
	if answer.NextMarker != nil {
		next = *answer.NextMarker
	}
	return objects, next, nil
}

// Sign implements object.Signer.
func (b *bucket) Sign(ctx context.Context, key string, ttl time.Duration) (string, error) {
	signed, err := b.blob(key).GetSASURL(sas.BlobPermissions{Read: true}, time.Now().Add(ttl), nil)
	if err != nil {
		return "", errors.New("the credentials can't sign an address")
	}
	return signed, nil
}

// known makes errors those of object.Bucket. The SDK's own show the whole answer, and the address with a
// shared access signature in it.
func known(err error) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return object.Retry(object.WithoutAddress(err))
	}
	short := fmt.Errorf("azure answered %d %s", answer.StatusCode, answer.ErrorCode)
	switch bloberror.Code(answer.ErrorCode) {
	case bloberror.BlobNotFound, bloberror.ConditionNotMet:
		return fmt.Errorf("%w: %w", store.ErrNotFound, short)
	case bloberror.BlobAlreadyExists, bloberror.InvalidBlockList:
		return fmt.Errorf("%w: %w", store.ErrUploadUnknown, short)
	case bloberror.ContainerNotFound:
		return short
	}
	switch {
	case answer.StatusCode == http.StatusNotFound && answer.ErrorCode == "": // to HEAD, which has no body
		return fmt.Errorf("%w: %w", store.ErrNotFound, short)
	case answer.StatusCode == http.StatusInsufficientStorage:
		return fmt.Errorf("%w: %w", store.ErrNoSpace, short)
	}
	return object.RetryStatus(answer.StatusCode, short)
}
