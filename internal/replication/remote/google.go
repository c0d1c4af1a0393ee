package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// google is Google's Container Registry and Artifact Registry. Their lists of tags tell digests and what lies below; Artifact
// Registry lists its repositories by an API.
type google struct {
	*client
	keys     *googleKeys
	location string // of Artifact Registry; "" for Container Registry
	api      string
}

// googleAPI is the API of Artifact Registry.
const googleAPI = "https://artifactregistry.googleapis.com"

var googleHost = regexp.MustCompile(`^([a-z0-9-]+)-docker\.pkg\.dev$`)

func newGoogle(c *client, e Endpoint, d Deps) Registry {
	g := &google{client: c, keys: newGoogleKeys(c, d, e.Credential), api: d.at(googleAPI)}
	if m := googleHost.FindStringSubmatch(c.base.Hostname()); m != nil {
		g.location = m[1]
	}
	c.move(parsed(d.at(e.URL), c.base))
	c.auth.login = g.keys.login
	return g
}

// googleList is a list of tags, with what is particular of Google's.
type googleList struct {
	Children  []string `json:"child"`
	Tags      []string `json:"tags"`
	Manifests map[string]struct {
		Tags []string `json:"tag"`
	} `json:"manifest"`
}

func (g *google) list(ctx context.Context, name string, page func(googleList) error) error {
	at, err := g.in(name, "/tags/list")
	if err != nil {
		return err
	}
	return g.pages(ctx, at, g.pulling(name), func(q request) (http.Header, int, error) {
		var found googleList
		h, err := g.document(ctx, q, &found)
		if err != nil {
			return nil, 0, err
		}
		return h, 1, page(found)
	})
}

// Tags implements Registry, with digests.
func (g *google) Tags(ctx context.Context, repository string, yield func(Tag) error) error {
	return g.list(ctx, repository, func(found googleList) error {
		told := map[string]bool{}
		for digest, each := range found.Manifests {
			d, err := oci.ParseDigest(digest)
			if err != nil {
				continue
			}
			for _, tag := range each.Tags {
				told[tag] = true
				if err := yield(Tag{Name: tag, Digest: d}); err != nil {
					return err
				}
			}
		}
		for _, tag := range found.Tags {
			if told[tag] {
				continue
			}
			if err := yield(Tag{Name: tag}); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxBelow bounds how deep repositories lie.
const maxBelow = 16

// Repositories implements Registry: those of a project, which the prefix or the key names.
func (g *google) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	top := strings.Trim(prefix[:strings.LastIndex(prefix, "/")+1], "/")
	if top == "" {
		project, err := g.keys.project(ctx)
		if err != nil {
			return err
		}
		if top = project; top == "" {
			return fmt.Errorf("%w: list all of Google's projects; give one, as in my-project/**", ErrUnsupported)
		}
	}
	if g.location != "" {
		return g.packages(ctx, top, prefix, yield)
	}
	return g.descend(ctx, top, prefix, maxBelow, yield)
}

// descend goes down from a name: what has images of its own is a repository.
func (g *google) descend(ctx context.Context, name, prefix string, depth int, yield func(string) error) error {
	var children []string
	images := false
	err := g.list(ctx, name, func(found googleList) error {
		images = images || len(found.Manifests) > 0
		children = append(children, found.Children...)
		return nil
	})
	if err != nil {
		return err
	}
	if images && g.wanted(name, prefix) {
		if err := yield(name); err != nil {
			return err
		}
	}
	if depth == 0 {
		return nil
	}
	for _, child := range children {
		full := name + "/" + child
		if !strings.HasPrefix(full, prefix) && !strings.HasPrefix(prefix, full+"/") {
			continue
		}
		if err := g.descend(ctx, full, prefix, depth-1, yield); err != nil {
			return err
		}
	}
	return nil
}

// packages asks the API: a package is a repository in the words of distribution.
func (g *google) packages(ctx context.Context, top, prefix string, yield func(string) error) error {
	project, rest, _ := strings.Cut(top, "/")
	parent := "projects" + path(project) + "/locations" + path(g.location)
	if repository, _, _ := strings.Cut(rest, "/"); repository != "" {
		return g.packagesOf(ctx, project, repository, prefix, yield)
	}
	return g.paged(ctx, parent+"/repositories", func(found googleNames) error {
		for _, each := range found.Repositories {
			if each.Format != "DOCKER" {
				continue
			}
			if err := g.packagesOf(ctx, project, lastOf(each.Name), prefix, yield); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *google) packagesOf(ctx context.Context, project, repository, prefix string, yield func(string) error) error {
	return g.paged(ctx, "projects"+path(project)+"/locations"+path(g.location)+"/repositories"+path(repository)+"/packages", func(found googleNames) error {
		for _, each := range found.Packages {
			image, err := url.PathUnescape(lastOf(each.Name))
			if err != nil {
				continue
			}
			if name := project + "/" + repository + "/" + image; g.wanted(name, prefix) {
				if err := yield(name); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// googleNames is a page of one of the API's lists.
type googleNames struct {
	Repositories []struct {
		Name   string `json:"name"`
		Format string `json:"format"`
	} `json:"repositories"`
	Packages []struct {
		Name string `json:"name"`
	} `json:"packages"`
	Next string `json:"nextPageToken"`
}

func lastOf(name string) string { return name[strings.LastIndex(name, "/")+1:] }

func (g *google) paged(ctx context.Context, what string, page func(googleNames) error) error {
	return byMark(func(token string) (string, error) {
		var found googleNames
		_, _, err := g.call(ctx, call{method: http.MethodGet, url: g.api + "/v1/" + what + "?pageSize=1000&pageToken=" + url.QueryEscape(token), sign: byToken(g.keys.access)}, &found)
		if err != nil {
			return "", err
		}
		return found.Next, page(found)
	})
}

// DeleteManifest implements Registry: what has tags isn't deleted, so they go first.
func (g *google) DeleteManifest(ctx context.Context, repository string, d oci.Digest) error {
	var tags []string
	err := g.Tags(ctx, repository, func(t Tag) error {
		if t.Digest == d {
			tags = append(tags, t.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := g.delete(ctx, repository, oci.TagReference(tag)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return g.delete(ctx, repository, oci.DigestReference(d))
}

// DeleteTag implements Registry.
func (g *google) DeleteTag(ctx context.Context, repository, tag string) error {
	return g.delete(ctx, repository, oci.TagReference(tag))
}
