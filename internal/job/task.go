package job

import (
	"context"
	"encoding/json"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// NewTask is a piece of an execution.
type NewTask struct {
	Kind     Kind  // "": the execution's
	Payload  any   // JSON, for Work.Do
	Extra    any   // JSON, for whom the kind concerns
	Group    int64 // groups of a kind take turns; 0: of no group
	Priority int   // the higher goes first
}

// Task is a piece of an execution, and how far it is.
type Task struct {
	ID          int64
	ExecutionID int64
	Kind        Kind
	Status      Status
	Payload     json.RawMessage
	Extra       json.RawMessage
	Message     string // the last failure
	Group       int64
	Priority    int
	Runs        int // how often it was begun
	Failures    int // how often it failed
	CreatedAt   time.Time
	StartedAt   time.Time // of the last run; zero: not yet
	EndedAt     time.Time // zero: not yet
	DueAt       time.Time // when a Scheduled one is tried again
	UpdatedAt   time.Time

	queuedAt   time.Time
	cause      string // part of a trace
	checkpoint string
	lost       int
	holder     string
}

const (
	taskFields = `id, execution_id, kind, status, payload, extra, cause, checkpoint, message, group_id, priority, runs, failures, lost, holder,
		queued_at, created_at, started_at, ended_at, due_at, updated_at`
	oneTask     = `SELECT ` + taskFields + ` FROM job_task WHERE id = $1`
	setTaskNote = `UPDATE job_task SET extra = $1, updated_at = $2 WHERE id = $3`
)

func scanTask(r db.Row) (t Task, err error) {
	var payload, extra string
	err = r.Scan(&t.ID, &t.ExecutionID, &t.Kind, &t.Status, &payload, &extra, &t.cause, &t.checkpoint, &t.Message, &t.Group, &t.Priority, &t.Runs, &t.Failures,
		&t.lost, &t.holder, db.ScanTime(&t.queuedAt), db.ScanTime(&t.CreatedAt), db.ScanTime(&t.StartedAt), db.ScanTime(&t.EndedAt), db.ScanTime(&t.DueAt), db.ScanTime(&t.UpdatedAt))
	t.Payload, t.Extra = json.RawMessage(payload), json.RawMessage(extra)
	return t, err
}

// Decode reads Payload into v.
func (t Task) Decode(v any) error { return decode(t.Payload, v) }

// Task returns a task, or fault.NotFound.
func (s *Service) Task(ctx context.Context, id int64) (Task, error) {
	return getTask(ctx, s.db.Auto(), id)
}

func getTask(ctx context.Context, tx db.Tx, id int64) (Task, error) {
	return get(ctx, tx, scanTask, "task", oneTask, id)
}

// SetTaskExtra replaces what a task carries for whom its kind concerns.
func (s *Service) SetTaskExtra(ctx context.Context, tx db.Tx, task int64, extra any) error {
	return s.carry(ctx, tx, setTaskNote, "task", task, extra)
}
