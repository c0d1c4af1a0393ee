package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
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
