package scanner

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/secret"
)

// BuiltinName is the name of our own scanner. Nobody else may take it.
const BuiltinName = adapter.OwnName

// Scanner is a registration.
type Scanner struct {
	ID          int64
	UUID        string
	Name        string
	URL         string
	Description string
	Disabled    bool
	Default     bool
	Auth        adapter.Auth
	SkipVerify  bool
	// UseInternalAddr: the scanner reaches this registry by another address than clients do.
	UseInternalAddr bool
	CreatedAt       time.Time
	UpdatedAt       time.Time

	builtin bool
	sealed  []byte // credential, nil without one
}

// Builtin reports whether it is our own, which isn't asked over the network.
func (s Scanner) Builtin() bool { return s.builtin }

// QueueKey names the queue that the scanner's work waits in: a slow one holds up no other's.
func (s Scanner) QueueKey() string { return fmt.Sprintf("scanner:%d", s.ID) }

// Draft is what a client sends to register a scanner, or to change one.
type Draft struct {
	Name, URL, Description string
	Auth                   adapter.Auth
	Credential             secret.Text // in a change "" leaves the present one
	SkipVerify             bool
	UseInternalAddr        bool
	Disabled               bool
}

const (
	maxName        = 128
	maxURL         = 512
	maxDescription = 1024
	maxCredential  = 8192
)

// clean returns the draft as it is stored, or a fault.Invalid. stored: there is a credential already.
func (d Draft) clean(stored bool) (Draft, error) {
	d.Name, d.URL = strings.TrimSpace(d.Name), strings.TrimRight(strings.TrimSpace(d.URL), "/")
	switch {
	case d.Name == "" || len(d.Name) > maxName || strings.ContainsFunc(d.Name, unicode.IsControl):
		return d, fault.Invalidf("the scanner's name must have 1 to %d bytes", maxName)
	case strings.EqualFold(d.Name, BuiltinName):
		return d, fault.Invalidf("name %q is reserved, please try a different name", d.Name)
	case len(d.Description) > maxDescription:
		return d, fault.Invalidf("the scanner's description has more than %d bytes", maxDescription)
	case !d.Auth.Known():
		return d, fault.Invalidf("auth %.64q is not supported, expected Basic, Bearer, X-ScannerAdapter-API-Key or nothing", string(d.Auth))
	case d.Auth != adapter.NoAuth && d.Credential == "" && !stored:
		return d, fault.Invalidf("access_credential is required for auth type %s", d.Auth)
	}
	if err := checkCredential(d.Auth, d.Credential.Reveal()); err != nil {
		return d, err
	}
	if d.Auth == adapter.NoAuth {
		d.Credential = ""
	}
	return d, checkURL(d.URL)
}

func checkCredential(auth adapter.Auth, text string) error {
	switch {
	case len(text) > maxCredential || strings.ContainsFunc(text, unicode.IsControl):
		return fault.Invalidf("access_credential has more than %d bytes, or control characters", maxCredential)
	case auth == adapter.Basic && text != "" && !strings.Contains(text, ":"):
		return fault.Invalidf("access_credential of auth type Basic must be name:password")
	}
	return nil
}

func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxURL || outbound.CheckURL(u) != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fault.Invalidf("url must be an http or https address of at most %d bytes, without name, password, query and fragment", maxURL)
	}
	return nil
}

// origin is what a credential belongs to. Both addresses were checked.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return outbound.Origin(u)
}

func (d Draft) endpoint() adapter.Endpoint {
	return adapter.Endpoint{URL: d.URL, Auth: d.Auth, Credential: d.Credential, Trust: outbound.Trust{SkipVerify: d.SkipVerify}}
}
