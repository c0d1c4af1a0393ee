package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/havenregistry/haven/internal/secret"
)

const canary = "Canary-7f3a-Secret"

func TestTextHidesItself(t *testing.T) {
	type holder struct {
		Name   string
		Secret secret.Text
		Deep   map[string]*secret.Text
	}
	text := secret.Text(canary)
	h := holder{"x", text, map[string]*secret.Text{"a": &text}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		fmt.Fprintf(&out, verb+"\n", text)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
		fmt.Fprintf(&out, verb+"\n", []secret.Text{text})
	}
	fmt.Fprintln(&out, text, fmt.Errorf("log in with %s: %v", text, text))
	for _, v := range []any{text, h, &h, []any{text}, map[string]any{"p": text}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(handler)
		log.Info("signed in", "password", text, "holder", h, "pointer", &text, slog.Group("g", "p", text))
		log.With("password", text).Info(text.String())
	}
	for _, leak := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("the secret is in:\n%s", out.String())
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says [redacted]")
	}
	if text.Reveal() != canary {
		t.Error("Reveal gave something else")
	}
}

func TestTextDecodes(t *testing.T) {
	var v struct{ Password secret.Text }
	if err := json.Unmarshal([]byte(`{"password":"`+canary+`"}`), &v); err != nil || v.Password.Reveal() != canary {
		t.Fatalf("got %q, %v", v.Password.Reveal(), err)
	}
}

func TestBoxSealsAndOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	box := open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v; want mode 0600", info.Mode(), err)
	}
	for _, plain := range []string{"", "x", canary, strings.Repeat("long", 10_000)} {
		sealed := box.Seal([]byte(plain))
		if len(plain) > 1 && bytes.Contains(sealed, []byte(plain)) {
			t.Error("sealed value holds the plain one")
		}
		if bytes.Equal(sealed, box.Seal([]byte(plain))) {
			t.Error("sealed twice alike")
		}
		got, err := open(t, path).Open(sealed) // as after a restart
		if err != nil || string(got) != plain {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

func TestBoxRefusesWhatIsNotItsOwn(t *testing.T) {
	box := open(t, filepath.Join(t.TempDir(), "a"))
	sealed := box.Seal([]byte(canary))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := box.Open(changed); !errors.Is(err, secret.ErrSealed) {
			t.Fatalf("byte %d changed: got %v, want ErrSealed", i, err)
		}
	}
	for n := range sealed {
		if _, err := box.Open(sealed[:n]); !errors.Is(err, secret.ErrSealed) {
			t.Fatalf("cut to %d bytes: got %v, want ErrSealed", n, err)
		}
	}
	if _, err := open(t, filepath.Join(t.TempDir(), "b")).Open(sealed); !errors.Is(err, secret.ErrSealed) {
		t.Fatalf("another key: got %v, want ErrSealed", err)
	}
}

func TestBoxRotates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	before := open(t, path).Seal([]byte(canary))
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open(t, filepath.Join(dir, "next"))
	next, err := os.ReadFile(filepath.Join(dir, "next"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(next, old...), 0o600); err != nil {
		t.Fatal(err)
	}
	both := open(t, path)
	if got, err := both.Open(before); err != nil || string(got) != canary {
		t.Fatalf("the older key's value: got %q, %v", got, err)
	}
	if got, err := open(t, filepath.Join(dir, "next")).Open(both.Seal([]byte("new"))); err != nil || string(got) != "new" {
		t.Fatalf("a new value isn't sealed by the first key: %q, %v", got, err)
	}
}

func TestBoxSaysWhatItExpects(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "short": "c2hvcnQ=\n", "noise": "not base64!\n"} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.OpenBox(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		} else if content != "" && strings.Contains(err.Error(), strings.TrimSpace(content)) {
			t.Errorf("%s: the error holds the content: %v", name, err)
		}
	}
	if _, err := secret.OpenBox(filepath.Join(t.TempDir(), "none", "key")); err == nil {
		t.Error("a missing folder was accepted")
	}
}

// Replicas that start at once on a shared folder must end with one key.
func TestBoxIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	boxes := make([]*secret.Box, 16)
	var wg sync.WaitGroup
	for i := range boxes {
		wg.Go(func() { boxes[i], _ = secret.OpenBox(path) })
	}
	wg.Wait()
	sealed := boxes[0].Seal([]byte(canary))
	for i, b := range boxes {
		if b == nil {
			t.Fatalf("box %d didn't open", i)
		}
		if _, err := b.Open(sealed); err != nil {
			t.Fatalf("box %d: %v", i, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

func TestNewPasswordAndToken(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		p := secret.NewPassword().Reveal()
		if len(p) != secret.PasswordLength || !strings.ContainsAny(p, "0123456789") ||
			strings.ToLower(p) == p || strings.ToUpper(p) == p {
			t.Fatalf("password %q lacks length, digit, upper or lower case", p)
		}
		token := secret.NewToken()
		if b, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(b) != 32 {
			t.Fatalf("token %q: %d bytes, %v", token, len(b), err)
		}
		if seen[p] || seen[token] {
			t.Fatal("came twice")
		}
		seen[p], seen[token] = true, true
	}
}

func open(t *testing.T, path string) *secret.Box {
	t.Helper()
	b, err := secret.OpenBox(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
