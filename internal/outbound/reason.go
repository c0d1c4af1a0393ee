package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
)

// Reason says in words for people why a request got no answer, and nothing that only this machine should know.
func Reason(err error) string {
	for _, known := range []error{ErrAddress, ErrURL, ErrRedirect, ErrTooLarge, ErrSilent} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the name " + dns.Name + " is not known"
		}
		return "the name " + dns.Name + " can't be resolved"
	}
	if reason := certificateReason(err); reason != "" {
		return reason
	}
	switch {
	case late(err):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "given up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way leads there"
	}
	return "the connection failed"
}

// TimedOut reports whether a request ended because the other side took too long. A name that can't be resolved in time is another matter.
func TimedOut(err error) bool {
	_, dns := errors.AsType[*net.DNSError](err)
	return !dns && (errors.Is(err, ErrSilent) || late(err))
}

func late(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || ok && timeout.Timeout()
}

func certificateReason(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "it doesn't speak TLS"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "its certificate has expired or isn't valid yet"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate isn't valid"
	}
	return ""
}
