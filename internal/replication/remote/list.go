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

const (
	// pageSize is how much of a list is asked for at once; registries may give less.
	pageSize = "1000"
	// maxPages bounds a list.
	maxPages = 100_000
)

// ErrTooMany: a list is longer than anybody needs.
var ErrTooMany = errors.New("the registry lists too much")

// errEndless: what was listed isn't all, and must not be taken for it.
var errEndless = fmt.Errorf("%w: more than %d pages", ErrTooMany, maxPages)

// Repositories implements Registry, by the catalogue.
func (c *client) Repositories(ctx context.Context, prefix string, yield func(name string) error) error {
	at := c.below("_catalog")
	at.RawQuery = "n=" + pageSize
	return c.pages(ctx, at, []string{"registry:catalog:*"}, func(q request) (http.Header, int, error) {
		var page struct {
			Repositories []string `json:"repositories"`
		}
		h, err := c.document(ctx, q, &page)
		if err != nil {
			return nil, 0, err
		}
		for _, name := range page.Repositories {
			if _, _, err := oci.ParseRepository(name); err != nil || !strings.HasPrefix(name, prefix) {
				continue
			}
			if err := yield(name); err != nil {
				return nil, 0, err
			}
		}
		return h, len(page.Repositories), nil
	})
}

// Tags implements Registry.
func (c *client) Tags(ctx context.Context, repository string, yield func(Tag) error) error {
	at, err := c.in(repository, "/tags/list")
	if err != nil {
		return err
	}
	at.RawQuery = "n=" + pageSize
	return c.pages(ctx, at, c.pulling(repository), func(q request) (http.Header, int, error) {
		var page struct {
			Tags []string `json:"tags"`
		}
		h, err := c.document(ctx, q, &page)
		if err != nil {
			return nil, 0, err
		}
		for _, name := range page.Tags {
			if _, err := oci.ParseTag(name); err != nil {
				continue // nobody can pull it
			}
			if err := yield(Tag{Name: name}); err != nil {
				return nil, 0, err
			}
		}
		return h, len(page.Tags), nil
	})
}

// pages goes from page to page of a list, as long as an answer's Link leads on to another with something on it.
func (c *client) pages(ctx context.Context, at *url.URL, scopes []string, page func(request) (http.Header, int, error)) error {
	for range maxPages {
		h, found, err := page(request{method: http.MethodGet, url: at, scopes: scopes})
		if err != nil {
			return err
		}
		next := c.next(at, h)
		if next == nil || found == 0 || next.String() == at.String() {
			return nil
		}
		at = next
	}
	return errEndless
}

// byNumber goes from page to page, from 1, until one isn't full.
func byNumber(size int, page func(n int) (found int, err error)) error {
	for n := 1; n <= maxPages; n++ {
		if found, err := page(n); err != nil || found < size {
			return err
		}
	}
	return errEndless
}

// byMark goes from page to page, by the mark that each has for the next, until one has none, or the same again.
func byMark(page func(mark string) (next string, err error)) error {
	mark := ""
	for range maxPages {
		next, err := page(mark)
		if err != nil || next == "" || next == mark {
			return err
		}
		mark = next
	}
	return errEndless
}

// next is where the Link of an answer leads on to; nil at the end. Registries behind another server know their own name badly: only
// path and query count.
func (c *client) next(at *url.URL, h http.Header) *url.URL {
	for _, line := range h.Values("Link") {
		for link := range strings.SplitSeq(line, ",") {
			target, params, ok := strings.Cut(strings.TrimSpace(link), ">")
			if !ok || !strings.HasPrefix(target, "<") || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
				continue
			}
			u, err := at.Parse(target[1:])
			if err != nil {
				continue
			}
			next := *at
			next.Path, next.RawPath, next.RawQuery = u.Path, u.RawPath, u.RawQuery
			return &next
		}
	}
	return nil
}
