//go:build acceptance

package fault

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// examined is what haven doctor --json says.
type examined struct {
	Findings []struct{ Check, Status, Found, Advice string }
}

// has reports whether a check found something with a status and words.
func (e examined) has(check, status, words string) bool {
	for _, f := range e.Findings {
		if f.Check == check && f.Status == status && strings.Contains(f.Found, words) && (status == "ok" || f.Advice != "") {
			return true
		}
	}
	return false
}

// doctor runs haven doctor on a data directory.
func doctor(t *testing.T, dir string, env ...string) (said examined, status int) {
	t.Helper()
	binary := haventest.Binary(t, true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "doctor", "--json")
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), "HAVEN_DATA_DIR="+dir, "HAVEN_LISTEN="+haventest.FreeAddress(t), "HAVEN_METRICS_LISTEN=off"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if text := out.String() + errs.String(); strings.Contains(text, "canary") {
		t.Errorf("a secret is shown: %s", text)
	}
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		t.Fatalf("%v in %s%s", err, out.String(), errs.String())
	}
	return said, cmd.ProcessState.ExitCode()
}

// expired makes a certificate that has ended, and its key.
func expired(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

// The doctor finds nothing wrong with a Haven that runs, disturbs it not, and finds out what is wrong with one that doesn't.
func TestDoctor(t *testing.T) {
	before := t.TempDir()
	if said, status := doctor(t, filepath.Join(before, "data")); status != 0 || !said.has("database", "ok", "no database yet") {
		t.Errorf("before the first start: %d, %+v", status, said)
	}
	if left, err := os.ReadDir(before); err != nil || len(left) > 0 {
		t.Errorf("the doctor made %v, %v", left, err)
	}

	s := haventest.Start(t, haventest.Options{Plain: true})
	said, status := doctor(t, s.DataDir, "HAVEN_LISTEN="+s.Host, "HAVEN_EXTERNAL_URL="+s.URL)
	if status != 0 {
		t.Errorf("beside a Haven that runs: %d, %+v", status, said)
	}
	for check, words := range map[string]string{
		"data_dir": "can be written", "storage": "can be written", "database": "is sound", "ports": "Haven listens", "external_url": "answers as a registry", "instance": "is ready", "clock": "agrees",
	} {
		if !said.has(check, "ok", words) {
			t.Errorf("%s doesn't say %q: %+v", check, words, said)
		}
	}
	if !said.has("database", "ok", "the secret key opens") || !said.has("database", "warning", "no vulnerability database") {
		t.Errorf("what is in the database wasn't looked at: %+v", said)
	}
	s.Stop()

	nobody := haventest.FreeAddress(t)
	cert, key := expired(t)
	other := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(other, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	absent := filepath.Join(t.TempDir(), "absent")
	disk := smallDisk(t, "16m")
	fill(t, filepath.Join(disk, "ballast"))
	for _, c := range []struct {
		name         string
		env          []string
		check, words string
		status       int
	}{
		{"another key", []string{"HAVEN_SECRET_KEY_FILE=" + other}, "database", "doesn't hold the key", 1},
		{"no key", []string{"HAVEN_SECRET_KEY_FILE=" + absent}, "database", "secret_key_file", 1},
		{"dead PostgreSQL", []string{"HAVEN_DATABASE_URL=postgres://haven:canary@" + nobody + "/haven"}, "database", "database_url", 1},
		{"dead Redis", []string{"HAVEN_REDIS_URL=redis://:canary@" + nobody}, "redis", "redis_url", 1},
		{"dead object store", []string{"HAVEN_STORAGE_URL=s3://haven?endpoint=http://" + nobody + "&access_key=canary-id&secret_key=canary-key"}, "storage", "storage_url", 1},
		{"full disk", []string{"HAVEN_STORAGE_URL=file:" + disk}, "storage", "no space left", 1},
		{"expired certificate", []string{"HAVEN_TLS_CERT_FILE=" + cert, "HAVEN_TLS_KEY_FILE=" + key}, "certificate", "has expired", 1},
		{"http and HTTPS", []string{"HAVEN_TLS_CERT_FILE=" + cert, "HAVEN_TLS_KEY_FILE=" + key, "HAVEN_EXTERNAL_URL=http://localhost"}, "settings", "the port speaks HTTPS", 1},
		{"unknown name", []string{"HAVEN_REDIS_URL=redis://redis.invalid"}, "names", "redis.invalid", 1},
		{"a setting that isn't accepted", []string{"HAVEN_REDIS_URL=http://canary"}, "settings", "redis_url", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, status := doctor(t, s.DataDir, c.env...)
			if status != c.status || !said.has(c.check, "problem", c.words) {
				t.Errorf("exit %d, want %d, and a problem of %s with %q in %+v", status, c.status, c.check, c.words, said)
			}
		})
	}
	if _, err := os.Stat(absent); !os.IsNotExist(err) {
		t.Error("a secret key was made")
	}

	postgres := haventest.StartPostgres(t)
	said, _ = doctor(t, t.TempDir(), "HAVEN_DATABASE_URL="+postgres.URL)
	if !said.has("database", "ok", "the database is empty") || !said.has("database", "warning", "lose what was acknowledged") { // fsync is off there
		t.Errorf("PostgreSQL: %+v", said)
	}
}
