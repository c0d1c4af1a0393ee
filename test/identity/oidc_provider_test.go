//go:build acceptance

package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/test/haventest"
)

// openID is a real OpenID provider beside a registry that has it as its own.
type openID struct {
	t      testing.TB
	server haventest.Door
	issuer string
	cmd    *exec.Cmd
}

// newOpenID starts the provider and sets the registry up. The provider's host is another one than the
// registry's, so that cookies meet what they meet at a company: localhost, not 127.0.0.1. groupsIn is "token", or
// "userinfo".
func newOpenID(t testing.TB, server haventest.Door, groupsIn string) *openID {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &openID{t: t, server: server, issuer: fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port)}
	must(t, l.Close())
	p.start(groupsIn)
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{
		"auth_mode": "oidc_auth", "oidc_name": "Company", "oidc_endpoint": p.issuer, "oidc_client_id": "haven",
		"oidc_client_secret": "s3cret-of-haven", "oidc_scope": "openid,profile,email,groups,offline_access",
		"oidc_groups_claim": "groups", "oidc_group_filter": "^(team|boss)", "oidc_admin_group": "bosses",
		"oidc_user_claim": "preferred_username", "oidc_auto_onboard": true, "oidc_verify_cert": true,
	})
	return p
}

func (p *openID) start(groupsIn string) {
	p.t.Helper()
	p.cmd = exec.Command(haventest.Tool(p.t, "node"), "oidc_provider.mjs")
	p.cmd.Env = append(os.Environ(), "LIBRARY="+haventest.Tool(p.t, "oidc-provider"), "ISSUER="+p.issuer, "HAVEN="+p.server.URL,
		"GROUPS_IN="+groupsIn)
	var said bytes.Buffer
	p.cmd.Stdout, p.cmd.Stderr = &said, &said
	must(p.t, p.cmd.Start())
	p.t.Cleanup(func() {
		p.stop()
		if p.t.Failed() {
			p.t.Logf("the provider said:\n%s", said.String())
		}
	})
	ready := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		answer, err := http.Get(p.issuer + "/.well-known/openid-configuration")
		if err == nil {
			_ = answer.Body.Close()
			tick.Stop()
			return
		}
		if time.Now().After(ready) {
			p.t.Fatalf("the provider isn't ready: %v", err)
		}
	}
}

func (p *openID) stop() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// people says who there is, with which groups; nil: has left.
func (p *openID) people(all map[string][]string) {
	p.t.Helper()
	body, _ := json.Marshal(all)
	answer, err := http.Post(p.issuer+"/test/people", "application/json", bytes.NewReader(body))
	must(p.t, err)
	must(p.t, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		p.t.Fatalf("people: status %d", answer.StatusCode)
	}
}

// later has all that providers said be long ago, as a clock would that went on.
func (p *openID) later(server *haventest.Server) {
	p.t.Helper()
	d, err := db.Open(p.t.Context(), "sqlite:"+filepath.Join(server.DataDir, "haven.db"))
	must(p.t, err)
	defer func() { must(p.t, d.Close()) }()
	hour := time.Hour.Microseconds()
	must(p.t, d.Write(p.t.Context(), func(tx db.Tx) error {
		for _, q := range []string{
			`UPDATE account_link SET heard_at = heard_at - $1`,
			`UPDATE account SET ask_after = ask_after - $1 WHERE ask_after > 0`,
			`UPDATE oidc_account SET checked_at = checked_at - $1 WHERE checked_at > 0`,
		} {
			if _, err := tx.Exec(p.t.Context(), q, hour); err != nil {
				return err
			}
		}
		return nil
	}))
}

// visitor is a browser without a screen: it keeps cookies and follows redirects, and remembers them.
type visitor struct {
	t      testing.TB
	p      *openID
	client *http.Client
	halt   bool   // don't follow the provider's answer to the registry
	token  string // against cross-site requests
}

func (p *openID) visitor() *visitor {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	must(p.t, err)
	v := &visitor{t: p.t, p: p}
	v.client = &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 15 || v.halt && r.URL.Path == "/c/oidc/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return v
}

type page struct {
	status int
	at     *url.URL
	header http.Header
	body   string
}

func (v *visitor) send(r *http.Request) page {
	v.t.Helper()
	if v.token != "" && r.URL.Host == v.p.server.Host {
		r.Header.Set("X-Harbor-CSRF-Token", v.token)
	}
	answer, err := v.client.Do(r)
	must(v.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(v.t, err)
	if token := answer.Header.Get("X-Harbor-CSRF-Token"); token != "" {
		v.token = token
	}
	return page{answer.StatusCode, answer.Request.URL, answer.Header, string(body)}
}

func (v *visitor) get(address string) page {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.p.server.URL + address
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, address, nil)
	must(v.t, err)
	return v.send(r)
}

func (v *visitor) post(address, mediaType, body string) page {
	v.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.p.server.URL + address
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, address, strings.NewReader(body))
	must(v.t, err)
	r.Header.Set("Content-Type", mediaType)
	return v.send(r)
}

const form = "application/x-www-form-urlencoded"

// begin goes to the provider's sign-in page, and returns it.
func (v *visitor) begin() page {
	v.t.Helper()
	at := v.get("/c/oidc/login?redirect_url=%2Fprojects")
	if !strings.HasPrefix(at.at.String(), v.p.issuer) {
		v.t.Fatalf("not at the provider, but at %s: %d %s", at.at, at.status, at.body)
	}
	return at
}

// answer fills in the provider's page.
func (v *visitor) answer(at page, name string) page {
	v.t.Helper()
	return v.post(at.at.String(), form, url.Values{"prompt": {"login"}, "login": {name}, "password": {"any"}}.Encode())
}

func (v *visitor) signIn(name string) page {
	v.t.Helper()
	return v.answer(v.begin(), name)
}

// me is who the session is of.
type me struct {
	Username     string `json:"username"`
	UserID       int64  `json:"user_id"`
	SysadminFlag bool   `json:"sysadmin_flag"`
	Admin        bool   `json:"admin_role_in_auth"`
	Meta         struct {
		SubIss string `json:"subiss"`
		Secret string `json:"secret"`
	} `json:"oidc_user_meta"`
}

func (v *visitor) me() (who me, in bool) {
	v.t.Helper()
	got := v.get("/api/v2.0/users/current")
	if got.status == http.StatusUnauthorized {
		return who, false
	}
	if got.status != http.StatusOK {
		v.t.Fatalf("users/current: %d %s", got.status, got.body)
	}
	must(v.t, json.Unmarshal([]byte(got.body), &who))
	return who, true
}

var confirmToken = regexp.MustCompile(`name="xsrf" value="([^"]+)"`)

// confirm says yes to the provider's question whether to sign out there.
func (v *visitor) confirm(at page) page {
	v.t.Helper()
	found := confirmToken.FindStringSubmatch(at.body)
	if found == nil {
		v.t.Fatalf("the provider doesn't ask: %s %d %s", at.at, at.status, at.body)
	}
	return v.post(v.p.issuer+"/session/end/confirm", form, url.Values{"xsrf": {found[1]}, "logout": {"yes"}}.Encode())
}
