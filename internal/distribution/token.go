package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/telemetry"
)

// maxScopes is how many scopes one token request may name. docker asks for two when it mounts.
const maxScopes = 64

// repositoryActions are the rights that a token can carry.
var repositoryActions = []authz.Action{authz.Pull, authz.Push, authz.Delete, authz.ScannerPull}

// Token answers GET /service/token (Docker's "Token Authentication Specification"): a token with what was
// asked for and is allowed, and no more. Asking for what isn't allowed is no error: the token lacks it.
// Credentials that are wrong are refused, which is how `docker login` finds out.
func (h *Handler) Token(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r, route: route{kind: base}}
	telemetry.SetRoute(r.Context(), "/service/token")
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		h.fail(c, errMethod) // clients that try OAuth2's POST first fall back to GET on this
		return
	}
	if err := h.token(c); err != nil {
		h.fail(c, err)
	}
}

func (h *Handler) token(c *call) error {
	q := c.r.URL.Query()
	if asked := q.Get("service"); asked != service {
		c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.w.WriteHeader(http.StatusBadRequest)
		c.w.Write([]byte("Unable to handle service: " + asked)) // plain text, which no browser runs
		return nil
	}
	p, err := h.principal(c.r)
	if err != nil {
		return err
	}
	if err := h.Load.Account(c.r, p); err != nil {
		return err
	}
	scopes := strings.Fields(strings.Join(q["scope"], " "))
	if len(scopes) == 0 && p.Kind == authz.Anonymous {
		c.w.WriteHeader(http.StatusUnauthorized) // as Harbor does, without a challenge: there is nothing to ask for
		return nil
	}
	if len(scopes) > maxScopes {
		scopes = scopes[:maxScopes]
	}
	access, err := h.access(c.r.Context(), p, scopes, h.mirroredHost(c.r))
	if err != nil {
		return err
	}
	token, lifetime, issued, err := h.Identity.IssueToken(c.r.Context(), p, access)
	if err != nil {
		return err
	}
	return writeToken(c, token, lifetime, issued)
}

func writeToken(c *call, token string, lifetime time.Duration, issued time.Time) error {
	text, err := json.Marshal(struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		IssuedAt    string `json:"issued_at"`
	}{token, token, int(lifetime.Seconds()), issued.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(text) // a client that has gone needs no answer
	return nil
}

// access decides each scope. A scope that can't be read or names nothing gets no actions. mirrored is the project that is meant by a
// repository's name without it: a client that believes to speak to another registry asks in that one's names.
func (h *Handler) access(ctx context.Context, p authz.Principal, scopes []string, mirrored string) ([]identity.TokenAccess, error) {
	access := make([]identity.TokenAccess, 0, len(scopes))
	for _, s := range scopes {
		a, wanted, ok := parseScope(s)
		var err error
		switch {
		case !ok:
		case a.Type == "repository":
			a.Name = inMirror(mirrored, a.Name)
			err = h.repositoryAccess(ctx, p, &a, wanted)
		case a.Type == "registry" && a.Name == "catalog" && p.Admin:
			a.Actions = wanted
		}
		if err != nil {
			return nil, err
		}
		access = append(access, a)
	}
	return access, nil
}

// maxScope bounds the part of an unreadable scope that comes back, in bytes.
const maxScope = 256

// parseScope reads type:name:actions, where the name may hold colons. Of what can't be read the result
// has the type alone, which comes back in the token, as in Harbor's.
func parseScope(s string) (a identity.TokenAccess, wanted []string, ok bool) {
	typ, rest, ok := strings.Cut(s, ":")
	last := strings.LastIndexByte(rest, ':')
	if !ok || last < 0 {
		return identity.TokenAccess{Type: typ[:min(len(typ), maxScope)], Actions: []string{}}, nil, false
	}
	// "repository(plugin)" and the like: a class in brackets that says nothing here.
	typ, _, _ = strings.Cut(typ, "(")
	return identity.TokenAccess{Type: typ, Name: rest[:last], Actions: []string{}}, strings.Split(rest[last+1:], ","), true
}

func (h *Handler) repositoryAccess(ctx context.Context, p authz.Principal, a *identity.TokenAccess, wanted []string) error {
	projectName, _, err := splitRepository(a.Name)
	if errors.Is(err, oci.ErrNameInvalid) || errors.Is(err, errNoProject) {
		return nil
	}
	pr, err := h.Projects.ByName(ctx, projectName)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a.ProjectID, a.ProjectEpoch = pr.ID, pr.Epoch
	for _, action := range repositoryActions {
		if !asked(wanted, action) {
			continue
		}
		err := h.Authz.Repository(ctx, p, pr.Object(), a.Name, action)
		switch {
		case err == nil:
			a.Actions = append(a.Actions, string(action))
		case !errors.Is(err, authz.ErrForbidden) && !errors.Is(err, authz.ErrUnauthenticated):
			return err
		}
	}
	return nil
}

func asked(wanted []string, action authz.Action) bool {
	for _, w := range wanted {
		if w == string(action) || w == "*" {
			return true
		}
	}
	return false
}
