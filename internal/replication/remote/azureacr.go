package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/secret"
)

// acr is Azure Container Registry: content by distribution; tags, with digests, and their deletion by its own API beside it, with the
// same tokens.
//
// Its credential is a service principal's, an admin user's, a token's of the registry, or a refresh token with the name that Azure
// gives those who have none. Without any it is the identity of the workload, if the environment names one: a token of the cluster is
// exchanged at Microsoft Entra, and that for one of the registry's.
type acr struct{ *client }

const (
	acrNobody    = "00000000-0000-0000-0000-000000000000"
	acrAuthority = "https://login.microsoftonline.com/"
	acrAudience  = "https://containerregistry.azure.net/.default"
	acrAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	acrLife      = 2 * time.Hour // of a refresh token, which ends after three
)

func newACR(c *client, e Endpoint, d Deps) Registry {
	switch {
	case e.Credential.AccessKey == acrNobody:
		identity := login{identity: e.Credential.Secret}
		c.auth.login = func(context.Context, bool) (login, error) { return identity, nil }
	case e.Credential.AccessKey == "" && d.Environ("AZURE_FEDERATED_TOKEN_FILE") != "" && c.base.Scheme == "https" && within(c.base.Hostname(), "azurecr.io", "azurecr.cn", "azurecr.us"):
		known := newFleeting(d.Clock, func(ctx context.Context) (login, time.Time, error) { return workloadOfAzure(ctx, c, d) })
		c.auth.login = known.get
	}
	c.move(parsed(d.at(e.URL), c.base))
	return acr{c}
}

// workloadOfAzure exchanges the token of the cluster.
func workloadOfAzure(ctx context.Context, c *client, d Deps) (login, time.Time, error) {
	token, err := readToken(d.Environ("AZURE_FEDERATED_TOKEN_FILE"))
	if err != nil {
		return login{}, time.Time{}, fmt.Errorf("AZURE_FEDERATED_TOKEN_FILE: %w", err)
	}
	authority, tenant := d.Environ("AZURE_AUTHORITY_HOST"), d.Environ("AZURE_TENANT_ID")
	if authority == "" {
		authority = d.at(acrAuthority)
	}
	var found struct {
		AccessToken  string      `json:"access_token"`
		RefreshToken secret.Text `json:"refresh_token"`
	}
	decode := func(text []byte) error { return json.Unmarshal(text, &found) }
	err = c.form(ctx, strings.TrimSuffix(authority, "/")+path(tenant)+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {d.Environ("AZURE_CLIENT_ID")}, "scope": {acrAudience},
		"client_assertion_type": {acrAssertion}, "client_assertion": {token},
	}, nil, decode)
	if err != nil {
		return login{}, time.Time{}, fmt.Errorf("exchange the workload's token at Microsoft Entra: %w", err)
	}
	err = c.form(ctx, c.base.String()+"/oauth2/exchange", url.Values{
		"grant_type": {"access_token"}, "service": {c.base.Host}, "tenant": {tenant}, "access_token": {found.AccessToken},
	}, nil, decode)
	if err != nil {
		return login{}, time.Time{}, fmt.Errorf("exchange the workload's token at the registry: %w", err)
	}
	return login{identity: found.RefreshToken}, c.clock().Add(acrLife), nil
}

// Tags implements Registry.
func (a acr) Tags(ctx context.Context, repository string, yield func(Tag) error) error {
	at, err := a.beside(repository, "/_tags")
	if err != nil {
		return err
	}
	at.RawQuery = "n=" + pageSize
	return a.pages(ctx, at, []string{"repository:" + repository + ":metadata_read"}, func(q request) (http.Header, int, error) {
		var page struct {
			Tags []struct {
				Name   string `json:"name"`
				Digest string `json:"digest"`
			} `json:"tags"`
		}
		h, err := a.document(ctx, q, &page)
		if err != nil {
			return nil, 0, err
		}
		for _, each := range page.Tags {
			if _, err := oci.ParseTag(each.Name); err != nil {
				continue
			}
			digest, err := oci.ParseDigest(each.Digest)
			if err != nil {
				digest = ""
			}
			if err := yield(Tag{Name: each.Name, Digest: digest}); err != nil {
				return nil, 0, err
			}
		}
		return h, len(page.Tags), nil
	})
}

// DeleteTag implements Registry: distribution's deletion would take the manifest too.
func (a acr) DeleteTag(ctx context.Context, repository, tag string) error {
	at, err := a.beside(repository, "/_tags/"+tag)
	if err != nil {
		return err
	}
	answer, err := a.ask(ctx, request{method: http.MethodDelete, url: at, scopes: a.deleting(repository)}, http.StatusAccepted, http.StatusOK)
	if err == nil {
		drain(answer)
	}
	return err
}

// beside is an address of its own API.
func (a acr) beside(repository, more string) (*url.URL, error) {
	at, err := a.in(repository, more)
	if err == nil {
		at.Path = a.base.Path + "/acr/v1/" + repository + more
	}
	return at, err
}
