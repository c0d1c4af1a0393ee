//go:build acceptance

package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/identity/workload/issuertest"
	"github.com/havenregistry/haven/test/haventest"
)

const workloadAudience = "https://registry.example.com"

// trust creates a policy for the jobs of acme/app on main, and returns the path of it.
func trust(t *testing.T, d haventest.Door, user, password, project string, more map[string]any) string {
	t.Helper()
	body := map[string]any{
		"name": "ci", "project": project, "audience": workloadAudience, "life_minutes": 5,
		"condition":   `claims.repository == "acme/app" && claims.ref == "refs/heads/main"`,
		"permissions": []any{map[string]any{"kind": "project", "namespace": "team", "access": []any{map[string]string{"resource": "repository", "action": "push"}, map[string]string{"resource": "repository", "action": "pull"}}}},
	}
	for k, v := range more {
		body[k] = v
	}
	a := d.Call(t, user, password, http.MethodPost, "/api/haven/v1/workload/policies", body)
	if a.Status != http.StatusCreated {
		t.Fatalf("create a trust policy: %d %s", a.Status, a.Body)
	}
	return a.Header.Get("Location")
}

// crane runs crane with a docker configuration of its own.
type crane struct {
	t    *testing.T
	tool string
	home string
}

func newCrane(t *testing.T) crane {
	return crane{t, haventest.Tool(t, "crane"), t.TempDir()}
}

// run returns what crane printed, and whether it was content.
func (c crane) run(stdin string, args ...string) (string, bool) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.tool, append(args, "--insecure")...) //nolint:gosec // a tool of the tests
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+c.home, "HOME="+c.home)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (c crane) must(stdin string, args ...string) string {
	c.t.Helper()
	out, fine := c.run(stdin, args...)
	if !fine {
		c.t.Fatalf("crane %s: %s", strings.Join(args, " "), out)
	}
	return out
}

// startUpload begins a push with a docker token, and tells the status: 202 where it may.
func startUpload(t *testing.T, d haventest.Door, repository, bearer string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v2/"+repository+"/blobs/uploads/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// soon asks until what is wanted is so, and fails after a second.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a second", what)
		}
	}
}

func TestWorkloadIdentity(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		site := size.Start(t, haventest.Options{})
		near, far := site.Replicas[0].Door, site.Replicas[len(site.Replicas)-1].Door
		site.NewProject(t, "team", false)
		site.NewProject(t, "other", false)
		issuer := issuertest.New(t)
		policy := trust(t, near, "admin", haventest.AdminPassword, "", map[string]any{"issuer": issuer.URL})
		token := func() string { return issuer.Sign(issuer.Claims(workloadAudience, time.Now())) }

		t.Run("a job pushes and pulls", func(t *testing.T) { pushAndPull(t, far, "workload/ci", token()) })
		t.Run("with exchanged credentials", func(t *testing.T) { exchangeAndPush(t, near, far, token()) })
		t.Run("refusals look alike", func(t *testing.T) { refuseAlike(t, far, issuer) })
		t.Run("a project without a way to its issuer", func(t *testing.T) { offlineIssuer(t, site, near, far) })
		t.Run("a key is rotated", func(t *testing.T) {
			issuer.Rotate(jose.RS256)
			await.Until(t, "a token by the new key is taken", func() bool { // keys are asked for again after some seconds
				return far.Call(t, "workload/ci", token(), http.MethodGet, "/service/token?service=harbor-registry", nil).Status == http.StatusOK
			})
		})
		t.Run("the audit log names the job", func(t *testing.T) { auditNamesTheJob(t, near) })
		t.Run("removed at one replica", func(t *testing.T) {
			docker := far.Token(t, "workload/ci", token(), "repository:team/app:push,pull")
			if got := startUpload(t, far, "team/app", docker); got != http.StatusAccepted {
				t.Fatalf("push: %d", got)
			}
			if got := startUpload(t, far, "other/app", docker); got != http.StatusUnauthorized {
				t.Errorf("push elsewhere: %d", got)
			}
			near.Admin(t, http.StatusOK, http.MethodDelete, policy, nil)
			soon(t, "the docker token is refused", func() bool { return startUpload(t, far, "team/app", docker) == http.StatusUnauthorized })
			a := far.Call(t, "workload/ci", token(), http.MethodGet, "/service/token?service=harbor-registry", nil)
			if a.Status == http.StatusOK {
				t.Errorf("the job's token still logs in: %s", a.Body)
			}
		})
	}, haventest.Alone, haventest.Replicated)
}

func pushAndPull(t *testing.T, d haventest.Door, name, token string) {
	c := newCrane(t)
	c.must(token, "auth", "login", d.Host, "--username", name, "--password-stdin")
	c.must("", "push", haventest.NewImage(t, "job:1"), d.Host+"/team/app:v1")
	pulled := filepath.Join(t.TempDir(), "image.tar")
	c.must("", "pull", d.Host+"/team/app:v1", pulled)
	if out, fine := c.run("", "push", pulled, d.Host+"/other/app:v1"); fine {
		t.Errorf("pushed into a project that the policy doesn't grant: %s", out)
	}
}

