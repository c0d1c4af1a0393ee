package havenapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/rest"
)

// ListSessions answers GET /sessions.
func (s *Server) ListSessions(ctx context.Context, r gen.ListSessionsRequestObject) (gen.ListSessionsResponseObject, error) {
	accountID, err := s.ofUser(ctx, r.Params.UserID)
	if err != nil {
		return nil, err
	}
	out, err := rest.List(ctx, identity.HasSessionKey, func(list db.List) ([]identity.BrowserSession, int64, error) {
		return s.Identity.ListSessions(ctx, accountID, list)
	}, func(v identity.BrowserSession) gen.Session {
		return gen.Session{
			ID: v.ID, Username: v.Username, Current: v.ID == rest.CallFrom(ctx).Principal.SessionID, CreationTime: wire.Time(v.CreatedAt),
			LastSeenAt: wire.Time(v.SeenAt), ExpiresAt: wire.Time(v.ExpiresAt), Remote: v.Remote, UserAgent: v.UserAgent,
		}
	})
	return gen.ListSessions200JSONResponse{Body: out}, err
}

// EndOtherSessions answers DELETE /sessions. The session that the request came by goes on.
func (s *Server) EndOtherSessions(ctx context.Context, r gen.EndOtherSessionsRequestObject) (gen.EndOtherSessionsResponseObject, error) {
	accountID, err := s.ofUser(ctx, r.Params.UserID)
	if err != nil {
		return nil, err
	}
	by := rest.CallFrom(ctx).Principal
	err = s.Identity.EndOtherSessions(ctx, by, accountID, by.SessionID)
	return gen.EndOtherSessions200Response{}, err
}

// EndSession answers DELETE /sessions/{session_id}.
func (s *Server) EndSession(ctx context.Context, r gen.EndSessionRequestObject) (gen.EndSessionResponseObject, error) {
	v, err := s.Identity.GetSession(ctx, r.SessionID)
	if err := s.aboutAccount(ctx, v.AccountID, err, "session %s not found", rest.Printable(r.SessionID)); err != nil {
		return nil, err
	}
	err = s.Identity.EndSession(ctx, rest.CallFrom(ctx).Principal, v.ID)
	return gen.EndSession200Response{}, err
}

// ofUser is the account that a list of tokens or sessions is about: the caller's own, or the one of the
// parameter, by the operation's permission.
func (s *Server) ofUser(ctx context.Context, userID int64) (int64, error) {
	c := rest.CallFrom(ctx)
	if own := inPerson(c.Principal); own != 0 && (userID == 0 || userID == own) {
		c.Decided = true
		return own, nil
	}
	if err := s.frame.System(c, c.Access.Permission); err != nil {
		return 0, err
	}
	if userID == 0 {
		return 0, rest.BadRequest("user_id is missing: who asks has no tokens or sessions")
	}
	u, err := s.Identity.GetUser(ctx, userID)
	return u.ID, rest.Saying(err, "user %d not found", userID)
}

// aboutAccount decides about a token or session that was loaded, by whose it is. One that isn't there, and one
// that the caller may not know of, are the same (S19).
func (s *Server) aboutAccount(ctx context.Context, accountID int64, loading error, format string, args ...any) error {
	c := rest.CallFrom(ctx)
	if loading != nil && !errors.Is(loading, fault.NotFound) {
		return loading
	}
	if loading == nil && accountID == inPerson(c.Principal) {
		c.Decided = true
		return nil
	}
	err := s.frame.System(c, c.Access.Permission)
	if errors.Is(err, authz.ErrUnauthenticated) {
		return err
	}
	if err != nil || loading != nil {
		return fault.NotFoundf(format, args...)
	}
	return nil
}

// inPerson is the account of a user who is there with a password or a session, 0 for everybody else: tokens don't
// manage tokens.
func inPerson(p authz.Principal) int64 {
	if p.Kind != authz.User {
		return 0
	}
	return p.ID
}
