package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAdmissionSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  func(c *Admission)
		want string // "" for a good one
	}{
		{"self-signed", func(*Admission) {}, ""},
		{"files", func(c *Admission) { c.SelfSigned, c.TLSCertFile, c.TLSKeyFile = false, file, file }, ""},
		{"no policy", func(c *Admission) { c.Policy = "" }, "policy: expected a file"},
		{"no certificate", func(c *Admission) { c.SelfSigned = false }, "self_signed"},
		{"two certificates", func(c *Admission) { c.TLSCertFile, c.TLSKeyFile = file, file }, "self_signed"},
		{"certificate without key", func(c *Admission) { c.SelfSigned, c.TLSCertFile = false, file }, "tls_key_file"},
		{"bad address", func(c *Admission) { c.Listen = "8443" }, "listen"},
		{"long farewell", func(c *Admission) { c.DrainDelay = time.Hour }, "drain_delay"},
		{"token for nobody", func(c *Admission) { c.KubeTokenFile = file }, "kube_api"},
		{"no time to settle", func(c *Admission) { c.AuthoritySettle = 0 }, "authority_settle"},
		{"short certificates", func(c *Admission) { c.CertificateLife = time.Minute }, "certificate_life"},
		{"short authorities", func(c *Admission) { c.AuthorityLife = time.Hour }, "authority_life"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Admission{Policy: file, Listen: ":0", SelfSigned: true, CertificateLife: 90 * 24 * time.Hour, AuthorityLife: 1000 * 24 * time.Hour,
				AuthoritySettle: 10 * time.Minute, ValidatingWebhook: "off", MutatingWebhook: "off"}
			c.set(&cfg)
			err := cfg.Complete()
			if (err == nil) != (c.want == "") || !strings.Contains(fmt.Sprint(err), c.want) && err != nil {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if cfg.ValidatingWebhook != "" || cfg.MutatingWebhook != "" {
				t.Error("off is taken for a name")
			}
		})
	}
}
