package remote

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	hubURL      = "https://hub.docker.com" // the API, and what Harbor has as the address of all
	hubRegistry = "https://registry-1.docker.io"
	hubTokens   = "https://auth.docker.io" //nolint:gosec // an address
	// hubLife is how long a token of the API lives.
	hubLife = 10 * time.Minute
)

// dockerHub is Docker Hub: content by distribution, repositories by its own API. Tags are listed by distribution too, because the
// API leads nobody beyond the first thousand who isn't signed in.
type dockerHub struct {
	*client
	hub    string
	tokens *fleeting[string] // of the API
}

func newDockerHub(c *client, d Deps) (Registry, error) {
	registry, err := url.Parse(d.at(hubRegistry))
	if err != nil {
		return nil, fmt.Errorf("the address of Docker Hub: %w", err)
	}
	c.move(registry)
	c.auth.leads(d.at(hubTokens))
	c.full = func(name string) string {
		if !strings.Contains(name, "/") {
			return "library/" + name
		}
		return name
	}
	h := &dockerHub{client: c, hub: d.at(hubURL)}
	h.tokens = newFleeting(d.Clock, h.signIn)
	return h, nil
}

// signedIn is a token of the API; "" for nobody.
func (h *dockerHub) signedIn(ctx context.Context) (string, error) {
	l, err := h.auth.current(ctx, false)
	if err != nil || l.nobody() {
		return "", err
	}
	return h.tokens.get(ctx, false)
}

func (h *dockerHub) signIn(ctx context.Context) (token string, ends time.Time, err error) {
	l, err := h.auth.current(ctx, false)
	if err != nil {
		return "", time.Time{}, err
	}
	var found struct {
		AccessToken string `json:"access_token"`
	}
	_, _, err = h.call(ctx, call{method: http.MethodPost, url: h.hub + "/v2/auth/token", body: map[string]string{"identifier": l.user, "secret": l.password.Reveal()}}, &found)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign in to Docker Hub: %w", err)
	}
	return found.AccessToken, h.clock().Add(hubLife), nil
}

// Repositories implements Registry. Docker Hub has too many to list them all: those of a namespace, or of the namespaces that the
// account has.
func (h *dockerHub) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	if of := namespace(prefix); of != "" {
		return h.repositories(ctx, of, prefix, yield)
	}
	token, err := h.signedIn(ctx)
	if err != nil {
		return err
	}
	if token == "" {
		return fmt.Errorf("%w: list all of Docker Hub; give a namespace, as in library/**", ErrUnsupported)
	}
	var own struct {
		Namespaces []string `json:"namespaces"`
	}
	if _, _, err := h.call(ctx, call{method: http.MethodGet, url: h.hub + "/v2/repositories/namespaces/", sign: byToken(h.signedIn)}, &own); err != nil {
		return err
	}
	for _, each := range own.Namespaces {
		if err := h.repositories(ctx, each, prefix, yield); err != nil {
			return err
		}
	}
	return nil
}

func (h *dockerHub) repositories(ctx context.Context, of, prefix string, yield func(string) error) error {
	return byNumber(1, func(n int) (int, error) { // until one says that it is the last
		var page struct {
			Next    string `json:"next"`
			Results []struct {
				Name string `json:"name"`
			} `json:"results"`
		}
		_, _, err := h.call(ctx, call{
			method: http.MethodGet, url: fmt.Sprintf("%s/v2/namespaces%s/repositories?page=%d&page_size=100", h.hub, path(of), n), sign: byToken(h.signedIn),
		}, &page)
		if err != nil {
			return 0, err
		}
		for _, each := range page.Results {
			if name := of + "/" + each.Name; h.wanted(name, prefix) {
				if err := yield(name); err != nil {
					return 0, err
				}
			}
		}
		if page.Next == "" {
			return 0, nil
		}
		return len(page.Results), nil
	})
}

// Prepare implements Registry: pushing makes repositories, of two parts only.
func (h *dockerHub) Prepare(_ context.Context, repository string, _ bool) error {
	if strings.Count(repository, "/") > 1 {
		return fmt.Errorf("%w: a name of Docker Hub's has a namespace and a repository, and %s has more", ErrUnsupported, repository)
	}
	return nil
}

// DeleteTag implements Registry, by the API: the registry itself deletes nothing.
func (h *dockerHub) DeleteTag(ctx context.Context, repository, tag string) error {
	of, name, _ := strings.Cut(h.named(repository), "/")
	_, _, err := h.call(ctx, call{
		method: http.MethodDelete, url: h.hub + "/v2/repositories" + path(of, name, "tags", tag) + "/", sign: byToken(h.signedIn),
		statuses: []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted},
	}, nil)
	return err
}

// DeleteManifest implements Registry.
func (h *dockerHub) DeleteManifest(context.Context, string, oci.Digest) error {
	return fmt.Errorf("%w: delete a manifest of Docker Hub", ErrUnsupported)
}
