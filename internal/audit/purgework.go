package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// purgeBatch is how many rows are looked at for one transaction, which deletes those that are to go.
	purgeBatch = 500
	// purgePause lets requests write between two batches.
	purgePause = 10 * time.Millisecond
)

// purgeState is how far a purge is: the rows that went, and the last one that was looked at.
type purgeState struct {
	Purged int64 `json:"purged"`
	At     int64 `json:"at"`
	ID     int64 `json:"id"`
}

// do purges batch by batch, from where a former run ended.
func (p *Purger) do(ctx context.Context, r *job.Run) error {
	e, err := p.Execution(ctx, r.Task().ExecutionID)
	if err != nil {
		return err
	}
	what, err := decoded(e.Parameters)
	if err != nil {
		return job.Permanent(err)
	}
	state := purgeState{At: -1}
	goesOn, err := r.Resume(&state)
	if err != nil {
		return job.Permanent(err)
	}
	old := e.CreatedAt.Add(-what.retention)
	if goesOn {
		r.Logf("go on after %s with purging %s", rowsWord(state.Purged), what.describe(old))
	} else {
		r.Logf("begin to purge %s", what.describe(old))
	}
	for {
		rows, err := db.Collect(ctx, p.log.db.Auto(), scanOldRow, oldRows, db.Micros(old), state.At, state.ID, purgeBatch)
		if err != nil {
			return fmt.Errorf("read old rows: %w", err)
		}
		if state, err = p.batch(ctx, r, what, e.Parameters, rows, state); err != nil {
			return err
		}
		if len(rows) < purgeBatch {
			r.Logf("done: %s", rowsWord(state.Purged))
			return nil
		}
		if !pause.For(ctx, purgePause) {
			return ctx.Err()
		}
	}
}

// batch deletes those of the rows that are to go, and notes it, in one transaction of the run.
func (p *Purger) batch(ctx context.Context, r *job.Run, what Purge, parameters string, rows []oldRow, before purgeState) (state purgeState, err error) {
	ids, err := p.chosen(ctx, what, rows)
	if err != nil {
		return before, err
	}
	err = r.WriteRelaxed(ctx, func(tx db.Tx) error {
		state = before
		if len(rows) > 0 {
			state.At, state.ID = rows[len(rows)-1].at, rows[len(rows)-1].id
		}
		n := int64(len(ids))
		if !what.dry && len(ids) > 0 {
			marks, args := db.In(0, ids)
			if n, err = remove(ctx, tx, `DELETE FROM audit WHERE id IN (`+marks+`) RETURNING project_id, username, operation`, args...); err != nil {
				return err
			}
		}
		state.Purged += n
		if err := p.Report(ctx, tx, r, parameters, Purged{state.Purged}); err != nil {
			return err
		}
		return r.Save(ctx, tx, state)
	})
	if err != nil {
		return before, fmt.Errorf("delete old rows: %w", err)
	}
	return state, nil
}

// chosen are the rows that are to go. What waits to be forwarded stays.
func (p *Purger) chosen(ctx context.Context, what Purge, rows []oldRow) (ids []int64, err error) {
	values, err := p.log.settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	delivered, err := db.Get(ctx, p.log.db.Auto(), db.ScanInt, cursorAt)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		waits := r.delivery != keep && r.id > delivered && values.AuditForwardEndpoint() != ""
		if what.covers(r.kind, r.operation) && !waits {
			ids = append(ids, r.id)
		}
	}
	return ids, nil
}

// The pair is compared as one value, which the index on both serves.
const oldRows = `SELECT id, created_at, event_type, operation, delivery FROM audit WHERE created_at < $1 AND (created_at, id) > ($2, $3)
	ORDER BY created_at, id LIMIT $4`

// oldRow is what a purge looks at of a row.
type oldRow struct {
	id, at          int64
	kind, operation string
	delivery        delivery
}

func scanOldRow(r db.Row) (v oldRow, err error) {
	err = r.Scan(&v.id, &v.at, &v.kind, &v.operation, &v.delivery)
	return v, err
}
