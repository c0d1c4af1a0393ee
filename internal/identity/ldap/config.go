package ldap

import (
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

// ErrNotConfigured: there is no directory. It is a fault.Invalid.
var ErrNotConfigured = fault.Invalidf("no directory is configured: ldap_url is empty")

// Settings are the ldap_* settings, as an administrator wrote them.
type Settings struct {
	URL            string // ldap://HOST[:PORT] or ldaps://HOST[:PORT]
	StartTLS       bool   // of a connection to ldap://
	VerifyCert     bool
	CACertificate  string // PEM, in place of the system's authorities; may be empty
	Timeout        int64  // seconds, for all that one log-in or search does
	SearchDN       string // empty: anonymous
	SearchPassword secret.Text

	BaseDN, Filter string
	UID            string // the attribute that people log in by
	Scope          int64  // 0 base, 1 one level, 2 subtree

	GroupBaseDN, GroupFilter string
	GroupName                string // the attribute that names a group
	GroupScope               int64
	GroupAdminDN             string
	Membership               string // the attribute of an entry that lists its groups
}

// SettingsOf reads the settings. It fails only when the password can't be opened.
func SettingsOf(v setting.Values) (Settings, error) {
	password, err := v.Password("ldap_search_password")
	return Settings{
		URL: v.Text("ldap_url"), StartTLS: v.Bool("ldap_start_tls"), VerifyCert: v.Bool("ldap_verify_cert"),
		CACertificate: v.Text("ldap_ca_certificate"), Timeout: v.Int("ldap_timeout"),
		SearchDN: v.Text("ldap_search_dn"), SearchPassword: password,
		BaseDN: v.Text("ldap_base_dn"), Filter: v.Text("ldap_filter"), UID: v.Text("ldap_uid"), Scope: v.Int("ldap_scope"),
		GroupBaseDN: v.Text("ldap_group_base_dn"), GroupFilter: v.Text("ldap_group_search_filter"),
		GroupName: v.Text("ldap_group_attribute_name"), GroupScope: v.Int("ldap_group_search_scope"),
		GroupAdminDN: v.Text("ldap_group_admin_dn"), Membership: v.Text("ldap_group_membership_attribute"),
	}, err
}

// config is Settings that were checked: filters compile, names can be read, attributes are attributes.
type config struct {
	address    string // HOST:PORT
	host       string
	security   security
	verify     bool
	roots      *x509.CertPool // nil: the system's
	timeout    time.Duration
	searchDN   string
	password   secret.Text
	base       string
	baseParts  []string // normal
	filter     string
	uid        string
	scope      int
	groups     bool // whether people bring groups with them at all
	groupBase  string
	groupParts []string // normal, of groupBase
	filterOf   string   // of groups
	groupName  string
	groupScope int
	adminDN    string // normal; may be empty
	membership string
}

type security int

const (
	plain security = iota
	startTLS
	fromTheStart
)

const (
	minTimeout = time.Second
	maxTimeout = time.Minute
)

// parse checks the settings. The error is a fault.Invalid that names the setting.
func (s Settings) parse() (config, error) {
	c := config{
		verify: s.VerifyCert, searchDN: strings.TrimSpace(s.SearchDN), password: s.SearchPassword,
		base: strings.TrimSpace(s.BaseDN), scope: scopeOf(s.Scope), groupScope: scopeOf(s.GroupScope),
		timeout: min(max(time.Duration(min(s.Timeout, 3600))*time.Second, minTimeout), maxTimeout),
	}
	err := errors.Join(c.parseURL(s), c.parseRoots(s.CACertificate), c.parsePeople(s), c.parseGroups(s))
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		err = joined.Unwrap()[0] // one at a time: that is what a person can mend
	}
	return c, err
}

func scopeOf(n int64) int {
	switch n {
	case 0:
		return ldap.ScopeBaseObject
	case 1:
		return ldap.ScopeSingleLevel
	default:
		return ldap.ScopeWholeSubtree
	}
}

// parseURL takes what Harbor takes: a missing scheme is ldap, and port 636 is TLS in any case.
func (c *config) parseURL(s Settings) error {
	text := strings.TrimSpace(s.URL)
	if text == "" {
		return ErrNotConfigured
	}
	if !strings.Contains(text, "://") {
		text = "ldap://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return fault.Invalidf("ldap_url: expected ldap://HOST[:PORT] or ldaps://HOST[:PORT]")
	}
	port := u.Port()
	switch {
	case u.Scheme == "ldaps" || port == "636":
		c.security = fromTheStart
	case s.StartTLS:
		c.security = startTLS
	}
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	c.host = u.Hostname()
	c.address = net.JoinHostPort(c.host, port)
	return nil
}

func (c *config) parseRoots(pem string) error {
	if strings.TrimSpace(pem) == "" {
		return nil
	}
	c.roots = x509.NewCertPool()
	if !c.roots.AppendCertsFromPEM([]byte(pem)) {
		return fault.Invalidf("ldap_ca_certificate: expected certificates in PEM")
	}
	return nil
}

func (c *config) parsePeople(s Settings) (err error) {
	if c.base == "" {
		return fault.Invalidf("ldap_base_dn: the value must not be empty")
	}
	if c.baseParts, err = normalRDNs(c.base); err != nil {
		return fault.Invalidf("ldap_base_dn: %s", err)
	}
	if c.uid, err = attribute("ldap_uid", s.UID, "cn"); err != nil {
		return err
	}
	c.filter, err = parseFilter("ldap_filter", s.Filter)
	return err
}

func (c *config) parseGroups(s Settings) (err error) {
	c.groups = strings.TrimSpace(s.GroupFilter) != ""
	if c.groupBase = strings.TrimSpace(s.GroupBaseDN); c.groupBase == "" {
		c.groupBase = c.base
	}
	if c.groupBase != "" {
		if c.groupParts, err = normalRDNs(c.groupBase); err != nil {
			return fault.Invalidf("ldap_group_base_dn: %s", err)
		}
	}
	if strings.TrimSpace(s.GroupAdminDN) != "" {
		if c.adminDN, err = NormalDN(s.GroupAdminDN); err != nil {
			return fault.Invalidf("ldap_group_admin_dn: %s", err)
		}
	}
	if c.filterOf, err = parseFilter("ldap_group_search_filter", s.GroupFilter); err != nil {
		return err
	}
	if c.groupName, err = attribute("ldap_group_attribute_name", s.GroupName, "cn"); err != nil {
		return err
	}
	c.membership, err = attribute("ldap_group_membership_attribute", s.Membership, "memberOf")
	return err
}

// attributeForm is a name or a number, with options. RFC 4512, 2.5.
var attributeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.;-]*$`)

func attribute(setting, name, otherwise string) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		return otherwise, nil
	}
	if !attributeForm.MatchString(name) {
		return "", fault.Invalidf("%s: %q is not the name of an attribute", setting, name)
	}
	return name, nil
}

// sameAccount reports whether the password that is stored with s may be sent where other says: the same
// server, the same protection on the way, the same account (S5).
func (s Settings) sameAccount(other Settings) bool {
	a, errA := s.parse()
	b, errB := other.parse()
	return errA == nil && errB == nil && a.address == b.address && a.security == b.security && a.searchDN == b.searchDN
}
