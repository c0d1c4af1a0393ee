package servertls

import (
	"crypto/tls"
	"time"
)

// Source has the certificate that a port shows.
type Source interface {
	// GetCertificate is for a tls.Config.
	GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// End is when the certificate ends, of several the first; the zero time while there is none.
	End() time.Time
}

// Config is for a server that shows a certificate of the source and, unless clients is nil, speaks with those clients only.
func Config(source Source, clients *Clients) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: source.GetCertificate, NextProtos: []string{"h2", "http/1.1"}}
	if _, automatic := source.(*Automatic); automatic {
		c.NextProtos = append(c.NextProtos, challengeProtocol)
	}
	if clients != nil {
		clients.demand(c)
	}
	return c
}
