package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// link is who an account is for a provider, and when and what the provider said of it.
type link struct {
	provider, subject string
	accountID         int64
	admin, gone       bool
	word              string
	heardAt           time.Time
}

const (
	linkFields    = `provider, subject, account_id, admin, gone, word, heard_at`
	linkBySubject = `SELECT ` + linkFields + ` FROM account_link WHERE provider = $1 AND subject = $2`
	linksOf       = `SELECT ` + linkFields + ` FROM account_link WHERE account_id = $1 ORDER BY created_at, provider`
	linkInsert    = `INSERT INTO account_link (provider, subject, account_id, heard_at, used_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)`
	linkHeard     = `UPDATE account_link SET admin = $1, gone = FALSE, word = $2, heard_at = $3 WHERE provider = $4 AND subject = $5`
	linkUsed      = `UPDATE account_link SET used_at = $1 WHERE provider = $2 AND subject = $3`
	linkGone      = `UPDATE account_link SET admin = FALSE, gone = TRUE, word = '', heard_at = $1 WHERE provider = $2 AND subject = $3`
	linkDelete    = `DELETE FROM account_link WHERE provider = $1 AND subject = $2`
	linksDelete   = `DELETE FROM account_link WHERE account_id = $1`
	// What follows from the links: see the migration.
	accountSettle = `UPDATE account SET
		admin_in_auth = EXISTS (SELECT 1 FROM account_link l WHERE l.account_id = account.id AND l.admin AND NOT l.gone),
		ask_after = COALESCE((SELECT MIN(l.heard_at) + CAST($1 AS BIGINT) FROM account_link l WHERE l.account_id = account.id AND NOT l.gone), 0),
		left_at = CASE WHEN EXISTS (SELECT 1 FROM account_link l WHERE l.account_id = account.id AND NOT l.gone)
			OR EXISTS (SELECT 1 FROM account_password p WHERE p.account_id = account.id) THEN 0 ELSE CAST($2 AS BIGINT) END
		WHERE id = $3`
	accountDescribe = `UPDATE account SET email = $1, realname = $2, updated_at = $3 WHERE id = $4`
)

func scanLink(r db.Row) (l link, err error) {
	err = r.Scan(&l.provider, &l.subject, &l.accountID, &l.admin, &l.gone, &l.word, db.ScanTime(&l.heardAt))
	return l, err
}

// heardLately is how old a word may be that needn't be written down again when it is the same.
const heardLately = time.Minute

// hear takes the word of a provider about somebody who is at the door: it finds the account that is
// linked, or makes one when onboard says so, and writes down what changed. ErrNotOnboarded,
// fault.Conflict or fault.Invalid when there is no account and can't be one.
func (s *Service) hear(ctx context.Context, from NamedProvider, person Person, onboard bool) (authz.Principal, error) {
	person = tidy(person)
	l, err := db.Get(ctx, s.db.Auto(), scanLink, linkBySubject, from.Name, person.Subject)
	switch {
	case errors.Is(err, db.ErrNotFound) && !onboard:
		return authz.Principal{}, ErrNotOnboarded
	case errors.Is(err, db.ErrNotFound):
		if err := s.makeRoom(ctx, from, person); err != nil {
			return authz.Principal{}, err
		}
	case err != nil:
		return authz.Principal{}, fmt.Errorf("look up the link of %s: %w", from.Name, err)
	case !l.gone && l.word == wordOf(person) && s.clock().Sub(l.heardAt) < heardLately:
		return s.principal(ctx, l.accountID)
	}
	var id int64
	take := func(tx db.Tx) (err error) {
		id, err = s.take(ctx, tx, from, person, onboard)
		return err
	}
	err = s.db.Write(ctx, take)
	if errors.Is(err, db.ErrUnique) { // the same person came by another door at the same time
		err = s.db.Write(ctx, take)
	}
	if err != nil {
		return authz.Principal{}, fmt.Errorf("take in somebody of %s: %w", from.Name, err)
	}
	return s.principal(ctx, id)
}

