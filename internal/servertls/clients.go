package servertls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
)

// Clients are those that show a certificate of the authorities in a file in PEM, which is looked at for each new connection. While it can't be
// read, the authorities that could be read last count.
type Clients struct {
	file string
	log  *slog.Logger

	mu   sync.Mutex
	text []byte // as it was read
	pool *x509.CertPool
}

// NewClients reads the file for the first time.
func NewClients(file string, log *slog.Logger) (*Clients, error) {
	c := &Clients{file: file, log: log}
	return c, c.refresh()
}

// refresh is for whoever holds mu, or has just made c.
func (c *Clients) refresh() error {
	text, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("tls_client_ca_file: %w", err)
	}
	if bytes.Equal(text, c.text) {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("tls_client_ca_file: expected one or more certificates in PEM")
	}
	c.text, c.pool = text, pool
	return nil
}

func (c *Clients) authorities() *x509.CertPool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(); err != nil {
		c.log.Warn("the authorities of clients can't be read: the last ones stay", "error", err)
	}
	return c.pool
}

// demand has the server refuse other clients. An ACME server that checks a name is none, and gets nothing but the answer to its challenge.
// Sessions aren't resumed: an authority that was taken out of the file would live on in them.
func (c *Clients) demand(server *tls.Config) {
	open := server.Clone()
	open.NextProtos = []string{challengeProtocol}
	server.ClientAuth, server.SessionTicketsDisabled = tls.RequireAndVerifyClientCert, true
	closed := server.Clone()
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if isChallenge(hello) && slices.Contains(server.NextProtos, challengeProtocol) {
			return open, nil
		}
		now := closed.Clone()
		now.ClientCAs = c.authorities()
		return now, nil
	}
}
