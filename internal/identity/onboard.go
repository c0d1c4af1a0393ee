package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// makeRoom finds out whether a name that is linked already is the newcomer's own: directories give people
// another DN when they move. The old one then exists no longer.
func (s *Service) makeRoom(ctx context.Context, from NamedProvider, person Person) error {
	u, err := s.FindUser(ctx, person.Username)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	links, err := db.Collect(ctx, s.db.Auto(), scanLink, linksOf, u.ID)
	if err != nil {
		return fmt.Errorf("look up the links of account %d: %w", u.ID, err)
	}
	for _, l := range links {
		if l.provider != from.Name || l.gone {
			continue
		}
		if _, err := from.Refresh(ctx, l.subject); errors.Is(err, fault.NotFound) {
			return s.depart(ctx, from, l)
		}
	}
	return nil
}

// onboard links a newcomer: to a new account; to one of the same name that nothing lets in, as those
// taken over from another registry are; or to one whose former subject is gone from the same provider, if
// the e-mail is the same too.
func (s *Service) onboard(ctx context.Context, tx db.Tx, provider string, person Person) (link, error) {
	l := link{provider: provider, subject: person.Subject}
	if err := checkName(person.Username, "username"); err != nil {
		return l, err
	}
	if err := s.notARobot(ctx, person.Username); err != nil {
		return l, err
	}
	u, err := db.Get(ctx, tx, scanUser, userByName, person.Username)
	switch {
	case errors.Is(err, db.ErrNotFound):
		l.accountID, err = s.newcomer(ctx, tx, provider, person)
	case err == nil:
		l.accountID, err = u.ID, s.claim(ctx, tx, u, provider, person)
	}
	if err != nil {
		return l, err
	}
	now := db.Micros(s.clock())
	if _, err := tx.Exec(ctx, linkInsert, l.provider, l.subject, l.accountID, now, now, now); err != nil {
		return l, fmt.Errorf("link account %d: %w", l.accountID, err)
	}
	return l, nil
}

func (s *Service) newcomer(ctx context.Context, tx db.Tx, provider string, person Person) (int64, error) {
	n := NewUser{Username: person.Username, Email: person.Email, Realname: person.Realname, Comment: "from " + strings.ToUpper(provider) + "."}
	if err := refuseTaken(ctx, tx, 0, n.Username, n.Username, errTaken(n.Username)); err != nil {
		return 0, err
	}
	if n.Email != "" && refuseTaken(ctx, tx, 0, n.Email, n.Email, errTaken(n.Username)) != nil {
		n.Email = ""
	}
	if n.Email == "" {
		n.Email = noEmail(n.Username)
	}
	now := db.Micros(s.clock())
	id, err := db.Get(ctx, tx, db.ScanInt, accountInsert, n.Username, n.Email, n.Realname, n.Comment, false, now, now)
	if err != nil {
		return 0, fmt.Errorf("insert account: %w", err)
	}
	return id, s.userEvent(ctx, tx, event.CreateUser, n.Username, n.Username)
}

func errTaken(username string) error {
	return fault.Conflictf("the user name %s belongs to another account", username)
}

// claim decides whether an account is the newcomer's.
func (s *Service) claim(ctx context.Context, tx db.Tx, u User, provider string, person Person) error {
	_, err := db.Get(ctx, tx, db.ScanString, hashSelect, u.ID)
	if err == nil {
		return errTaken(u.Username)
	}
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	links, err := db.Collect(ctx, tx, scanLink, linksOf, u.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		moved := l.provider == provider && l.gone && person.Email != "" && strings.EqualFold(person.Email, u.Email)
		if !moved {
			return errTaken(u.Username)
		}
		if _, err := tx.Exec(ctx, linkDelete, l.provider, l.subject); err != nil {
			return err
		}
	}
	return nil
}

// Onboard makes or finds the account of somebody who was looked up at a provider, without a log-in, and
// returns its id. The same errors as SignInExternal's.
func (s *Service) Onboard(ctx context.Context, provider string, person Person) (int64, error) {
	from, on, err := s.ActiveProvider(ctx, provider)
	if err != nil {
		return 0, err
	}
	if !on || person.Subject == "" {
		return 0, fault.Invalidf("the provider %s is not in use", provider)
	}
	p, err := s.hear(ctx, from, person, true)
	return p.ID, err
}

// FindPerson returns the user with exactly this name; else it asks the providers that can tell, and makes
// the account of who is there. fault.NotFound when nobody is.
func (s *Service) FindPerson(ctx context.Context, name string) (User, error) {
	u, err := s.FindUser(ctx, name)
	if !errors.Is(err, fault.NotFound) || !plausible(name) {
		return u, err
	}
	v, err := s.settings(ctx)
	if err != nil {
		return User{}, err
	}
	for _, from := range s.active(v) {
		finder, ok := from.Provider.(PersonFinder)
		if !ok {
			continue
		}
		person, err := finder.FindPerson(ctx, name)
		if errors.Is(err, fault.NotFound) || err == nil && person.Subject == "" {
			continue
		}
		if err != nil {
			s.log.WarnContext(ctx, "a provider can't be asked", "provider", from.Name, "error", err)
			return User{}, fmt.Errorf("%w: %s", ErrUnavailable, from.Name)
		}
		p, err := s.hear(ctx, from, person, true)
		if err != nil {
			return User{}, err
		}
		return s.GetUser(ctx, p.ID)
	}
	return User{}, fmt.Errorf("find %q: %w", name, fault.NotFound)
}

// LinkedSubject is who an account is for a provider. fault.NotFound when it isn't linked, or no longer.
func (s *Service) LinkedSubject(ctx context.Context, accountID int64, provider string) (string, error) {
	links, err := db.Collect(ctx, s.db.Auto(), scanLink, linksOf, accountID)
	if err != nil {
		return "", fmt.Errorf("look up the links of account %d: %w", accountID, err)
	}
	for _, l := range links {
		if l.provider == provider && !l.gone {
			return l.subject, nil
		}
	}
	return "", fmt.Errorf("the link of account %d to %s: %w", accountID, provider, fault.NotFound)
}

// Linked is the account that is linked to a subject of a provider. fault.NotFound when there is none.
func (s *Service) Linked(ctx context.Context, provider, subject string) (User, error) {
	l, err := db.Get(ctx, s.db.Auto(), scanLink, linkBySubject, provider, subject)
	if err != nil {
		return User{}, notFound(err, "look up a link to %s", provider)
	}
	return s.GetUser(ctx, l.accountID)
}
