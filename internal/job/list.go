package job

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/havenregistry/haven/internal/db"
)

// columns adds to what only executions or only tasks have what both do.
func columns(own map[string]db.Column) map[string]db.Column {
	maps.Copy(own, map[string]db.Column{
		"id":            {Expr: "id", Kind: db.Int},
		"vendor_type":   {Expr: "kind"},
		"status":        {Expr: "status"},
		"creation_time": {Expr: "created_at", Kind: db.Timestamp},
		"start_time":    {Expr: "started_at", Kind: db.Timestamp},
		"end_time":      {Expr: "ended_at", Kind: db.Timestamp},
		"update_time":   {Expr: "updated_at", Kind: db.Timestamp},
	})
	return own
}

func executions() db.Listing {
	return db.Listing{
		Fields: executionFields,
		From:   "job_execution",
		Columns: columns(map[string]db.Column{
			"job_name":   {Expr: "kind"},
			"vendor_id":  {Expr: "vendor_id", Kind: db.Int},
			"job_status": {Expr: "status"},
			"trigger":    {Expr: "trigger_type"},
			"job_kind":   {Expr: "trigger_type"},
			"started_by": {Expr: "started_by"},
		}),
		Default: "id DESC",
		Tie:     "id DESC",
	}
}

// HasExecutionKey reports whether Executions filters and sorts by key.
func HasExecutionKey(key string) bool { return executions().Has(key) }

// Executions returns a page of the executions of some kinds (nil: all), for one vendor id (nil: all), the newest
// first, and how many there are.
func (s *Service) Executions(ctx context.Context, kinds []Kind, vendorID *int64, list db.List) (page []Execution, total int64, err error) {
	where, args := "", []any(nil)
	if kinds != nil {
		marks, of := db.In(0, kinds)
		where, args = "kind IN ("+marks+")", of
		if len(kinds) == 1 {
			where = "kind = $1"
		}
	}
	if vendorID != nil {
		if where != "" {
			where += " AND "
		}
		args = append(args, *vendorID)
		where += "vendor_id = $" + strconv.Itoa(len(args))
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, executions(), where, args, list, scanExecution)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list executions: %w", err)
	}
	return page, total, nil
}

func tasks() db.Listing {
	return db.Listing{
		Fields: taskFields,
		From:   "job_task",
		Columns: columns(map[string]db.Column{
			"execution_id": {Expr: "execution_id", Kind: db.Int},
			"group_id":     {Expr: "group_id", Kind: db.Int},
			"priority":     {Expr: "priority", Kind: db.Int},
		}),
		Default: "id DESC",
		Tie:     "id DESC",
	}
}

// HasTaskKey reports whether Tasks filters and sorts by key.
func HasTaskKey(key string) bool { return tasks().Has(key) }

// AllTasks stands for the tasks of all executions.
const AllTasks int64 = 0

// Tasks returns a page of an execution's tasks, or AllTasks, the newest first, and how many there are.
func (s *Service) Tasks(ctx context.Context, execution int64, list db.List) (page []Task, total int64, err error) {
	where, args := "", []any(nil)
	if execution != AllTasks {
		where, args = "execution_id = $1", []any{execution}
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, tasks(), where, args, list, scanTask)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list tasks: %w", err)
	}
	return page, total, nil
}
