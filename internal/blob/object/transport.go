package object

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// NewTransport returns what requests to a bucket go through: the proxy of the environment, the
// system's certificate authorities and those of caFile, if it isn't empty. Requests and answers
// have no time limit here, but in the Store, which knows their size.
func NewTransport(caFile string) (*http.Transport, error) {
	roots, err := authorities(caFile)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   false, // one connection for all parts would be one window for all parts
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // blobs come as they are
		WriteBufferSize:     64 << 10,
		ReadBufferSize:      64 << 10,
	}, nil
}

// authorities returns nil for the system's own.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("parameter ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("certificate authorities of this system: %w", err)
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("parameter ca_file: expected a file of certificates in PEM")
	}
	return roots, nil
}

// WholeSize returns the size of the object that an answer's bytes are a piece of, and fails when they don't
// begin at from: a server that ignores ranges would otherwise be believed.
func WholeSize(header http.Header, from int64) (int64, error) {
	var first, last, size int64
	n, err := fmt.Sscanf(header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size)
	if err != nil || n != 3 || first != from || last != size-1 {
		return 0, fmt.Errorf("asked for the bytes from %d on, the answer says %q", from, header.Get("Content-Range"))
	}
	return size, nil
}

// WithoutAddress shortens an error of a request that got no answer: the address may have a secret in it.
func WithoutAddress(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", failed.Op, failed.Err)
	}
	return err
}
