package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

var errLease = errors.New("another process has begun to forward")

const (
	nextToForward = `SELECT ` + fields + ` FROM audit a WHERE a.delivery > 0 AND a.id > $1 ORDER BY a.id LIMIT $2`

	claimLease   = `UPDATE audit_forward SET holder = $1, lease_until = $2 WHERE id = 1 AND (holder = $3 OR lease_until < $4) RETURNING safe_id`
	releaseLease = `UPDATE audit_forward SET holder = '', lease_until = 0 WHERE id = 1 AND holder = $1`
	moveCursor   = `UPDATE audit_forward SET safe_id = $1, sent = sent + $2, last_row_at = $3, confirmed_at = $4 WHERE id = 1 AND holder = $5 AND safe_id < $6`
	setFailure   = `UPDATE audit_forward SET failure = $1, failed_at = $2 WHERE id = 1 AND holder = $3`
	cursorAt     = `SELECT safe_id FROM audit_forward WHERE id = 1`
	dropSent     = `DELETE FROM audit WHERE id > $1 AND id <= $2 AND delivery = 2 RETURNING project_id, username, operation`
)

// rowsToForward returns the next rows after an id, in their order.
func rowsToForward(ctx context.Context, tx db.Tx, after int64) ([]Row, error) {
	rows, err := db.Collect(ctx, tx, scanRow, nextToForward, after, forwardBatch)
	if err != nil {
		return nil, fmt.Errorf("read rows to forward: %w", err)
	}
	return rows, nil
}

// claimForward takes the lease, or renews it, and returns how far all is settled.
func claimForward(ctx context.Context, d *db.DB, holder string, now, until time.Time) (mine bool, position int64, err error) {
	free := now
	if d.Exclusive() { // nobody else could forward: who had the lease has ended
		free = until.Add(forwardLease)
	}
	err = d.WriteRelaxed(ctx, func(tx db.Tx) error {
		mine = true
		position, err = db.Get(ctx, tx, db.ScanInt, claimLease, holder, db.Micros(until), holder, db.Micros(free))
		if errors.Is(err, db.ErrNotFound) {
			mine, err = false, nil
		}
		return err
	})
	if err != nil {
		return false, 0, fmt.Errorf("take the lease of forwarding: %w", err)
	}
	return mine, position, nil
}

// releaseForward gives the lease back, where this process has it.
func releaseForward(ctx context.Context, d *db.DB, holder string) error {
	held, err := db.Get(ctx, d.Auto(), db.ScanBool, `SELECT EXISTS (SELECT 1 FROM audit_forward WHERE id = 1 AND holder = $1 AND lease_until > 0)`, holder)
	if err != nil || !held {
		return err
	}
	return d.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, releaseLease, holder)
		return err
	})
}

// settleForward notes a delivery and deletes its rows that aren't kept, where this process has the lease still.
func settleForward(ctx context.Context, d *db.DB, holder string, m mark) error {
	err := d.WriteRelaxed(ctx, func(tx db.Tx) error {
		before, err := db.Get(ctx, tx, db.ScanInt, cursorAt)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, moveCursor, m.row.ID, m.rows, db.Micros(m.row.At), db.Micros(m.at), holder, m.row.ID)
		if err == nil && n == 0 {
			return errLease
		}
		if err != nil {
			return err
		}
		_, err = remove(ctx, tx, dropSent, before, m.row.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("note a delivery: %w", err)
	}
	return nil
}

// remove runs a deletion that returns what each row is counted by, and counts. It returns how many rows went.
func remove(ctx context.Context, tx db.Tx, query string, args ...any) (int64, error) {
	rows, err := db.Collect(ctx, tx, scanCounted, query, args...)
	if err != nil {
		return 0, err
	}
	gone := map[counted]int64{}
	for _, c := range rows {
		gone[c]--
	}
	return int64(len(rows)), count(ctx, tx, gone)
}

// noteFailure writes what people see of a failure, at most maxFailure bytes.
func noteFailure(ctx context.Context, d *db.DB, holder, text string, at time.Time) error {
	const maxFailure = 500
	text = strings.ToValidUTF8(text[:min(len(text), maxFailure)], "")
	return d.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, setFailure, text, db.Micros(at), holder)
		return err
	})
}

// ForwardState is how far forwarding is.
type ForwardState struct {
	Endpoint, Protocol string // "" where rows are not forwarded
	Sent               int64  // rows, in all time
	LastID             int64  // of the last of them
	LastRowAt          time.Time
	ConfirmedAt        time.Time // when that one was delivered
	Pending            int64     // rows that wait
	Lag                time.Duration
	Failure            string // the last one
	FailedAt           time.Time
}

// State is the state in a word: "off", "failing" after a failure until the next delivery, "behind" by more than
// ten seconds, or "current".
func (s ForwardState) State() string {
	switch {
	case s.Endpoint == "":
		return "off"
	case s.FailedAt.After(s.ConfirmedAt) && s.Pending > 0:
		return "failing"
	case s.Lag > 10*time.Second:
		return "behind"
	default:
		return "current"
	}
}

const (
	forwardState = `SELECT safe_id, sent, last_row_at, confirmed_at, failure, failed_at FROM audit_forward WHERE id = 1`
	pendingRows  = `SELECT COUNT(*) FROM audit WHERE delivery > 0 AND id > $1`
	firstPending = `SELECT created_at FROM audit WHERE delivery > 0 AND id > $1 ORDER BY id LIMIT 1`
)

// Forwarding returns how far forwarding is, of all processes.
func (s *Service) Forwarding(ctx context.Context, now time.Time) (v ForwardState, err error) {
	values, err := s.settings.Get(ctx)
	if err != nil {
		return v, fmt.Errorf("read where rows go: %w", err)
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if v, err = db.Get(ctx, tx, scanState, forwardState); err != nil {
			return err
		}
		if v.Pending, err = db.Get(ctx, tx, db.ScanInt, pendingRows, v.LastID); err != nil || v.Pending == 0 {
			return err
		}
		first, err := db.Get(ctx, tx, db.ScanInt, firstPending, v.LastID)
		v.Lag = max(now.Sub(db.Time(first)), 0)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("read how far forwarding is: %w", err)
	}
	if t := targetOf(values); t.address != "" {
		v.Endpoint, v.Protocol = t.address, t.protocol
	}
	return v, nil
}

func scanState(r db.Row) (v ForwardState, err error) {
	err = r.Scan(&v.LastID, &v.Sent, db.ScanTime(&v.LastRowAt), db.ScanTime(&v.ConfirmedAt), &v.Failure, db.ScanTime(&v.FailedAt))
	return v, err
}
