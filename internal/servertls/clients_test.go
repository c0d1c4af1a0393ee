package servertls

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// door is a server with a certificate of ca from files.
func door(t *testing.T, ca *authority, clients *Clients) *httptest.Server {
	t.Helper()
	dir, shown := t.TempDir(), ca.issue(t, "registry.test", time.Hour)
	certFile, keyFile := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	ok(t, os.WriteFile(certFile, shown.cert, 0o600))
	ok(t, os.WriteFile(keyFile, shown.key, 0o600))
	files, err := NewFiles(certFile, keyFile, slog.New(slog.DiscardHandler))
	ok(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.TLS = Config(files, clients)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// visit asks a server that shows a certificate of ca, by a connection of its own.
func visit(t *testing.T, s *httptest.Server, ca *authority, c *tls.Config) (string, error) {
	t.Helper()
	c.RootCAs, c.ServerName = x509.NewCertPool(), "registry.test"
	c.RootCAs.AddCert(ca.cert)
	transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: len(c.NextProtos) == 0}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get(s.URL)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

func TestServerIsModern(t *testing.T) {
	ca := newAuthority(t)
	s := door(t, ca, nil)
	if got, err := visit(t, s, ca, &tls.Config{}); err != nil || got != "HTTP/2.0" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := visit(t, s, ca, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
	weak := &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}
	if _, err := visit(t, s, ca, weak); err == nil {
		t.Error("a suite without forward secrecy was taken")
	}
}

func TestOnlyClientsOfTheAuthority(t *testing.T) {
	ca, theirs, others := newAuthority(t), newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "clients")
	log := slog.New(slog.DiscardHandler)
	if _, err := NewClients(file, log); err == nil {
		t.Error("a file that isn't there was taken")
	}
	ok(t, os.WriteFile(file, []byte("none"), 0o600))
	if _, err := NewClients(file, log); err == nil || !strings.Contains(err.Error(), "tls_client_ca_file: expected") {
		t.Errorf("a file without certificates: %v", err)
	}
	ok(t, os.WriteFile(file, theirs.pem(), 0o600))
	clients, err := NewClients(file, log)
	ok(t, err)
	s := door(t, ca, clients)
	known, stranger := theirs.issue(t, "one", time.Hour).pair(t), others.issue(t, "two", time.Hour).pair(t)
	sessions := tls.NewLRUClientSessionCache(8)
	with := func(pair ...tls.Certificate) error {
		_, err := visit(t, s, ca, &tls.Config{Certificates: pair, ClientSessionCache: sessions})
		return err
	}
	for what, err := range map[string]error{"none": with(), "another authority's": with(stranger), "an ACME server's": func() error {
		_, err := visit(t, s, ca, &tls.Config{NextProtos: []string{challengeProtocol}})
		return err
	}()} {
		if err == nil {
			t.Errorf("a client with the certificate %s came in", what)
		}
	}
	ok(t, with(known))
	ok(t, os.WriteFile(file, others.pem(), 0o600))
	ok(t, with(stranger))
	if with(known) == nil {
		t.Error("a client came in whose authority was taken out")
	}
	ok(t, os.Remove(file))
	ok(t, with(stranger))
}
