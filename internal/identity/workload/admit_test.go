package workload_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload/issuertest"
	"github.com/havenregistry/haven/internal/secret"
)

func TestAProgramIsLetIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		offline := w.draft()
		offline.KeySet = w.issuer.KeySet()
		id, err := w.workloads.Create(t.Context(), w.admin, w.team, offline)
		ok(t, err)
		token := w.issuer.Sign(w.claims())
		for _, name := range []string{"workload", "workload/team+ci"} {
			p, err := w.logIn(name, token)
			ok(t, err)
			if p.Kind != authz.Robot || p.PolicyID != id || p.ProjectID != w.team || p.Name != "workload/team+ci (repo:acme/app:ref:refs/heads/main)" {
				t.Errorf("%s: %+v", name, p)
			}
			a := authz.New(w.projects)
			for action, want := range map[authz.Action]error{authz.Push: nil, authz.Pull: nil, authz.Delete: authz.ErrForbidden} {
				perm := authz.Permission{Resource: authz.Repository, Action: action}
				if err := a.Project(t.Context(), p, authz.ProjectObject{ID: w.team}, perm); !errors.Is(err, want) {
					t.Errorf("%s in its project: %v; want %v", action, err, want)
				}
				if err := a.Project(t.Context(), p, authz.ProjectObject{ID: w.team + 1}, perm); !errors.Is(err, authz.ErrForbidden) {
					t.Errorf("%s elsewhere: %v", action, err)
				}
			}
		}
		for _, name := range []string{"admin", "workload2", "workload/ci", "workload/team", "workload/team+other", "workload/", "robot$team+ci"} {
			w.refused(name, name, token)
		}
		if n := w.issuer.Asked(); n != 0 {
			t.Errorf("the issuer was asked %d times for keys that the policy holds", n)
		}
	})
}

func TestAlgorithms(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.EdDSA, jose.ES256} {
		w.issuer.Rotate(algorithm)
		w.now = w.now.Add(time.Minute) // keys were asked for a while ago
		_, err := w.logIn("workload", w.issuer.Sign(w.claims()))
		ok(t, err)
	}
}

// What is wrong with a token doesn't show in the answer.
func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	good := w.issuer.Sign(w.claims())
	parts := strings.Split(good, ".")
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	stranger := issuertest.New(t)
	at := func(d time.Duration) int64 { return w.now.Add(d).Unix() }
	for what, token := range map[string]string{
		"another audience":           w.issuer.Sign(w.with("aud", "https://other.example.com")),
		"an audience that begins so": w.issuer.Sign(w.with("aud", audience+".evil.com")),
		"no audience":                w.issuer.Sign(w.with("aud", nil)),
		"audiences of no strings":    w.issuer.Sign(w.with("aud", []any{17, map[string]any{"a": audience}})),
		"another issuer":             stranger.Sign(stranger.Claims(audience, w.now)),
		"another's key":              stranger.Sign(w.claims()),
		"an issuer that begins so":   w.issuer.Sign(w.with("iss", w.issuer.URL+"/")),
		"the issuer in capitals":     w.issuer.Sign(w.with("iss", strings.ToUpper(w.issuer.URL))),
		"no issuer":                  w.issuer.Sign(w.with("iss", nil)),
		"no subject":                 w.issuer.Sign(w.with("sub", nil)),
		"expired":                    w.issuer.Sign(w.with("exp", at(-time.Minute))),
		"no expiry":                  w.issuer.Sign(w.with("exp", nil)),
		"an expiry that is text":     w.issuer.Sign(w.with("exp", "2099-01-01T00:00:00Z")),
		"an expiry without end":      w.issuer.Sign(w.with("exp", 1e300)),
		"not yet":                    w.issuer.Sign(w.with("nbf", at(time.Minute))),
		"issued in the future":       w.issuer.Sign(w.with("iat", at(time.Minute))),
		"another branch":             w.issuer.Sign(w.with("ref", "refs/heads/evil")),
		"a claim is missing":         w.issuer.Sign(w.with("ref", nil)),
		"a claim of another type":    w.issuer.Sign(w.with("ref", []any{"refs/heads/main"})),
		"none":                       encode(`{"alg":"none","kid":"key-1"}`) + "." + parts[1] + ".",
		"None":                       encode(`{"alg":"None","kid":"key-1"}`) + "." + parts[1] + "." + parts[2],
		"a shared secret":            issuertest.Sign(t, jose.HS256, []byte(w.issuer.KeySet()+strings.Repeat(" ", 32)), "key-1", w.claims()),
		"another key of that name":   issuertest.Sign(t, jose.ES256, other, "key-1", w.claims()),
		"an unknown key":             issuertest.Sign(t, jose.ES256, other, "key-9", w.claims()),
		"claims changed":             parts[0] + "." + encode(`{"iss":"`+w.issuer.URL+`","aud":"`+audience+`"}`) + "." + parts[2],
		"no signature":               parts[0] + "." + parts[1] + ".",
		"too long":                   w.issuer.Sign(w.with("padding", strings.Repeat("x", 20<<10))),
		"no token":                   strings.Repeat("x", 300),
		"no token, ours":             "hvw_" + strings.Repeat("A", 300),
	} {
		w.refused(what, "workload", token)
	}
	_, err = w.logIn("workload", good)
	ok(t, err)
}

