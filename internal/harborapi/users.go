package harborapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/secret"
)

// ListUsers answers GET /users.
func (s *Server) ListUsers(ctx context.Context, r gen.ListUsersRequestObject) (gen.ListUsersResponseObject, error) {
	list, err := listing(ctx, identity.HasUserKey)
	if err != nil {
		return nil, err
	}
	list.Filters = append(list.Filters, containing("username", r.Params.Username)...)
	list.Filters = append(list.Filters, containing("email", r.Params.Email)...)
	rows, total, err := s.Identity.ListUsers(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListUsers200JSONResponse{Body: each(rows, userJSON)}, nil
}

// SearchUsers answers GET /users/search with what any signed-in user may know of others.
func (s *Server) SearchUsers(ctx context.Context, r gen.SearchUsersRequestObject) (gen.SearchUsersResponseObject, error) {
	list, err := listing(ctx, identity.HasUserKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Identity.SearchUsers(ctx, r.Params.Username, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.SearchUsers200JSONResponse{Body: each(rows, func(u identity.User) gen.UserSearchRespItem {
		return gen.UserSearchRespItem{UserID: u.ID, Username: u.Username}
	})}, nil
}

// CreateUser answers POST /users. With self-registration people make their own account in a browser, which
// a session's cookie shows; else it takes the right to create users.
func (s *Server) CreateUser(ctx context.Context, r gen.CreateUserRequestObject) (gen.CreateUserResponseObject, error) {
	if err := s.mayCreateUser(ctx); err != nil {
		return nil, err
	}
	id, err := s.Identity.CreateUser(ctx, callFrom(ctx).Principal, identity.NewUser{
		Username: r.Body.Username, Email: r.Body.Email, Realname: r.Body.Realname, Comment: r.Body.Comment,
		Password: secret.Text(r.Body.Password),
	})
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateUser201Response{}, nil
}

func (s *Server) mayCreateUser(ctx context.Context) error {
	c := callFrom(ctx)
	err := s.decideSystem(c, c.Access.Permission)
	if err != nil {
		return s.maySelfRegister(ctx, c, err)
	}
	return s.localAccountsOnly(ctx, "creating local user is not allowed under auth mode: ")
}

func (s *Server) maySelfRegister(ctx context.Context, c *rest.Call, refusal error) error {
	settings, err := s.Settings.Get(ctx)
	if err != nil || !settings.SelfRegistration() {
		return errors.Join(err, refusal)
	}
	if c.Cookie("sid") == "" {
		return forbidden("self-registration cannot be triggered via API")
	}
	return s.localAccountsOnly(ctx, "creating local user is not allowed under auth mode: ")
}

// localAccountsOnly refuses while people sign in by a directory or provider that owns their accounts.
func (s *Server) localAccountsOnly(ctx context.Context, message string) error {
	settings, err := s.Settings.Get(ctx)
	if err == nil && settings.AuthMode() != "db_auth" {
		err = forbidden("%s%s", message, settings.AuthMode())
	}
	return err
}

// GetCurrentUserInfo answers GET /users/current. A robot is no user: 412, by which clients tell.
func (s *Server) GetCurrentUserInfo(ctx context.Context, _ gen.GetCurrentUserInfoRequestObject) (gen.GetCurrentUserInfoResponseObject, error) {
	p := callFrom(ctx).Principal
	if p.AccountID() == 0 {
		return nil, rest.Problem{Status: http.StatusPreconditionFailed, Code: "PRECONDITION", Message: "get current user not available for security context: robot"}
	}
	u, err := s.Identity.GetUser(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	answer := userJSON(u)
	answer.OidcUserMeta, err = s.oidcMeta(ctx)
	return gen.GetCurrentUserInfo200JSONResponse(answer), err
}

// GetUser answers GET /users/{user_id}.
func (s *Server) GetUser(ctx context.Context, r gen.GetUserRequestObject) (gen.GetUserResponseObject, error) {
	if err := s.aboutUser(ctx, r.UserID); err != nil {
		return nil, err
	}
	u, err := s.Identity.GetUser(ctx, r.UserID)
	return gen.GetUser200JSONResponse(userJSON(u)), noUser(err, r.UserID)
}

// UpdateUserProfile answers PUT /users/{user_id}.
func (s *Server) UpdateUserProfile(ctx context.Context, r gen.UpdateUserProfileRequestObject) (gen.UpdateUserProfileResponseObject, error) {
	if err := s.aboutUser(ctx, r.UserID); err != nil {
		return nil, err
	}
	err := s.Identity.UpdateProfile(ctx, callFrom(ctx).Principal, r.UserID, identity.Profile{
		Email: r.Body.Email, Realname: r.Body.Realname, Comment: r.Body.Comment,
	})
	return gen.UpdateUserProfile200Response{}, noUser(err, r.UserID)
}

// UpdateUserPassword answers PUT /users/{user_id}/password. One's own needs the old one, too.
func (s *Server) UpdateUserPassword(ctx context.Context, r gen.UpdateUserPasswordRequestObject) (gen.UpdateUserPasswordResponseObject, error) {
	if err := s.aboutUser(ctx, r.UserID); err != nil {
		return nil, err
	}
	p := callFrom(ctx).Principal
	var old *secret.Text
	if p.Kind == authz.User && p.ID == r.UserID {
		text := secret.Text(r.Body.OldPassword)
		old = &text
	}
	err := s.Identity.SetPassword(ctx, p, r.UserID, old, secret.Text(r.Body.NewPassword))
	return gen.UpdateUserPassword200Response{}, noUser(err, r.UserID)
}

// SetUserSysAdmin answers PUT /users/{user_id}/sysadmin.
func (s *Server) SetUserSysAdmin(ctx context.Context, r gen.SetUserSysAdminRequestObject) (gen.SetUserSysAdminResponseObject, error) {
	err := s.Identity.SetSysadmin(ctx, callFrom(ctx).Principal, r.UserID, r.Body.SysadminFlag)
	return gen.SetUserSysAdmin200Response{}, noUser(err, r.UserID)
}

// DeleteUser answers DELETE /users/{user_id}.
func (s *Server) DeleteUser(ctx context.Context, r gen.DeleteUserRequestObject) (gen.DeleteUserResponseObject, error) {
	err := s.Identity.DeleteUser(ctx, callFrom(ctx).Principal, r.UserID)
	return gen.DeleteUser200Response{}, noUser(err, r.UserID)
}

// aboutUser decides whether the caller may use the operation on a user: everybody on oneself, others by
// the operation's permission.
func (s *Server) aboutUser(ctx context.Context, id int64) error {
	c := callFrom(ctx)
	if c.Principal.Kind == authz.User && c.Principal.ID == id {
		c.Decided = true
		return nil
	}
	return s.decideSystem(c, c.Access.Permission)
}

func noUser(err error, id int64) error {
	if errors.Is(err, fault.NotFound) {
		return saying(err, "user %d not found", id)
	}
	return err
}

func userJSON(u identity.User) gen.UserResp {
	return gen.UserResp{
		UserID: u.ID, Username: u.Username, Email: u.Email, Realname: u.Realname, Comment: u.Comment,
		SysadminFlag: u.Sysadmin, AdminRoleInAuth: u.AdminInAuth, Provider: u.Provider, CreationTime: wire.Time(u.CreatedAt), UpdateTime: wire.Time(u.UpdatedAt),
	}
}

// containing is the filter of a parameter that is fuzzy by itself, none when it is empty.
func containing(key, part string) []db.Filter {
	if part == "" {
		return nil
	}
	return []db.Filter{{Key: key, Op: db.Contains, Values: []string{part}}}
}
