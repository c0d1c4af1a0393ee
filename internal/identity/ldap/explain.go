package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
)

// Explain says to an administrator why the directory could not be asked, and what to look at.
func Explain(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Message
	}
	for _, explain := range []func(error) string{explainTLS, explainNetwork, explainResult} {
		if text := explain(err); text != "" {
			return text
		}
	}
	return reason(err)
}

// reason is an error's text in one line that can be shown.
func reason(err error) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, err.Error())
	return strings.ToValidUTF8(text[:min(len(text), 500)], "?")
}

func explainTLS(err error) string {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the server's certificate is for another name than the one in ldap_url: " + reason(e)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the server's certificate is signed by an authority that is not trusted: put that authority's certificate into ldap_ca_certificate"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return "the server's certificate is not valid: " + reason(e)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the server does not speak TLS on this port: use ldap:// (389), with ldap_start_tls, or the port of ldaps:// (636)"
	}
	if errors.Is(err, errNoStartTLS) {
		return "the server refuses StartTLS: " + reason(err)
	}
	return ""
}

func explainNetwork(err error) string {
	dns, unresolved := errors.AsType[*net.DNSError](err)
	_, answered := errors.AsType[*ldap.Error](err)
	switch {
	case unresolved:
		return fmt.Sprintf("the name %s of the server in ldap_url is not resolved", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the server refuses the connection: nothing listens at the address in ldap_url"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the server can't be reached: there is no route to the address in ldap_url"
	case errors.Is(err, outbound.ErrAddress):
		return "ldap_url: link-local, multicast and unspecified addresses are not for directories"
	case errors.Is(err, errTooMuch):
		return errTooMuch.Error() + ": narrow the base or the filter"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "the server did not answer in time (ldap_timeout)"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), answered && ldap.IsErrorWithCode(err, ldap.ErrorNetwork):
		return "the server closed the connection: it may want TLS (ldaps:// or ldap_start_tls)"
	}
	return ""
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// explainResult words what servers answer to the search account. RFC 4511, appendix A.
func explainResult(err error) string {
	if errors.Is(err, errEmptyPassword) {
		return "empty password: ldap_search_dn needs ldap_search_password; the stored one is used only for the address and account that it was stored for"
	}
	e, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return ""
	}
	switch e.ResultCode {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication:
		return "the server refuses the search account: ldap_search_dn or ldap_search_password is wrong, or the account is locked"
	case ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		return "the server wants an encrypted connection: use ldaps:// or ldap_start_tls"
	case ldap.LDAPResultNoSuchObject:
		return "the base is not found: ldap_base_dn or ldap_group_base_dn names nothing in the directory, or the search account may not see it"
	case ldap.LDAPResultInvalidDNSyntax:
		return "the server does not take a distinguished name: ldap_search_dn or ldap_base_dn is misspelled"
	case ldap.LDAPResultReferral:
		return "the server does not hold ldap_base_dn and refers to another one; referrals are not followed"
	case ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultOperationsError:
		return "the server lets the search account not search: give ldap_search_dn an account that may (" + reason(e) + ")"
	case ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable:
		return "the server has no time for the search: " + reason(e)
	}
	return ""
}
