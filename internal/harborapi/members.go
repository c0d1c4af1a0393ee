package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
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
	n, err := newMember(r.Body)
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

func newMember(body *gen.ProjectMember) (project.NewMember, error) {
	switch {
	case body != nil && body.MemberUser != nil:
		return project.NewMember{UserID: body.MemberUser.UserID, Username: body.MemberUser.Username, Role: authz.Role(body.RoleID)}, nil
	case body != nil && body.MemberGroup != nil:
		return project.NewMember{}, badRequest("groups are known only with a directory or an identity provider, and none is configured")
	default:
		return project.NewMember{}, badRequest("either member_user or member_group is needed")
	}
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
	return gen.ProjectMemberEntity{
		ID: m.ID, ProjectID: m.ProjectID, EntityID: m.AccountID, EntityName: m.Name, EntityType: "u",
		RoleID: int64(m.Role), RoleName: m.Role.String(),
	}
}
