//go:build acceptance

// Package program holds what the program promises to those who run it: its first
// start, its settings, its end and its schema check.
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// haven runs the program to its end and returns what it wrote and its exit status.
func haven(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, haventest.Binary(t, false), args...)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestFirstStartMakesARandomPasswordOnce(t *testing.T) {
	s := haventest.Start(t, haventest.Options{Env: []string{"HAVEN_ADMIN_PASSWORD="}})
	file := filepath.Join(s.DataDir, "admin-password")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(text))
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("admin-password has mode %o", info.Mode().Perm())
	}
	if len(password) < 16 || strings.Count(s.Log(), password) != 1 {
		t.Errorf("the password has %d characters and was printed %d times", len(password), strings.Count(s.Log(), password))
	}
	if a := s.Call(t, "admin", password, http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusOK {
		t.Errorf("admin with the printed password: %d %s", a.Status, a.Body)
	}
	if a := s.Call(t, "admin", "Harbor12345", http.MethodGet, "/api/v2.0/users/current", nil); a.Status != http.StatusUnauthorized {
		t.Errorf("admin with a well-known password: %d", a.Status)
	}
	s.Stop()
	s.Restart()
	if n := strings.Count(s.Log(), password); n != 1 {
		t.Errorf("after a second start the password was printed %d times", n)
	}
}

func TestBadSettingsStopTheStart(t *testing.T) {
	cases := []struct {
		name string
		file string
		env  []string
		args []string
		says []string
	}{
		{"unknown key in the file", "data_dri: /x\n", nil, nil, []string{"data_dri"}},
		{"bad value in the file", "listen: nowhere\n", nil, nil, []string{"listen", "HOST:PORT"}},
		{"bad value in the environment", "", []string{"HAVEN_DATABASE_URL=mysql://x"}, nil, []string{"database_url", "postgres://"}},
		{"bad value as a flag", "", nil, []string{"--log-level", "loud"}, []string{"log-level"}},
		{"certificate without key", "", []string{"HAVEN_TLS_CERT_FILE=c.pem"}, nil, []string{"tls_key_file"}},
		{"unknown store", "storage_url: ftp://canary@host/x\n", nil, nil, []string{"storage_url", "s3://BUCKET"}},
		{"bad value for Redis", "", []string{"HAVEN_REDIS_URL=http://canary@host"}, nil, []string{"redis_url", "redis://"}},
		{"bad option for Redis", "", []string{"HAVEN_REDIS_URL=redis://:canary@127.0.0.1:1/?speed=9"}, nil, []string{"redis_url", "speed"}},
		{"unknown flag", "", nil, []string{"--speed", "9"}, []string{"speed"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve"}, c.args...)
			if c.file != "" {
				path := filepath.Join(t.TempDir(), "haven.yaml")
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--config", path)
			}
			out, status := haven(t, append(c.env, "HAVEN_METRICS_LISTEN=off"), args...)
			if status == 0 {
				t.Errorf("exit 0")
			}
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in %q", want, out)
				}
			}
			if strings.Contains(out, "canary") {
				t.Errorf("a password is in %q", out)
			}
		})
	}
}

func TestMigrateCheck(t *testing.T) {
	haventest.OnEachDatabase(t, func(t *testing.T, databaseURL string) {
		if databaseURL == "" {
			databaseURL = "sqlite:" + filepath.Join(t.TempDir(), "haven.db")
		}
		env := []string{"HAVEN_DATABASE_URL=" + databaseURL}
		for _, step := range []struct {
			args []string
			want int
		}{{[]string{"migrate", "--check"}, 3}, {[]string{"migrate"}, 0}, {[]string{"migrate", "--check"}, 0}} {
			if out, status := haven(t, env, step.args...); status != step.want {
				t.Fatalf("haven %v: exit %d, want %d: %s", step.args, status, step.want, out)
			}
		}
	})
}

