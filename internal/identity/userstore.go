package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const userFields = `a.id, a.username, a.email, a.realname, a.comment, a.sysadmin, COALESCE(p.must_change, FALSE), a.admin_in_auth, p.account_id IS NULL,
	COALESCE((SELECT MIN(l.provider) FROM account_link l WHERE l.account_id = a.id), ''), a.epoch, a.created_at, a.updated_at`

const userFrom = `account a LEFT JOIN account_password p ON p.account_id = a.id`

// users is the listing of accounts; neither hashes nor deleted accounts are in its reach.
var users = db.Listing{
	Fields: userFields,
	From:   userFrom,
	Columns: map[string]db.Column{
		"user_id":       {Expr: "a.id", Kind: db.Int},
		"username":      {Expr: "a.username"},
		"email":         {Expr: "a.email"},
		"realname":      {Expr: "a.realname"},
		"comment":       {Expr: "a.comment"},
		"sysadmin_flag": {Expr: "a.sysadmin", Kind: db.Bool},
		"creation_time": {Expr: "a.created_at", Kind: db.Timestamp},
		"update_time":   {Expr: "a.updated_at", Kind: db.Timestamp},
	},
	Default: "a.username",
	Tie:     "a.id",
}

// HasUserKey reports whether ListUsers filters and sorts by key.
func HasUserKey(key string) bool { return users.Has(key) }

const (
	userByID   = `SELECT ` + userFields + ` FROM ` + userFrom + ` WHERE a.id = $1 AND a.deleted_at = 0`
	userByName = `SELECT ` + userFields + ` FROM ` + userFrom + ` WHERE a.username = $1 AND a.deleted_at = 0`

	// Names and e-mails are one namespace, since both log in.
	nameTaken     = `SELECT COUNT(*) FROM account WHERE id <> $1 AND (username IN ($2, $3) OR email IN ($4, $5))`
	accountInsert = `INSERT INTO account (username, email, realname, comment, sysadmin, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`
	accountMove    = `UPDATE account SET id = $1 WHERE id = $2`
	accountProfile = `UPDATE account SET email = $1, realname = $2, comment = $3, updated_at = $4 WHERE id = $5`
	accountAdmin   = `UPDATE account SET sysadmin = $1, epoch = epoch + 1, updated_at = $2 WHERE id = $3`
	accountBump    = `UPDATE account SET epoch = epoch + 1 WHERE id = $1`
	accountDelete  = `UPDATE account SET username = $1, email = $2, deleted_at = $3, epoch = epoch + 1 WHERE id = $4`
	accountExists  = `SELECT COUNT(*) FROM account`

	hashInsert = `INSERT INTO account_password (account_id, hash, must_change) VALUES ($1, $2, $3)`
	hashSelect = `SELECT hash FROM account_password WHERE account_id = $1`
	hashUpdate = `UPDATE account_password SET hash = $1, must_change = FALSE WHERE account_id = $2 AND hash = $3`
	hashDelete = `DELETE FROM account_password WHERE account_id = $1`

	// What the foreign key does when a row really goes.
	membershipsDelete = `DELETE FROM project_member WHERE account_id = $1`
	groupsDelete      = `DELETE FROM account_group WHERE account_id = $1`
)

func scanUser(r db.Row) (u User, err error) {
	err = r.Scan(&u.ID, &u.Username, &u.storedEmail, &u.Realname, &u.Comment, &u.Sysadmin, &u.MustChangePassword,
		&u.AdminInAuth, &u.Onboarded, &u.Provider, &u.Epoch, db.ScanTime(&u.CreatedAt), db.ScanTime(&u.UpdatedAt))
	u.Email = shownEmail(u.storedEmail)
	return u, err
}

func getUser(ctx context.Context, tx db.Tx, id int64) (User, error) {
	u, err := db.Get(ctx, tx, scanUser, userByID, id)
	return u, notFound(err, "look up user %d", id)
}

// notFound wraps err with what was being done, and makes the database's "no row" ours.
func notFound(err error, doing string, args ...any) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, db.ErrNotFound):
		return fmt.Errorf(doing+": %w", append(args, fault.NotFound)...)
	default:
		return fmt.Errorf(doing+": %w", append(args, err)...)
	}
}

func insertAccount(ctx context.Context, tx db.Tx, n NewUser, hash string, sysadmin, mustChange bool, now int64) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, accountInsert, n.Username, n.Email, n.Realname, n.Comment, sysadmin, now, now)
	if err != nil {
		return 0, fmt.Errorf("insert account: %w", err)
	}
	if _, err := tx.Exec(ctx, hashInsert, id, hash, mustChange); err != nil {
		return 0, fmt.Errorf("insert password: %w", err)
	}
	return id, nil
}

// BumpEpoch makes docker tokens of the account worthless: what it may do has changed. Sessions go on,
// since they are asked about anew each time.
func (s *Service) BumpEpoch(ctx context.Context, tx db.Tx, accountID int64) error {
	if _, err := tx.Exec(ctx, accountBump, accountID); err != nil {
		return fmt.Errorf("bump the epoch of account %d: %w", accountID, err)
	}
	return nil
}
