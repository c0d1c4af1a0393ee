package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Begin writes an execution and its tasks, which begin after the commit. The ids of the tasks are in their order.
// An execution of no tasks has ended at once: one that grows later begins with the task that adds the others.
func (s *Service) Begin(ctx context.Context, tx db.Tx, e NewExecution, tasks ...NewTask) (execution int64, ids []int64, err error) {
	extra, err := encode(e.Extra)
	if err != nil {
		return 0, nil, err
	}
	trigger, now := cmp.Or(e.Trigger, Manual), db.Micros(s.clock())
	execution, err = db.Get(ctx, tx, db.ScanInt, insertExecution, e.Kind, e.VendorID, trigger, e.By, bounded(e.Message, maxMessage), extra, len(tasks), now)
	if err != nil {
		return 0, nil, fmt.Errorf("begin an execution of %s: %w", e.Kind, err)
	}
	if len(tasks) == 0 {
		_, err = s.settle(ctx, tx, execution, Counts{})
		return execution, nil, err
	}
	tx.AfterCommit(s.changed)
	ids, err = s.insertTasks(ctx, tx, execution, e.Kind, tasks)
	return execution, ids, err
}

// Add writes further tasks of an execution, which begin after the commit. It is ErrEnded when nothing of the
// execution is open, or it is being stopped; fault.NotFound where there is none.
func (s *Service) Add(ctx context.Context, tx db.Tx, execution int64, tasks ...NewTask) ([]int64, error) {
	type state struct {
		status   Status
		stopping bool
	}
	now, err := db.Get(ctx, tx, func(r db.Row) (v state, err error) {
		err = r.Scan(&v.status, &v.stopping)
		return v, err
	}, executionState, execution)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil, fault.NotFoundf("execution %d not found", execution)
	case err != nil:
		return nil, fmt.Errorf("add tasks to execution %d: %w", execution, err)
	case now.status.Ended() || now.stopping:
		return nil, fmt.Errorf("add tasks to execution %d: %w", execution, ErrEnded)
	}
	e, err := s.settle(ctx, tx, execution, Counts{Waiting: int64(len(tasks))})
	if err != nil {
		return nil, err
	}
	tx.AfterCommit(s.changed)
	return s.insertTasks(ctx, tx, execution, e.Kind, tasks)
}

const (
	executionState = `SELECT status, stopping FROM job_execution WHERE id = $1`
	// turnOf are the last turn of a group that waits, and the one that is served now; -1 and 0 where nothing waits.
	turnOf = `SELECT COALESCE((SELECT turn FROM job_task WHERE kind = $1 AND priority = $2 AND group_id = $3 AND status = 'Pending' ORDER BY turn DESC LIMIT 1), -1),
		COALESCE((SELECT turn FROM job_task WHERE kind = $1 AND priority = $2 AND status = 'Pending' ORDER BY turn LIMIT 1), 0)`
)

// place is a queue of a group.
type place struct {
	kind     Kind
	priority int
	group    int64
}

// turns hands out the turns of tasks that are queued in one transaction.
type turns map[place]int64

// next is the turn of a task that is queued behind the others of its group.
func (n turns) next(ctx context.Context, tx db.Tx, p place) (int64, error) {
	turn, known := n[p]
	if !known {
		t, err := db.Get(ctx, tx, func(r db.Row) (t [2]int64, err error) {
			err = r.Scan(&t[0], &t[1])
			return t, err
		}, turnOf, p.kind, p.priority, p.group)
		if err != nil {
			return 0, fmt.Errorf("find the turn of a task: %w", err)
		}
		turn = max(t[0]+1, t[1])
	}
	n[p] = turn + 1
	return turn, nil
}

// row is a task to be written.
type row struct {
	place
	turn           int64
	payload, extra string
}

// insertTasks writes tasks that wait, many with one statement.
func (s *Service) insertTasks(ctx context.Context, tx db.Tx, execution int64, kind Kind, tasks []NewTask) ([]int64, error) {
	rows, upcoming := make([]row, len(tasks)), turns{}
	for i, t := range tasks {
		payload, err := encode(t.Payload)
		if err != nil {
			return nil, err
		}
		extra, err := encode(t.Extra)
		if err != nil {
			return nil, err
		}
		p := place{cmp.Or(t.Kind, kind), t.Priority, t.Group}
		turn, err := upcoming.next(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		rows[i] = row{p, turn, payload, extra}
	}
	ids, now := make([]int64, 0, len(rows)), db.Micros(s.clock())
	for len(rows) > 0 {
		n := 1
		for _, size := range insertSizes {
			if size <= len(rows) {
				n = size
				break
			}
		}
		some, err := insertRows(ctx, tx, execution, now, rows[:n])
		if err != nil {
			return nil, fmt.Errorf("queue tasks of execution %d: %w", execution, err)
		}
		ids, rows = append(ids, some...), rows[n:]
	}
	return ids, nil
}

// insertSizes are the numbers of rows that one statement writes: few, so that the statements stay prepared.
var insertSizes = [...]int{64, 8, 1}

// insertRows writes a few tasks with one statement, and returns their ids in order.
func insertRows(ctx context.Context, tx db.Tx, execution, now int64, rows []row) ([]int64, error) {
	var b strings.Builder
	b.WriteString(`INSERT INTO job_task (execution_id, queued_at, created_at, updated_at, status, cause, kind, priority, group_id, turn, payload, extra) VALUES `)
	args := []any{execution, now, trace.Cause(ctx)}
	for i, r := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("($1, $2, $2, $2, 'Pending', $3")
		for _, v := range []any{r.kind, r.priority, r.group, r.turn, r.payload, r.extra} {
			args = append(args, v)
			b.WriteString(", $" + strconv.Itoa(len(args)))
		}
		b.WriteString(")")
	}
	b.WriteString(" RETURNING id, kind, priority, group_id, turn")
	type written struct {
		place
		turn int64
	}
	byPlace := map[written]int64{}
	_, err := db.Collect(ctx, tx, func(r db.Row) (id int64, err error) {
		var w written
		err = r.Scan(&id, &w.kind, &w.priority, &w.group, &w.turn)
		byPlace[w] = id
		return id, err
	}, b.String(), args...)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(rows)) // the order of the answer's rows says nothing
	for i, r := range rows {
		ids[i] = byPlace[written{r.place, r.turn}]
	}
	return ids, nil
}

// maxMessage bounds the words on a failure, in bytes.
const maxMessage = 2048

// bounded cuts a text to at most n bytes, between two characters, and takes out what no text may hold, and what tells a terminal
// to do something: others may have written it.
func bounded(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n-len("…")], "") + "…"
}
