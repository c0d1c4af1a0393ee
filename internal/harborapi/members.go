package harborapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/project"
)

// ListProjectMembers answers GET …/members.
func (s *Server) ListProjectMembers(ctx context.Context, r gen.ListProjectMembersRequestObject) (gen.ListProjectMembersResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, project.HasMemberKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Projects.ListMembers(ctx, p.ID, r.Params.Entityname, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListProjectMembers200JSONResponse{Body: each(rows, memberJSON)}, nil
}

// CreateProjectMember answers POST …/members. Location repeats the project as the client spelled it.
func (s *Server) CreateProjectMember(ctx context.Context, r gen.CreateProjectMemberRequestObject) (gen.CreateProjectMemberResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	n, err := s.newMember(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	id, err := s.Projects.AddMember(ctx, callFrom(ctx).Principal, p.ID, n)
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateProjectMember201Response{}, nil
}

// newMember finds who is to become a member, in Harbor's order: by user id, group id, user name, and a
// group's other names.
func (s *Server) newMember(ctx context.Context, body *gen.ProjectMember) (n project.NewMember, err error) {
	if body == nil || body.MemberUser == nil && body.MemberGroup == nil {
		return n, badRequest("either member_user or member_group is needed")
	}
	n.Role = authz.Role(body.RoleID)
	user, group := body.MemberUser, body.MemberGroup
	switch {
	case user != nil && user.UserID > 0:
		n.UserID = user.UserID
	case group != nil && group.ID > 0 || group != nil && (user == nil || user.Username == ""):
		n.GroupID, err = s.groupOf(ctx, *group)
	case user.Username != "":
		n.UserID, err = s.personOf(ctx, user.Username)
	}
	return n, err
}

// personOf finds a user by name, at the providers too: who never signed in may be given a role.
func (s *Server) personOf(ctx context.Context, name string) (int64, error) {
	u, err := s.Identity.FindPerson(ctx, name)
	if errors.Is(err, fault.NotFound) {
		return 0, fault.NotFoundf("user %s is not found", name)
	}
	return u.ID, err
}

// GetProjectMember answers GET …/members/{mid}.
func (s *Server) GetProjectMember(ctx context.Context, r gen.GetProjectMemberRequestObject) (gen.GetProjectMemberResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	m, err := s.Projects.GetMember(ctx, p.ID, r.Mid)
	return gen.GetProjectMember200JSONResponse(memberJSON(m)), err
}

// UpdateProjectMember answers PUT …/members/{mid}.
func (s *Server) UpdateProjectMember(ctx context.Context, r gen.UpdateProjectMemberRequestObject) (gen.UpdateProjectMemberResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	var role authz.Role
	if r.Body != nil {
		role = authz.Role(r.Body.RoleID)
	}
	err = s.Projects.SetMemberRole(ctx, callFrom(ctx).Principal, p.ID, r.Mid, role)
	return gen.UpdateProjectMember200Response{}, err
}

// DeleteProjectMember answers DELETE …/members/{mid}.
func (s *Server) DeleteProjectMember(ctx context.Context, r gen.DeleteProjectMemberRequestObject) (gen.DeleteProjectMemberResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	err = s.Projects.DeleteMember(ctx, callFrom(ctx).Principal, p.ID, r.Mid)
	return gen.DeleteProjectMember200Response{}, err
}

func memberJSON(m project.Member) gen.ProjectMemberEntity {
	e := gen.ProjectMemberEntity{
		ID: m.ID, ProjectID: m.ProjectID, EntityID: m.AccountID, EntityName: m.Name, EntityType: "u",
		RoleID: int64(m.Role), RoleName: m.Role.String(),
	}
	if m.GroupID != 0 {
		e.EntityID, e.EntityType = m.GroupID, "g"
	}
	return e
}