func (s *Service) take(ctx context.Context, tx db.Tx, from NamedProvider, person Person, onboard bool) (int64, error) {
	l, err := db.Get(ctx, tx, scanLink, linkBySubject, from.Name, person.Subject)
	if errors.Is(err, db.ErrNotFound) {
		if !onboard {
			return 0, ErrNotOnboarded
		}
		l, err = s.onboard(ctx, tx, from.Name, person)
	}
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, linkUsed, db.Micros(s.clock()), l.provider, l.subject); err != nil {
		return 0, fmt.Errorf("note the use of a link: %w", err)
	}
	return l.accountID, s.writeWord(ctx, tx, from, l, person)
}

// writeWord writes down what a provider says of an account now. Tokens die when it may do less.
func (s *Service) writeWord(ctx context.Context, tx db.Tx, from NamedProvider, l link, person Person) error {
	word, now := wordOf(person), s.clock()
	if l.gone || l.word != word {
		u, err := getUser(ctx, tx, l.accountID)
		if err != nil {
			return err
		}
		if err := s.describe(ctx, tx, u, person); err != nil {
			return err
		}
		less, err := s.setGroups(ctx, tx, l.accountID, from.GroupType, person.Groups)
		if err != nil {
			return err
		}
		if less || l.admin != person.Admin {
			if err := s.BumpEpoch(ctx, tx, l.accountID); err != nil {
				return err
			}
		}
	}
	if _, err := tx.Exec(ctx, linkHeard, person.Admin, word, db.Micros(now), l.provider, l.subject); err != nil {
		return fmt.Errorf("write down what %s says: %w", l.provider, err)
	}
	return s.settle(ctx, tx, l.accountID)
}

// settle brings the account's row to what its links say.
func (s *Service) settle(ctx context.Context, tx db.Tx, accountID int64) error {
	if _, err := tx.Exec(ctx, accountSettle, refreshAfter.Microseconds(), db.Micros(s.clock()), accountID); err != nil {
		return fmt.Errorf("settle account %d: %w", accountID, err)
	}
	return nil
}

// describe follows the provider in e-mail and name. An e-mail that is another account's stays theirs.
func (s *Service) describe(ctx context.Context, tx db.Tx, u User, person Person) error {
	email, realname := u.storedEmail, u.Realname
	if person.Email != "" && person.Email != u.Email {
		n, err := db.Get(ctx, tx, db.ScanInt, nameTaken, u.ID, person.Email, person.Email, person.Email, person.Email)
		if err != nil {
			return fmt.Errorf("look for the e-mail: %w", err)
		}
		if n == 0 {
			email = person.Email
		}
	}
	if person.Realname != "" {
		realname = person.Realname
	}
	if email == u.storedEmail && realname == u.Realname {
		return nil
	}
	if _, err := tx.Exec(ctx, accountDescribe, email, realname, db.Micros(s.clock()), u.ID); err != nil {
		return fmt.Errorf("update account %d: %w", u.ID, err)
	}
	return nil
}

// depart writes down that a provider doesn't know somebody any more: groups, administration, sessions and
// tokens end; so does the account's use, when nothing else lets it in.
func (s *Service) depart(ctx context.Context, from NamedProvider, l link) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		now, err := db.Get(ctx, tx, scanLink, linkBySubject, l.provider, l.subject)
		if errors.Is(err, db.ErrNotFound) || err == nil && (now.gone || now.heardAt.After(l.heardAt)) {
			return nil // somebody else heard later than we asked
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, linkGone, db.Micros(s.clock()), l.provider, l.subject); err != nil {
			return err
		}
		if _, err := s.setGroups(ctx, tx, l.accountID, from.GroupType, nil); err != nil {
			return err
		}
		if err := s.settle(ctx, tx, l.accountID); err != nil {
			return err
		}
		if err := s.BumpEpoch(ctx, tx, l.accountID); err != nil {
			return err
		}
		return endSessions(ctx, tx, l.accountID)
	})
	if err != nil {
		return fmt.Errorf("end the link of account %d to %s: %w", l.accountID, l.provider, err)
	}
	return nil
}

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
