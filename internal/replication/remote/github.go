package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// github is GitHub's registry: content by distribution; packages and deletions by GitHub's API, with the same token.
type github struct {
	*client
	api string
}

func newGitHub(c *client, e Endpoint, d Deps) Registry {
	g := &github{client: c, api: "https://api.github.com"}
	switch host := c.base.Hostname(); {
	case strings.HasPrefix(host, "containers.") && host != "containers.ghe.com": // a GitHub Enterprise Server
		g.api = "https://" + strings.TrimPrefix(host, "containers.") + "/api/v3"
	case strings.HasSuffix(host, ".ghe.com"):
		g.api = "https://api." + host[strings.Index(host, ".")+1:]
	}
	g.api = d.at(g.api)
	c.move(parsed(d.at(e.URL), c.base))
	return g
}

// token is the endpoint's secret.
func (g *github) token(ctx context.Context) (string, error) {
	l, err := g.auth.current(ctx, false)
	if err == nil && l.password == "" {
		err = fmt.Errorf("%w: ask GitHub's API without a token", ErrUnsupported)
	}
	return l.password.Reveal(), err
}

// rows asks for all pages of a list.
func (g *github) rows(ctx context.Context, what string, page func(decode func(any) error) (int, error)) error {
	const size = 100
	separator := "?"
	if strings.Contains(what, "?") {
		separator = "&"
	}
	return byNumber(size, func(n int) (int, error) {
		return page(func(into any) error {
			_, _, err := g.call(ctx, call{
				method: http.MethodGet, url: g.api + what + separator + "per_page=" + strconv.Itoa(size) + "&page=" + strconv.Itoa(n), sign: byToken(g.token),
				header: http.Header{"X-Github-Api-Version": {"2022-11-28"}},
			}, into)
			return err
		})
	})
}

// owners are the ways that the API has to an owner's packages: it distinguishes organisations from people.
func owners(of string) []string {
	if of == "" {
		return []string{"/user"}
	}
	return []string{"/orgs" + path(of), "/users" + path(of)}
}

// Repositories implements Registry: those of an owner, or the token's own.
func (g *github) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	list := func(owner string) error {
		return g.rows(ctx, owner+"/packages?package_type=container", func(decode func(any) error) (int, error) {
			var rows []struct {
				Name  string `json:"name"`
				Owner struct {
					Login string `json:"login"`
				} `json:"owner"`
			}
			if err := decode(&rows); err != nil {
				return 0, err
			}
			for _, each := range rows {
				if name := strings.ToLower(each.Owner.Login) + "/" + each.Name; g.wanted(name, prefix) {
					if err := yield(name); err != nil {
						return 0, err
					}
				}
			}
			return len(rows), nil
		})
	}
	return g.first(namespace(prefix), list)
}

// first tries the ways to an owner until one is there.
func (g *github) first(of string, try func(owner string) error) (err error) {
	for _, each := range owners(of) {
		if err = try(each); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return err
}

// DeleteTag implements Registry: GitHub deletes a tag only with its version, so the version must have no other.
func (g *github) DeleteTag(ctx context.Context, repository, tag string) error {
	return g.remove(ctx, repository, func(v githubVersion) (bool, error) {
		for _, each := range v.Metadata.Container.Tags {
			if each == tag {
				if len(v.Metadata.Container.Tags) > 1 {
					return false, fmt.Errorf("%w: it removes a tag only with its manifest, which has others", ErrUnsupported)
				}
				return true, nil
			}
		}
		return false, nil
	})
}

// DeleteManifest implements Registry.
func (g *github) DeleteManifest(ctx context.Context, repository string, d oci.Digest) error {
	return g.remove(ctx, repository, func(v githubVersion) (bool, error) { return v.Name == d.String(), nil })
}

// githubVersion is a manifest, in the words of the API.
type githubVersion struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"` // its digest
	Metadata struct {
		Container struct {
			Tags []string `json:"tags"`
		} `json:"container"`
	} `json:"metadata"`
}

func (g *github) remove(ctx context.Context, repository string, is func(githubVersion) (bool, error)) error {
	if _, _, err := oci.ParseRepository(repository); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	of, name, _ := strings.Cut(repository, "/")
	return g.first(of, func(owner string) error {
		versions := owner + "/packages/container/" + url.PathEscape(name) + "/versions"
		var id int64
		err := g.rows(ctx, versions, func(decode func(any) error) (int, error) {
			var rows []githubVersion
			if err := decode(&rows); err != nil {
				return 0, err
			}
			for _, each := range rows {
				found, err := is(each)
				if err != nil {
					return 0, err
				}
				if found {
					id = each.ID
					return 0, nil
				}
			}
			return len(rows), nil
		})
		if err != nil {
			return err
		}
		if id == 0 {
			return ErrNotFound
		}
		_, _, err = g.call(ctx, call{method: http.MethodDelete, url: g.api + versions + "/" + strconv.FormatInt(id, 10), sign: byToken(g.token), statuses: []int{http.StatusNoContent}}, nil)
		return err
	})
}
