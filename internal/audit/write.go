package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/setting"
)

// delivery is what is to become of a row besides being listed.
type delivery int64

const (
	keep           delivery = iota // only that
	forward                        // it is forwarded, too
	forwardAndDrop                 // it is forwarded, and deleted then
)

func deliveryBy(v setting.Values) delivery {
	switch {
	case v.AuditForwardEndpoint() == "":
		return keep
	case v.AuditSkipDatabase():
		return forwardAndDrop
	default:
		return forward
	}
}

const insertRows = `INSERT INTO audit (project_id, username, event_type, operation, resource_type, resource, description, result, client, request_id, delivery, created_at) VALUES `

const addCount = `INSERT INTO audit_count (project_id, username, operation, entries) VALUES ($1, $2, $3, $4)
	ON CONFLICT (project_id, username, operation) DO UPDATE SET entries = audit_count.entries + excluded.entries`

// endCount forgets whom nothing is told of any more: names of people who came and went, or tried to come, are without end.
const endCount = `DELETE FROM audit_count WHERE project_id = $1 AND username = $2 AND operation = $3 AND entries = 0`

// counted is what the numbers of rows are kept by.
type counted struct {
	projectID           int64
	username, operation string
}

func (c counted) compare(d counted) int {
	return cmp.Or(cmp.Compare(c.projectID, d.projectID), strings.Compare(c.username, d.username), strings.Compare(c.operation, d.operation))
}

func scanCounted(r db.Row) (c counted, err error) {
	err = r.Scan(&c.projectID, &c.username, &c.operation)
	return c, err
}

// takeTurn has those who write rows to be forwarded come one after another: of two on PostgreSQL the second
// waits, fails and begins anew, and so its rows get their ids when the first's can be read.
const takeTurn = `UPDATE audit_order SET batches = batches + 1 WHERE id = 1`

// rowsAtOnce is how many rows one statement writes; what is left is written one by one. Two texts stay
// prepared, while one for each number of rows would be parsed each time, and parsing goes with the square of
// the number of parameters in SQLite.
const rowsAtOnce = 16

// Handle writes a row for each event. It is the event.Listener's.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	values, err := s.settings.Get(ctx)
	if err != nil {
		return fmt.Errorf("read what is audited: %w", err)
	}
	to, disabled := deliveryBy(values), disabledEvents(values)
	var rows [][]any
	counts := map[counted]int64{}
	for _, e := range events {
		if !e.Kind.Audited() || slices.Contains(disabled, string(e.Kind)) {
			continue
		}
		rows = append(rows, []any{
			e.ProjectID, e.By, string(e.Kind), e.Operation, e.ResourceType, e.Resource, e.Description, e.Success,
			e.Client, e.RequestID, int64(to), db.Micros(e.At),
		})
		counts[counted{e.ProjectID, e.By, e.Operation}]++
	}
	if len(rows) == 0 {
		return nil
	}
	if to != keep {
		if _, err := tx.Exec(ctx, takeTurn); err != nil {
			return fmt.Errorf("take the turn to write audit rows: %w", err)
		}
		tx.AfterCommit(s.wakeForwarding)
	}
	if err := insertAll(ctx, tx, rows); err != nil {
		return fmt.Errorf("write audit rows: %w", err)
	}
	return count(ctx, tx, counts)
}

// disabledEvents are the kinds that the settings leave out.
func disabledEvents(v setting.Values) []string {
	disabled := v.AuditDisabledEvents()
	if v.Bool(setting.AuditPullsDisabled) {
		disabled = append(disabled, string(event.PullArtifact))
	}
	return disabled
}

func insertAll(ctx context.Context, tx db.Tx, rows [][]any) error {
	for len(rows) > 0 {
		n := 1
		if len(rows) >= rowsAtOnce {
			n = rowsAtOnce
		}
		if err := insert(ctx, tx, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
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

// count changes the numbers of rows, in one order so that two lock alike.
func count(ctx context.Context, tx db.Tx, changes map[counted]int64) error {
	for _, c := range slices.SortedFunc(maps.Keys(changes), counted.compare) {
		_, err := tx.Exec(ctx, addCount, c.projectID, c.username, c.operation, changes[c])
		if err == nil && changes[c] < 0 {
			_, err = tx.Exec(ctx, endCount, c.projectID, c.username, c.operation)
		}
		if err != nil {
			return fmt.Errorf("count audit rows: %w", err)
		}
	}
	return nil
}
