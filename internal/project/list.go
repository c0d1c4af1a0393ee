package project

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// ListFilter narrows a listing beyond what db.List says.
type ListFilter struct {
	Name   string // part of the name
	Owner  string // exact user name
	Public *bool
	Mine   bool // those in which the caller has a role
}

func listing() db.Listing {
	return db.Listing{
		Fields: projectFields,
		From:   projectFrom,
		Columns: map[string]db.Column{
			"project_id":    {Expr: "p.id", Kind: db.Int},
			"name":          {Expr: "p.name"},
			"owner":         {Expr: "a.username"},
			"owner_id":      {Expr: "p.owner_id", Kind: db.Int},
			"public":        {Expr: "p.public", Kind: db.Bool},
			"creation_time": {Expr: "p.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "p.updated_at", Kind: db.Timestamp},
		},
		Default: "p.name",
		Tie:     "p.id",
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return listing().Has(key) }

// List returns a page of the projects that p may see, with p's own roles in each, and how many there
// are. It takes five statements, however long the page is.
func (s *Service) List(ctx context.Context, p authz.Principal, filter ListFilter, list db.List) (rows []Project, total int64, err error) {
	where, args := visible(p).condition()
	and := func(column string, value any) {
		args = append(args, value)
		where += " AND " + column + " = $" + strconv.Itoa(len(args))
	}
	if filter.Owner != "" {
		and("a.username", filter.Owner)
	}
	if filter.Public != nil {
		and("p.public", *filter.Public)
	}
	if filter.Mine {
		args = append(args, p.AccountID())
		where += " AND p.id IN (SELECT r.project_id FROM " + strings.ReplaceAll(allRoles, "$1", "$"+strconv.Itoa(len(args))) + " r)"
	}
	if filter.Name != "" {
		list.Filters = append(list.Filters[:len(list.Filters):len(list.Filters)],
			db.Filter{Key: "name", Op: db.Contains, Values: []string{filter.Name}})
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, listing(), where, args, list, scanProject)
		if err != nil {
			return err
		}
		return details(ctx, tx, rows, p)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list projects: %w", err)
	}
	return rows, total, nil
}

// details fills what lies in other tables into the projects of a page: three statements at most.
func details(ctx context.Context, tx db.Tx, page []Project, p authz.Principal) error {
	if len(page) == 0 {
		return nil
	}
	byID, ids := make(map[int64]*Project, len(page)), make([]int64, len(page))
	for i := range page {
		v := &page[i]
		byID[v.ID], ids[i] = v, v.ID
		v.Metadata = map[string]string{Public: strconv.FormatBool(v.Public)}
		v.Allowlist.ProjectID = v.ID
	}
	if err := fillMetadata(ctx, tx, byID, ids); err != nil {
		return err
	}
	if err := fillAllowlists(ctx, tx, byID, ids); err != nil {
		return err
	}
	if p.AccountID() == 0 {
		return nil
	}
	return fillRoles(ctx, tx, byID, ids, p.AccountID())
}

func fillMetadata(ctx context.Context, tx db.Tx, byID map[int64]*Project, ids []int64) error {
	marks, args := db.In(0, ids)
	rows, err := db.Collect(ctx, tx, scanMetadata, `SELECT project_id, name, value FROM project_metadata WHERE project_id IN (`+marks+`)`, args...)
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	for _, m := range rows {
		if m.name == Severity {
			m.value = shownSeverity(m.value)
		}
		byID[m.projectID].Metadata[m.name] = m.value
	}
	return nil
}

func fillAllowlists(ctx context.Context, tx db.Tx, byID map[int64]*Project, ids []int64) error {
	marks, args := db.In(0, ids)
	rows, err := db.Collect(ctx, tx, scanAllowlist, `SELECT project_id, items, expires_at, created_at, updated_at
		FROM cve_allowlist WHERE project_id IN (`+marks+`)`, args...)
	if err != nil {
		return fmt.Errorf("read allowlists: %w", err)
	}
	for _, a := range rows {
		byID[a.ProjectID].Allowlist = a
	}
	return nil
}

func scanAllowlist(r db.Row) (CVEAllowlist, error) {
	var a CVEAllowlist
	var items string
	var expires, created, updated time.Time
	if err := r.Scan(&a.ProjectID, &items, db.ScanTime(&expires), db.ScanTime(&created), db.ScanTime(&updated)); err != nil {
		return a, err
	}
	a.ExpiresAt, a.CreatedAt, a.UpdatedAt = expires, created, updated
	return a, json.Unmarshal([]byte(items), &a.Items)
}

func fillRoles(ctx context.Context, tx db.Tx, byID map[int64]*Project, ids []int64, accountID int64) error {
	marks, args := db.In(1, ids)
	rows, err := db.Collect(ctx, tx, scanRoleIn, `SELECT DISTINCT r.project_id, r.role_id FROM `+allRoles+` r
		WHERE r.project_id IN (`+marks+`) ORDER BY r.project_id, r.role_id`, append([]any{accountID}, args...)...)
	if err != nil {
		return fmt.Errorf("read roles: %w", err)
	}
	for _, r := range rows {
		byID[r.projectID].RoleIDs = append(byID[r.projectID].RoleIDs, r.role)
	}
	return nil
}

type roleIn struct {
	projectID int64
	role      authz.Role
}

func scanRoleIn(r db.Row) (v roleIn, err error) { err = r.Scan(&v.projectID, &v.role); return v, err }
