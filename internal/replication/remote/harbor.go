package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// harbor is Harbor, and Haven: what images are, by distribution; projects, labels and lists, by Harbor's API.
type harbor struct{ *client }

func newHarbor(c *client) Registry {
	c.auth.basicToo = true
	return harbor{c}
}

// harborPage is how many rows Harbor gives at once.
const harborPage = 100

func (h harbor) api(path string) string { return h.base.String() + "/api/v2.0" + path }

// artifacts is where the API has the artifacts of a repository: its name without the project is escaped twice.
func (h harbor) artifacts(repository string, more ...string) (string, error) {
	project, rest, err := oci.ParseRepository(repository)
	if err != nil || rest == "" {
		return "", fmt.Errorf("%w: a name of Harbor's has a project and a repository", ErrNotFound)
	}
	return h.api("/projects" + path(project) + "/repositories" + path(url.PathEscape(rest)) + "/artifacts" + path(more...)), nil
}

// pages asks for page after page, until one isn't full.
func (h harbor) pages(ctx context.Context, address string, page func(call) (int, error)) error {
	return byNumber(harborPage, func(n int) (int, error) {
		return page(call{method: http.MethodGet, url: address + "page=" + strconv.Itoa(n) + "&page_size=" + strconv.Itoa(harborPage), sign: h.byPassword})
	})
}

// Repositories implements Registry.
func (h harbor) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	address := h.api("/repositories?sort=name&")
	if project := namespace(prefix); project != "" {
		address = h.api("/projects" + path(project) + "/repositories?sort=name&")
	}
	return h.pages(ctx, address, func(q call) (int, error) {
		var rows []struct {
			Name string `json:"name"`
		}
		if _, _, err := h.call(ctx, q, &rows); err != nil {
			return 0, err
		}
		for _, each := range rows {
			if h.wanted(each.Name, prefix) {
				if err := yield(each.Name); err != nil {
					return 0, err
				}
			}
		}
		return len(rows), nil
	})
}

// Tags implements Registry, with digests but for the tags of accessories: the API shows none of these, as are Cosign's signatures. What
// is pushed meanwhile comes at the end, and shifts no page.
func (h harbor) Tags(ctx context.Context, repository string, yield func(Tag) error) error {
	address, err := h.artifacts(repository)
	if err != nil {
		return err
	}
	first := true
	told := map[string]bool{}
	err = h.pages(ctx, address+"?with_tag=true&sort=push_time&q="+url.QueryEscape("tags=*")+"&", func(q call) (int, error) {
		var rows []struct {
			Digest string `json:"digest"`
			Tags   []struct {
				Name string `json:"name"`
			} `json:"tags"`
		}
		if _, _, err := h.call(ctx, q, &rows); err != nil {
			return 0, err
		}
		if first && len(rows) == 0 { // of a repository that isn't there it says the same
			_, _, err := h.call(ctx, call{method: http.MethodGet, url: strings.TrimSuffix(address, "/artifacts"), sign: h.byPassword}, nil)
			return 0, err
		}
		first = false
		for _, each := range rows {
			digest, err := oci.ParseDigest(each.Digest)
			if err != nil {
				continue
			}
			for _, tag := range each.Tags {
				if _, err := oci.ParseTag(tag.Name); err != nil {
					continue
				}
				told[tag.Name] = true
				if err := yield(Tag{Name: tag.Name, Digest: digest}); err != nil {
					return 0, err
				}
			}
		}
		return len(rows), nil
	})
	if err != nil {
		return err
	}
	err = h.client.Tags(ctx, repository, func(t Tag) error {
		if told[t.Name] {
			return nil
		}
		return yield(t)
	})
	if errors.Is(err, ErrNotFound) {
		return nil // the API has said that the repository is there
	}
	return err
}

