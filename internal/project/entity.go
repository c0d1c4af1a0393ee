package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// entityKind is what a member can be: the statements that differ.
type entityKind struct{ count, insert string }

// entity is an account or a group that is to become a member.
type entity struct {
	kind entityKind
	id   int64
	name string
}

const (
	accountByID   = `SELECT id, username FROM account WHERE id = $1 AND deleted_at = 0`
	accountByName = `SELECT id, username FROM account WHERE username = $1 AND deleted_at = 0`
	groupByID     = `SELECT id, name FROM user_group WHERE id = $1`

	countAccount  = `SELECT COUNT(*) FROM project_member WHERE account_id = $1 AND project_id = $2`
	countGroup    = `SELECT COUNT(*) FROM project_member WHERE group_id = $1 AND project_id = $2`
	insertAccount = `INSERT INTO project_member (project_id, account_id, role_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (project_id, account_id) DO NOTHING RETURNING id`
	insertGroup = `INSERT INTO project_member (project_id, group_id, role_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (project_id, group_id) DO NOTHING RETURNING id`
)

func anAccount() entityKind { return entityKind{countAccount, insertAccount} }

func aGroup() entityKind { return entityKind{countGroup, insertGroup} }

func scanEntity(r db.Row) (e entity, err error) { err = r.Scan(&e.id, &e.name); return e, err }

// findEntity looks for what is named, in Harbor's order: user id, group id, user name.
func findEntity(ctx context.Context, tx db.Tx, n NewMember) (entity, error) {
	kind, query, key, what := anAccount(), accountByID, any(n.UserID), "user"
	switch {
	case n.UserID > 0:
	case n.GroupID > 0:
		kind, query, key, what = aGroup(), groupByID, n.GroupID, "user group"
	case n.Username != "":
		query, key = accountByName, n.Username
	default:
		return entity{}, fault.Invalidf("the member_user needs a user_id or a username")
	}
	e, err := db.Get(ctx, tx, scanEntity, query, key)
	if errors.Is(err, db.ErrNotFound) {
		return entity{}, fault.NotFoundf("%s %v is not found", what, key)
	}
	e.kind = kind
	return e, err
}

func insertMember(ctx context.Context, tx db.Tx, kind entityKind, projectID, entityID int64, role authz.Role, now time.Time) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, kind.insert, projectID, entityID, int64(role), db.Micros(now), db.Micros(now))
	if errors.Is(err, db.ErrNotFound) {
		return 0, errMemberExists()
	}
	if err != nil {
		return 0, fmt.Errorf("insert member: %w", err)
	}
	return id, nil
}
