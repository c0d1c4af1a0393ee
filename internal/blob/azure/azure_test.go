package azure

import (
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob/object"
)

func TestParse(t *testing.T) {
	for _, name := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"} {
		t.Setenv(name, "")
	}
	for name, test := range map[string]struct{ url, want string }{
		"account":          {"azblob://registry?account=a", ""},
		"key":              {"azblob://registry/p?account=a&account_key=c2VjcmV0&redirect=true", ""},
		"signature":        {"azblob://registry?endpoint=https://h/a&sas_token=%3Fsv%3D1", ""},
		"no account":       {"azblob://registry", "parameter account: expected the name"},
		"key and SAS":      {"azblob://registry?account=a&account_key=SECRET&sas_token=SECRET", "parameter sas_token: expected not to be given"},
		"redirect, no key": {"azblob://registry?account=a&redirect=true", "parameter redirect: expected account_key"},
		"endpoint":         {"azblob://registry?account=a&endpoint=host", "parameter endpoint: expected https://HOST"},
		"unknown":          {"azblob://registry?account=a&key=SECRET", "parameter key: unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Parse(test.url)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestOpenHidesSecrets(t *testing.T) {
	for _, url := range []string{
		"azblob://registry?account=a&account_key=SECRET-no-base64",
		"azblob://registry?endpoint=http://127.0.0.1:1/a&sas_token=sig%3DSECRET",
	} {
		if _, err := Open(t.Context(), url); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("got %v", err)
		}
	}
}

func TestBlockNames(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	first := object.Part{Number: 1, Tag: "0123456789abcdef"}
	last := object.Part{Number: 40_000, Tag: "fedcba9876543210", Previous: first.Tag}
	for _, want := range []object.Part{first, last} {
		name := nameOf(want, now)
		if len(name) != len(nameOf(first, time.Unix(0, 0))) || len(name) > 85 { // base64 of 64 bytes
			t.Errorf("name of %d bytes", len(name))
		}
		want.ETag, want.Modified = want.Tag, now
		if got, ok := parseName(name); !ok || got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	for _, name := range []string{"", "YQ==", "!"} {
		if p, ok := parseName(name); ok {
			t.Errorf("%q is %+v", name, p)
		}
	}
}
