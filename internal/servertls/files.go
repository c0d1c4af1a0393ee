package servertls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files is a certificate from two files in PEM, which are looked at for each new connection: that is nothing beside its handshake. While
// they can't be read, or don't belong together because one of them is just being replaced, the last that could be read counts.
type Files struct {
	certFile, keyFile string
	log               *slog.Logger

	mu        sync.Mutex
	cert, key []byte // as they were read
	current   *tls.Certificate
}

// NewFiles reads the files for the first time.
func NewFiles(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	f := &Files{certFile: certFile, keyFile: keyFile, log: log}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// GetCertificate is for a tls.Config.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		f.log.Warn("the certificate's files can't be used: the last certificate stays", "error", err)
	}
	return f.current, nil
}

// End is when the certificate ends.
func (f *Files) End() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current.Leaf.NotAfter
}

func (f *Files) refresh() error {
	cert, err := os.ReadFile(f.certFile)
	if err != nil {
		return fmt.Errorf("tls_cert_file: %w", err)
	}
	key, err := os.ReadFile(f.keyFile)
	if err != nil {
		return fmt.Errorf("tls_key_file: %w", err)
	}
	if bytes.Equal(cert, f.cert) && bytes.Equal(key, f.key) {
		return nil
	}
	pair, err := ParsePair(cert, key)
	if err != nil {
		return fmt.Errorf("tls_cert_file and tls_key_file: %w", err)
	}
	f.cert, f.key, f.current = cert, key, pair
	return nil
}

// ParsePair is tls.X509KeyPair with the parsed leaf, which is nil where a setting of the runtime says so.
func ParsePair(cert, key []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	if pair.Leaf == nil {
		if len(pair.Certificate) == 0 {
			return nil, errors.New("expected a certificate in PEM")
		}
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &pair, nil
}