func TestSkewAndLife(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	for what, claims := range map[string]map[string]any{
		"expired just now":    w.with("exp", w.now.Add(-5*time.Second).Unix()),
		"in a moment":         w.with("nbf", w.now.Add(5*time.Second).Unix()),
		"one of audiences":    w.with("aud", []any{"https://other.example.com", audience}),
		"without issue time":  w.with("iat", nil),
		"expiry in fractions": w.with("exp", float64(w.now.Unix())+60.5),
	} {
		if _, err := w.logIn("workload", w.issuer.Sign(claims)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	p, err := w.logIn("workload", w.issuer.Sign(w.with("exp", w.now.Add(time.Hour).Unix())))
	ok(t, err)
	if left := p.Until.Sub(w.now); left != 10*time.Minute {
		t.Errorf("a long token: let in for %s, want the policy's life", left)
	}
	p, err = w.logIn("workload", w.issuer.Sign(w.with("exp", w.now.Add(time.Minute).Unix())))
	ok(t, err)
	if left := p.Until.Sub(w.now); left > 2*time.Minute {
		t.Errorf("a short token: let in for %s", left)
	}
}

// A docker token that a program got lives no longer than the program's right to it, and ends with a change
// of the policy.
func TestDockerTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ref, err := w.projects.ByName(t.Context(), "team")
		ok(t, err)
		change := map[string]func(id int64){
			"changed": func(id int64) { ok(t, w.workloads.Update(t.Context(), w.admin, id, w.draft())) },
			"disabled": func(id int64) {
				off := w.draft()
				off.Enabled = false
				ok(t, w.workloads.Update(t.Context(), w.admin, id, off))
			},
			"deleted": func(id int64) { ok(t, w.workloads.Delete(t.Context(), w.admin, id)) },
		}
		for _, what := range []string{"changed", "disabled", "deleted"} {
			id := w.create(w.draft())
			p, err := w.logIn("workload", w.issuer.Sign(w.claims()))
			ok(t, err)
			docker, life, _, err := w.identity.IssueToken(t.Context(), p, []identity.TokenAccess{
				{Type: "repository", Name: "team/app", Actions: []string{"push"}, ProjectID: ref.ID, ProjectEpoch: ref.Epoch}})
			ok(t, err)
			if life > 6*time.Minute {
				t.Errorf("valid for %s, longer than the token that it was made for", life)
			}
			bearer, err := w.identity.VerifyToken(t.Context(), docker)
			ok(t, err)
			if _, granted := bearer.Granted("team/app", authz.Push); !granted || bearer.Name != p.Name {
				t.Errorf("%+v", bearer)
			}
			holder, err := w.identity.Holder(t.Context(), bearer)
			ok(t, err)
			if holder.PolicyID != id || len(holder.Grants) != 1 {
				t.Errorf("holder %+v", holder)
			}
			change[what](id)
			w.now = w.now.Add(2 * time.Second)
			if _, err := w.identity.VerifyToken(t.Context(), docker); !errors.Is(err, identity.ErrToken) {
				t.Errorf("%s: the docker token is still good: %v", what, err)
			}
			if what != "deleted" {
				ok(t, w.workloads.Delete(t.Context(), w.admin, id))
			}
		}
	})
}

