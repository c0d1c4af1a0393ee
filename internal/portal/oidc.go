package portal

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/httpauth"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/oidc"
)

// Cookies of somebody who is on the way through the provider. The first comes back with a request that the
// provider's site causes, so it can't be SameSite=Strict.
const (
	flowCookie    = "oidc_flow"
	onboardCookie = "oidc_onboard"
	oidcPath      = "/c/oidc/"
)

// Pages of the portal that this leads to. The second is Harbor's.
const (
	signInPage  = "/account/sign-in"
	onboardPage = "/oidc-onboard"
)

// backchannelPath is asked by the provider's server, which has no token against cross-site requests.
const backchannelPath = oidcPath + "backchannel"

// oidcRoute is what serves a path below /c/oidc/, and by which method.
func (s *signIn) oidcRoute(path string) (method string, serve http.HandlerFunc) {
	switch path {
	case oidcPath + "login":
		return http.MethodGet, s.oidcLogin
	case oidcPath + "callback":
		return http.MethodGet, s.oidcCallback
	case oidcPath + "onboard":
		return http.MethodPost, s.oidcOnboard
	case oidcPath + "logout":
		return http.MethodGet, s.oidcLogout
	case backchannelPath:
		return http.MethodPost, s.oidcBackchannel
	}
	return "", nil
}

// oidcActive answers 412, as Harbor does, while the provider is switched off.
func (s *signIn) oidcActive(w http.ResponseWriter, r *http.Request) bool {
	on, err := s.OIDC.Active(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return false
	}
	if !on {
		writeError(w, http.StatusPreconditionFailed, "PRECONDITION", "sign-in by OpenID Connect is not switched on")
	}
	return on
}

