package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/secret"
)

// CheckPassword holds a password or secret that somebody chose to Harbor's rule. field is its name in the
// refusal, a fault.Invalid.
func CheckPassword(password secret.Text, field string) error { return checkPassword(password, field) }

// CheckUsername refuses, as fault.Invalid, a user name that somebody chose and that can't be one.
func CheckUsername(name string) error { return checkName(name, "username") }

// ChangeCredentials runs change for providers that keep a secret of a user: in one transaction, with what
// follows from another secret. Docker tokens of the account end, and an update_user event is written. by
// needs to stand above administrators to change theirs.
func (s *Service) ChangeCredentials(ctx context.Context, by authz.Principal, id int64, change func(db.Tx) error) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		u, err := getUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := overAdministrators(by, u, false); err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		if err := s.BumpEpoch(ctx, tx, id); err != nil {
			return err
		}
		return s.userEvent(ctx, tx, event.UpdateUser, by.Name, u.Username)
	})
}

// EndSessions ends sessions by the hashes of their tokens, with a logout_user event for each. Those that are
// gone are no error.
func (s *Service) EndSessions(ctx context.Context, tokenHashes [][]byte) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		for _, hash := range tokenHashes {
			name, err := db.Get(ctx, tx, db.ScanString, accountNameBySession, hash)
			if errors.Is(err, db.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("look up the session: %w", err)
			}
			if _, err := tx.Exec(ctx, sessionDelete, hash); err != nil {
				return fmt.Errorf("end the session: %w", err)
			}
			err = event.Append(ctx, tx, event.Event{Kind: event.LogoutUser, At: s.clock(), By: name, Resource: name, Success: true})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