func TestExchange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.create(w.draft())
		c, err := w.another().Exchange(t.Context(), "", secret.Text(w.issuer.Sign(w.claims())))
		ok(t, err)
		if c.Username != "workload/ci" || c.Until.Sub(w.now) != 10*time.Minute || c.Subject != "repo:acme/app:ref:refs/heads/main" {
			t.Errorf("%+v", c)
		}
		w.now = w.now.Add(9 * time.Minute) // the token that it was made for has expired
		p, err := w.logIn(c.Username, c.Password.Reveal())
		ok(t, err)
		if p.PolicyID != id || !p.Until.Equal(c.Until) || p.Name != "workload/ci (repo:acme/app:ref:refs/heads/main)" {
			t.Errorf("%+v", p)
		}
		w.refused("another policy's name", "workload/other", c.Password.Reveal())
		w.refused("changed", c.Username, c.Password.Reveal()[:len(c.Password)-2]+"AA")
		w.refused("exchanged again", c.Username, c.Password.Reveal()+".")
		if _, err := w.workloads.Exchange(t.Context(), "", c.Password); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("what was exchanged was exchanged again: %v", err)
		}
		ok(t, w.workloads.Update(t.Context(), w.admin, id, w.draft()))
		w.refused("the policy changed", c.Username, c.Password.Reveal())

		c, err = w.workloads.Exchange(t.Context(), "ci", secret.Text(w.issuer.Sign(w.claims())))
		ok(t, err)
		w.now = w.now.Add(11 * time.Minute)
		w.refused("expired", c.Username, c.Password.Reveal())
		if _, err := w.workloads.Exchange(t.Context(), "nosuch", secret.Text(w.issuer.Sign(w.claims()))); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("by a policy that isn't there: %v", err)
		}
	})
}

// The audit log has each log-in with another token or from elsewhere, and each exchange, with the subject.
func TestWhatIsWrittenDown(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	events := func() int64 {
		n, err := db.Get(context.Background(), w.db.Auto(), db.ScanInt,
			`SELECT COUNT(*) FROM event WHERE kind IN ('login_user', 'exchange_token') AND body LIKE '%repo:acme/app:ref:refs/heads/main%' AND body LIKE '%job-%'`)
		ok(t, err)
		return n
	}
	token := w.issuer.Sign(w.claims())
	for range 3 {
		_, err := w.logIn("workload", token)
		ok(t, err)
	}
	if n := events(); n != 1 {
		t.Errorf("one token, used three times: %d events", n)
	}
	_, err := w.logIn("workload", w.issuer.Sign(w.with("jti", "job-2")))
	ok(t, err)
	_, err = w.workloads.Exchange(t.Context(), "", secret.Text(token))
	ok(t, err)
	if n := events(); n != 3 {
		t.Errorf("another token and an exchange: %d events", n)
	}
	leaked, err := db.Get(t.Context(), w.db.Auto(), db.ScanInt, `SELECT COUNT(*) FROM event WHERE body LIKE '%eyJ%'`)
	ok(t, err)
	if leaked != 0 {
		t.Errorf("%d events hold a token", leaked)
	}
}
