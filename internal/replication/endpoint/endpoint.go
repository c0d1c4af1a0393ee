package endpoint

import (
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/secret"
)

// LocalID is the id of this registry itself.
const LocalID = 0

// Hidden stands for a secret in answers. Who sends it back means the one that is stored.
const Hidden = "*****"

// Endpoint is a registry elsewhere, as it is stored. Its Credential has no Secret: Open has.
type Endpoint struct {
	remote.Endpoint
	ID          int64
	Name        string
	Description string
	Complaint   string // why it isn't healthy; "" if it is
	CreatedAt   time.Time
	UpdatedAt   time.Time

	sealed []byte // the secret, nil without one
}

// Local reports whether it is this registry itself.
func (e Endpoint) Local() bool { return e.ID == LocalID }

// Healthy reports whether it answered rightly when it was asked last.
func (e Endpoint) Healthy() bool { return e.Complaint == "" }

// HasSecret reports whether there is one.
func (e Endpoint) HasSecret() bool { return e.sealed != nil }

// Draft is what a client sends to name a registry.
type Draft struct {
	remote.Endpoint
	Name, Description string
}

// Change is what a client sends to change an endpoint; nil leaves what is there.
type Change struct {
	Name, Description, URL, CACertificate *string
	CredentialType, AccessKey             *string
	Secret                                *secret.Text
	Insecure                              *bool
}

// Probe is what a client sends to have a registry asked. With an id, the stored endpoint's address and certificates count.
type Probe struct {
	ID   *int64
	Kind *string
	Change
}

const (
	maxName        = 64
	maxURL         = 256
	maxDescription = 1024
	maxAccessKey   = 1024
	maxSecret      = 32 << 10 // keys of service accounts are documents
	maxCA          = 64 << 10
	maxComplaint   = 1024
)

// clean returns the draft as it is stored, or a fault.Invalid.
func (d Draft) clean() (Draft, error) {
	if n := utf8.RuneCountInString(d.Name); n == 0 || n > maxName || strings.ContainsFunc(d.Name, unicode.IsControl) {
		return d, fault.Invalidf("name: expected 1 to %d characters", maxName)
	}
	if len(d.Description) > maxDescription {
		return d, fault.Invalidf("description: more than %d bytes", maxDescription)
	}
	e, err := clean(d.Endpoint)
	d.Endpoint = e
	return d, err
}

func clean(e remote.Endpoint) (remote.Endpoint, error) {
	address, err := normalise(e.URL)
	if err != nil {
		return e, err
	}
	e.URL = address
	if e.Kind == "" {
		return e, fault.Invalidf("type: expected a kind of registry")
	}
	if !e.Kind.Known() {
		return e, fault.Invalidf("type: %.64q is no kind of registry that can be used", string(e.Kind))
	}
	c := e.Credential
	switch {
	case c.Type != "" && c.Type != "basic" && c.Type != "oauth" && c.Type != "secret":
		return e, fault.Invalidf("credential type: expected basic, oauth or secret")
	case len(c.AccessKey) > maxAccessKey || strings.ContainsFunc(c.AccessKey, unicode.IsControl):
		return e, fault.Invalidf("access_key: more than %d bytes, or control characters", maxAccessKey)
	case len(c.Secret) > maxSecret:
		return e, fault.Invalidf("access_secret: more than %d bytes", maxSecret)
	}
	return e, checkCA(e.CACertificate)
}

// normalise is an address as it is stored: http where no scheme is given, without a slash at the end, query and fragment, as Harbor
// has it.
func normalise(address string) (string, error) {
	address = strings.TrimSpace(address)
	if address != "" && !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || len(address) > maxURL || outbound.CheckURL(u) != nil {
		return "", fault.Invalidf("url: expected an http or https address of at most %d bytes, without a name and password in it", maxURL)
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	return strings.TrimRight(u.String(), "/"), nil
}

// checkCA refuses what isn't certificates alone.
func checkCA(text string) error {
	if text == "" {
		return nil
	}
	bad := fault.Invalidf("ca_certificate: expected certificates in PEM, of at most %d bytes", maxCA)
	if len(text) > maxCA {
		return bad
	}
	found := 0
	for rest := []byte(text); ; found++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return bad
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return bad
		}
	}
	if found == 0 {
		return bad
	}
	return nil
}

// applied is an endpoint after a change. A secret belongs to the address that it was entered with (S5).
func (c Change) applied(d Draft) (Draft, error) {
	set(&d.Name, c.Name)
	set(&d.Description, c.Description)
	set(&d.CACertificate, c.CACertificate)
	set(&d.Insecure, c.Insecure)
	set(&d.Credential.Type, c.CredentialType)
	set(&d.Credential.AccessKey, c.AccessKey)
	if c.URL != nil {
		address, err := normalise(*c.URL)
		if err != nil {
			return d, err
		}
		if address != d.URL {
			d.URL, d.Realm, d.Credential.Secret = address, "", ""
		}
	}
	if c.Secret != nil && *c.Secret != Hidden {
		d.Credential.Secret = *c.Secret
	}
	return d.clean()
}

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}
