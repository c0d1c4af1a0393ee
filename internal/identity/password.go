package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

// Bootstrapped reports whether there is an account already.
func (s *Service) Bootstrapped(ctx context.Context) (bool, error) {
	n, err := db.Get(ctx, s.db.Auto(), db.ScanInt, accountExists)
	return n > 0, err
}

// Bootstrap makes the first administrator, account 1, when there is no account yet; it reports whether
// it did. A password that was made for this is to be changed at the first sign-in (S18): mustChange.
func (s *Service) Bootstrap(ctx context.Context, password secret.Text, mustChange bool) (created bool, err error) {
	if n := utf8.RuneCountInString(password.Reveal()); n < minPassword || n > maxPassword {
		return false, fault.Invalidf("admin_password: expected %d to %d characters", minPassword, maxPassword)
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return false, err
	}
	admin := NewUser{Username: "admin", Email: "admin@example.com", Realname: "system admin", Comment: "admin user"}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		n, err := db.Get(ctx, tx, db.ScanInt, accountExists)
		if created = err == nil && n == 0; !created {
			return err
		}
		id, err := insertAccount(ctx, tx, admin, hash, true, mustChange, db.Micros(s.clock()))
		if err != nil {
			return err
		}
		return moveToAdminID(ctx, tx, id, mustChange)
	})
	if errors.Is(err, db.ErrUnique) { // another replica was first
		return false, nil
	}
	return created && err == nil, err
}

// moveToAdminID gives account 1 its id, should a transaction that was tried again have used it up.
func moveToAdminID(ctx context.Context, tx db.Tx, id int64, mustChange bool) error {
	if id == AdminID {
		return nil
	}
	hash, err := db.Get(ctx, tx, db.ScanString, hashSelect, id)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, hashDelete, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, accountMove, AdminID, id); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, hashInsert, AdminID, hash, mustChange)
	return err
}

// HasPassword reports whether it is the user's password. It counts nothing and writes no event: it is for the
// program itself, not for a log-in.
func (s *Service) HasPassword(ctx context.Context, id int64, password secret.Text) (is bool, err error) {
	present, err := db.Get(ctx, s.db.Auto(), db.ScanString, hashSelect, id)
	if err != nil {
		return false, notFound(err, "look up the password of user %d", id)
	}
	err = s.hasher.inSlot(ctx, func() (err error) { is, err = s.hasher.matches(password, present); return err })
	return is, err
}

// SetPassword gives a user another password. old is the present one, which users give when they change
// their own; it is nil when an administrator changes somebody else's. All sessions and docker tokens of
// the account end. ErrOldPassword, ErrSamePassword, or ErrTooManyAttempts after too many wrong ones.
func (s *Service) SetPassword(ctx context.Context, by authz.Principal, id int64, old *secret.Text, next secret.Text) error {
	u, err := s.GetUser(ctx, id)
	if err != nil {
		return err
	}
	if err := overAdministrators(by, u, false); err != nil {
		return err
	}
	if u.Onboarded {
		return errOnboarded(u.Username)
	}
	present, err := db.Get(ctx, s.db.Auto(), db.ScanString, hashSelect, id)
	if err != nil {
		return notFound(err, "look up the password of user %d", id)
	}
	if old != nil {
		if err := s.checkOld(ctx, u, *old, present); err != nil {
			return err
		}
	}
	if err := checkPassword(next, "password or secret"); err != nil {
		return err
	}
	same := false
	err = s.hasher.inSlot(ctx, func() (err error) { same, err = s.hasher.matches(next, present); return err })
	if err != nil {
		return err
	}
	if same {
		return ErrSamePassword
	}
	hash, err := s.hasher.hash(ctx, next)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, hashUpdate, hash, id, present)
		if err != nil {
			return fmt.Errorf("set the password of user %d: %w", id, err)
		}
		if n == 0 {
			return ErrOldPassword // it was changed meanwhile
		}
		if err := s.BumpEpoch(ctx, tx, id); err != nil {
			return err
		}
		if err := endSessions(ctx, tx, id); err != nil {
			return err
		}
		who := accountSubjects(id)
		if err := s.forgetFailures(ctx, tx, who); err != nil {
			return err
		}
		return s.userEvent(ctx, tx, event.UpdateUser, by.Name, u.Username)
	})
}

func accountSubjects(id int64) subjects {
	return subjects{account: "account/" + strconv.FormatInt(id, 10)}
}

// checkOld counts wrong guesses as those of a log-in: a stolen session is no way to the password.
func (s *Service) checkOld(ctx context.Context, u User, old secret.Text, present string) error {
	who := accountSubjects(u.ID)
	return s.hasher.inSlot(ctx, func() error {
		wait, _, err := s.delay(ctx, who)
		if err != nil {
			return err
		}
		if wait > 0 {
			return ErrTooManyAttempts{RetryAfter: wait.Round(time.Second) + time.Second}
		}
		right, err := s.hasher.matches(old, present)
		if err != nil || right {
			return err
		}
		err = s.db.Write(ctx, func(tx db.Tx) error { return s.countFailure(ctx, tx, who, true) })
		if err != nil {
			return err
		}
		return ErrOldPassword
	})
}
