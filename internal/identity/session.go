package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	// seenEvery is how often a session in use is written.
	seenEvery = time.Minute
	// sessionSweep bounds the dead sessions that one sign-in removes.
	sessionSweep = 100
	// maxUserAgent bounds what is kept of the browser's name, in bytes.
	maxUserAgent = 200
)

const (
	// Nothing is inserted when the account changed after the principal was read: its password may be
	// another by now.
	sessionInsert = `INSERT INTO session (token_hash, account_id, public_id, admin, created_at, seen_at, remote, user_agent)
		SELECT $1, a.id, $2, a.sysadmin OR a.admin_in_auth, $3, $4, $5, $6 FROM account a WHERE a.id = $7 AND a.epoch = $8 AND ` + inUse
	sessionSelect = `SELECT s.created_at, s.seen_at, s.admin, ` + asPrincipal + `
		FROM session s JOIN account a ON a.id = s.account_id WHERE s.token_hash = $1 AND ` + inUse
	sessionSeen          = `UPDATE session SET seen_at = $1 WHERE token_hash = $2`
	sessionDelete        = `DELETE FROM session WHERE token_hash = $1`
	sessionsOfAccount    = `DELETE FROM session WHERE account_id = $1`
	sessionSweepByAge    = `DELETE FROM session WHERE token_hash IN (SELECT token_hash FROM session WHERE seen_at < $1 ORDER BY seen_at LIMIT `
	accountNameBySession = `SELECT a.username FROM session s JOIN account a ON a.id = s.account_id WHERE s.token_hash = $1`
)

type session struct {
	createdAt, seenAt time.Time
	admin             bool // when it was opened
	standing          standing
}

func scanSession(r db.Row) (v session, err error) {
	err = r.Scan(append([]any{db.ScanTime(&v.createdAt), db.ScanTime(&v.seenAt), &v.admin}, v.standing.dest()...)...)
	return v, err
}

// CreateSession opens a browser session of a user who has just proved who they are, and returns its
// token, which only the browser keeps. remote and userAgent are for the user's list of sessions. It
// writes no event: SignIn does.
func (s *Service) CreateSession(ctx context.Context, p authz.Principal, remote, userAgent string) (token string, err error) {
	_, token, err = s.openSession(ctx, p, remote, userAgent, func(db.Tx) error { return nil })
	return token, err
}

func (s *Service) openSession(ctx context.Context, p authz.Principal, remote, userAgent string, also func(db.Tx) error) (authz.Principal, string, error) {
	if p.Kind != authz.User {
		return authz.Principal{}, "", ErrCredentials
	}
	token, now := secret.NewToken(), s.clock()
	hash := sha256.Sum256([]byte(token))
	userAgent = strings.ToValidUTF8(strings.ReplaceAll(userAgent, "\x00", ""), "")
	if len(userAgent) > maxUserAgent {
		userAgent = strings.ToValidUTF8(userAgent[:maxUserAgent], "")
	}
	lives, err := s.sessionLives(ctx)
	if err != nil {
		return authz.Principal{}, "", err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, sessionInsert, hash[:], sessionID(hash[:]), db.Micros(now), db.Micros(now), remote, userAgent, p.ID, p.Epoch)
		if err != nil {
			return fmt.Errorf("open a session: %w", err)
		}
		if n == 0 {
			return ErrCredentials
		}
		if _, err := tx.Exec(ctx, sessionSweepByAge+strconv.Itoa(sessionSweep)+")", db.Micros(now.Add(-lives.longest))); err != nil {
			return fmt.Errorf("remove dead sessions: %w", err)
		}
		return also(tx)
	})
	if err != nil {
		return authz.Principal{}, "", err
	}
	p.SessionID = sessionID(hash[:])
	return p, token, nil
}

// SessionPrincipal tells whose session the token opens. A session ends when it isn't used for the
// session_timeout, a session_lifetime after it began, when the account's password changes, and when the
// account becomes a system administrator or ceases to be one. renew counts the request as a use; it is
// written once a minute at most.
func (s *Service) SessionPrincipal(ctx context.Context, token string, renew bool) (authz.Principal, error) {
	hash := sha256.Sum256([]byte(token))
	v, err := db.Get(ctx, s.db.Auto(), scanSession, sessionSelect, hash[:])
	if errors.Is(err, db.ErrNotFound) {
		return authz.Principal{}, ErrSession
	}
	if err != nil {
		return authz.Principal{}, fmt.Errorf("look up the session: %w", err)
	}
	lives, err := s.sessionLives(ctx)
	if err != nil {
		return authz.Principal{}, err
	}
	now := s.clock()
	if lives.over(v.createdAt, v.seenAt, now) {
		return authz.Principal{}, ErrSession
	}
	p, err := s.current(ctx, v.standing)
	if errors.Is(err, fault.NotFound) || err == nil && p.Admin != v.admin {
		return authz.Principal{}, ErrSession
	}
	if err != nil {
		return authz.Principal{}, err
	}
	if renew && now.Sub(v.seenAt) >= seenEvery {
		err := s.db.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, sessionSeen, db.Micros(now), hash[:])
			return err
		})
		if err != nil {
			return authz.Principal{}, fmt.Errorf("renew the session: %w", err)
		}
	}
	p.SessionID = sessionID(hash[:])
	return p, nil
}

// DeleteSession ends a session, with a logout_user event. A session that is gone is no error.
func (s *Service) DeleteSession(ctx context.Context, token string) error {
	hash := sha256.Sum256([]byte(token))
	return s.db.Write(ctx, func(tx db.Tx) error {
		name, err := db.Get(ctx, tx, db.ScanString, accountNameBySession, hash[:])
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look up the session: %w", err)
		}
		if _, err := tx.Exec(ctx, sessionDelete, hash[:]); err != nil {
			return fmt.Errorf("end the session: %w", err)
		}
		return event.Append(ctx, tx, event.Event{Kind: event.LogoutUser, At: s.clock(), By: name, Resource: name, Success: true})
	})
}

// endSessions signs an account out everywhere.
func endSessions(ctx context.Context, tx db.Tx, accountID int64) error {
	if _, err := tx.Exec(ctx, sessionsOfAccount, accountID); err != nil {
		return fmt.Errorf("end the sessions of account %d: %w", accountID, err)
	}
	return nil
}

// sessionID names a session in public: neither the token nor its stored hash follow from it.
func sessionID(tokenHash []byte) string {
	sum := sha256.Sum256(append([]byte("haven session id\x00"), tokenHash...))
	return hex.EncodeToString(sum[:16])
}
