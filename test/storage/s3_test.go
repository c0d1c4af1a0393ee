//go:build acceptance

package storage

import (
	"context"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/havenregistry/haven/internal/blob/s3"
	"github.com/havenregistry/haven/test/haventest"
)

func startS3(t *testing.T) kind {
	t.Helper()
	address, storageURL := haventest.S3(t)
	client, err := minio.NewCore(address, &minio.Options{Creds: credentials.NewStaticV4("test", "testtest", ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return kind{address: address, url: storageURL, open: s3.Open,
		objects: func(ctx context.Context, prefix string) (names []string, err error) {
			for o := range client.ListObjectsIter(ctx, "registry", minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
				if o.Err != nil {
					return nil, o.Err
				}
				names = append(names, o.Key)
			}
			unfinished, err := client.ListMultipartUploads(ctx, "registry", prefix, "", "", "", 1000)
			for _, m := range unfinished.Uploads {
				names = append(names, "unfinished "+m.Key+" "+m.UploadID)
			}
			return names, err
		}}
}

func TestS3(t *testing.T) { startS3(t).contract(t) }
