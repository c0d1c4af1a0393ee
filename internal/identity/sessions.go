package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

// BrowserSession is a session as its owner sees it in a list.
type BrowserSession struct {
	ID                string // public: it opens nothing
	AccountID         int64
	Username          string
	CreatedAt, SeenAt time.Time // seen within a minute
	Remote, UserAgent string    // of the sign-in
	ExpiresAt         time.Time // however busy it is
}

const (
	browserFields = `s.public_id, s.account_id, a.username, s.created_at, s.seen_at, s.remote, s.user_agent`
	browserFrom   = `session s JOIN account a ON a.id = s.account_id`
	browserByID   = `SELECT ` + browserFields + ` FROM ` + browserFrom + ` WHERE s.public_id = $1`
	browserAlive  = `s.account_id = $1 AND s.created_at > $2 AND s.seen_at > $3`
	browserEnd    = `DELETE FROM session WHERE public_id = $1`
	browserEndAll = `DELETE FROM session WHERE account_id = $1 AND public_id <> $2`
)

// browserSessions is the listing of sessions; the hashes of their tokens are not in its reach.
var browserSessions = db.Listing{
	Fields: browserFields,
	From:   browserFrom,
	Columns: map[string]db.Column{
		"creation_time": {Expr: "s.created_at", Kind: db.Timestamp},
		"last_seen_at":  {Expr: "s.seen_at", Kind: db.Timestamp},
		"remote":        {Expr: "s.remote"},
		"user_agent":    {Expr: "s.user_agent"},
	},
	Default: "s.seen_at DESC",
	Tie:     "s.public_id",
}

// HasSessionKey reports whether ListSessions filters and sorts by key.
func HasSessionKey(key string) bool { return browserSessions.Has(key) }

func scanBrowser(r db.Row) (v BrowserSession, err error) {
	err = r.Scan(&v.ID, &v.AccountID, &v.Username, db.ScanTime(&v.CreatedAt), db.ScanTime(&v.SeenAt), &v.Remote, &v.UserAgent)
	return v, err
}

// ListSessions lists the sessions of an account that are open, the one that was used last first.
func (s *Service) ListSessions(ctx context.Context, accountID int64, list db.List) (page []BrowserSession, total int64, err error) {
	lives, err := s.sessionLives(ctx)
	if err != nil {
		return nil, 0, err
	}
	now := s.clock()
	args := []any{accountID, db.Micros(now.Add(-lives.longest)), db.Micros(now.Add(-lives.idle))}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, browserSessions, browserAlive, args, list, scanBrowser)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the sessions of account %d: %w", accountID, err)
	}
	for i := range page {
		page[i].ExpiresAt = page[i].CreatedAt.Add(lives.longest)
	}
	return page, total, nil
}

// GetSession returns a session by its public id, whoever's; fault.NotFound when there is none.
func (s *Service) GetSession(ctx context.Context, id string) (BrowserSession, error) {
	v, err := db.Get(ctx, s.db.Auto(), scanBrowser, browserByID, id)
	return v, notFound(err, "look up a session")
}

// EndSession ends a session by its public id, on all replicas at once; fault.NotFound when there is none.
func (s *Service) EndSession(ctx context.Context, by authz.Principal, id string) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		v, err := db.Get(ctx, tx, scanBrowser, browserByID, id)
		if err != nil {
			return notFound(err, "look up a session")
		}
		if _, err := tx.Exec(ctx, browserEnd, id); err != nil {
			return fmt.Errorf("end a session: %w", err)
		}
		return s.sessionEvent(ctx, tx, by, v.Username)
	})
}

// EndOtherSessions ends all sessions of an account but one, "" for none.
func (s *Service) EndOtherSessions(ctx context.Context, by authz.Principal, accountID int64, keep string) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		u, err := getUser(ctx, tx, accountID)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, browserEndAll, accountID, keep)
		if err != nil {
			return fmt.Errorf("end the sessions of account %d: %w", accountID, err)
		}
		if n == 0 {
			return nil
		}
		return s.sessionEvent(ctx, tx, by, u.Username)
	})
}

func (s *Service) sessionEvent(ctx context.Context, tx db.Tx, by authz.Principal, username string) error {
	return event.Append(ctx, tx, event.Event{Kind: event.DeleteSession, At: s.clock(), By: by.Name, Resource: username, Success: true})
}
