package havenapi

import (
	"context"
	"errors"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/rest"
)

// Places of permissions, as robots spell them.
const (
	kindSystem  = "system"
	kindProject = "project"
	everywhere  = "*"
	theSystem   = "/"
)

// ListPersonalTokens answers GET /tokens.
func (s *Server) ListPersonalTokens(ctx context.Context, r gen.ListPersonalTokensRequestObject) (gen.ListPersonalTokensResponseObject, error) {
	accountID, err := s.ofUser(ctx, r.Params.UserID)
	if err != nil {
		return nil, err
	}
	out, err := rest.List(ctx, identity.HasPersonalTokenKey, func(list db.List) ([]identity.PersonalToken, int64, error) {
		return s.Identity.ListPersonalTokens(ctx, accountID, list)
	}, tokenJSON)
	return gen.ListPersonalTokens200JSONResponse{Body: out}, err
}

// CreatePersonalToken answers POST /tokens: for the caller, who must be a user in person.
func (s *Server) CreatePersonalToken(ctx context.Context, r gen.CreatePersonalTokenRequestObject) (gen.CreatePersonalTokenResponseObject, error) {
	by := rest.CallFrom(ctx).Principal
	if by.Kind != authz.User {
		return nil, identity.ErrTokensOfUsers
	}
	limits, err := s.limits(ctx, by, r.Body.Permissions)
	if err != nil {
		return nil, err
	}
	n := identity.NewPersonalToken{Name: r.Body.Name, Limits: limits}
	if r.Body.ExpiresAt != nil {
		n.ExpiresAt = time.Time(*r.Body.ExpiresAt)
	}
	made, err := s.Identity.CreatePersonalToken(ctx, by, n)
	if err != nil {
		return nil, err
	}
	rest.Created(ctx, made.ID)
	return gen.CreatePersonalToken201JSONResponse{Body: gen.PersonalTokenMade{
		ID: made.ID, Name: made.Name, Token: made.Secret.Reveal(), CreationTime: wire.Time(made.CreatedAt), ExpiresAt: wire.TimeIfAny(made.ExpiresAt),
	}}, nil
}

// limits reads permissions. A project that by may not see is as one that isn't there (S19).
func (s *Server) limits(ctx context.Context, by authz.Principal, permissions []gen.RobotPermission) ([]authz.Grant, error) {
	var all []authz.Grant
	for _, p := range permissions {
		place, err := s.place(ctx, by, p)
		if err != nil {
			return nil, err
		}
		if len(p.Access) == 0 {
			return nil, rest.BadRequest("a permission without access")
		}
		for _, a := range p.Access {
			if a.Effect != "" && a.Effect != "allow" {
				return nil, rest.BadRequest("a token's permission only allows")
			}
			g := place
			g.Permission = authz.Permission{Resource: authz.Resource(a.Resource), Action: authz.Action(a.Action)}
			all = append(all, g)
		}
	}
	return all, nil
}

func (s *Server) place(ctx context.Context, by authz.Principal, p gen.RobotPermission) (authz.Grant, error) {
	switch {
	case p.Kind == kindSystem && p.Namespace == theSystem:
		return authz.Grant{Scope: authz.System}, nil
	case p.Kind == kindProject && p.Namespace == everywhere:
		return authz.Grant{Scope: authz.EveryProject}, nil
	case p.Kind != kindProject:
		return authz.Grant{}, rest.BadRequest("a permission is of kind project, or of kind system with the namespace /")
	}
	missing := fault.NotFoundf("project %s not found", rest.Printable(p.Namespace))
	found, err := s.Projects.ByName(ctx, p.Namespace)
	if errors.Is(err, fault.NotFound) {
		return authz.Grant{}, missing
	}
	if err != nil {
		return authz.Grant{}, err
	}
	err = s.Authorizer.Project(ctx, by, found.Object(), authz.Permission{Resource: authz.Project, Action: authz.Read})
	if errors.Is(err, authz.ErrForbidden) {
		err = missing
	}
	return authz.Grant{Scope: authz.OneProject, ProjectID: found.ID}, err
}

// GetPersonalToken answers GET /tokens/{token_id}.
func (s *Server) GetPersonalToken(ctx context.Context, r gen.GetPersonalTokenRequestObject) (gen.GetPersonalTokenResponseObject, error) {
	t, err := s.token(ctx, r.TokenID)
	if err != nil {
		return nil, err
	}
	return gen.GetPersonalToken200JSONResponse(tokenJSON(t)), nil
}

// DeletePersonalToken answers DELETE /tokens/{token_id}.
func (s *Server) DeletePersonalToken(ctx context.Context, r gen.DeletePersonalTokenRequestObject) (gen.DeletePersonalTokenResponseObject, error) {
	if _, err := s.token(ctx, r.TokenID); err != nil {
		return nil, err
	}
	err := s.Identity.DeletePersonalToken(ctx, rest.CallFrom(ctx).Principal, r.TokenID)
	return gen.DeletePersonalToken200Response{}, err
}

// token loads a token and asks whether the caller may use the operation on it. To who may not, it isn't there.
func (s *Server) token(ctx context.Context, id int64) (identity.PersonalToken, error) {
	t, err := s.Identity.GetPersonalToken(ctx, id)
	return t, s.aboutAccount(ctx, t.AccountID, err, "token %d not found", id)
}

func tokenJSON(t identity.PersonalToken) gen.PersonalToken {
	out := gen.PersonalToken{
		ID: t.ID, Name: t.Name, Hint: t.Hint, CreationTime: wire.Time(t.CreatedAt), ExpiresAt: wire.TimeIfAny(t.ExpiresAt),
		LastUsedAt: wire.TimeIfAny(t.UsedAt), Expired: !t.ExpiresAt.IsZero() && !time.Now().Before(t.ExpiresAt), Permissions: []gen.RobotPermission{},
	}
	index := map[authz.Grant]int{}
	for _, l := range t.Limits {
		place := authz.Grant{Scope: l.Scope, ProjectID: l.ProjectID}
		i, known := index[place]
		if !known {
			i = len(out.Permissions)
			index[place] = i
			out.Permissions = append(out.Permissions, placeJSON(l))
		}
		out.Permissions[i].Access = append(out.Permissions[i].Access, gen.Access{Resource: string(l.Resource), Action: string(l.Action)})
	}
	return out
}

func placeJSON(l identity.Limit) gen.RobotPermission {
	switch l.Scope {
	case authz.System:
		return gen.RobotPermission{Kind: kindSystem, Namespace: theSystem}
	case authz.EveryProject:
		return gen.RobotPermission{Kind: kindProject, Namespace: everywhere}
	}
	return gen.RobotPermission{Kind: kindProject, Namespace: l.Project}
}
