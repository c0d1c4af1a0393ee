package portal

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/load"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/telemetry"
)

// maxForm bounds the log-in form in bytes.
const maxForm = 16 << 10

// signIn answers /c/.
type signIn struct{ Deps }

// handler checks the token against cross-site requests before anything else, but for what no browser sends.
func (s *signIn) handler() http.Handler {
	route := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		s.route(w, r)
	})
	guarded := s.Guard.Protect(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == backchannelPath {
			route.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

func (s *signIn) route(w http.ResponseWriter, r *http.Request) {
	allowed, serve := http.MethodGet, s.session
	switch r.URL.Path {
	case "/c/login":
		allowed, serve = http.MethodPost, s.login
	case "/c/log_out":
		serve = s.logOut
	case "/c/session":
	default:
		if allowed, serve = s.oidcRoute(r.URL.Path); serve == nil {
			writeError(w, http.StatusNotFound, "NOT_FOUND", "there is nothing at this address")
			return
		}
	}
	telemetry.SetRoute(r.Context(), r.URL.Path) // one of a few: nothing of it varies
	if r.Method != allowed {
		w.Header().Set("Allow", allowed)
		writeError(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this address takes "+allowed+" only")
		return
	}
	serve(w, r)
}

// login begins a session: form fields principal and password, 200 with the cookie. A refusal is 401 with
// an empty body, as Harbor's; 429 when too many failed before.
func (s *signIn) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		writeError(w, http.StatusBadRequest, "BAD_REQUEST", "the form can't be read")
		return
	}
	name, password := r.PostForm.Get("principal"), secret.Text(r.PostForm.Get("password"))
	_, token, err := s.Identity.SignIn(r.Context(), name, password, httpauth.Remote(r), r.UserAgent())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.begin(w, r, token)
	w.WriteHeader(http.StatusOK)
}

// begin gives the browser its new session.
func (s *signIn) begin(w http.ResponseWriter, r *http.Request, token string) {
	s.forget(r)
	http.SetCookie(w, s.cookie(r, token, 0))
	s.Guard.Renew(w, r, token)
}

func (s *signIn) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if wait, ok := errors.AsType[identity.ErrTooManyAttempts](err); ok {
		load.RetryAfter(w, wait.RetryAfter)
		writeError(w, http.StatusTooManyRequests, "TOO_MANY_REQUEST", "too many failed log-ins")
		return
	}
	if errors.Is(err, identity.ErrCredentials) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if errors.Is(err, identity.ErrUnavailable) {
		writeError(w, http.StatusServiceUnavailable, "UNKNOWN", "the directory or identity provider can't be asked, try again later")
		return
	}
	s.fail(w, r, err)
}

// logOut ends the session. It is a GET, as Harbor's; the cookie's SameSite keeps other sites from it. Where
// the OpenID provider is to know of it, the answer is 403 with the address that the browser has to go to.
func (s *signIn) logOut(w http.ResponseWriter, r *http.Request) {
	if token := sessionToken(r); token != "" {
		there, err := s.OIDC.FarewellPending(r.Context(), token)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if there {
			writeJSON(w, http.StatusForbidden, map[string]string{"redirect_location": s.here(r) + oidcPath + "logout"})
			return
		}
		if err := s.Identity.DeleteSession(r.Context(), token); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	s.Guard.Renew(w, r, "")
	w.WriteHeader(http.StatusOK)
}

// forget ends the session that a log-in replaces. It may have ended by itself.
func (s *signIn) forget(r *http.Request) {
	old := sessionToken(r)
	if old == "" {
		return
	}
	if err := s.Identity.DeleteSession(r.Context(), old); err != nil {
		s.Log.WarnContext(r.Context(), "end the session before this one", slog.Any("error", err))
	}
}

// visitor is who a page is for, nil for nobody. Fields carry the names of the API's users.
type visitor struct {
	UserID            int64  `json:"user_id"`
	Username          string `json:"username"`
	Realname          string `json:"realname"`
	SysadminFlag      bool   `json:"sysadmin_flag"`
	PasswordGenerated bool   `json:"password_generated"`
}

// provider is the OpenID provider that people may sign in by.
type provider struct {
	Name    string `json:"name"`
	Primary bool   `json:"primary"` // the page goes there at once
}

// session says whose session the request carries, and by which provider one may begin one. Nobody's is an
// answer too, so that a page asks without an error; the answer brings the token that the first log-in needs.
func (s *signIn) session(w http.ResponseWriter, r *http.Request) {
	who, err := s.visitor(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	by, err := s.provider(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"user": who, "oidc": by})
}

// provider is nil while sign-in by OpenID Connect is switched off.
func (s *signIn) provider(r *http.Request) (*provider, error) {
	on, err := s.OIDC.Active(r.Context())
	if err != nil || !on {
		return nil, err
	}
	v, err := s.Settings.Get(r.Context())
	return &provider{Name: v.OIDCName(), Primary: v.PrimaryAuthMode()}, err
}

func (s *signIn) visitor(r *http.Request) (*visitor, error) {
	token := sessionToken(r)
	if token == "" {
		return nil, nil
	}
	p, err := s.Identity.SessionPrincipal(r.Context(), token, r.Header.Get(httpauth.NoRenewal) == "")
	if errors.Is(err, identity.ErrSession) {
		return nil, nil
	}
	if err != nil || p.Kind != authz.User {
		return nil, err
	}
	user, err := s.Identity.GetUser(r.Context(), p.ID)
	if err != nil {
		return nil, err
	}
	return &visitor{
		UserID: user.ID, Username: user.Username, Realname: user.Realname,
		SysadminFlag: p.Admin, PasswordGenerated: user.MustChangePassword,
	}, nil
}

func (s *signIn) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.ErrorContext(r.Context(), "request failed", slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Any("error", err),
			slog.String("request_id", w.Header().Get("X-Request-Id")))
	}
	writeError(w, http.StatusInternalServerError, "UNKNOWN", "internal server error")
}

// cookie carries a session token; maxAge -1 removes it, 0 keeps it until the browser ends. How long
// a session may idle is decided where sessions are kept.
func (s *signIn) cookie(r *http.Request, token string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure follows the scheme: browsers drop such a cookie over plain http
		Name: httpauth.SessionCookie, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.Guard.secure(r), SameSite: http.SameSiteStrictMode,
	}
}
