package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// artifactory is JFrog's: the first part of a name is the key of one of its repositories, which lists what is in it. Content goes by
// distribution, in the way that JFrog calls the repository path.
type artifactory struct{ *client }

// artifactoryPath is where its own API is.
const artifactoryPath = "/artifactory"

func newArtifactory(c *client) Registry {
	if strings.Contains(c.base.Path, "/api/docker/") { // one repository of it, which speaks distribution alone
		return c
	}
	home := *c.base
	home.Path = strings.TrimSuffix(strings.TrimSuffix(home.Path, "/"), artifactoryPath)
	c.move(&home)
	return artifactory{c}
}

func (a artifactory) api(path string) string { return a.base.String() + artifactoryPath + path }

// Repositories implements Registry.
func (a artifactory) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	var rows []struct {
		Key  string `json:"key"`
		Type string `json:"type"`
	}
	if _, _, err := a.call(ctx, call{method: http.MethodGet, url: a.api("/api/repositories?packageType=docker"), sign: a.byPassword}, &rows); err != nil {
		return err
	}
	for _, each := range rows {
		// A virtual one shows what the others have.
		below := each.Key + "/"
		if !slices.Contains([]string{"LOCAL", "FEDERATED", "REMOTE"}, each.Type) || !strings.HasPrefix(below, prefix) && !strings.HasPrefix(prefix, below) {
			continue
		}
		if err := a.catalogue(ctx, each.Key, prefix, yield); err != nil {
			return err
		}
	}
	return nil
}

// catalogue lists one repository of Artifactory's.
func (a artifactory) catalogue(ctx context.Context, key, prefix string, yield func(string) error) error {
	return byMark(func(last string) (string, error) {
		var page struct {
			Repositories []string `json:"repositories"`
		}
		address := a.api("/api/docker"+path(key)+"/v2/_catalog?n="+pageSize) + "&last=" + url.QueryEscape(last)
		if _, _, err := a.call(ctx, call{method: http.MethodGet, url: address, sign: a.byPassword}, &page); err != nil {
			return "", err
		}
		for _, each := range page.Repositories {
			if name := key + "/" + each; a.wanted(name, prefix) {
				if err := yield(name); err != nil {
					return "", err
				}
			}
		}
		found := len(page.Repositories)
		if found < 1000 || page.Repositories[found-1] <= last { // the second, where it doesn't know pages
			return "", nil
		}
		return page.Repositories[found-1], nil
	})
}

// Prepare implements Registry: it makes the repository of Artifactory's that the name begins with.
func (a artifactory) Prepare(ctx context.Context, repository string, _ bool) error {
	key, _, ok := strings.Cut(repository, "/")
	if !ok {
		return fmt.Errorf("%w: %s has no repository of Artifactory's in front", ErrUnsupported, repository)
	}
	address := a.api("/api/repositories" + path(key))
	_, _, err := a.call(ctx, call{method: http.MethodGet, url: address, sign: a.byPassword}, nil)
	answer, ok := errors.AsType[*AnswerError](err)
	if errors.Is(err, ErrDenied) {
		return nil // it may be there, and pushing tells
	}
	if !ok || answer.Status != http.StatusNotFound && answer.Status != http.StatusBadRequest { // by 400 it says that there is none
		return err
	}
	_, _, err = a.call(ctx, call{
		method: http.MethodPut, url: address, sign: a.byPassword, statuses: []int{http.StatusOK, http.StatusCreated},
		body: map[string]string{"key": key, "rclass": "local", "packageType": "docker"},
	}, nil)
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		return fmt.Errorf("make the repository %s: %w", key, err)
	}
	return nil
}

// DeleteTag implements Registry: a tag is a folder.
func (a artifactory) DeleteTag(ctx context.Context, repository, tag string) error {
	if _, _, err := oci.ParseRepository(repository); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	_, _, err := a.call(ctx, call{
		method: http.MethodDelete, url: a.api("/" + repository + path(tag)), sign: a.byPassword, statuses: []int{http.StatusNoContent, http.StatusOK},
	}, nil)
	return err
}
