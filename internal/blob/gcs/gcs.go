// Package gcs keeps blobs in a bucket of Google Cloud Storage, by a small client of its JSON API.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/havenregistry/haven/internal/blob/object"
)

// Scheme of the storage_url.
const Scheme = "gs"

// limits: parts are objects, so they may be small and many; 10,000 of them compose in three steps.
var limits = object.Limits{Part: 1 << 20, MaxPart: 5 << 30, Parts: 10_000}

const (
	// openTime bounds the look at the bucket when it is opened.
	openTime = 20 * time.Second
	scope    = "https://www.googleapis.com/auth/devstorage.read_write"
	public   = "https://storage.googleapis.com"
)

// config is a parsed storage_url.
type config struct {
	bucket, prefix  string
	endpoint        string
	credentialsFile string
	caFile          string
	options         object.Options
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
		endpoint:        strings.TrimSuffix(a.Text("endpoint"), "/"),
		credentialsFile: a.Text("credentials_file"),
		caFile:          a.Text("ca_file"),
		options:         a.Options(limits),
	}
	if emulator := os.Getenv("STORAGE_EMULATOR_HOST"); c.endpoint == "" && emulator != "" {
		if !strings.Contains(emulator, "://") {
			emulator = "http://" + emulator
		}
		c.endpoint = strings.TrimSuffix(emulator, "/")
	}
	if c.endpoint == "" {
		c.endpoint = public
	}
	if u, err := url.Parse(c.endpoint); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" {
		a.Fail("endpoint", "https://HOST, or http://HOST:PORT of an emulator")
	}
	return c, a.Err()
}

// Open opens the bucket that the storage_url names, which must exist.
func Open(ctx context.Context, storageURL string) (*object.Store, error) {
	c, err := parse(storageURL)
	if err != nil {
		return nil, err
	}
	b := &bucket{endpoint: c.endpoint, name: c.bucket, prefix: c.prefix}
	if err := b.authorize(ctx, c); err != nil {
		return nil, err
	}
	if c.options.Redirect && b.signer == nil {
		return nil, errors.New("parameter redirect: expected credentials_file to be a service account's key, which alone can sign addresses")
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := b.exists(ctx); err != nil {
		return nil, err
	}
	return object.New(b, c.options), nil
}

// authorize finds credentials: the file that is named, or what the environment, a workload identity or
// the machine gives. An emulator, and whatever else is reached without TLS, is sent none.
func (b *bucket) authorize(ctx context.Context, c config) error {
	transport, err := object.NewTransport(c.caFile)
	if err != nil {
		return err
	}
	b.http = &http.Client{Transport: transport}
	if strings.HasPrefix(c.endpoint, "http://") {
		return nil
	}
	// Tokens are renewed as long as the store lives, through the same authorities.
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Transport: transport, Timeout: openTime})
	credentials, err := credentials(ctx, c.credentialsFile)
	if err != nil {
		return err
	}
	b.http.Transport = &oauth2.Transport{Source: credentials.TokenSource, Base: transport}
	b.signer = newSigner(credentials.JSON)
	return nil
}

func credentials(ctx context.Context, file string) (*google.Credentials, error) {
	if file == "" {
		found, err := google.FindDefaultCredentials(ctx, scope)
		if err != nil {
			return nil, fmt.Errorf("credentials of this machine: %w", err)
		}
		return found, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("parameter credentials_file: %w", err)
	}
	found, err := google.CredentialsFromJSONWithType(ctx, text, google.ServiceAccount, scope)
	if err != nil {
		return nil, errors.New("parameter credentials_file: expected the JSON of a service account's key") // err might show it
	}
	return found, nil
}

func (b *bucket) exists(ctx context.Context) error {
	answer, err := b.send(ctx, call{method: http.MethodGet, path: "/storage/v1/b/" + url.PathEscape(b.name) + "/o",
		query: url.Values{"maxResults": {"1"}, "prefix": {b.prefix}}})
	if err == nil {
		return answer.Body.Close()
	}
	var refused *statusError
	if errors.As(err, &refused) {
		switch refused.status {
		case http.StatusNotFound:
			return fmt.Errorf("there is no bucket %s at %s: create it", b.name, b.endpoint)
		case http.StatusForbidden, http.StatusUnauthorized:
			return fmt.Errorf("the server at %s lets these credentials not into the bucket %s", b.endpoint, b.name)
		}
	}
	return fmt.Errorf("look at the bucket %s at %s: %w", b.name, b.endpoint, err)
}
