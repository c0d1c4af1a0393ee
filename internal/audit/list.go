package audit

import (
	"context"
	"fmt"
	"strconv"

	"github.com/havenregistry/haven/internal/db"
)

const fields = `a.id, a.project_id, a.username, a.event_type, a.operation, a.resource_type, a.resource, a.description, a.result, a.client, a.request_id, a.created_at`

func listing() db.Listing {
	return db.Listing{
		Fields: fields,
		From:   `audit a`,
		Columns: map[string]db.Column{
			"id":            {Expr: "a.id", Kind: db.Int},
			"project_id":    {Expr: "a.project_id", Kind: db.Int},
			"username":      {Expr: "a.username"},
			"event_type":    {Expr: "a.event_type"},
			"operation":     {Expr: "a.operation"},
			"resource_type": {Expr: "a.resource_type"},
			"resource":      {Expr: "a.resource"},
			"op_desc":       {Expr: "a.description"},
			"op_result":     {Expr: "a.result", Kind: db.Bool},
			"client_ip":     {Expr: "a.client"},
			"request_id":    {Expr: "a.request_id"},
			"op_time":       {Expr: "a.created_at", Kind: db.Timestamp},

			// Harbor filters by op_desc and op_result only, though its rows have these names.
			"operation_description": {Expr: "a.description"},
			"operation_result":      {Expr: "a.result", Kind: db.Bool},
		},
		Default: "a.created_at DESC",
		Tie:     "a.id DESC",
		Total:   "SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) FROM audit_count WHERE ",
		Totals:  map[string]db.Column{"username": {Expr: "username"}, "operation": {Expr: "operation"}},
	}
}

// HasKey reports whether List filters and sorts by key.
func HasKey(key string) bool { return listing().Has(key) }

// List returns a page of the scope's rows, the newest first, and how many there are.
func (s *Service) List(ctx context.Context, scope Scope, list db.List) (rows []Row, total int64, err error) {
	if !scope.All && len(scope.ProjectIDs) == 0 {
		return nil, 0, nil
	}
	l, where, args := scope.listing(list)
	s.catchUp(ctx)
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, l, where, args, list, scanRow)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the audit log: %w", err)
	}
	return rows, total, nil
}

// listing is the listing of a scope, with its condition and arguments.
func (s Scope) listing(list db.List) (l db.Listing, where string, args []any) {
	l = listing()
	if s.All {
		l.Total += "TRUE"
		return l, "", nil
	}
	marks, args := db.In(0, s.ProjectIDs)
	l.Total += "project_id IN (" + marks + ")"
	n := newest(l, list)
	if len(s.ProjectIDs) == 1 || n == 0 {
		return l, "a.project_id IN (" + marks + ")", args
	}
	// The page is among the newest rows of each project, which an index has; all their rows would have to be
	// sorted. The join is written so that SQLite, too, goes from project to project.
	l.From = "(SELECT DISTINCT project_id FROM audit_count WHERE project_id IN (" + marks + ")) p CROSS JOIN audit a"
	return l, `a.project_id = p.project_id AND a.created_at >= COALESCE((SELECT x.created_at FROM audit x
		WHERE x.project_id = p.project_id ORDER BY x.created_at DESC LIMIT 1 OFFSET ` + strconv.Itoa(n) + `), 0)`, args
}

// maxNewest bounds the rows of each project that newest has sorted.
const maxNewest = 4096

// newest is how many of the newest rows of each project hold the page, 0 when it isn't among them. It is
// twice what it need be: either there are no more rows, or the page is in the first half and not read from
// the end. And it is a power of two, so that there are few texts to prepare.
func newest(l db.Listing, list db.List) int {
	for _, f := range list.Filters {
		if l.Has(f.Key) {
			return 0
		}
	}
	for i, by := range list.Sort {
		if l.Has(by.Key) && (i > 0 || by.Key != "op_time" || !by.Desc) {
			return 0
		}
	}
	if list.Size <= 0 || list.Page > maxNewest {
		return 0
	}
	n := 32
	for n < 2*list.Size*max(list.Page, 1) {
		n *= 2
	}
	if n > maxNewest {
		return 0
	}
	return n
}

func scanRow(r db.Row) (Row, error) {
	var v Row
	err := r.Scan(&v.ID, &v.ProjectID, &v.Username, &v.EventType, &v.Operation, &v.ResourceType, &v.Resource,
		&v.Description, &v.Success, &v.Client, &v.RequestID, db.ScanTime(&v.At))
	return v, err
}
