package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/secret"
)

func configIn(dir string) config.Config {
	return config.Config{
		DataDir: dir, Listen: "127.0.0.1:0", DatabaseURL: "sqlite:" + filepath.Join(dir, "haven.db"),
		StorageURL: "file:" + filepath.Join(dir, "storage"), SecretKeyFile: filepath.Join(dir, "secret-key"),
	}
}

func start(t *testing.T, cfg config.Config) *App {
	t.Helper()
	a, err := New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// signsIn reports whether admin gets in with the password.
func signsIn(t *testing.T, a *App, password string) bool {
	t.Helper()
	r := httptest.NewRequest("GET", "/v2/", nil)
	r.SetBasicAuth("admin", password)
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

func TestFirstStartMakesAPassword(t *testing.T) {
	dir := t.TempDir()
	a := start(t, configIn(dir))
	path := filepath.Join(dir, "admin-password")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	password := strings.TrimSpace(string(text))
	if !signsIn(t, a, password) {
		t.Error("the password in the file doesn't work")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, configIn(dir))
	if again.generated != "" {
		t.Error("the second start announces a password")
	}
	if !signsIn(t, again, password) {
		t.Error("the second start changed the password")
	}
}

// A start that died after writing the file, before the user was there, is gone on with.
func TestPasswordOfAnUnfinishedStartIsTaken(t *testing.T) {
	dir := t.TempDir()
	const kept = "Kept-before-0001"
	if err := os.WriteFile(filepath.Join(dir, "admin-password"), []byte(kept+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !signsIn(t, start(t, configIn(dir)), kept) {
		t.Error("the password of the file doesn't work")
	}
}

func TestConfiguredPasswordIsNotWrittenDown(t *testing.T) {
	dir := t.TempDir()
	cfg := configIn(dir)
	cfg.AdminPassword = secret.Text("Given-12345")
	a := start(t, cfg)
	if _, err := os.Stat(filepath.Join(dir, "admin-password")); err == nil {
		t.Error("a configured password was written to a file")
	}
	if !signsIn(t, a, "Given-12345") || signsIn(t, a, "Harbor12345") {
		t.Error("admin has another password than the one that was set")
	}
}

func TestOnlyExternalHostsAreAnswered(t *testing.T) {
	cfg := configIn(t.TempDir())
	cfg.ExternalURL = []string{"https://registry.example.com", "http://other.example.com:8080"}
	a := start(t, cfg)
	for host, want := range map[string]int{
		"registry.example.com": 401, "REGISTRY.example.com": 401, "other.example.com:8080": 401,
		"other.example.com": 421, "127.0.0.1": 421,
	} {
		r := httptest.NewRequest("GET", "/v2/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", host, w.Code, want)
		}
		if realm := w.Header().Get("WWW-Authenticate"); host == "registry.example.com" && !strings.Contains(realm, `realm="https://registry.example.com/service/token"`) {
			t.Errorf("realm %s", realm)
		}
	}
	r := httptest.NewRequest("GET", "/healthz", nil) // a prober knows the address only
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("/healthz: %d", w.Code)
	}
}

func TestRequestIDs(t *testing.T) {
	a := start(t, configIn(t.TempDir()))
	for sent, same := range map[string]bool{"abc-123": true, "": false, "with space": false, strings.Repeat("x", 129): false} {
		for _, path := range []string{"/v2/", "/api/v2.0/ping", "/", "/healthz", "/service/token"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("X-Request-Id", sent)
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, r)
			got := w.Header().Values("X-Request-Id")
			if len(got) != 1 || got[0] == "" || (got[0] == sent) != same {
				t.Errorf("%s with %q: answered %q", path, sent, got)
			}
		}
	}
}

func TestNotReadyWhileDrainingOrBroken(t *testing.T) {
	a := start(t, configIn(t.TempDir()))
	ready := func() int {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code
	}
	if got := ready(); got != http.StatusOK {
		t.Fatalf("ready: %d", got)
	}
	a.health.draining.Store(true)
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("draining: %d", got)
	}
	a.health.draining.Store(false)
	if err := a.db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("without a database: %d", got)
	}
}

// Who can be read from and not written to serves pulls: only who asks for writes is told.
func TestReadyForPullsAlone(t *testing.T) {
	h := &health{check: func(context.Context) (blocked, err error) { return blob.ErrNoSpace, nil }}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/readyz?for=writes": http.StatusServiceUnavailable} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestPanicIsAnError(t *testing.T) {
	a := start(t, configIn(t.TempDir()))
	h := observe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret internals") }), edgeOf, a.metrics, nil, a.log)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/v2/", nil))
	body, _ := io.ReadAll(w.Result().Body)
	if w.Code != http.StatusInternalServerError || strings.Contains(string(body), "secret") {
		t.Errorf("got %d %s", w.Code, body)
	}
}

// Requests in flight end before the process does.
func TestRunDrains(t *testing.T) {
	cfg := configIn(t.TempDir())
	a, err := New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	inside, goOn := make(chan struct{}), make(chan struct{})
	a.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-goOn
		w.WriteHeader(http.StatusTeapot)
	})
	l, err := listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Listen = l.Addr().String()
	l.Close()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	status := make(chan int, 1)
	go func() {
		for {
			resp, err := http.Get("http://" + a.cfg.Listen + "/")
			if err == nil {
				resp.Body.Close()
				status <- resp.StatusCode
				return
			}
		}
	}()
	<-inside
	stop()
	select {
	case err := <-ended:
		t.Fatalf("ended with a request in flight: %v", err)
	default:
	}
	close(goOn)
	if got := <-status; got != http.StatusTeapot {
		t.Errorf("the request got %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
