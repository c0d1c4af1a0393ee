package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTLSSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const directory = "https://ca.example.com/dir"
	names := []string{"https://registry.example.com:8443", "http://127.0.0.1:8080"}
	for _, c := range []struct {
		name string
		set  Config
		says string // "" for nothing
	}{
		{"none", Config{}, ""},
		{"files", Config{TLSCertFile: file, TLSKeyFile: file, TLSClientCAFile: file}, ""},
		{"a certificate without its key", Config{TLSCertFile: file}, "tls_cert_file and tls_key_file"},
		{"a file that isn't there", Config{TLSCertFile: file, TLSKeyFile: file + "x"}, "tls_key_file"},
		{"clients without HTTPS", Config{TLSClientCAFile: file}, "tls_client_ca_file"},
		{"by ACME", Config{TLSACME: true, ACMEDirectory: directory, ExternalURL: names, ACMEKeyID: "1", ACMEKey: "k", TLSClientCAFile: file}, ""},
		{"a port for ACME alone", Config{ACMEListen: ":80"}, "tls_acme"},
		{"both kinds", Config{TLSACME: true, ACMEDirectory: directory, ExternalURL: names, TLSCertFile: file, TLSKeyFile: file}, "one of them"},
		{"an account without its key", Config{TLSACME: true, ACMEDirectory: directory, ExternalURL: names, ACMEKeyID: "1"}, "acme_key_id and acme_key"},
		{"a plain directory", Config{TLSACME: true, ACMEDirectory: "http://ca.example.com/dir", ExternalURL: names}, "acme_directory"},
		{"no name", Config{TLSACME: true, ACMEDirectory: directory, ExternalURL: names[1:]}, "external_url"},
		{"an address", Config{TLSACME: true, ACMEDirectory: directory, ExternalURL: []string{"https://10.0.0.1"}}, "10.0.0.1"},
		{"a short name", Config{TLSACME: true, ACMEDirectory: directory, ExternalURL: []string{"https://registry"}}, "registry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch err := c.set.checkTLS(); {
			case err == nil && c.says != "":
				t.Error("it was taken")
			case err != nil && (c.says == "" || !strings.Contains(err.Error(), c.says)):
				t.Error(err)
			}
		})
	}
}