// here is the address of this registry as the browser knows it.
func (s *signIn) here(r *http.Request) string {
	if s.Guard.secure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// oidcLogin sends the browser to the provider. redirect_url is the page to return to.
func (s *signIn) oidcLogin(w http.ResponseWriter, r *http.Request) {
	if !s.oidcActive(w, r) {
		return
	}
	next, err := oidc.CleanNext(r.URL.Query().Get("redirect_url"))
	if err != nil {
		writeError(w, http.StatusBadRequest, "BAD_REQUEST", "redirect_url is not a path of this registry")
		return
	}
	location, sealed, err := s.OIDC.Begin(r.Context(), s.here(r)+oidcPath+"callback", next)
	if err != nil {
		s.oidcRefuse(w, r, err)
		return
	}
	http.SetCookie(w, s.oidcCookie(r, flowCookie, sealed, oidc.FlowLife, http.SameSiteLaxMode))
	http.Redirect(w, r, location, http.StatusFound) //nolint:gosec // the provider that the settings name
}

// oidcCallback is where the provider sends the browser back to.
func (s *signIn) oidcCallback(w http.ResponseWriter, r *http.Request) {
	if !s.oidcActive(w, r) {
		return
	}
	sealed := cookieValue(r, flowCookie)
	http.SetCookie(w, s.oidcCookie(r, flowCookie, "", -time.Second, http.SameSiteLaxMode))
	in, err := s.OIDC.Finish(r.Context(), sealed, r.URL.Query(), browserOf(r))
	if err != nil {
		s.oidcRefuse(w, r, err)
		return
	}
	if in.Session == "" {
		http.SetCookie(w, s.oidcCookie(r, onboardCookie, in.Onboard, oidc.OnboardLife, http.SameSiteStrictMode))
		query := url.Values{"username": {in.Username}, "redirect_url": {in.Next}}
		http.Redirect(w, r, onboardPage+"?"+query.Encode(), http.StatusFound)
		return
	}
	s.begin(w, r, in.Session)
	http.Redirect(w, r, in.Next, http.StatusFound)
}

// oidcOnboard takes the user name that somebody without an account has chosen: JSON {"username"}, 200 with
// the cookie; 409 when it is taken, 400 when it can't be one.
func (s *signIn) oidcOnboard(w http.ResponseWriter, r *http.Request) {
	if !s.oidcActive(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var chosen struct {
		Username string `json:"username"`
	}
	if err := json.NewDecoder(r.Body).Decode(&chosen); err != nil {
		writeError(w, http.StatusBadRequest, "BAD_REQUEST", "the user name can't be read")
		return
	}
	in, err := s.OIDC.Onboard(r.Context(), cookieValue(r, onboardCookie), chosen.Username, browserOf(r))
	if err != nil {
		s.oidcRefuse(w, r, err)
		return
	}
	http.SetCookie(w, s.oidcCookie(r, onboardCookie, "", -time.Second, http.SameSiteStrictMode))
	s.begin(w, r, in.Session)
	writeJSON(w, http.StatusOK, map[string]string{"redirect_url": in.Next})
}

// oidcLogout ends the session here and, where the settings want it, at the provider. It is a GET, as
// Harbor's; the cookie's SameSite keeps other sites from it.
func (s *signIn) oidcLogout(w http.ResponseWriter, r *http.Request) {
	next := signInPage
	if token := sessionToken(r); token != "" {
		there, err := s.OIDC.Farewell(r.Context(), token, s.here(r)+signInPage)
		if err != nil {
			s.Log.WarnContext(r.Context(), "end the session at the OpenID provider", slog.Any("error", err))
		}
		if there != "" {
			next = there
		}
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	s.Guard.Renew(w, r, "")
	http.Redirect(w, r, next, http.StatusFound)
}

// oidcBackchannel is the provider saying that somebody has signed out there: form field logout_token.
func (s *signIn) oidcBackchannel(w http.ResponseWriter, r *http.Request) {
	if !s.oidcActive(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxForm)
	if err := r.ParseForm(); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	err := s.OIDC.EndedByProvider(r.Context(), r.PostForm.Get("logout_token"))
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, oidc.ErrRefused), errors.Is(err, oidc.ErrFlow):
		s.Log.WarnContext(r.Context(), "a log-out token was refused", slog.Any("error", err))
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
	default:
		s.Log.ErrorContext(r.Context(), "end sessions for the OpenID provider", slog.Any("error", err))
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
	}
}

// refusal is an end of a sign-in without a session: the reason is for the portal's page, the rest for others.
type refusal struct {
	status                int
	code, reason, message string
}

func oidcRefusal(err error) refusal {
	if taken, ok := errors.AsType[*fault.Error](err); ok {
		switch taken.Kind {
		case fault.Conflict:
			return refusal{http.StatusConflict, "CONFLICT", "taken", taken.Message}
		case fault.Invalid:
			return refusal{http.StatusBadRequest, "BAD_REQUEST", "profile", taken.Message}
		}
	}
	switch {
	case errors.Is(err, oidc.ErrFlow):
		return refusal{http.StatusBadRequest, "BAD_REQUEST", "flow", "this attempt to sign in was not begun here, took too long, or is over"}
	case errors.Is(err, oidc.ErrDenied), errors.Is(err, identity.ErrCredentials):
		return refusal{http.StatusUnauthorized, "UNAUTHORIZED", "denied", "the provider did not sign you in"}
	case errors.Is(err, oidc.ErrRefused):
		return refusal{http.StatusUnauthorized, "UNAUTHORIZED", "refused", "the answer of the provider was refused"}
	case errors.Is(err, oidc.ErrProfile):
		return refusal{http.StatusForbidden, "FORBIDDEN", "profile", "the provider does not tell enough about you, or too much"}
	}
	return refusal{http.StatusBadGateway, "UNKNOWN", "unavailable", "the provider can't be asked"}
}

// oidcRefuse answers browsers on their way with a page that says why, and everybody else with a status.
func (s *signIn) oidcRefuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.WarnContext(r.Context(), "sign-in by OpenID Connect", slog.Any("error", err))
	}
	why := oidcRefusal(err)
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, signInPage+"?reason="+why.reason, http.StatusFound)
		return
	}
	writeError(w, why.status, why.code, why.message)
}

// oidcCookie is for the way through the provider only; a negative life removes it.
func (s *signIn) oidcCookie(r *http.Request, name, value string, life time.Duration, site http.SameSite) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure follows the scheme: browsers drop such a cookie over plain http
		Name: name, Value: value, Path: oidcPath, MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: s.Guard.secure(r), SameSite: site,
	}
}

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func browserOf(r *http.Request) oidc.Browser {
	return oidc.Browser{Remote: httpauth.Remote(r), UserAgent: r.UserAgent()}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
