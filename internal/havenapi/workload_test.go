package havenapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/workload"
	"github.com/havenregistry/haven/internal/identity/workload/issuertest"
	"github.com/havenregistry/haven/internal/secret"
)

// policy creates a trust policy of the project perm and returns its id.
func (f *fixture) policy(name string) string {
	f.t.Helper()
	found, err := f.projects.ByName(f.t.Context(), "perm")
	ok(f.t, err)
	id, err := f.workloads.Create(f.t.Context(), f.admin, found.ID, workload.Draft{
		Name: name, Issuer: "https://ci.example.com", Audience: "haven", Condition: "false", LifeMinutes: 5, Enabled: true,
		Permissions: []identity.RobotPermission{in("perm", identity.Access{Resource: "repository", Action: "pull"})},
	})
	ok(f.t, err)
	return fmt.Sprint(id)
}

// draftOf is the body of a request for a policy that lets pull in a project.
func draftOf(name, project, issuer, keySet string) string {
	body, _ := json.Marshal(map[string]any{
		"name": name, "project": project, "issuer": issuer, "audience": "haven", "condition": `claims.repository == "acme/app"`, "key_set": keySet,
		"permissions": []any{map[string]any{"kind": "project", "namespace": "perm", "access": []any{map[string]any{"resource": "repository", "action": "pull"}}}},
	})
	return string(body)
}

func TestTrustPolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		peopled(f)
		issuer := issuertest.New(t)
		h := f.must("padmin", http.MethodPost, "/workload/policies", draftOf("ci", "perm", issuer.URL, issuer.KeySet()), http.StatusCreated, nil)
		path := strings.TrimPrefix(h.Get("Location"), "/api/haven/v1")
		f.must("padmin", http.MethodPost, "/workload/policies", draftOf("ci", "perm", issuer.URL, ""), http.StatusConflict, nil)
		f.must("admin", http.MethodPost, "/workload/policies", draftOf("ci", "", issuer.URL, ""), http.StatusCreated, nil)
		var p gen.TrustPolicy
		f.must("guest", http.MethodGet, path, "", http.StatusOK, &p)
		if p.FullName != "perm+ci" || p.Project != "perm" || !p.Enabled || p.LifeMinutes != 15 || p.KeySet == "" || len(p.Permissions) != 1 || p.Permissions[0].Access[0].Action != "pull" {
			t.Errorf("%+v", p)
		}
		var page []gen.TrustPolicy
		h = f.must("guest", http.MethodGet, "/workload/policies?project=perm&q=name%3D~c&sort=-name", "", http.StatusOK, &page)
		if len(page) != 1 || page[0].ID != p.ID || h.Get("X-Total-Count") != "1" {
			t.Errorf("%+v %v", page, h)
		}
		f.must("padmin", http.MethodPut, path, draftOf("ci", "other", issuer.URL, ""), http.StatusBadRequest, nil)
		f.must("padmin", http.MethodPut, path, draftOf("other", "perm", issuer.URL, ""), http.StatusBadRequest, nil)
		f.must("padmin", http.MethodPut, path, strings.Replace(draftOf("ci", "perm", issuer.URL, issuer.KeySet()), `"name"`, `"enabled":false,"name"`, 1), http.StatusOK, nil)
		f.must("padmin", http.MethodGet, path, "", http.StatusOK, &p)
		if p.Enabled {
			t.Error("still enabled")
		}
		f.must("foreign", http.MethodGet, path, "", http.StatusNotFound, nil)
		f.must("padmin", http.MethodDelete, path, "", http.StatusOK, nil)
		f.must("padmin", http.MethodGet, path, "", http.StatusNotFound, nil)
	})
}

func TestTrustPoliciesAreTried(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	peopled(f)
	f.must("padmin", http.MethodPost, "/workload/policies", draftOf("ci", "perm", "https://ci.example.com", ""), http.StatusCreated, nil)
	f.must("padmin", http.MethodPost, "/workload/policies", strings.Replace(draftOf("nightly", "perm", "https://ci.example.com", ""), "acme/app", "acme/nightly", 1), http.StatusCreated, nil)
	var verdicts []gen.TrustVerdict
	f.must("guest", http.MethodPost, "/workload/test", fmt.Sprintf(`{"project":"perm","claims":{"iss":"https://ci.example.com","aud":"haven","sub":"x",
		"exp":%d,"repository":"acme/app"}}`, time.Now().Add(time.Minute).Unix()), http.StatusOK, &verdicts)
	want := []gen.TrustVerdict{{Policy: "perm+ci", Fits: true}, {Policy: "perm+nightly", Reason: "the condition is false"}}
	if len(verdicts) != 2 || verdicts[0] != want[0] || verdicts[1] != want[1] {
		t.Errorf("%+v; want %+v", verdicts, want)
	}
}

// A program exchanges its token, uses what it got on the API, and asks why it may do what.
func TestWorkloadTokenIsExchanged(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	peopled(f)
	issuer := issuertest.New(t)
	h := f.must("padmin", http.MethodPost, "/workload/policies", draftOf("ci", "perm", issuer.URL, issuer.KeySet()), http.StatusCreated, nil)
	body, err := json.Marshal(map[string]string{"token": issuer.Sign(issuer.Claims("haven", time.Now()))})
	ok(t, err)
	var c gen.WorkloadCredentials
	f.must("", http.MethodPost, "/workload/token", string(body), http.StatusOK, &c)
	if c.Username != "workload/perm+ci" || c.Policy != "perm+ci" || c.ExpiresIn < 14*60 || c.ExpiresIn > 15*60 || c.Subject == "" {
		t.Errorf("%+v", c)
	}
	f.logins[c.Username] = secret.Text(c.Password)
	e := ask(f, c.Username, "project=perm&resource=repository&action=pull")
	if !e.Allowed || len(e.Reasons) != 1 || e.Reasons[0].Code != "grant" || e.Who.Name != "workload/perm+ci ("+c.Subject+")" {
		t.Errorf("%+v", e)
	}
	if e := ask(f, c.Username, "project=other&resource=repository&action=pull"); e.Allowed || e.Reasons[0].Code != "unrelated" {
		t.Errorf("%+v", e)
	}
	f.must("padmin", http.MethodDelete, strings.TrimPrefix(h.Get("Location"), "/api/haven/v1"), "", http.StatusOK, nil)
	f.must(c.Username, http.MethodGet, "/explain?resource=x&action=y", "", http.StatusUnauthorized, nil)

	refusal := f.do("", http.MethodPost, "/workload/token", string(body))
	garbage := f.do("", http.MethodPost, "/workload/token", `{"token":"x"}`)
	if refusal.Code != http.StatusUnauthorized || refusal.Body.String() != garbage.Body.String() {
		t.Errorf("refusals differ: %d %s, %d %s", refusal.Code, refusal.Body, garbage.Code, garbage.Body)
	}
}
