package identity

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

// Provider knows people that Haven's own database doesn't. Every call has a time limit of its own, of
// seconds: somebody waits to get in.
type Provider interface {
	// Authenticate checks a name and a password. ErrCredentials: wrong, unknown, or not allowed in.
	// Any other error means that the provider could not be asked.
	Authenticate(ctx context.Context, name string, password secret.Text) (Person, error)
	// Refresh tells what the provider says now of somebody who logged in before, by Subject.
	// fault.NotFound when the person left. Any other error means that the provider could not be asked.
	Refresh(ctx context.Context, subject string) (Person, error)
}

// Person is somebody as a provider describes them.
type Person struct {
	// Subject is the provider's immutable name: a DN, an issuer and sub. Accounts are linked by it.
	Subject                   string
	Username, Email, Realname string
	Groups                    []Group // effective, nested ones resolved
	Admin                     bool    // member of the provider's group of administrators
}

// Group is a group as its provider names it.
type Group struct {
	Name string // for people
	Key  string // what links it: LDAP a normalised DN; OIDC and HTTP the name
}

// GroupType says which kind of provider a group is known by, with Harbor's numbers.
type GroupType int64

// The types of groups.
const (
	LDAPGroup GroupType = 1
	HTTPGroup GroupType = 2
	OIDCGroup GroupType = 3
)

// Names of providers, as the setting identity_providers and account_link spell them.
const (
	LDAPProvider = "ldap"
	HTTPProvider = "http"
	OIDCProvider = "oidc"
)

// NamedProvider is a provider with its place in Haven.
type NamedProvider struct {
	Provider
	Name      string    // unique and for ever: links of accounts hold it
	GroupType GroupType // of the groups that its people bring
}

// GroupFinder is a provider that knows groups which nobody has brought yet. key is as an administrator
// spells it. fault.NotFound when there is no such group.
type GroupFinder interface {
	FindGroup(ctx context.Context, key string) (Group, error)
}

// PersonFinder is a provider that knows people who never logged in, by the name that they log in with.
// fault.NotFound when there is none.
type PersonFinder interface {
	FindPerson(ctx context.Context, name string) (Person, error)
}

// ErrNotOnboarded means that a provider brought somebody who has no account yet, and that the caller
// didn't ask for one to be made.
var ErrNotOnboarded = fault.NotFoundf("the account is not onboarded yet")

// ErrUntold is an error of Refresh about one person only: the provider can't say how things stand with them,
// but others may be asked about.
var ErrUntold = errors.New("the provider can't tell about this person")
