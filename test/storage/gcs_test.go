//go:build acceptance

package storage

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/havenregistry/haven/internal/blob/gcs"
	"github.com/havenregistry/haven/test/haventest"
)

func startGCS(t *testing.T) kind {
	t.Helper()
	address, storageURL := haventest.GCS(t)
	return kind{address: address, url: storageURL, open: gcs.Open,
		objects: func(ctx context.Context, prefix string) (names []string, err error) {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet,
				"http://"+address+"/storage/v1/b/registry/o?prefix="+url.QueryEscape(prefix), nil)
			if err != nil {
				return nil, err
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return nil, err
			}
			defer answer.Body.Close()
			var listed struct{ Items []struct{ Name string } }
			err = json.NewDecoder(answer.Body).Decode(&listed)
			for _, o := range listed.Items {
				names = append(names, o.Name)
			}
			return names, err
		}}
}

func TestGCS(t *testing.T) { startGCS(t).contract(t) }
