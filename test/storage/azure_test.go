//go:build acceptance

package storage

import (
	"context"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/havenregistry/haven/internal/blob/azure"
	"github.com/havenregistry/haven/test/haventest"
)

func startAzure(t *testing.T) kind {
	t.Helper()
	address, storageURL := haventest.Azure(t)
	key, err := container.NewSharedKeyCredential(haventest.AzureAccount, haventest.AzureKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential("http://"+address+"/"+haventest.AzureAccount+"/registry", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return kind{address: address, url: storageURL, open: azure.Open,
		objects: func(ctx context.Context, prefix string) (names []string, err error) {
			pager := client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
				Prefix: &prefix, Include: container.ListBlobsInclude{UncommittedBlobs: true},
			})
			for pager.More() {
				page, err := pager.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, o := range page.Segment.BlobItems {
					names = append(names, *o.Name)
				}
			}
			return names, nil
		}}
}

func TestAzure(t *testing.T) { startAzure(t).contract(t) }
