//go:build acceptance

package storage

import (
	"bytes"
	"context"
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/s3"
	"github.com/havenregistry/haven/internal/oci"
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

// Over TLS, with a certificate authority of its own, requests are signed in another way.
func TestS3WithOwnAuthority(t *testing.T) {
	k := startS3(t)
	secure := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: k.address})
		r.Out.Host = r.In.Host
	}})
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	storageURL := strings.ReplaceAll(k.url, "http://"+k.address, secure.URL)
	if _, err := s3.Open(t.Context(), storageURL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	s := k.mustOpen(t, storageURL+"&part_size=5MiB&ca_file="+url.QueryEscape(ca))
	for i, size := range []int{0, 1000, 12_000_000} {
		content := random(size)
		u, err := s.Append(t.Context(), blob.Upload{ID: "0192f0c1-7d3e-7000-8000-00000000000" + string(rune('0'+i))}, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		location, err := s.Commit(t.Context(), u, oci.SHA256Of(content))
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Open(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var got bytes.Buffer
		if _, err := got.ReadFrom(c); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%d bytes, %v; want %d", got.Len(), err, size)
		}
	}
}

func TestS3BucketIsMissing(t *testing.T) {
	k := startS3(t)
	_, err := s3.Open(t.Context(), strings.Replace(k.url, "registry", "elsewhere", 1))
	if err == nil || !strings.Contains(err.Error(), "there is no bucket elsewhere") {
		t.Errorf("got %v", err)
	}
	_, err = s3.Open(t.Context(), strings.Replace(k.url, "testtest", "WRONG", 1))
	if err == nil || !strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "WRONG") {
		t.Errorf("got %v", err)
	}
}