// An upload that is under way at SIGTERM either ends or can be resumed, here after a restart or at
// another replica, and the program ends with 0 within its 30 s in both cases.
func TestStopWithAnUploadUnderWay(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		site := size.Start(t, haventest.Options{})
		s := site.Replicas[0]
		location := begin(t, s)
		first := bytes.Repeat([]byte("a"), 1<<20)
		if held := patch(t, s, location, "0-1048575", first); held != "0-1048575" {
			t.Fatalf("Range %q", held)
		}
		// A body that never comes to its end: the client is slow, or gone.
		slow, stop := stalledBody()
		done := make(chan struct{})
		go func() {
			defer close(done)
			req, _ := http.NewRequest(http.MethodPatch, s.URL+location, slow)
			req.SetBasicAuth("admin", haventest.AdminPassword)
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}()
		<-slow.begun
		s.SignalStop()
		s.Stopped()
		stop()
		<-done

		if len(site.Replicas) == 1 {
			s.Restart()
		}
		a := site.Admin(t, http.StatusNoContent, http.MethodGet, location, nil)
		if held := a.Header.Get("Range"); !strings.HasPrefix(held, "0-") || len(held) < len("0-1048575") {
			t.Errorf("after the stop the upload holds %q", held)
		}
	}, haventest.Alone, haventest.Replicated)
}

type stalled struct {
	begun   chan struct{}
	release chan struct{}
	sent    bool
}

// stalledBody gives a few bytes and then nothing until stop is called.
func stalledBody() (*stalled, func()) {
	s := &stalled{begun: make(chan struct{}), release: make(chan struct{})}
	return s, func() { close(s.release) }
}

func (s *stalled) Read(p []byte) (int, error) {
	if !s.sent {
		s.sent = true
		return copy(p, "bytes"), nil
	}
	// The transport reads on only after it has sent what it had.
	close(s.begun)
	<-s.release
	return 0, errors.New("stalled")
}

func begin(t *testing.T, s *haventest.Server) string {
	t.Helper()
	a := s.Admin(t, http.StatusAccepted, http.MethodPost, "/v2/library/stop/blobs/uploads/", nil)
	return strings.TrimPrefix(a.Header.Get("Location"), s.URL)
}

func patch(t *testing.T, s *haventest.Server, location, contentRange string, body []byte) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, s.URL+location, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	req.Header.Set("Content-Range", contentRange)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("PATCH: status %d", resp.StatusCode)
	}
	return resp.Header.Get("Range")
}

func TestAddressesFollowTheHostThatWasAsked(t *testing.T) {
	challenge := func(s *haventest.Server, host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
	}
	t.Run("any host without external_url", func(t *testing.T) {
		s := haventest.Start(t, haventest.Options{})
		for _, host := range []string{s.Host, "localhost:8080", "registry.example.org"} {
			if status, got := challenge(s, host); status != http.StatusUnauthorized || !strings.Contains(got, `realm="http://`+host+`/service/token"`) {
				t.Errorf("%s: %d %s", host, status, got)
			}
		}
	})
	t.Run("only external_url where it is set", func(t *testing.T) {
		s := haventest.Start(t, haventest.Options{Env: []string{"HAVEN_EXTERNAL_URL=https://registry.example.org"}})
		if _, got := challenge(s, "registry.example.org"); !strings.Contains(got, `realm="https://registry.example.org/service/token"`) {
			t.Errorf("challenge %s", got)
		}
		if status, got := challenge(s, "evil.example.net"); strings.Contains(got, "evil") || status == http.StatusOK {
			t.Errorf("a foreign host got %d %s", status, got)
		}
	})
}

func TestHealthAndMetricsDoors(t *testing.T) {
	s := haventest.Start(t, haventest.Options{})
	for path, want := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/api/v2.0/ping": http.StatusOK,
		"/api/v2.0/systeminfo": http.StatusOK, "/": http.StatusOK, "/v2/": http.StatusUnauthorized,
	} {
		if a := s.Call(t, "", "", http.MethodGet, path, nil); a.Status != want {
			t.Errorf("%s: status %d, want %d: %s", path, a.Status, want, a.Body[:min(len(a.Body), 300)])
		}
	}
	a := s.Call(t, "", "", http.MethodGet, "/metrics", nil)
	if strings.Contains(string(a.Body), "go_goroutines") {
		t.Error("metrics are served to the users of the registry")
	}
	var health struct{ Status string }
	if err := json.Unmarshal(s.Admin(t, http.StatusOK, http.MethodGet, "/api/v2.0/health", nil).Body, &health); err != nil || health.Status != "healthy" {
		t.Errorf("health: %q %v", health.Status, err)
	}
}
