package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/identity"
)

// ListUserGroups answers GET /usergroups.
func (s *Server) ListUserGroups(ctx context.Context, r gen.ListUserGroupsRequestObject) (gen.ListUserGroupsResponseObject, error) {
	list, err := listing(ctx, identity.HasGroupKey)
	if err != nil {
		return nil, err
	}
	list.Filters = append(list.Filters, containing("group_name", r.Params.GroupName)...)
	if dn := r.Params.LdapGroupDn; dn != "" {
		list.Filters = append(list.Filters, db.Filter{Key: "ldap_group_dn", Op: db.Equal, Values: []string{dn}})
	}
	rows, total, err := s.Identity.ListGroups(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListUserGroups200JSONResponse{Body: each(rows, groupJSON)}, nil
}

// SearchUserGroups answers GET /usergroups/search with what any signed-in user may know of groups.
func (s *Server) SearchUserGroups(ctx context.Context, r gen.SearchUserGroupsRequestObject) (gen.SearchUserGroupsResponseObject, error) {
	if r.Params.Groupname == "" {
		return nil, badRequest("need to provide groupname to search user group")
	}
	list, err := listing(ctx, identity.HasGroupKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Identity.SearchGroups(ctx, r.Params.Groupname, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.SearchUserGroups200JSONResponse{Body: each(rows, func(g identity.UserGroup) gen.UserGroupSearchItem {
		return gen.UserGroupSearchItem{ID: g.ID, GroupName: g.Name, GroupType: int64(g.Type)}
	})}, nil
}

// CreateUserGroup answers POST /usergroups.
func (s *Server) CreateUserGroup(ctx context.Context, r gen.CreateUserGroupRequestObject) (gen.CreateUserGroupResponseObject, error) {
	if r.Body == nil {
		return nil, badRequest("the request body is empty")
	}
	id, err := s.Identity.CreateGroup(ctx, callFrom(ctx).Principal, newGroup(*r.Body))
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateUserGroup201Response{}, nil
}

func newGroup(g gen.UserGroup) identity.NewUserGroup {
	return identity.NewUserGroup{Name: g.GroupName, Type: identity.GroupType(g.GroupType), DN: g.LdapGroupDn}
}

// GetUserGroup answers GET /usergroups/{group_id}.
func (s *Server) GetUserGroup(ctx context.Context, r gen.GetUserGroupRequestObject) (gen.GetUserGroupResponseObject, error) {
	g, err := s.Identity.GetGroup(ctx, r.GroupID)
	return gen.GetUserGroup200JSONResponse(groupJSON(g)), err
}

// UpdateUserGroup answers PUT /usergroups/{group_id}: only the name changes.
func (s *Server) UpdateUserGroup(ctx context.Context, r gen.UpdateUserGroupRequestObject) (gen.UpdateUserGroupResponseObject, error) {
	name := ""
	if r.Body != nil {
		name = r.Body.GroupName
	}
	err := s.Identity.RenameGroup(ctx, callFrom(ctx).Principal, r.GroupID, name)
	return gen.UpdateUserGroup200Response{}, err
}

// DeleteUserGroup answers DELETE /usergroups/{group_id}. One that isn't there is gone, as with Harbor.
func (s *Server) DeleteUserGroup(ctx context.Context, r gen.DeleteUserGroupRequestObject) (gen.DeleteUserGroupResponseObject, error) {
	err := s.Identity.DeleteGroup(ctx, callFrom(ctx).Principal, r.GroupID)
	return gen.DeleteUserGroup200Response{}, err
}

func groupJSON(g identity.UserGroup) gen.UserGroup {
	return gen.UserGroup{ID: g.ID, GroupName: g.Name, GroupType: int64(g.Type), LdapGroupDn: g.DN()}
}

// groupOf finds the group that a member is to be: by id, by DN, or by name and type. What providers know
// and Haven doesn't yet is made known.
func (s *Server) groupOf(ctx context.Context, g gen.UserGroup) (int64, error) {
	if g.ID > 0 {
		return g.ID, nil
	}
	n := newGroup(g)
	if n.DN != "" && n.Type == 0 {
		n.Type = identity.LDAPGroup
	}
	if n.DN == "" && n.Name == "" {
		return 0, fault.Invalidf("the member_group needs an id, a group_name or an ldap_group_dn")
	}
	found, err := s.Identity.EnsureGroup(ctx, callFrom(ctx).Principal, n)
	return found.ID, err
}
