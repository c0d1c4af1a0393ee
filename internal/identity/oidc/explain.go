package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
)

// explain says to an administrator at which step a provider's description could not be had. What else the other
// side answers isn't shown.
func explain(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Message
	}
	for _, in := range []func(error) string{explainConnection, explainCertificate, explainDescription} {
		if text := in(err); text != "" {
			return text
		}
	}
	return "the provider can't be asked; the log says more"
}

func explainConnection(err error) string {
	dns, unresolved := errors.AsType[*net.DNSError](err)
	network, failed := errors.AsType[net.Error](err)
	switch {
	case unresolved:
		return fmt.Sprintf("the name %s is not resolved", dns.Name)
	case errors.Is(err, outbound.ErrAddress):
		return "link-local, multicast and unspecified addresses are not for providers, and redirects to other hosts aren't followed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the server refuses the connection: nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the server can't be reached: there is no route to it"
	case errors.Is(err, context.DeadlineExceeded), failed && network.Timeout():
		return "the server did not answer in time"
	}
	return ""
}

func explainCertificate(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the server's certificate is for another name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the server's certificate is signed by an authority that is not trusted"
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return "the server's certificate is not valid, mostly because it is expired"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS on this port"
	}
	return ""
}

func explainDescription(err error) string {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, form := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, errStatus), errors.Is(err, errUnauthorized), errors.Is(err, errMetadata):
		return err.Error()
	case syntax, form:
		return "what lies at /.well-known/openid-configuration is not a provider's description"
	}
	return ""
}
