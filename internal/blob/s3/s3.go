// Package s3 keeps blobs in a bucket of Amazon S3 or of a server that speaks its protocol. It is the
// only place that knows the SDK.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/havenregistry/haven/internal/blob/object"
)

// Scheme of the storage_url.
const Scheme = "s3"

// limits are S3's own: 10,000 parts of 5 MiB to 5 GiB.
var limits = object.Limits{Part: 5 << 20, MaxPart: 5 << 30, Parts: 10_000}

// openTime bounds the look at the bucket when it is opened.
const openTime = 20 * time.Second

// config is a parsed storage_url.
type config struct {
	bucket, prefix string
	endpoint       string // host and port
	plain          bool   // HTTP without TLS
	region         string
	lookup         minio.BucketLookupType
	caFile         string
	sse            encrypt.ServerSide
	accessKey      string
	secretKey      string
	sessionToken   string
	options        object.Options
}

// Parse checks a storage_url without opening anything. Its errors name the parameter and what was expected.
func Parse(storageURL string) error {
	_, err := parse(storageURL)
	return err
}

func parse(storageURL string) (config, error) {
	a, err := object.ParseAddress(storageURL, Scheme)
	if err != nil {
		return config{}, err
	}
	c := config{
		bucket: a.Bucket, prefix: a.Prefix,
		region: a.Text("region"), caFile: a.Text("ca_file"),
		accessKey: a.Text("access_key"), secretKey: a.Text("secret_key"), sessionToken: a.Text("session_token"),
		options: a.Options(limits),
	}
	c.setEndpoint(a)
	c.setEncryption(a)
	if (c.accessKey == "") != (c.secretKey == "") {
		a.Fail("secret_key", "to be given together with access_key")
	}
	return c, a.Err()
}

func (c *config) setEndpoint(a *object.Address) {
	c.endpoint, c.plain = a.Text("endpoint"), a.Bool("insecure")
	if rest, ok := strings.CutPrefix(c.endpoint, "http://"); ok {
		c.endpoint, c.plain = rest, true
	}
	c.endpoint = strings.TrimSuffix(strings.TrimPrefix(c.endpoint, "https://"), "/")
	if strings.ContainsAny(c.endpoint, "/?#@ ") {
		a.Fail("endpoint", "HOST, HOST:PORT, or these behind http:// or https://")
	}
	if c.endpoint == "" {
		c.endpoint = "s3.amazonaws.com"
	} else if c.region == "" {
		c.region = "us-east-1" // what servers other than Amazon's answer to
	}
	switch a.Text("path_style") {
	case "":
		c.lookup = minio.BucketLookupAuto
	case "true":
		c.lookup = minio.BucketLookupPath
	case "false":
		c.lookup = minio.BucketLookupDNS
	default:
		a.Fail("path_style", "true or false")
	}
}

func (c *config) setEncryption(a *object.Address) {
	kind, key := a.Text("sse"), a.Text("sse_kms_key_id")
	switch kind {
	case "":
	case "AES256":
		c.sse = encrypt.NewSSE()
	case "aws:kms":
		sse, err := encrypt.NewSSEKMS(key, nil)
		if err != nil {
			a.Fail("sse_kms_key_id", "the id of a key")
		}
		c.sse = sse
	default:
		a.Fail("sse", "AES256 or aws:kms")
	}
	if key != "" && kind != "aws:kms" {
		a.Fail("sse", "aws:kms, as sse_kms_key_id is given")
	}
}

// credentials are those of the URL, else the first found in the environment, in the shared
// files, or from the instance, container or web identity that this process runs with.
func (c *config) credentials(transport http.RoundTripper) *credentials.Credentials {
	if c.accessKey != "" {
		return credentials.NewStaticV4(c.accessKey, c.secretKey, c.sessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Transport: transport}},
	})
}

// Open opens the bucket that the storage_url names, which must exist.
func Open(ctx context.Context, storageURL string) (*object.Store, error) {
	c, err := parse(storageURL)
	if err != nil {
		return nil, err
	}
	b, err := newBucket(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := b.exists(ctx, c); err != nil {
		return nil, err
	}
	return object.New(b, c.options), nil
}

func newBucket(c config) (*bucket, error) {
	transport, err := object.NewTransport(c.caFile)
	if err != nil {
		return nil, err
	}
	client, err := minio.NewCore(c.endpoint, &minio.Options{
		Creds:        c.credentials(transport),
		Secure:       !c.plain,
		Transport:    transport,
		Region:       c.region,
		BucketLookup: c.lookup,
		MaxRetries:   1, // the store tries again
	})
	if err != nil {
		return nil, fmt.Errorf("parameter endpoint: %w", err)
	}
	return &bucket{client: client, name: c.bucket, prefix: c.prefix, sse: c.sse, plain: c.plain}, nil
}

func (b *bucket) exists(ctx context.Context, c config) error {
	found, err := b.client.BucketExists(ctx, b.name)
	if err == nil && found {
		return nil
	}
	answer, ok := errors.AsType[minio.ErrorResponse](err)
	switch {
	case err == nil || ok && answer.Code == minio.NoSuchBucket:
		return fmt.Errorf("there is no bucket %s at %s: create it", b.name, c.endpoint)
	case ok && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized):
		return fmt.Errorf("the server at %s lets these credentials not into the bucket %s (%s)", c.endpoint, b.name, answer.Code)
	}
	return fmt.Errorf("look at the bucket %s at %s: %w", b.name, c.endpoint, err)
}
