package identity

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/db"
)

// groupChunk bounds the rows of one statement.
const groupChunk = 200

const (
	groupsOfAccount = `SELECT g.id, g.key FROM account_group ag JOIN user_group g ON g.id = ag.group_id WHERE ag.account_id = $1 AND g.type = $2`
	groupsByKey     = `SELECT id, key FROM user_group WHERE type = $1 AND key IN (`
	groupsInsert    = `INSERT INTO user_group (name, type, key, created_at, updated_at) VALUES `
	groupJoin       = `INSERT INTO account_group (account_id, group_id, told_at) SELECT $1, id, $2 FROM user_group WHERE id IN (`
	groupLeave      = `DELETE FROM account_group WHERE account_id = $1 AND group_id IN (`
)

type keyedGroup struct {
	id  int64
	key string
}

func scanKeyedGroup(r db.Row) (g keyedGroup, err error) { err = r.Scan(&g.id, &g.key); return g, err }

// setGroups makes these the account's groups of a type, and the groups themselves where Haven doesn't
// know them. less reports whether the account left one. groups are in order of their keys.
func (s *Service) setGroups(ctx context.Context, tx db.Tx, accountID int64, kind GroupType, groups []Group) (less bool, err error) {
	present, err := db.Collect(ctx, tx, scanKeyedGroup, groupsOfAccount, accountID, int64(kind))
	if err != nil {
		return false, fmt.Errorf("look up the groups of account %d: %w", accountID, err)
	}
	var left []int64
	has := make(map[string]bool, len(present))
	for _, g := range present {
		has[g.key] = true
		if _, stays := slices.BinarySearchFunc(groups, g.key, func(a Group, key string) int { return strings.Compare(a.Key, key) }); !stays {
			left = append(left, g.id)
		}
	}
	var joined []Group
	for _, g := range groups {
		if !has[g.Key] {
			joined = append(joined, g)
		}
	}
	for chunk := range slices.Chunk(left, groupChunk) {
		marks, args := db.In(1, chunk)
		if _, err := tx.Exec(ctx, groupLeave+marks+")", append([]any{accountID}, args...)...); err != nil {
			return false, fmt.Errorf("leave groups: %w", err)
		}
	}
	for chunk := range slices.Chunk(joined, groupChunk) {
		if err := s.joinGroups(ctx, tx, accountID, kind, chunk); err != nil {
			return false, err
		}
	}
	return len(left) > 0, nil
}

// joinGroups puts an account into groups that it isn't in.
func (s *Service) joinGroups(ctx context.Context, tx db.Tx, accountID int64, kind GroupType, groups []Group) error {
	known, err := s.ensureGroups(ctx, tx, kind, groups)
	if err != nil {
		return err
	}
	ids := make([]int64, len(known))
	for i, g := range known {
		ids[i] = g.id
	}
	marks, args := db.In(2, ids)
	if _, err := tx.Exec(ctx, groupJoin+marks+")", append([]any{accountID, db.Micros(s.clock())}, args...)...); err != nil {
		return fmt.Errorf("join groups: %w", err)
	}
	return nil
}

// ensureGroups returns the groups, and makes those that Haven doesn't know.
func (s *Service) ensureGroups(ctx context.Context, tx db.Tx, kind GroupType, groups []Group) ([]keyedGroup, error) {
	keys := make([]string, len(groups))
	for i, g := range groups {
		keys[i] = g.Key
	}
	marks, args := db.In(1, keys)
	query, args := groupsByKey+marks+")", append([]any{int64(kind)}, args...)
	known, err := db.Collect(ctx, tx, scanKeyedGroup, query, args...)
	if err != nil || len(known) == len(groups) {
		return known, err
	}
	now := db.Micros(s.clock())
	var rows []string
	var values []any
	for _, g := range groups {
		if slices.ContainsFunc(known, func(k keyedGroup) bool { return k.key == g.Key }) {
			continue
		}
		n := len(values)
		rows = append(rows, "($"+strconv.Itoa(n+1)+", $"+strconv.Itoa(n+2)+", $"+strconv.Itoa(n+3)+", $"+strconv.Itoa(n+4)+", $"+strconv.Itoa(n+5)+")")
		values = append(values, g.Name, int64(kind), g.Key, now, now)
	}
	if _, err := tx.Exec(ctx, groupsInsert+strings.Join(rows, ", ")+` ON CONFLICT (type, key) DO NOTHING`, values...); err != nil {
		return nil, fmt.Errorf("make groups: %w", err)
	}
	return db.Collect(ctx, tx, scanKeyedGroup, query, args...)
}