func exchangeAndPush(t *testing.T, near, far haventest.Door, token string) {
	a := near.Call(t, "", "", http.MethodPost, "/api/haven/v1/workload/token", map[string]string{"token": token})
	var made struct {
		Username, Password string
		ExpiresIn          int64 `json:"expires_in"`
	}
	if err := json.Unmarshal(a.Body, &made); err != nil || a.Status != http.StatusOK {
		t.Fatalf("exchange: %d %s", a.Status, a.Body)
	}
	if made.Username != "workload/ci" || made.ExpiresIn < 290 || made.ExpiresIn > 300 {
		t.Errorf("%s for %d seconds", made.Username, made.ExpiresIn)
	}
	pushAndPull(t, far, made.Username, made.Password)
	if a := far.Call(t, made.Username, made.Password, http.MethodGet, "/api/v2.0/projects/team/repositories/app/artifacts", nil); a.Status != http.StatusForbidden {
		t.Errorf("a right that wasn't granted: %d %s", a.Status, a.Body)
	}
}

func refuseAlike(t *testing.T, d haventest.Door, issuer *issuertest.Issuer) {
	now := time.Now()
	with := func(name string, value any) string {
		claims := issuer.Claims(workloadAudience, now)
		claims[name] = value
		return issuer.Sign(claims)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := issuer.Claims(workloadAudience, now)
	payload, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	bad := map[string]string{
		"another audience": with("aud", "https://other.example.com"),
		"another issuer":   with("iss", "https://other.example.com"),
		"expired":          with("exp", now.Add(-2*time.Minute).Unix()),
		"no signature":     encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + ".",
		"another branch":   with("ref", "refs/heads/evil"),
	}
	if a := d.Call(t, "", "", http.MethodPost, "/api/haven/v1/workload/token", map[string]string{"token": issuer.Sign(good)}); a.Status != http.StatusOK {
		t.Fatalf("the good one: %d %s", a.Status, a.Body)
	}
	answers := map[string][]string{}
	for what, token := range bad {
		login := d.Call(t, "workload/ci", token, http.MethodGet, "/service/token?service=harbor-registry", nil)
		exchange := d.Call(t, "", "", http.MethodPost, "/api/haven/v1/workload/token", map[string]string{"token": token})
		got := fmt.Sprintf("%d %s / %d %s", login.Status, login.Body, exchange.Status, exchange.Body)
		answers[got] = append(answers[got], what)
		if login.Status != http.StatusUnauthorized || exchange.Status != http.StatusUnauthorized {
			t.Errorf("%s: %s", what, got)
		}
	}
	forged := issuertest.Sign(t, jose.ES256, other, "key-1", good)
	if a := d.Call(t, "", "", http.MethodPost, "/api/haven/v1/workload/token", map[string]string{"token": forged}); a.Status != http.StatusUnauthorized {
		t.Errorf("forged: %d %s", a.Status, a.Body)
	}
	if len(answers) != 1 {
		t.Errorf("the answers tell what was wrong: %v", answers)
	}
}

// offlineIssuer has a project's administrator trust a cluster that can't be asked for its keys.
func offlineIssuer(t *testing.T, site *haventest.Site, near, far haventest.Door) {
	const owner, password = "owner", "Owner-test-12345"
	site.NewMember(t, "team", owner, password, haventest.ProjectAdmin)
	cluster := issuertest.New(t)
	const url = "https://kubernetes.default.svc.cluster.local"
	trust(t, near, owner, password, "team", map[string]any{
		"issuer": url, "key_set": cluster.KeySet(), "condition": `claims.sub == "system:serviceaccount:builds:pusher"`})
	claims := cluster.Claims(workloadAudience, time.Now())
	claims["iss"], claims["sub"], claims["aud"] = url, "system:serviceaccount:builds:pusher", []string{workloadAudience, url}
	pushAndPull(t, far, "workload/team+ci", cluster.Sign(claims))
	if n := cluster.Asked(); n != 0 {
		t.Errorf("the cluster was asked %d times", n)
	}
	elsewhere := map[string]any{"name": "grab", "project": "team", "issuer": url, "audience": "x", "condition": "true",
		"permissions": []any{map[string]any{"kind": "project", "namespace": "other", "access": []any{map[string]string{"resource": "repository", "action": "push"}}}}}
	if a := near.Call(t, owner, password, http.MethodPost, "/api/haven/v1/workload/policies", elsewhere); a.Status != http.StatusBadRequest {
		t.Errorf("a policy for another's project: %d %s", a.Status, a.Body)
	}
}

func auditNamesTheJob(t *testing.T, d haventest.Door) {
	const job = "workload/ci (repo:acme/app:ref:refs/heads/main)"
	a := d.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/auditlog-exts?page_size=100", nil)
	var rows []struct {
		Username             string
		Operation            string
		OperationDescription string `json:"operation_description"`
	}
	if err := json.Unmarshal(a.Body, &rows); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Username == job {
			seen[r.Operation] = true
		}
		if strings.Contains(r.OperationDescription, "eyJ") || strings.Contains(r.OperationDescription, "hvw_") {
			t.Errorf("a token is written down: %s", r.OperationDescription)
		}
	}
	for _, operation := range []string{"login", "exchange", "create", "pull"} {
		if !seen[operation] {
			t.Errorf("the audit log has no %s by %s: %s", operation, job, a.Body)
		}
	}
}
