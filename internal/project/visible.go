package project

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// sight is which projects a principal sees beside the public ones.
type sight struct {
	all       bool
	accountID int64   // those it is a member of; 0: none
	ids       []int64 // and these

	bounded bool    // by a personal token: of all these only
	within  []int64 // these
}

// visible tells what p may see: an administrator all; a user its own and the public ones; a robot what
// it has a right in, and the public ones; a personal token what its owner sees and it has a right in, and
// the public ones; everybody else the public ones.
func visible(p authz.Principal) sight {
	switch p.Kind {
	case authz.User:
		return sight{all: p.Admin, accountID: p.ID}
	case authz.Robot:
		all, ids := granted(p, func(authz.Permission) bool { return true })
		if p.ProjectID != 0 && !slices.Contains(ids, p.ProjectID) {
			ids = append(ids, p.ProjectID)
		}
		return sight{all: all, ids: ids}
	case authz.Bearer:
		var ids []int64
		for _, g := range p.Token {
			ids = append(ids, g.ProjectID)
		}
		return sight{ids: ids}
	case authz.Personal:
		if p.Owner == nil {
			return sight{}
		}
		own := visible(*p.Owner)
		all, ids := p.AllowedProjects()
		own.bounded, own.within = !all, ids
		return own
	default:
		return sight{}
	}
}

// granted collects the projects where a robot holds a right that want accepts.
func granted(p authz.Principal, want func(authz.Permission) bool) (all bool, ids []int64) {
	for _, g := range p.Grants {
		switch {
		case g.Deny || !want(g.Permission):
		case g.Scope == authz.EveryProject:
			all = true
		case g.Scope == authz.OneProject && !slices.Contains(ids, g.ProjectID):
			ids = append(ids, g.ProjectID)
		}
	}
	return all, ids
}

// condition is the SQL of a sight over project p, which leaves out the deleted ones. Its placeholders
// begin with $1.
func (s sight) condition() (where string, args []any) {
	if s.bounded {
		return s.boundedCondition()
	}
	if s.all {
		return "p.deleted_at = 0", nil
	}
	or := []string{"p.public"}
	if s.accountID != 0 {
		args = append(args, s.accountID)
		or = append(or, "p.id IN (SELECT r.project_id FROM "+allRoles+" r)")
	}
	if len(s.ids) > 0 {
		marks, more := db.In(len(args), s.ids)
		or, args = append(or, "p.id IN ("+marks+")"), append(args, more...)
	}
	return "p.deleted_at = 0 AND (" + strings.Join(or, " OR ") + ")", args
}

// boundedCondition is condition for a sight within some projects.
func (s sight) boundedCondition() (where string, args []any) {
	if len(s.within) == 0 {
		return sight{}.condition()
	}
	own := s
	own.bounded = false
	where, args = own.condition()
	marks, more := db.In(len(args), s.within)
	return "p.deleted_at = 0 AND (p.public OR p.id IN (" + marks + ") AND " + where + ")", append(args, more...)
}

// VisibleIDs returns the projects that p may see: all, or these.
func (s *Service) VisibleIDs(ctx context.Context, p authz.Principal) (all bool, ids []int64, err error) {
	sight := visible(p)
	if sight.all && !sight.bounded {
		return true, nil, nil
	}
	where, args := sight.condition()
	ids, err = db.Collect(ctx, s.db.Auto(), db.ScanInt, `SELECT p.id FROM project p WHERE `+where+` ORDER BY p.id`, args...)
	if err != nil {
		return false, nil, fmt.Errorf("find visible projects: %w", err)
	}
	return false, ids, nil
}

// IDsWith returns the projects where p holds a permission by role or by grant, whatever is public: all,
// or these.
func (s *Service) IDsWith(ctx context.Context, p authz.Principal, perm authz.Permission) (all bool, ids []int64, err error) {
	switch {
	case p.Kind == authz.Robot:
		all, ids = granted(p, func(have authz.Permission) bool { return have == perm })
		return all, ids, nil
	case p.Kind == authz.Personal && p.Owner != nil:
		return s.idsWithin(ctx, p, perm)
	case p.Kind != authz.User:
		return false, nil, nil
	case p.Admin:
		return true, nil, nil
	}
	roles, err := rolesWith(ctx, perm)
	if err != nil {
		return false, nil, err
	}
	marks, args := db.In(1, roles)
	ids, err = db.Collect(ctx, s.db.Auto(), db.ScanInt, `SELECT DISTINCT p.id FROM `+allRoles+` r JOIN project p ON p.id = r.project_id
		WHERE p.deleted_at = 0 AND r.role_id IN (`+marks+`) ORDER BY p.id`, append([]any{p.ID}, args...)...)
	if err != nil {
		return false, nil, fmt.Errorf("find projects with %s:%s: %w", perm.Resource, perm.Action, err)
	}
	return false, ids, nil
}

// idsWithin is IDsWith of a personal token: where its owner holds the permission and its limits let it pass.
func (s *Service) idsWithin(ctx context.Context, p authz.Principal, perm authz.Permission) (all bool, ids []int64, err error) {
	everywhere, within := p.AllowsIn(perm)
	ownerAll, own, err := s.IDsWith(ctx, *p.Owner, perm)
	switch {
	case err != nil:
		return false, nil, err
	case everywhere:
		return ownerAll, own, nil
	case ownerAll:
		return false, within, nil
	}
	return false, slices.DeleteFunc(own, func(id int64) bool { return !slices.Contains(within, id) }), nil
}

// oneRole answers authz as if everybody had this role.
type oneRole authz.Role

func (r oneRole) Roles(context.Context, int64, int64) ([]authz.Role, error) {
	return []authz.Role{authz.Role(r)}, nil
}

// rolesWith asks the one table of rights which roles hold a permission.
func rolesWith(ctx context.Context, perm authz.Permission) ([]int64, error) {
	var roles []int64
	for r := authz.ProjectAdmin; r.Valid(); r++ {
		may, err := authz.New(oneRole(r)).Permissions(ctx, authz.Principal{Kind: authz.User}, authz.ProjectObject{})
		if err != nil {
			return nil, err
		}
		if slices.Contains(may, perm) {
			roles = append(roles, int64(r))
		}
	}
	return roles, nil
}
