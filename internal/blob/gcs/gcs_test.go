package gcs

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob/object"
)

func TestParse(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	for name, test := range map[string]struct{ url, want string }{
		"bucket":         {"gs://registry", ""},
		"all":            {"gs://registry/p?endpoint=https://h&credentials_file=f&ca_file=c&redirect=true&part_size=4MiB", ""},
		"other scheme":   {"s3://registry", "expected gs://BUCKET"},
		"endpoint":       {"gs://registry?endpoint=host:1", "parameter endpoint: expected https://HOST"},
		"unknown":        {"gs://registry?region=eu", "parameter region: unknown"},
		"part too large": {"gs://registry?part_size=2GiB", "parameter part_size: expected a size between 1 and 1024 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Parse(test.url)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestEmulatorOfTheEnvironment(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:4443")
	if c, err := parse("gs://registry"); err != nil || c.endpoint != "http://127.0.0.1:4443" {
		t.Errorf("%s, %v", c.endpoint, err)
	}
	if c, err := parse("gs://registry?endpoint=https://h"); err != nil || c.endpoint != "https://h" {
		t.Errorf("the parameter does not win: %s, %v", c.endpoint, err)
	}
}

func TestCredentialsFileIsNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, []byte(`{"type":"service_account","private_key":"SECRET`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), "gs://registry?endpoint=https://127.0.0.1:1&credentials_file="+file)
	if err == nil || !strings.Contains(err.Error(), "parameter credentials_file") || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("got %v", err)
	}
}

func TestPartNames(t *testing.T) {
	first := object.Part{Number: 1, Tag: "0123456789abcdef"}
	for _, want := range []object.Part{first, {Number: 10_000, Tag: "fedcba9876543210", Previous: first.Tag}} {
		name := nameOf("blobs/id", "upload", want)
		want.ETag = want.Tag
		if got, ok := parseName(name); !ok || got != want || !strings.HasPrefix(name, folder("blobs/id", "upload")) {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
	if p, ok := parseName("parts/blobs/id~upload/join.0.1"); ok {
		t.Errorf("a composed piece is %+v", p)
	}
}

// The signature is checked as Google would, from the address alone.
func TestSignedAddress(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"client_email": "haven@project.iam.gserviceaccount.com",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 1, 2, 3, 0, time.FixedZone("", 3600))
	signed, err := newSigner(account).sign(public, "registry", "pre fix/blobs/id.nonce", now, 20*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	base, signature, _ := strings.Cut(signed, "&X-Goog-Signature=")
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Path != "/registry/pre fix/blobs/id.nonce" || q.Get("X-Goog-Expires") != "1200" || q.Get("X-Goog-Date") != "20261124T000203Z" {
		t.Errorf("signed %s", signed)
	}
	request := strings.Join([]string{"GET", u.EscapedPath(), u.RawQuery, "host:storage.googleapis.com", "", "host", "UNSIGNED-PAYLOAD"}, "\n")
	digest := sha256.Sum256([]byte(request))
	text := sha256.Sum256([]byte("GOOG4-RSA-SHA256\n20261124T000203Z\n20261124/auto/storage/goog4_request\n" + hex.EncodeToString(digest[:])))
	raw, err := hex.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, text[:], raw); err != nil {
		t.Error(err)
	}
	if s := newSigner([]byte(`{"client_email":"x"}`)); s != nil {
		t.Error("signs without a key")
	}
}
