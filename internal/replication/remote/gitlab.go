package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/outbound"
)

// gitlab is GitLab's registry: content by distribution, lists by GitLab's API, which is where its tokens come from. The secret is
// an access token that may read both.
type gitlab struct {
	*client
}

func newGitLab(c *client, e Endpoint, d Deps) Registry {
	if c.base.Hostname() == "registry.gitlab.com" {
		c.auth.leads(d.at("https://gitlab.com"))
		c.move(parsed(d.at(e.URL), c.base))
	}
	return gitlab{c}
}

// api is where GitLab is: the registry says it when it asks for a token.
func (g gitlab) api(ctx context.Context) (string, error) {
	c, err := g.auth.met(ctx, g.client)
	if err != nil {
		return "", err
	}
	realm, err := g.base.Parse(c.params["realm"])
	if err != nil || c.params["realm"] == "" || outbound.CheckURL(realm) != nil {
		return "", fmt.Errorf("%w as GitLab has it: it doesn't say where its tokens are", ErrNoRegistry)
	}
	l, err := g.auth.current(ctx, false)
	if err != nil {
		return "", err
	}
	if !l.nobody() && !g.auth.believes(realm) {
		return "", &RealmError{Origin: outbound.Origin(realm)}
	}
	return origin(realm) + "/api/v4", nil
}

// met is the challenge of the registry, which is asked for it where it wasn't yet.
func (a *authority) met(ctx context.Context, c *client) (challenge, error) {
	known := func() *challenge {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.challenge
	}
	if known() == nil {
		if err := c.Ping(ctx); err != nil {
			return challenge{}, err
		}
	}
	if found := known(); found != nil {
		return *found, nil
	}
	return challenge{}, nil
}

func (g gitlab) rows(ctx context.Context, what string, page func(decode func(any) error) error) error {
	api, err := g.api(ctx)
	if err != nil {
		return err
	}
	if u, err := url.Parse(api); err == nil && !strings.EqualFold(u.Hostname(), g.base.Hostname()) {
		ctx = outbound.LedBy(ctx, g.base) // the registry's word, too
	}
	separator := "?"
	if strings.Contains(what, "?") {
		separator = "&"
	}
	return byMark(func(n string) (string, error) {
		var h http.Header
		err := page(func(into any) (err error) {
			_, h, err = g.call(ctx, call{
				method: http.MethodGet, url: api + what + separator + "per_page=100&page=" + url.QueryEscape(cmp.Or(n, "1")),
				sign: func(ctx context.Context, r *http.Request, _ []byte) error {
					l, err := g.auth.current(ctx, false)
					if err == nil && l.password != "" {
						r.Header.Set("Private-Token", l.password.Reveal())
					}
					return err
				},
			}, into)
			return err
		})
		return h.Get("X-Next-Page"), err
	})
}

// Repositories implements Registry: those of a group or a person, or of the projects that the token is a member of.
func (g gitlab) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	of := namespace(prefix)
	if of == "" {
		return g.ofProjects(ctx, "/projects?membership=true&simple=true", prefix, yield)
	}
	err := g.repositories(ctx, "/groups"+path(of)+"/registry/repositories", prefix, yield)
	if errors.Is(err, ErrNotFound) {
		return g.ofProjects(ctx, "/users"+path(of)+"/projects?simple=true", prefix, yield)
	}
	return err
}

func (g gitlab) repositories(ctx context.Context, what, prefix string, yield func(string) error) error {
	return g.rows(ctx, what, func(decode func(any) error) error {
		var rows []struct {
			Path string `json:"path"`
		}
		if err := decode(&rows); err != nil {
			return err
		}
		for _, each := range rows {
			if g.wanted(each.Path, prefix) {
				if err := yield(each.Path); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (g gitlab) ofProjects(ctx context.Context, what, prefix string, yield func(string) error) error {
	return g.rows(ctx, what, func(decode func(any) error) error {
		var rows []struct {
			ID int64 `json:"id"`
		}
		if err := decode(&rows); err != nil {
			return err
		}
		for _, each := range rows {
			err := g.repositories(ctx, "/projects/"+strconv.FormatInt(each.ID, 10)+"/registry/repositories", prefix, yield)
			if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDenied) { // a project may have its registry switched off
				return err
			}
		}
		return nil
	})
}
