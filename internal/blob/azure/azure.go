// Package azure keeps blobs as block blobs in a container of Azure Blob Storage. It is the only place that
// knows the SDK.
package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/havenregistry/haven/internal/blob/object"
)

// Scheme of the storage_url.
const Scheme = "azblob"

// limits are Azure's own, 50,000 blocks of up to 4,000 MiB, with fewer blocks: the rest are for what
// failed appends left behind.
var limits = object.Limits{Part: 1 << 20, MaxPart: 4000 << 20, Parts: 40_000}

// openTime bounds the look at the container when it is opened.
const openTime = 20 * time.Second

// config is a parsed storage_url.
type config struct {
	container, prefix string
	endpoint          string // of the account
	account           string
	key, sas          string
	caFile            string
	options           object.Options
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
		container: a.Bucket, prefix: a.Prefix,
		account:  orEnv(a.Text("account"), "AZURE_STORAGE_ACCOUNT"),
		key:      a.Text("account_key"),
		sas:      strings.TrimPrefix(a.Text("sas_token"), "?"),
		endpoint: strings.TrimSuffix(a.Text("endpoint"), "/"),
		caFile:   a.Text("ca_file"),
		options:  a.Options(limits),
	}
	if c.key != "" && c.sas != "" {
		a.Fail("sas_token", "not to be given together with account_key")
	}
	if c.key == "" && c.sas == "" {
		c.key = os.Getenv("AZURE_STORAGE_KEY")
	}
	if c.key == "" && c.sas == "" {
		c.sas = strings.TrimPrefix(os.Getenv("AZURE_STORAGE_SAS_TOKEN"), "?")
	}
	if c.account == "" && (c.endpoint == "" || c.key != "") {
		a.Fail("account", "the name of the storage account")
	}
	if c.options.Redirect && c.key == "" {
		a.Fail("redirect", "account_key, which alone can sign addresses")
	}
	if c.endpoint == "" {
		c.endpoint = "https://" + c.account + ".blob.core.windows.net"
	}
	if u, err := url.Parse(c.endpoint); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		a.Fail("endpoint", "https://HOST, or https://HOST/ACCOUNT")
	}
	return c, a.Err()
}

func orEnv(value, name string) string {
	if value != "" {
		return value
	}
	return os.Getenv(name)
}

// Open opens the container that the storage_url names, which must exist.
func Open(ctx context.Context, storageURL string) (*object.Store, error) {
	c, err := parse(storageURL)
	if err != nil {
		return nil, err
	}
	transport, err := object.NewTransport(c.caFile)
	if err != nil {
		return nil, err
	}
	client, err := c.client(&http.Client{Transport: transport})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := exists(ctx, client, c); err != nil {
		return nil, err
	}
	return object.New(&bucket{client: client, prefix: c.prefix}, c.options), nil
}

// client signs with the account's key or with a shared access signature; else with what the environment,
// a workload identity, a managed identity or a signed-in developer gives.
func (c config) client(transport *http.Client) (*container.Client, error) {
	options := azcore.ClientOptions{
		Transport: transport,
		Retry:     policy.RetryOptions{MaxRetries: -1}, // the store tries again
		Telemetry: policy.TelemetryOptions{Disabled: true},
	}
	address := c.endpoint + "/" + url.PathEscape(c.container)
	blobOptions := &container.ClientOptions{ClientOptions: options}
	switch {
	case c.key != "":
		key, err := container.NewSharedKeyCredential(c.account, c.key)
		if err != nil {
			return nil, errors.New("parameter account_key: expected base64") // err might show it
		}
		return container.NewClientWithSharedKeyCredential(address, key, blobOptions)
	case c.sas != "":
		return container.NewClientWithNoCredential(address+"?"+c.sas, blobOptions)
	}
	identity, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: transport},
	})
	if err != nil {
		return nil, fmt.Errorf("credentials of this machine: %w", err)
	}
	return container.NewClient(address, identity, blobOptions)
}

// exists lists nothing, which all credentials that are of use may do.
func exists(ctx context.Context, client *container.Client, c config) error {
	one := int32(1)
	_, err := client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{MaxResults: &one, Prefix: &c.prefix}).NextPage(ctx)
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	switch {
	case bloberror.HasCode(err, bloberror.ContainerNotFound):
		return fmt.Errorf("there is no container %s at %s: create it", c.container, c.endpoint)
	case ok && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized):
		return fmt.Errorf("the server at %s lets these credentials not into the container %s (%s)", c.endpoint, c.container, answer.ErrorCode)
	}
	return fmt.Errorf("look at the container %s at %s: %w", c.container, c.endpoint, known(err))
}
