package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// haven runs the command line and returns its status and what it printed.
func haven(t *testing.T, args ...string) (int, string) {
	t.Helper()
	out, errOut := os.Stdout, os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = out, errOut }()
	text := make(chan string)
	go func() {
		var b bytes.Buffer
		io.Copy(&b, r)
		text <- b.String()
	}()
	status := run(args)
	w.Close()
	return status, <-text
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "haven.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadSettingsStopTheStart(t *testing.T) {
	cases := []struct {
		name string
		yaml string
		env  [2]string
		args []string
		want []string // words of the message
	}{
		{"unknown flag", "", [2]string{}, []string{"--nosuch=1"}, []string{"--nosuch"}},
		{"unknown key", "listen: 127.0.0.1:0\nlisten_adress: x\n", [2]string{}, nil, []string{"listen_adress"}},
		{"key twice", "listen: a:1\nlisten: b:2\n", [2]string{}, nil, []string{"listen"}},
		{"no mapping", "- a\n", [2]string{}, nil, []string{"mapping"}},
		{"mapping for a value", "listen: {host: x}\n", [2]string{}, nil, []string{"listen", "value"}},
		{"bad address", "listen: nonsense\n", [2]string{}, nil, []string{"listen", "HOST:PORT"}},
		{"bad level", "", [2]string{"HAVEN_LOG_LEVEL", "loud"}, nil, []string{"log-level"}},
		{"bad format", "", [2]string{}, []string{"--log-format=xml"}, []string{"log-format", "text"}},
		{"bad database", "", [2]string{"HAVEN_DATABASE_URL", "mysql://x"}, nil, []string{"database_url", "postgres://"}},
		{"bad source of the vulnerability database", "vulndb_source: [\"oci://u:s3cr3t@\"]\n", [2]string{}, nil, []string{"vulndb_source", "oci://HOST/REPO:TAG"}},
		{"bad storage", "storage_url: ftp://x\n", [2]string{}, nil, []string{"storage_url", "file:DIR"}},
		{"external URL with a path", "external_url: [https://a.example/x]\n", [2]string{}, nil, []string{"external_url"}},
		{"certificate without key", "tls_cert_file: /x\n", [2]string{}, nil, []string{"tls_key_file"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			args := []string{"migrate", "--check"}
			if c.yaml != "" {
				args = append([]string{"--config", file(t, c.yaml)}, args...)
			}
			status, text := haven(t, append(args, c.args...)...)
			if status != 1 && status != 2 {
				t.Fatalf("status %d: %s", status, text)
			}
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("the message lacks %q: %s", w, text)
				}
			}
		})
	}
}

// A flag wins over the environment, which wins over the file.
func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	at := func(name string) string { return "sqlite:" + filepath.Join(dir, name) }
	config := file(t, "database_url: "+at("file.db")+"\n")
	if status, text := haven(t, "--config", config, "migrate"); status != 0 {
		t.Fatalf("status %d: %s", status, text)
	}
	t.Setenv("HAVEN_DATABASE_URL", at("env.db"))
	if status, text := haven(t, "--config", config, "migrate"); status != 0 {
		t.Fatalf("status %d: %s", status, text)
	}
	if status, text := haven(t, "--config", config, "migrate", "--database-url", at("flag.db")); status != 0 {
		t.Fatalf("status %d: %s", status, text)
	}
	for _, name := range []string{"file.db", "env.db", "flag.db"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMigrateCheck(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "haven.db")
	if status, text := haven(t, "migrate", "--check", "--database-url", url); status != 3 {
		t.Fatalf("empty database: status %d: %s", status, text)
	}
	if status, text := haven(t, "migrate", "--database-url", url); status != 0 {
		t.Fatalf("migrate: status %d: %s", status, text)
	}
	if status, text := haven(t, "migrate", "--check", "--database-url", url); status != 0 {
		t.Fatalf("after migrating: status %d: %s", status, text)
	}
}
