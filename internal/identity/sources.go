package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

// askingMost bounds the passwords that are on their way to providers at a time, and with it how many
// guesses can overtake the delay that they cause.
const askingMost = 16

// ErrUnavailable means that nobody could be asked who might know the person. What went wrong is in the log:
// it is not for who knocks.
var ErrUnavailable = errors.New("the identity provider can't be asked")

// modeProviders says which provider each auth_mode of Harbor stands for.
var modeProviders = map[string]string{"ldap_auth": LDAPProvider, "http_auth": HTTPProvider, "oidc_auth": OIDCProvider}

// active returns the providers that the settings switch on, in the order in which they are asked:
// identity_providers, or else the one that auth_mode stands for. Accounts with a password of their own
// are not their affair: Haven's database comes first in any mode.
func (s *Service) active(v setting.Values) []NamedProvider {
	names := v.IdentityProviders()
	if len(names) == 0 {
		names = []string{modeProviders[v.AuthMode()]}
	}
	var on []NamedProvider
	for _, name := range names {
		if i := slices.IndexFunc(s.providers, func(p NamedProvider) bool { return p.Name == name }); i >= 0 {
			on = append(on, s.providers[i])
		}
	}
	return on
}

// ActiveProvider returns the provider of this name if the settings switch it on.
func (s *Service) ActiveProvider(ctx context.Context, name string) (NamedProvider, bool, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return NamedProvider{}, false, err
	}
	on := s.active(v)
	i := slices.IndexFunc(on, func(p NamedProvider) bool { return p.Name == name })
	if i < 0 {
		return NamedProvider{}, false, nil
	}
	return on[i], true, nil
}

// elsewhere checks the password of somebody who has none here, with the providers. known is false when
// there is none to ask.
func (s *Service) elsewhere(ctx context.Context, name string, password secret.Text, remote netip.Addr) (p authz.Principal, fresh, known bool, err error) {
	v, err := s.settings(ctx)
	if err != nil {
		return p, false, false, err
	}
	on := s.active(v)
	// An empty password binds to some directories as nobody, and a token of ours is not for others to see.
	if len(on) == 0 || !plausible(name) || strings.Contains(name, "$") || password == "" || isPersonalText(password) {
		return p, false, false, nil
	}
	key := s.memory.keyOf(name, password, "", 0)
	if p, ok, err := s.guestOf(ctx, key); ok || err != nil {
		return p, false, true, err
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return p, false, true, ctx.Err()
	}
	p, err = s.ask(ctx, on, key, name, password, remote)
	return p, true, true, err
}

// ask is elsewhere in one of the slots.
func (s *Service) ask(ctx context.Context, on []NamedProvider, key verdictKey, name string, password secret.Text, remote netip.Addr) (authz.Principal, error) {
	who := subjectsOf(holder{}, name, remote)
	wait, marked, err := s.delay(ctx, who)
	if err != nil {
		return authz.Principal{}, err
	}
	if wait > 0 {
		return authz.Principal{}, ErrTooManyAttempts{RetryAfter: wait.Round(time.Second) + time.Second}
	}
	if s.memory.isWrong(key) { // not asked again: directories lock accounts for a client that repeats itself
		return authz.Principal{}, s.refuse(ctx, holder{}, who, true, remote)
	}
	from, person, err := s.firstToKnow(ctx, on, name, password)
	if errors.Is(err, ErrCredentials) {
		s.memory.learn(key, false)
		return authz.Principal{}, s.refuse(ctx, holder{}, who, false, remote)
	}
	if err != nil {
		return authz.Principal{}, err
	}
	p, err := s.hear(ctx, from, person, true)
	if errors.Is(err, fault.Conflict) || errors.Is(err, fault.Invalid) {
		s.log.WarnContext(ctx, "somebody whom a provider knows can't get an account", "provider", from.Name, "error", err)
		return authz.Principal{}, ErrCredentials
	}
	if err != nil {
		return authz.Principal{}, err
	}
	s.memory.learnGuest(key, p)
	if !marked {
		return p, nil
	}
	return p, s.db.Write(ctx, func(tx db.Tx) error { return s.forgetFailures(ctx, tx, who) })
}

// firstToKnow asks one provider after the other. One that can't be asked is passed over, but when nobody
// else knows the person, that is what the caller is told: the password may be right.
func (s *Service) firstToKnow(ctx context.Context, on []NamedProvider, name string, password secret.Text) (NamedProvider, Person, error) {
	var unasked error
	for _, from := range on {
		person, err := from.Authenticate(ctx, name, password)
		switch {
		case err == nil && person.Subject != "":
			return from, person, nil
		case err == nil:
			err = errors.New("a person without a subject")
		case errors.Is(err, ErrCredentials):
			continue
		case ctx.Err() != nil:
			return from, Person{}, ctx.Err()
		}
		s.log.WarnContext(ctx, "a provider can't be asked", "provider", from.Name, "error", err)
		unasked = fmt.Errorf("%w: %s", ErrUnavailable, from.Name)
	}
	if unasked != nil {
		return NamedProvider{}, Person{}, unasked
	}
	return NamedProvider{}, Person{}, ErrCredentials
}

// guestOf is who had this password a minute ago, unless the account changed since.
func (s *Service) guestOf(ctx context.Context, key verdictKey) (authz.Principal, bool, error) {
	id, epoch, ok := s.memory.guest(key)
	if !ok {
		return authz.Principal{}, false, nil
	}
	p, err := s.Principal(ctx, id)
	if errors.Is(err, fault.NotFound) {
		return authz.Principal{}, false, nil
	}
	return p, err == nil && p.Epoch == epoch, err
}

// SignInExternal opens a browser session for somebody whom a provider has just brought, with one
// login_user event. onboard makes an account for who has none; else that is ErrNotOnboarded. Errors:
// fault.Conflict when the user name belongs to another account; fault.Invalid when it can't be one.
func (s *Service) SignInExternal(ctx context.Context, provider string, person Person, onboard bool, remote netip.Addr, userAgent string) (authz.Principal, string, error) {
	from, on, err := s.ActiveProvider(ctx, provider)
	if err != nil {
		return authz.Principal{}, "", err
	}
	if !on || person.Subject == "" {
		return authz.Principal{}, "", ErrCredentials
	}
	p, err := s.hear(ctx, from, person, onboard)
	if err != nil {
		return authz.Principal{}, "", err
	}
	return s.openSession(ctx, p, addressText(remote), userAgent, func(tx db.Tx) error { return s.loggedIn(ctx, tx, p, remote) })
}
