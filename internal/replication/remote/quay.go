package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/secret"
)

// quay is Quay: content by distribution; lists, visibility and deletions by its API, where there is a token of an application.
type quay struct {
	*client
	account string
	oauth   secret.Text // "" asks the API as nobody, who sees what is public
}

// quayKeyFile is the access key of a secret that holds several, as Harbor has it.
const quayKeyFile = "json_file"

// quayToken is the name by which the registry takes a token of an application.
const quayToken = "$oauthtoken"

func newQuay(c *client, e Endpoint) (Registry, error) {
	q := &quay{client: c, account: e.Credential.AccessKey}
	text := e.Credential.Secret.Reveal()
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		var file struct {
			Account  string      `json:"account_name"`
			Password secret.Text `json:"docker_cli_password"`
			OAuth    secret.Text `json:"oauth2_token"`
		}
		if json.Unmarshal([]byte(text), &file) != nil {
			return nil, errors.New("access_secret: expected JSON with account_name, docker_cli_password and oauth2_token")
		}
		q.account, q.oauth = file.Account, file.OAuth
		known := Credential{AccessKey: file.Account, Secret: file.Password}
		if file.Account == "" || file.Password == "" {
			known = Credential{AccessKey: quayToken, Secret: file.OAuth}
		}
		c.auth.login = static(known)
	case q.account == quayToken:
		q.oauth = e.Credential.Secret
	}
	return q, nil
}

func (q *quay) api(ctx context.Context, c call, into any) error {
	c.url = q.base.String() + "/api/v1" + c.url
	c.sign = byToken(func(context.Context) (string, error) { return q.oauth.Reveal(), nil })
	_, _, err := q.call(ctx, c, into)
	return err
}

// Repositories implements Registry: those of a namespace, or of the namespaces that the credential has.
func (q *quay) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	of := []string{namespace(prefix)}
	if of[0] == "" {
		var err error
		if of, err = q.namespaces(ctx); err != nil {
			return err
		}
	}
	for _, each := range of {
		if err := q.repositories(ctx, each, prefix, yield); err != nil {
			return err
		}
	}
	return nil
}

// namespaces are the robot's, or those of the token's owner.
func (q *quay) namespaces(ctx context.Context) ([]string, error) {
	if of, _, robot := strings.Cut(q.account, "+"); robot {
		return []string{of}, nil
	}
	if q.oauth == "" {
		return nil, fmt.Errorf("%w: list all of Quay without a robot account or a token of an application; give a namespace", ErrUnsupported)
	}
	var user struct {
		Name          string `json:"username"`
		Organizations []struct {
			Name string `json:"name"`
		} `json:"organizations"`
	}
	if err := q.api(ctx, call{method: http.MethodGet, url: "/user/"}, &user); err != nil {
		return nil, err
	}
	all := []string{}
	if user.Name != "" {
		all = append(all, user.Name)
	}
	for _, each := range user.Organizations {
		all = append(all, each.Name)
	}
	return all, nil
}

func (q *quay) repositories(ctx context.Context, of, prefix string, yield func(string) error) error {
	return byMark(func(next string) (string, error) {
		var page struct {
			Repositories []struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"repositories"`
			Next string `json:"next_page"`
		}
		query := url.Values{"namespace": {of}}
		if next != "" {
			query.Set("next_page", next)
		}
		if err := q.api(ctx, call{method: http.MethodGet, url: "/repository?" + query.Encode()}, &page); err != nil {
			return "", err
		}
		for _, each := range page.Repositories {
			if name := each.Namespace + "/" + each.Name; q.wanted(name, prefix) {
				if err := yield(name); err != nil {
					return "", err
				}
			}
		}
		return page.Next, nil
	})
}

// Prepare implements Registry. Pushing makes a repository for nobody else; one for everybody is made by the API.
func (q *quay) Prepare(ctx context.Context, repository string, public bool) error {
	if q.oauth == "" || !public {
		return nil
	}
	of, name, ok := strings.Cut(repository, "/")
	if !ok {
		return fmt.Errorf("%w: a name of Quay's has a namespace and a repository", ErrUnsupported)
	}
	err := q.api(ctx, call{
		method: http.MethodPost, url: "/repository", statuses: []int{http.StatusCreated, http.StatusOK, http.StatusConflict},
		body: map[string]string{"namespace": of, "repository": name, "visibility": "public", "description": "", "repo_kind": "image"},
	}, nil)
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.Status == http.StatusBadRequest { // so it says that it is there
		return nil
	}
	return err
}

// DeleteTag implements Registry.
func (q *quay) DeleteTag(ctx context.Context, repository, tag string) error {
	if q.oauth == "" {
		return q.client.DeleteTag(ctx, repository, tag)
	}
	if _, _, err := oci.ParseRepository(repository); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return q.api(ctx, call{method: http.MethodDelete, url: "/repository/" + repository + "/tag" + path(tag), statuses: []int{http.StatusNoContent, http.StatusOK}}, nil)
}