// Labels implements Labelled.
func (h harbor) Labels(ctx context.Context, repository string, ref oci.Reference) ([]string, error) {
	address, err := h.artifacts(repository, ref.String())
	if err != nil {
		return nil, err
	}
	var artifact struct {
		Labels []struct {
			Name string `json:"name"`
		} `json:"labels"`
	}
	if _, _, err := h.call(ctx, call{method: http.MethodGet, url: address + "?with_label=true", sign: h.byPassword}, &artifact); err != nil {
		return nil, err
	}
	var names []string
	for _, each := range artifact.Labels {
		names = append(names, each.Name)
	}
	return names, nil
}

// Prepare implements Registry: it makes the project where there is none. Who may not look may be let in all the same.
func (h harbor) Prepare(ctx context.Context, repository string, public bool) error {
	project, rest, err := oci.ParseRepository(repository)
	if err != nil {
		return err
	}
	if rest == "" {
		return fmt.Errorf("%w: %s has no project: a name of Harbor's has two parts at least", ErrUnsupported, repository)
	}
	var found struct {
		RegistryID *int64 `json:"registry_id"`
	}
	byName := http.Header{"X-Is-Resource-Name": {"true"}}
	_, _, err = h.call(ctx, call{method: http.MethodGet, url: h.api("/projects" + path(project)), header: byName, sign: h.byPassword}, &found)
	switch {
	case err == nil && found.RegistryID != nil && *found.RegistryID != 0:
		return fmt.Errorf("%w: %s is a proxy project, which takes no pushes", ErrUnsupported, project)
	case err == nil:
		return nil
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDenied):
		return err
	}
	missing := errors.Is(err, ErrNotFound)
	_, _, err = h.call(ctx, call{
		method: http.MethodPost, url: h.api("/projects"), sign: h.byPassword, statuses: []int{http.StatusCreated, http.StatusConflict},
		body: map[string]any{"project_name": project, "metadata": map[string]string{"public": strconv.FormatBool(public)}},
	}, nil)
	if errors.Is(err, ErrDenied) && !missing {
		return nil // it may be there, and pushing tells
	}
	if err != nil {
		return fmt.Errorf("make project %s: %w", project, err)
	}
	return nil
}

// DeleteTag implements Registry.
func (h harbor) DeleteTag(ctx context.Context, repository, tag string) error {
	return h.remove(ctx, repository, tag, "tags", tag)
}

// DeleteManifest implements Registry.
func (h harbor) DeleteManifest(ctx context.Context, repository string, d oci.Digest) error {
	return h.remove(ctx, repository, d.String())
}

func (h harbor) remove(ctx context.Context, repository string, more ...string) error {
	address, err := h.artifacts(repository, more...)
	if err != nil {
		return err
	}
	_, _, err = h.call(ctx, call{method: http.MethodDelete, url: address, sign: h.byPassword}, nil)
	return err
}

// Ping implements Pinger.
func (h harbor) Ping(ctx context.Context) error {
	_, _, err := h.call(ctx, call{method: http.MethodGet, url: h.api("/ping")}, nil)
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.Status >= 400 {
		return fmt.Errorf("%w as Harbor is: at /api/v2.0/ping it answers %d", ErrNoRegistry, answer.Status)
	}
	if err != nil {
		return err
	}
	if err := h.client.Ping(ctx); err != nil {
		return err
	}
	return h.health(ctx)
}

// health is what it says of its own parts. Some keep that from strangers.
func (h harbor) health(ctx context.Context) error {
	var health struct {
		Status     string `json:"status"`
		Components []struct {
			Name   string `json:"name"`
			Status string `json:"status"`
		} `json:"components"`
	}
	_, _, err := h.call(ctx, call{method: http.MethodGet, url: h.api("/health"), sign: h.byPassword}, &health)
	if err != nil || health.Status == "" || health.Status == "healthy" {
		return nil //nolint:nilerr // it lets one in, which is what matters
	}
	ill := []string{}
	for _, each := range health.Components {
		// What scans, and what works in the background, isn't needed to pull and push.
		if each.Status != "healthy" && slices.Contains([]string{"core", "database", "redis", "registry"}, each.Name) {
			ill = append(ill, tidy(each.Name, 32))
		}
	}
	if len(ill) == 0 {
		return nil
	}
	return fmt.Errorf("it says itself that it isn't well: %s", strings.Join(ill, ", "))
}
