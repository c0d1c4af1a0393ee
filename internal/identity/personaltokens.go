package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// ErrTokensOfUsers refuses a token to everybody but a user who is there in person.
var ErrTokensOfUsers = fault.Forbiddenf("only a user with a password or a browser session makes personal access tokens")

// ListPersonalTokens lists the tokens of an account, newest first.
func (s *Service) ListPersonalTokens(ctx context.Context, accountID int64, list db.List) (page []PersonalToken, total int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if page, total, err = db.Page(ctx, tx, personalTokens, `t.account_id = $1`, []any{accountID}, list, scanPersonal); err != nil {
			return err
		}
		return withLimits(ctx, tx, page)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the tokens of account %d: %w", accountID, err)
	}
	return page, total, nil
}

// GetPersonalToken returns a token, whoever's; fault.NotFound when there is none.
func (s *Service) GetPersonalToken(ctx context.Context, id int64) (PersonalToken, error) {
	return s.readPersonal(ctx, personalByID, id)
}

func (s *Service) readPersonal(ctx context.Context, query string, arg any) (PersonalToken, error) {
	one := make([]PersonalToken, 1)
	err := s.db.Read(ctx, func(tx db.Tx) (err error) {
		if one[0], err = db.Get(ctx, tx, scanPersonal, query, arg); err != nil {
			return err
		}
		return withLimits(ctx, tx, one)
	})
	return one[0], notFound(err, "look up a personal access token")
}

// CreatePersonalToken makes a token of by, who must be a user: a token makes no tokens (ErrTokensOfUsers).
// A name that by has given already is a fault.Conflict.
func (s *Service) CreatePersonalToken(ctx context.Context, by authz.Principal, n NewPersonalToken) (MadeToken, error) {
	if by.Kind != authz.User {
		return MadeToken{}, ErrTokensOfUsers
	}
	now := s.clock()
	if err := n.validate(now); err != nil {
		return MadeToken{}, err
	}
	made := MadeToken{Secret: newPersonalText()}
	err := s.db.Write(ctx, func(tx db.Tx) (err error) {
		if made.PersonalToken, err = insertPersonal(ctx, tx, by, n, made, db.Micros(now)); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{Kind: event.CreateToken, At: now, By: by.Name, Resource: n.Name, Success: true})
	})
	return made, err
}

func insertPersonal(ctx context.Context, tx db.Tx, by authz.Principal, n NewPersonalToken, made MadeToken, now int64) (PersonalToken, error) {
	count, err := db.Get(ctx, tx, db.ScanInt, personalCount, by.ID)
	if err != nil {
		return PersonalToken{}, fmt.Errorf("count the tokens of account %d: %w", by.ID, err)
	}
	if count >= maxTokens {
		return PersonalToken{}, fault.Conflictf("there are %d tokens already: revoke some first", count)
	}
	taken, err := db.Get(ctx, tx, db.ScanInt, personalTaken, by.ID, n.Name)
	if err != nil {
		return PersonalToken{}, fmt.Errorf("look up a token's name: %w", err)
	}
	if taken > 0 {
		return PersonalToken{}, fault.Conflictf("a token with the name %s exists", n.Name)
	}
	text := made.Secret.Reveal()
	hash := sha256.Sum256([]byte(text))
	id, err := db.Get(ctx, tx, db.ScanInt, personalInsert, n.Name, hash[:], text[len(text)-hintSize:], db.Micros(n.ExpiresAt), now, by.ID, by.Epoch)
	if errors.Is(err, db.ErrNotFound) {
		return PersonalToken{}, ErrCredentials // the account changed meanwhile
	}
	if err != nil {
		return PersonalToken{}, fmt.Errorf("insert token: %w", err)
	}
	if err := insertLimits(ctx, tx, id, distinct(n.Limits)); err != nil {
		return PersonalToken{}, err
	}
	one := make([]PersonalToken, 1)
	if one[0], err = db.Get(ctx, tx, scanPersonal, personalByID, id); err != nil {
		return PersonalToken{}, fmt.Errorf("read token %d: %w", id, err)
	}
	return one[0], withLimits(ctx, tx, one)
}

// DeletePersonalToken revokes a token: at once it opens nothing any more, and docker tokens that were
// made with it die.
func (s *Service) DeletePersonalToken(ctx context.Context, by authz.Principal, id int64) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		t, err := db.Get(ctx, tx, scanPersonal, personalByID, id)
		if err != nil {
			return notFound(err, "look up token %d", id)
		}
		if _, err := tx.Exec(ctx, personalDelete, id); err != nil {
			return fmt.Errorf("revoke token %d: %w", id, err)
		}
		return event.Append(ctx, tx, event.Event{Kind: event.DeleteToken, At: s.clock(), By: by.Name, Resource: t.Name, Success: true})
	})
}
