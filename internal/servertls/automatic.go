package servertls

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	// firstWait and longestWait bound the pauses between tries to get a certificate: authorities allow few failures in an hour.
	firstWait   = 2 * time.Minute
	longestWait = time.Hour
	// lookEvery is how often it is seen to that certificates are renewed.
	lookEvery = time.Hour

	challengeProtocol = acme.ALPNProto // RFC 8737
)

// Terms are what an Automatic needs to know.
type Terms struct {
	Names     []string // that certificates are for; the first is shown to who asks for none of them
	Directory string   // URL of the authority's ACME directory
	Email     string   // that the authority may write to; optional
	KeyID     string   // of an account with the authority (external account binding); optional
	Key       secret.Text
}

// Automatic is certificates that an authority gives by ACME, once their names were shown to lead here, and renews. Replicas share them.
type Automatic struct {
	terms   Terms
	manager *autocert.Manager
	clock   func() time.Time
	log     *slog.Logger

	mu    sync.Mutex
	shown map[string]*tls.Certificate // by name
}

// NewAutomatic asks nobody yet. client speaks with the authority.
func NewAutomatic(t Terms, d *db.DB, box *secret.Box, client *http.Client, clock func() time.Time, log *slog.Logger) (*Automatic, error) {
	directory := sha256.Sum256([]byte(t.Directory))
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: entries{d, box, hex.EncodeToString(directory[:8]) + "/"}, HostPolicy: autocert.HostWhitelist(t.Names...),
		Client: &acme.Client{DirectoryURL: t.Directory, HTTPClient: client, UserAgent: "haven"}, Email: t.Email,
	}
	if t.KeyID != "" {
		key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(t.Key.Reveal(), "="))
		if err != nil || len(key) == 0 {
			return nil, errors.New("acme_key: expected the key of acme_key_id in base64url, as the authority gives it")
		}
		m.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: t.KeyID, Key: key}
	}
	return &Automatic{terms: t, manager: m, clock: clock, log: log, shown: map[string]*tls.Certificate{}}, nil
}

// Challenges answers HTTP-01, on a port that the authority reaches as 80, and sends all others to HTTPS. It is called before Run.
func (a *Automatic) Challenges() http.Handler {
	h := a.manager.HTTPHandler(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, _, err := net.SplitHostPort(r.Host); err == nil { // the manager knows names without a port
			named := *r
			named.Host, r = name, &named
		}
		h.ServeHTTP(w, r)
	})
}

// GetCertificate implements Source. It doesn't wait for the authority: until that has given a certificate it is an error.
func (a *Automatic) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if isChallenge(hello) {
		return a.manager.GetCertificate(hello)
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !slices.Contains(a.terms.Names, name) {
		name = a.terms.Names[0]
	}
	a.mu.Lock()
	_, there := a.shown[name]
	a.mu.Unlock()
	if !there {
		return nil, fmt.Errorf("there is no certificate for %s yet: the log says why", name)
	}
	return a.manager.GetCertificate(asking(name))
}

func isChallenge(hello *tls.ClientHelloInfo) bool {
	return slices.Equal(hello.SupportedProtos, []string{challengeProtocol})
}

// asking is a client that takes ECDSA, as all do that speak TLS 1.2 well: for one that doesn't, another certificate would be ordered.
func asking(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
	}
}

// End implements Source.
func (a *Automatic) End() (first time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.shown {
		if end := c.Leaf.NotAfter; first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first
}

// Run gets the certificates, those that replicas have got already from the database, and tells of those that end soon, until ctx is cancelled.
func (a *Automatic) Run(ctx context.Context) error {
	wait := firstWait
	for {
		missing := false
		for _, name := range a.terms.Names {
			if !a.get(ctx, name) {
				missing = true
			}
		}
		next := lookEvery
		if missing {
			next, wait = wait, min(2*wait, longestWait)
		} else {
			wait = firstWait
		}
		if !pause.For(ctx, next) {
			return nil
		}
	}
}

// get reports whether there is a certificate for a name. Renewal is the manager's, from the first time on.
func (a *Automatic) get(ctx context.Context, name string) bool {
	cert, err := a.manager.GetCertificate(asking(name))
	if err != nil {
		if ctx.Err() == nil {
			a.log.ErrorContext(ctx, "the authority gives no certificate, and is asked again later: it must reach this registry by the name, at port 443 or at acme_listen as port 80", "name", name, "acme_directory", a.terms.Directory, "error", err)
		}
		return false
	}
	a.mu.Lock()
	last := a.shown[name]
	a.shown[name] = cert
	a.mu.Unlock()
	switch left := cert.Leaf.NotAfter.Sub(a.clock()); {
	case last == nil || !last.Leaf.Equal(cert.Leaf):
		a.log.InfoContext(ctx, "there is a certificate", "name", name, "ends", cert.Leaf.NotAfter)
	case left < cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore)/5: // it is overdue: the last third is for renewing
		a.log.WarnContext(ctx, "the certificate ends soon, and the authority doesn't renew it", "name", name, "ends", cert.Leaf.NotAfter)
	}
	return true
}
