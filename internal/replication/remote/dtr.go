package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// dtr is Docker Trusted Registry, today Mirantis Secure Registry: content by distribution; repositories and tags by its API.
type dtr struct{ *client }

func (t dtr) api(path string) string { return t.base.String() + "/api/v0/repositories" + path }

// Repositories implements Registry.
func (t dtr) Repositories(ctx context.Context, prefix string, yield func(string) error) error {
	what := ""
	if of := namespace(prefix); of != "" {
		what = path(of)
	}
	return byMark(func(start string) (string, error) {
		var page struct {
			Repositories []struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"repositories"`
		}
		_, h, err := t.call(ctx, call{method: http.MethodGet, url: t.api(what + "?pageSize=100&pageStart=" + url.QueryEscape(start)), sign: t.byPassword}, &page)
		if err != nil {
			return "", err
		}
		for _, each := range page.Repositories {
			if name := each.Namespace + "/" + each.Name; t.wanted(name, prefix) {
				if err := yield(name); err != nil {
					return "", err
				}
			}
		}
		return h.Get("X-Next-Page-Start"), nil
	})
}

// Prepare implements Registry: pushing makes no repository.
func (t dtr) Prepare(ctx context.Context, repository string, public bool) error {
	of, name, ok := strings.Cut(repository, "/")
	if !ok || strings.Contains(name, "/") {
		return fmt.Errorf("%w: a name has a namespace and a repository here, and %s hasn't", ErrUnsupported, repository)
	}
	visibility := "private"
	if public {
		visibility = "public"
	}
	_, _, err := t.call(ctx, call{
		method: http.MethodPost, url: t.api(path(of)), sign: t.byPassword, statuses: []int{http.StatusCreated, http.StatusOK, http.StatusConflict},
		body: map[string]string{"name": name, "visibility": visibility},
	}, nil)
	if answer, ok := errors.AsType[*AnswerError](err); ok && answer.Code == "REPOSITORY_EXISTS" {
		return nil
	}
	return err
}

// DeleteTag implements Registry.
func (t dtr) DeleteTag(ctx context.Context, repository, tag string) error {
	if _, _, err := oci.ParseRepository(repository); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	_, _, err := t.call(ctx, call{method: http.MethodDelete, url: t.api("/" + repository + "/tags" + path(tag)), sign: t.byPassword, statuses: []int{http.StatusNoContent, http.StatusOK}}, nil)
	return err
}
