package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/rest"
)

// What handlers say often, of package rest.

func callFrom(ctx context.Context) *rest.Call { return rest.CallFrom(ctx) }

func created(ctx context.Context, id int64) { rest.Created(ctx, id) }

func createdAt(ctx context.Context, segment string) { rest.CreatedAt(ctx, segment) }

func listing(ctx context.Context, known rest.Keys) (db.List, error) { return rest.Listing(ctx, known) }

func paged(ctx context.Context, list db.List, total int64) { rest.Paged(ctx, list, total) }

func badRequest(format string, args ...any) error { return rest.BadRequest(format, args...) }

func forbidden(format string, args ...any) error { return rest.Forbidden(format, args...) }

func saying(err error, format string, args ...any) error { return rest.Saying(err, format, args...) }

func printable(s string) string { return rest.Printable(s) }

func repositoryName(segment string) string { return rest.RepositoryName(segment) }

func (s *Server) decideSystem(c *rest.Call, perm authz.Permission) error {
	return s.frame.System(c, perm)
}

// take removes the filter with this key from list and returns its only value.
func take(list *db.List, key string) (value string, found bool) {
	for i, f := range list.Filters {
		if f.Key == key && f.Op == db.Equal {
			list.Filters = append(list.Filters[:i:i], list.Filters[i+1:]...)
			return f.Values[0], true
		}
	}
	return "", false
}

// countKeys counts the conditions on a key.
func countKeys(list db.List, key string) (n int) {
	for _, f := range list.Filters {
		if f.Key == key {
			n++
		}
	}
	return n
}
