package portal

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/oidc"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const adminPassword = "Portal-test-12345"

// browser keeps cookies and the last token, as a page does.
type browser struct {
	t      *testing.T
	server *httptest.Server
	client *http.Client
	token  string
	log    *bytes.Buffer
}

func newBrowser(t *testing.T, d *db.DB) *browser {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	settings := setting.New(d, box, time.Now)
	provider := oidc.NewProvider(oidc.Deps{DB: d, Settings: settings, Box: box, Clock: time.Now, Log: log})
	people := identity.New(identity.Deps{DB: d, Settings: settings, Box: box, Clock: time.Now, Log: log})
	if _, err := people.Bootstrap(t.Context(), adminPassword, false); err != nil {
		t.Fatal(err)
	}
	handler, err := newHandler(Deps{
		Identity: people, OIDC: oidc.NewService(provider, people), Settings: settings, Guard: testGuard(), Log: log,
	}, testFiles)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, server: server, client: &http.Client{Jar: jar}, log: &text}
}

// send sends a form, or nothing, and returns the status and the body.
func (b *browser) send(method, path string, form url.Values) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.token != "" {
		r.Header.Set(csrfHeader, b.token)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	b.token = answer.Header.Get(csrfHeader)
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, body.String()
}

func (b *browser) login(name, password string) (int, string) {
	b.t.Helper()
	return b.send("POST", "/c/login", url.Values{"principal": {name}, "password": {password}})
}

// user is the name of whom the session belongs to, "" for nobody.
func (b *browser) user() string {
	b.t.Helper()
	status, body := b.send("GET", "/c/session", nil)
	var answer struct{ User *visitor }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		b.t.Fatalf("session: status %d, body %q: %v", status, body, err)
	}
	if answer.User == nil {
		return ""
	}
	return answer.User.Username
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.server.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func TestSignInAndOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBrowser(t, d)
		if who := b.user(); who != "" {
			t.Fatalf("a new browser is %q", who)
		}
		if status, body := b.login("admin", "Wrong-12345"); status != http.StatusUnauthorized || body != "" {
			t.Errorf("wrong password: status %d, body %q, want 401 and nothing", status, body)
		}
		if b.cookie("sid") != "" {
			t.Error("a refused log-in left a session cookie")
		}
		if status, body := b.login("admin", adminPassword); status != http.StatusOK {
			t.Fatalf("log-in: status %d, body %q", status, body)
		}
		if who := b.user(); who != "admin" {
			t.Fatalf("signed in as %q, want admin", who)
		}
		first := b.cookie("sid")
		if status, _ := b.login("admin", adminPassword); status != http.StatusOK || b.cookie("sid") == first {
			t.Errorf("second log-in: status %d, the same session id %v", status, b.cookie("sid") == first)
		}
		replayed := b.cookie("sid")
		if status, _ := b.send("GET", "/c/log_out", nil); status != http.StatusOK || b.cookie("sid") != "" {
			t.Errorf("log-out: status %d, cookie left %q", status, b.cookie("sid"))
		}
		u, _ := url.Parse(b.server.URL)
		for _, old := range []string{first, replayed} {
			b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "sid", Value: old, Path: "/"}})
			if who := b.user(); who != "" {
				t.Errorf("an ended session still is %q", who)
			}
		}
		if text := b.log.String(); strings.Contains(text, adminPassword) || strings.Contains(text, first) {
			t.Errorf("the log tells a secret:\n%s", text)
		}
	})
}

func TestSignInRefuses(t *testing.T) {
	b := newBrowser(t, dbtest.SQLite(t))
	for name, c := range map[string]struct {
		method, path string
		form         url.Values
		status       int
	}{
		"no token":       {"POST", "/c/login", url.Values{"principal": {"admin"}, "password": {adminPassword}}, 403},
		"nobody":         {"POST", "/c/login", url.Values{}, 401},
		"giant form":     {"POST", "/c/login", url.Values{"principal": {strings.Repeat("a", maxForm)}}, 400},
		"read of log-in": {"GET", "/c/login", nil, 405},
		"write to page":  {"POST", "/c/session", nil, 405},
		"elsewhere":      {"GET", "/c/nowhere", nil, 404},
		"no provider":    {"GET", "/c/oidc/login", nil, 412},
	} {
		t.Run(name, func(t *testing.T) {
			b.user()
			if name == "no token" {
				b.token = ""
			}
			if status, body := b.send(c.method, c.path, c.form); status != c.status {
				t.Errorf("status %d, want %d: %s", status, c.status, body)
			}
			if b.cookie("sid") != "" {
				t.Error("a session began")
			}
		})
	}
}

func TestSignInBacksOff(t *testing.T) {
	b := newBrowser(t, dbtest.SQLite(t))
	b.user()
	for range 50 {
		status, body := b.login("admin", "Wrong-12345")
		switch status {
		case http.StatusUnauthorized:
		case http.StatusTooManyRequests:
			if !strings.Contains(body, "TOO_MANY_REQUEST") {
				t.Errorf("body %q", body)
			}
			return
		default:
			t.Fatalf("status %d: %s", status, body)
		}
	}
	t.Error("50 wrong passwords in a row were all looked at")
}
