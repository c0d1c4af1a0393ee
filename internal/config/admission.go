package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Admission holds the settings of `haven admission`. Which images may run is in the policy's file.
type Admission struct {
	Policy      string `name:"policy" placeholder:"FILE" help:"YAML file that says which images may run, see docs/admission.md."`
	Listen      string `name:"listen" default:":8443" placeholder:"HOST:PORT" help:"Address that API servers connect to."`
	TLSCertFile string `name:"tls-cert-file" placeholder:"FILE" help:"Certificate chain (PEM), read anew when it changes."`
	TLSKeyFile  string `name:"tls-key-file" placeholder:"FILE" help:"Private key of the certificate (PEM)."`

	SelfSigned        bool          `name:"self-signed" help:"Make the certificate and its authority, keep them in a Secret that all replicas share, renew them in time, and have the webhook configurations believe them."`
	ServiceName       string        `name:"service-name" default:"haven-admission" placeholder:"NAME" help:"Service that the API server finds this server by."`
	Namespace         string        `name:"namespace" placeholder:"NAME" help:"Namespace of the service and the Secret. Default: that of this pod."`
	TLSNames          []string      `name:"tls-name" placeholder:"NAME" help:"More names or addresses for the certificate, where webhooks are called by URL."`
	TLSSecret         string        `name:"tls-secret" default:"haven-admission-tls" placeholder:"NAME" help:"Secret that the certificate and its authority are kept in."`
	ValidatingWebhook string        `name:"validating-webhook" default:"haven-admission" placeholder:"NAME" help:"ValidatingWebhookConfiguration that gets the authority; off for none."`
	MutatingWebhook   string        `name:"mutating-webhook" default:"haven-admission" placeholder:"NAME" help:"MutatingWebhookConfiguration that gets the authority; off for none."`
	CertificateLife   time.Duration `name:"certificate-life" default:"2160h" placeholder:"DURATION" help:"How long a certificate is good; it is renewed when a third of that is left."`
	AuthorityLife     time.Duration `name:"authority-life" default:"26280h" placeholder:"DURATION" help:"How long an authority is good; it is renewed when a third of that is left."`
	AuthoritySettle   time.Duration `name:"authority-settle" default:"10m" placeholder:"DURATION" help:"How long the old and the new authority are believed side by side before the new one takes over, and again before the old one is forgotten."`

	KubeAPI       string `name:"kube-api" placeholder:"URL" help:"Address of the Kubernetes API. Default: that of the cluster that this is a pod of."`
	KubeTokenFile string `name:"kube-token-file" placeholder:"FILE" help:"Token for the address given by kube-api."`
	KubeCAFile    string `name:"kube-ca-file" placeholder:"FILE" help:"Authority of the address given by kube-api (PEM)."`
	Events        bool   `name:"events" default:"true" negatable:"" help:"Write refusals into the cluster as events."`

	DrainDelay time.Duration `name:"drain-delay" default:"5s" placeholder:"DURATION" help:"How long reviews are still taken after SIGTERM, until the cluster has heard that this replica goes."`
	LogLevel   slog.Level    `name:"log-level" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat  string        `name:"log-format" default:"text" enum:"text,json" help:"text or json."`
}

// Complete checks each value. The error names the setting and what it expects.
func (c *Admission) Complete() error {
	if c.ValidatingWebhook == "off" {
		c.ValidatingWebhook = ""
	}
	if c.MutatingWebhook == "off" {
		c.MutatingWebhook = ""
	}
	_, _, err := net.SplitHostPort(c.Listen)
	switch {
	case c.Policy == "":
		return errors.New("policy: expected a file, see docs/admission.md")
	case err != nil:
		return fmt.Errorf("listen: %q is no address, expected HOST:PORT", c.Listen)
	case c.SelfSigned == (c.TLSCertFile != ""):
		return errors.New("self_signed, or tls_cert_file and tls_key_file: expected one of them, because API servers ask by HTTPS only")
	case c.DrainDelay < 0 || c.DrainDelay > time.Minute:
		return errors.New("drain_delay: expected 0s to 1m")
	case c.KubeAPI == "" && (c.KubeTokenFile != "" || c.KubeCAFile != ""):
		return errors.New("kube_api: expected the address that kube_token_file and kube_ca_file are for")
	}
	tls := Config{TLSCertFile: c.TLSCertFile, TLSKeyFile: c.TLSKeyFile}
	return errors.Join(tls.checkTLS(), c.checkLives())
}

// checkLives: an authority is changed in two steps while a third of its life is left, and outlives what it signs.
func (c *Admission) checkLives() error {
	switch {
	case !c.SelfSigned:
		return nil
	case c.AuthoritySettle < time.Second:
		return errors.New("authority_settle: expected a second or more, such as 10m")
	case c.CertificateLife < 6*c.AuthoritySettle:
		return errors.New("certificate_life: expected six times authority_settle or more")
	case c.AuthorityLife < c.CertificateLife:
		return errors.New("authority_life: expected as long as certificate_life or longer")
	}
	return nil
}

// Logger writes to stderr as log_level and log_format say.
func (c *Admission) Logger() *slog.Logger {
	log := Config{LogLevel: c.LogLevel, LogFormat: c.LogFormat}
	return log.Logger()
}
