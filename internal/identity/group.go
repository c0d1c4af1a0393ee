package identity

import (
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// UserGroup is a group of people that a provider knows. Haven doesn't say who is in it.
type UserGroup struct {
	ID                   int64
	Name                 string
	Type                 GroupType
	Key                  string // a normalised DN for LDAP, else the name that the provider says
	CreatedAt, UpdatedAt time.Time
}

// DN is the LDAP name of an LDAP group, "" of others.
func (g UserGroup) DN() string {
	if g.Type != LDAPGroup {
		return ""
	}
	return g.Key
}

// NewUserGroup is what it takes to make a group known. DN is for LDAP groups, and Name for the others;
// an LDAP group without a name gets the directory's.
type NewUserGroup struct {
	Name string
	Type GroupType
	DN   string
}

func (t GroupType) valid() bool { return t >= LDAPGroup && t <= OIDCGroup }

const groupFields = `g.id, g.name, g.type, g.key, g.created_at, g.updated_at`

func groupListing() db.Listing {
	return db.Listing{
		Fields: groupFields,
		From:   "user_group g",
		Columns: map[string]db.Column{
			"id":            {Expr: "g.id", Kind: db.Int},
			"group_name":    {Expr: "g.name"},
			"group_type":    {Expr: "g.type", Kind: db.Int},
			"ldap_group_dn": {Expr: "CASE WHEN g.type = 1 THEN g.key ELSE '' END"},
			"creation_time": {Expr: "g.created_at", Kind: db.Timestamp},
		},
		Default: "g.name",
		Tie:     "g.id",
	}
}

// HasGroupKey reports whether ListGroups filters and sorts by key.
func HasGroupKey(key string) bool { return groupListing().Has(key) }

const (
	groupByID     = `SELECT ` + groupFields + ` FROM user_group g WHERE g.id = $1`
	groupsByName  = `SELECT ` + groupFields + ` FROM user_group g WHERE g.name = $1 ORDER BY g.id LIMIT 100`
	groupByKey    = `SELECT ` + groupFields + ` FROM user_group g WHERE g.type = $1 AND g.key = $2`
	groupInsert   = `INSERT INTO user_group (name, type, key, created_at, updated_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (type, key) DO NOTHING RETURNING id`
	groupRename   = `UPDATE user_group SET name = $1, updated_at = $2 WHERE id = $3`
	groupDelete   = `DELETE FROM user_group WHERE id = $1`
	groupMembers  = `DELETE FROM project_member WHERE group_id = $1`
	groupLeaveAll = `DELETE FROM account_group WHERE group_id = $1`
	groupEpochs   = `UPDATE account SET epoch = epoch + 1 WHERE id IN (SELECT account_id FROM account_group WHERE group_id = $1)`
	// The next word of the providers is news: it brings the group back, if they still know it.
	groupForget = `UPDATE account_link SET word = '' WHERE account_id IN (SELECT account_id FROM account_group WHERE group_id = $1)`
)

func scanGroup(r db.Row) (g UserGroup, err error) {
	err = r.Scan(&g.ID, &g.Name, &g.Type, &g.Key, db.ScanTime(&g.CreatedAt), db.ScanTime(&g.UpdatedAt))
	return g, err
}
