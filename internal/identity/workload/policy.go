package workload

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
)

// Policy is whose tokens let in, and what for.
type Policy struct {
	ID, ProjectID int64  // ProjectID 0: of the system
	ProjectName   string // "" for one of the system
	Name          string // without the project
	Description   string
	Issuer        string // exactly as tokens say it
	Audience      string // that tokens must be made for
	Condition     string // CEL over claims
	KeySet        string // JWKS of an issuer that can't be asked; "": it is asked
	LifeMinutes   int64  // of what a token is exchanged for
	Enabled       bool
	Permissions   []identity.RobotPermission
	Epoch         int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// FullName is the name that is unique in the registry: "github", or "project+github".
func (p Policy) FullName() string {
	if p.ProjectID == 0 {
		return p.Name
	}
	return p.ProjectName + "+" + p.Name
}

// Draft is what somebody writes of a policy. Level is "system" or "project"; the project is the one that
// the permissions name.
type Draft struct {
	Name, Description string
	Issuer, Audience  string
	Condition         string
	KeySet            string
	LifeMinutes       int64
	Enabled           bool
	Permissions       []identity.RobotPermission
}

const (
	longestName   = 100
	longestText   = 1024
	longestURL    = 1024
	longestKeySet = 64 << 10
	longestLife   = 60 // minutes
	mostPolicies  = 200
)

var policyName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// check checks all but the permissions.
func (d Draft) check(conditions *conditions) error {
	if len(d.Name) > longestName || !policyName.MatchString(d.Name) {
		return fault.Invalidf("the name must be lower case letters and digits, with . _ - between them, at most %d", longestName)
	}
	if len(d.Description) > longestText || !printable(d.Description) {
		return fault.Invalidf("the description must be at most %d bytes, without control characters", longestText)
	}
	if err := checkIssuer(d.Issuer); err != nil {
		return err
	}
	if d.Audience == "" || len(d.Audience) > longestURL || !printable(d.Audience) {
		return fault.Invalidf("the audience must be 1 to %d bytes, without control characters", longestURL)
	}
	if d.LifeMinutes < 1 || d.LifeMinutes > longestLife {
		return fault.Invalidf("life_minutes must be 1 to %d", longestLife)
	}
	if d.KeySet != "" {
		if len(d.KeySet) > longestKeySet {
			return fault.Invalidf("the key set must be at most %d bytes", longestKeySet)
		}
		if _, err := parseKeySet([]byte(d.KeySet)); err != nil {
			return fault.Invalidf("the key set can't be used: %v", err)
		}
	}
	_, err := conditions.compile(d.Condition)
	return err
}

// checkIssuer accepts an https URL without a query, and http on this machine.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || len(issuer) > longestURL || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !printable(issuer) {
		return fault.Invalidf("the issuer must be a URL, without user, query and fragment")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return fault.Invalidf("the issuer must be an https URL")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// level is robots' word for where a policy belongs.
func level(projectID int64) string {
	if projectID == 0 {
		return "system"
	}
	return "project"
}

// principalName is how audit rows show who was let in.
func principalName(p Policy, subject string) string {
	name := fmt.Sprintf("%s/%s (%s)", identity.WorkloadName, p.FullName(), strings.Map(visible, subject))
	for len(name) > longestPrincipal {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// longestPrincipal is in bytes.
const longestPrincipal = 255

func visible(r rune) rune {
	if r < ' ' || r == 0x7f || r == utf8.RuneError {
		return '?'
	}
	return r
}

// grants checks what the policy is to grant. One of a project grants in that project alone.
func (d Draft) grants(ctx context.Context, tx db.Tx, by authz.Principal, projectID int64) ([]authz.Grant, error) {
	all, err := identity.ResolveGrants(ctx, tx, by, level(projectID), d.Permissions)
	if err != nil || projectID == 0 {
		return all, err
	}
	for _, g := range all {
		if g.Scope != authz.OneProject || g.ProjectID != projectID {
			return nil, fault.Invalidf("a policy of a project grants permissions in that project only")
		}
	}
	return all, nil
}
