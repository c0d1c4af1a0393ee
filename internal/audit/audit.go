// Package audit keeps the log of who did what: a row for each event, in Harbor's words.
//
// Table audit, and audit_count, the number of its rows by project. Rows outlive the projects and accounts
// they name.
package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/setting"
)

// Row is one entry of the log.
type Row struct {
	ID           int64
	ProjectID    int64 // 0: of no project
	Username     string
	EventType    event.Kind
	Operation    string
	ResourceType string
	Resource     string
	Description  string
	Success      bool
	At           time.Time
}

// Scope is whose rows to list: all, or those of some projects.
type Scope struct {
	All        bool
	ProjectIDs []int64
}

// Service writes the log and reads it. It is an event.Listener.
type Service struct {
	db       *db.DB
	settings *setting.Service
	catchUp  func(context.Context)
}

// New returns a Service. settings say what isn't to be logged; catchUp has the waiting events handled
// before the log is read, so that who did something finds it there.
func New(d *db.DB, settings *setting.Service, catchUp func(context.Context)) *Service {
	return &Service{db: d, settings: settings, catchUp: catchUp}
}

const insertRows = `INSERT INTO audit (project_id, username, event_type, operation, resource_type, resource, description, result, created_at) VALUES `

const addCount = `INSERT INTO audit_count (project_id, entries) VALUES ($1, $2)
	ON CONFLICT (project_id) DO UPDATE SET entries = audit_count.entries + excluded.entries`

// rowsAtOnce is how many rows one statement writes; what is left is written one by one. Two texts stay
// prepared, while one for each number of rows would be parsed each time, and parsing goes with the square of
// the number of parameters in SQLite.
const rowsAtOnce = 16

// Handle writes a row for each event.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	values, err := s.settings.Get(ctx)
	if err != nil {
		return fmt.Errorf("read what is audited: %w", err)
	}
	if values.AuditSkipDatabase() {
		return nil
	}
	disabled := values.AuditDisabledEvents()
	var rows [][]any
	counts := map[int64]int64{}
	for _, e := range events {
		if slices.Contains(disabled, string(e.Kind)) {
			continue
		}
		rows = append(rows, []any{
			e.ProjectID, e.By, string(e.Kind), e.Operation, e.ResourceType, e.Resource, e.Description, e.Success, db.Micros(e.At),
		})
		counts[e.ProjectID]++
	}
	for len(rows) > 0 {
		n := 1
		if len(rows) >= rowsAtOnce {
			n = rowsAtOnce
		}
		if err := insert(ctx, tx, rows[:n]); err != nil {
			return fmt.Errorf("write audit rows: %w", err)
		}
		rows = rows[n:]
	}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		if _, err := tx.Exec(ctx, addCount, id, counts[id]); err != nil {
			return fmt.Errorf("count audit rows: %w", err)
		}
	}
	return nil
}

func insert(ctx context.Context, tx db.Tx, rows [][]any) error {
	var text []string
	var args []any
	for _, row := range rows {
		marks, more := db.In(len(args), row)
		text, args = append(text, "("+marks+")"), append(args, more...)
	}
	_, err := tx.Exec(ctx, insertRows+strings.Join(text, ", "), args...)
	return err
}

func listing() db.Listing {
	return db.Listing{
		Fields: `a.id, a.project_id, a.username, a.event_type, a.operation, a.resource_type, a.resource, a.description, a.result, a.created_at`,
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
			"op_time":       {Expr: "a.created_at", Kind: db.Timestamp},
		},
		Default: "a.created_at DESC",
		Tie:     "a.id DESC",
		Total:   "SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) FROM audit_count",
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
		return l, "", nil
	}
	marks, args := db.In(0, s.ProjectIDs)
	l.Total += " WHERE project_id IN (" + marks + ")"
	n := newest(l, list)
	if len(s.ProjectIDs) == 1 || n == 0 {
		return l, "a.project_id IN (" + marks + ")", args
	}
	// The page is among the newest rows of each project, which an index has; all their rows would have to be
	// sorted. The join is written so that SQLite, too, goes from project to project.
	l.From = "audit_count p CROSS JOIN audit a"
	return l, `p.project_id IN (` + marks + `) AND a.project_id = p.project_id AND a.created_at >= COALESCE((SELECT x.created_at FROM audit x
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
		&v.Description, &v.Success, db.ScanTime(&v.At))
	return v, err
}

// EventTypes lists the kinds of events that the log can be told to leave out, in Harbor's order.
func EventTypes() []event.Kind {
	return []event.Kind{
		event.CreateArtifact, event.DeleteArtifact, event.PullArtifact, event.CreateProject, event.DeleteProject,
		event.DeleteRepository, event.LoginUser, event.LogoutUser, event.CreateUser, event.DeleteUser, event.UpdateUser,
		event.CreateRobot, event.DeleteRobot, event.UpdateConfiguration, event.CreateMember, event.DeleteMember,
		event.UpdateMember, event.UpdateProject,
	}
}
