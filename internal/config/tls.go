package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

func (c *Config) checkTLS() error {
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("tls_cert_file and tls_key_file: expected both or none")
	}
	if c.TLSClientCAFile != "" && c.TLSCertFile == "" && !c.TLSACME {
		return errors.New("tls_client_ca_file: expected tls_cert_file and tls_key_file, or tls_acme, beside it")
	}
	for key, file := range map[string]string{
		"tls_cert_file": c.TLSCertFile, "tls_key_file": c.TLSKeyFile, "tls_client_ca_file": c.TLSClientCAFile, "acme_ca_file": c.ACMECAFile,
	} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%s: expected a readable PEM file: %w", key, err)
		}
	}
	return c.checkACME()
}

func (c *Config) checkACME() error {
	switch {
	case !c.TLSACME && (c.ACMEListen != "" || c.ACMEKeyID != "" || c.ACMECAFile != "" || c.ACMEEmail != ""):
		return errors.New("acme_listen, acme_key_id, acme_ca_file and acme_email: expected tls_acme beside them")
	case !c.TLSACME:
		return nil
	case c.TLSCertFile != "":
		return errors.New("tls_acme and tls_cert_file: expected one of them")
	case (c.ACMEKeyID == "") != (c.ACMEKey.Reveal() == ""):
		return errors.New("acme_key_id and acme_key: expected both or none")
	}
	if u, err := url.Parse(c.ACMEDirectory); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("acme_directory: %q, expected https://HOST/PATH", c.ACMEDirectory)
	}
	names := 0
	for _, raw := range c.ExternalURL {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" {
			continue
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil || !strings.Contains(u.Hostname(), ".") {
			return fmt.Errorf("tls_acme: %q in external_url is no name that an authority certifies, expected one such as registry.example.com", u.Hostname())
		}
		names++
	}
	if names == 0 {
		return errors.New("tls_acme: expected external_url with the https address that the certificate is for, such as https://registry.example.com")
	}
	return nil
}
