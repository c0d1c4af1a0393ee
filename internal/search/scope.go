package search

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// maxProjects bounds the projects that a caller sees besides the public ones, as far as a statement names them.
const maxProjects = 5000

// scope is the projects in which something is looked for: public ones, and all or these, but for some.
type scope struct {
	all    bool
	ids    []int64
	denied []int64
}

// condition is the scope as SQL on the alias p of project. Its placeholders begin with $1.
func (s scope) condition() (string, []any) {
	var own string
	var args []any
	switch {
	case s.all:
		own = "p.id > 0"
	case len(s.ids) > 0:
		marks, more := db.In(0, s.ids[:min(len(s.ids), maxProjects)])
		own, args = "p.id IN ("+marks+")", more
	default:
		return "p.deleted_at = 0 AND p.public", nil
	}
	if len(s.denied) > 0 {
		marks, more := db.In(len(args), s.denied)
		own, args = own+" AND p.id NOT IN ("+marks+")", append(args, more...)
	} else if s.all {
		return "p.deleted_at = 0", nil
	}
	return "p.deleted_at = 0 AND (p.public OR " + own + ")", args
}

// in is where the caller holds a permission that everybody has in public projects.
func (s *Service) in(ctx context.Context, p authz.Principal, perm authz.Permission) (scope, error) {
	all, ids, err := s.projects.IDsWith(ctx, p, perm)
	found := scope{all: all, ids: ids}
	for _, g := range p.Grants {
		switch {
		case !g.Deny || g.Permission != perm:
		case g.Scope == authz.EveryProject:
			return scope{}, err
		case g.Scope == authz.OneProject:
			found.denied = append(found.denied, g.ProjectID)
		}
	}
	return found, err
}
