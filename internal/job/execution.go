package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// NewExecution is what is to begin.
type NewExecution struct {
	Kind     Kind
	VendorID int64 // what it is for, in the words of its kind; System for the whole registry
	Trigger  Trigger
	By       string // name of who asked for it
	Extra    any    // JSON, for whom the kind concerns
	Message  string
}

// Execution is something that was asked for, and how far it is.
type Execution struct {
	ID        int64
	Kind      Kind
	VendorID  int64
	Trigger   Trigger
	By        string
	Status    Status
	Message   string
	Extra     json.RawMessage
	Counts    Counts
	CreatedAt time.Time
	StartedAt time.Time // of the first task; zero: not yet
	EndedAt   time.Time // zero: not yet
	UpdatedAt time.Time
}

// Decode reads Extra into v.
func (e Execution) Decode(v any) error { return decode(e.Extra, v) }

const (
	executionFields = `id, kind, vendor_id, trigger_type, started_by, status, message, extra,
		waiting, running, stopped, failed, succeeded, created_at, started_at, ended_at, updated_at`
	oneExecution    = `SELECT ` + executionFields + ` FROM job_execution WHERE id = $1`
	insertExecution = `INSERT INTO job_execution (kind, vendor_id, trigger_type, started_by, status, message, extra, waiting, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'Pending', $5, $6, $7, $8, $8) RETURNING id`
	countTasks = `UPDATE job_execution SET waiting = waiting + $1, running = running + $2, stopped = stopped + $3, failed = failed + $4,
		succeeded = succeeded + $5, updated_at = $6 WHERE id = $7 RETURNING ` + executionFields
	setExecutionStatus = `UPDATE job_execution SET status = $1, started_at = $2, ended_at = $3, stopping = (stopping AND $4) WHERE id = $5`
	setExtra           = `UPDATE job_execution SET extra = $1, updated_at = $2 WHERE id = $3`
	setStopping        = `UPDATE job_execution SET stopping = TRUE WHERE id = $1 AND status IN ('Pending', 'Running')`
	anyOpen            = `SELECT EXISTS (SELECT 1 FROM job_execution WHERE kind = $1 AND vendor_id = $2 AND status IN ('Pending', 'Running'))`
	dropExecution      = `DELETE FROM job_execution WHERE id = $1`
)

func scanExecution(r db.Row) (e Execution, err error) {
	var extra string
	c := &e.Counts
	err = r.Scan(&e.ID, &e.Kind, &e.VendorID, &e.Trigger, &e.By, &e.Status, &e.Message, &extra, &c.Waiting, &c.Running, &c.Stopped, &c.Failed,
		&c.Succeeded, db.ScanTime(&e.CreatedAt), db.ScanTime(&e.StartedAt), db.ScanTime(&e.EndedAt), db.ScanTime(&e.UpdatedAt))
	e.Extra = json.RawMessage(extra)
	return e, err
}

// settle notes that tasks of an execution changed their status, and what follows from it for the execution. Where
// this ends it, those who wait for that do their part in the same transaction.
func (s *Service) settle(ctx context.Context, tx db.Tx, execution int64, c Counts) (Execution, error) {
	now := s.clock()
	e, err := db.Get(ctx, tx, scanExecution, countTasks, c.Waiting, c.Running, c.Stopped, c.Failed, c.Succeeded, db.Micros(now), execution)
	if err != nil {
		return e, fmt.Errorf("count the tasks of execution %d: %w", execution, err)
	}
	status := e.Counts.status(e.Status)
	if status == e.Status {
		return e, nil
	}
	e.Status, e.EndedAt = status, time.Time{}
	if status == Running && e.StartedAt.IsZero() {
		e.StartedAt = now
	}
	if status.Ended() {
		e.EndedAt = now
	}
	if _, err := tx.Exec(ctx, setExecutionStatus, status, db.Micros(e.StartedAt), db.Micros(e.EndedAt), !status.Ended(), e.ID); err != nil {
		return e, fmt.Errorf("set the status of execution %d: %w", e.ID, err)
	}
	if !status.Ended() {
		return e, nil
	}
	for _, f := range s.ends[e.Kind] {
		if err := f(ctx, tx, e); err != nil {
			return e, fmt.Errorf("after the end of execution %d: %w", e.ID, err)
		}
	}
	return e, nil
}

// SetExtra replaces what an execution carries for whom its kind concerns.
func (s *Service) SetExtra(ctx context.Context, tx db.Tx, execution int64, extra any) error {
	return s.carry(ctx, tx, setExtra, "execution", execution, extra)
}

// carry writes what an execution or a task carries.
func (s *Service) carry(ctx context.Context, tx db.Tx, query, what string, id int64, extra any) error {
	text, err := encode(extra)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, query, text, db.Micros(s.clock()), id); err != nil {
		return fmt.Errorf("set what %s %d carries: %w", what, id, err)
	}
	return nil
}

// Open reports whether an execution of a kind for a vendor id hasn't ended.
func (s *Service) Open(ctx context.Context, tx db.Tx, kind Kind, vendorID int64) (bool, error) {
	open, err := db.Get(ctx, tx, db.ScanBool, anyOpen, kind, vendorID)
	if err != nil {
		return false, fmt.Errorf("look for open executions of %s: %w", kind, err)
	}
	return open, nil
}

// ExecutionIn is Execution in a transaction.
func (s *Service) ExecutionIn(ctx context.Context, tx db.Tx, id int64) (Execution, error) {
	return getExecution(ctx, tx, id)
}

// Execution returns an execution, or fault.NotFound.
func (s *Service) Execution(ctx context.Context, id int64) (Execution, error) {
	return getExecution(ctx, s.db.Auto(), id)
}

func getExecution(ctx context.Context, tx db.Tx, id int64) (Execution, error) {
	return get(ctx, tx, scanExecution, "execution", oneExecution, id)
}

// get reads one row by its id; one that isn't there is fault.NotFound.
func get[T any](ctx context.Context, tx db.Tx, scan func(db.Row) (T, error), what, query string, id int64) (T, error) {
	v, err := db.Get(ctx, tx, scan, query, id)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return v, fault.NotFoundf("%s %d not found", what, id)
	case err != nil:
		return v, fmt.Errorf("get %s %d: %w", what, id, err)
	}
	return v, nil
}

// CountsBut returns the counts of an execution's tasks but for one, which is of another sort than the others: as of
// one moment. That task may be gone.
func (s *Service) CountsBut(ctx context.Context, execution, task int64) (c Counts, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		e, err := getExecution(ctx, tx, execution)
		if err != nil {
			return err
		}
		c = e.Counts
		t, err := getTask(ctx, tx, task)
		if errors.Is(err, fault.NotFound) {
			return nil
		}
		c = c.plus(count(t.Status, -1))
		return err
	})
	return c, err
}

// maxJSON bounds what a task or an execution carries, in bytes.
const maxJSON = 256 << 10

// encode is v as JSON; {} for none.
func encode(v any) (string, error) {
	if v == nil {
		return "{}", nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode what a job carries: %w", err)
	}
	if len(text) > maxJSON {
		return "", fmt.Errorf("a job carries %d bytes, at most %d are kept", len(text), maxJSON)
	}
	return string(text), nil
}

func decode(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decode what a job carries: %w", err)
	}
	return nil
}
