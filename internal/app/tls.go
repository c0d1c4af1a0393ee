package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/servertls"
)

// secure prepares HTTPS, where the port speaks it.
func (a *App) secure(box *secret.Box) error {
	var source servertls.Source
	var err error
	switch {
	case a.cfg.TLSACME:
		a.automatic, err = a.automaticTLS(box)
		source = a.automatic
	case a.cfg.TLSCertFile != "":
		source, err = servertls.NewFiles(a.cfg.TLSCertFile, a.cfg.TLSKeyFile, a.log)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	var clients *servertls.Clients
	if a.cfg.TLSClientCAFile != "" {
		if clients, err = servertls.NewClients(a.cfg.TLSClientCAFile, a.log); err != nil {
			return err
		}
	}
	a.tls, a.certificate = servertls.Config(source, clients), source
	return nil
}

func (a *App) watchCertificate() {
	a.metrics.Gauge("haven_tls_certificate_end_seconds", "When the certificate of HTTPS ends, of several the first, in seconds since 1970; 0 while there is none.", func() float64 {
		if a.certificate == nil || a.certificate.End().IsZero() {
			return 0
		}
		return float64(a.certificate.End().Unix())
	})
}

func (a *App) automaticTLS(box *secret.Box) (*servertls.Automatic, error) {
	var trust outbound.Trust
	if a.cfg.ACMECAFile != "" {
		var err error
		if trust.Roots, err = os.ReadFile(a.cfg.ACMECAFile); err != nil {
			return nil, fmt.Errorf("acme_ca_file: %w", err)
		}
	}
	client, err := outbound.New(outbound.Purpose{Peer: outbound.ACME, Calls: a.calls, Reach: outbound.Administered(), Elsewhere: outbound.Nowhere(), Proxied: true}).HTTP(trust)
	if err != nil {
		return nil, fmt.Errorf("acme_ca_file: %w", err)
	}
	terms := servertls.Terms{Directory: a.cfg.ACMEDirectory, Email: a.cfg.ACMEEmail, KeyID: a.cfg.ACMEKeyID, Key: a.cfg.ACMEKey}
	for _, raw := range a.cfg.ExternalURL {
		if u, err := url.Parse(raw); err == nil && u.Scheme == "https" {
			terms.Names = append(terms.Names, u.Hostname())
		}
	}
	return servertls.NewAutomatic(terms, a.db, box, client, time.Now, a.log)
}

// challenges answers HTTP-01, and sends everybody else to HTTPS; nil without ACME.
func (a *App) challenges() http.Handler {
	if a.automatic == nil {
		return nil
	}
	return a.automatic.Challenges()
}

// serve serves until the server is shut down: by HTTPS where there is a configuration of it.
func serve(s *http.Server, l net.Listener, secure *tls.Config) error {
	var err error
	if secure != nil {
		s.TLSConfig = secure
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// filesTLS is HTTPS with a certificate from files, nil without them.
func filesTLS(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	if certFile == "" {
		return nil, nil
	}
	files, err := servertls.NewFiles(certFile, keyFile, log)
	if err != nil {
		return nil, err
	}
	return servertls.Config(files, nil), nil
}

// schemeOf is how a port is spoken with.
func schemeOf(secure *tls.Config) string {
	if secure != nil {
		return "https"
	}
	return "http"
}
