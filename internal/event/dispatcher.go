package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// Listener does its part for events, in their order, by statements on tx alone: when it or one after
// it fails, or the server is killed, the transaction never was and the events come again.
type Listener interface {
	Handle(ctx context.Context, tx db.Tx, events []Event) error
}

const (
	batchSize   = 200                    // events of one transaction
	pollEvery   = time.Second            // finds what other replicas wrote
	gatherFor   = 100 * time.Millisecond // so that many small pushes share one transaction and its sync
	standByFor  = 400 * time.Millisecond // so that the replica that wrote events takes them, if it lives
	catchUpMost = 5                      // batches that a reader waits for
	maxAttempts = 6                      // after that an event is set aside
	firstRetry  = 2 * time.Second        // doubles with each attempt
	maxPause    = 30 * time.Second
)

// setAside is a retry_at that never comes.
const setAside = math.MaxInt64

// Dispatcher hands events to the listeners. Several may run on one database.
type Dispatcher struct {
	db        *db.DB
	log       *slog.Logger
	listeners []Listener
	wake      chan struct{}
	standBy   chan struct{}
	setAside  atomic.Int64
}

// NewDispatcher returns a Dispatcher that calls the listeners in the order given.
func NewDispatcher(d *db.DB, log *slog.Logger, listeners ...Listener) *Dispatcher {
	return &Dispatcher{db: d, log: log, listeners: listeners, wake: make(chan struct{}, 1), standBy: make(chan struct{}, 1)}
}

// Wake says that there is work; it never blocks. Use it with Tx.AfterCommit. Without it, events wait
// for the next poll, a second at most.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// StandBy says that another replica has work. It hands out its events itself; this one comes a little later
// and finds nothing, unless the other died. It never blocks.
func (d *Dispatcher) StandBy() {
	select {
	case d.standBy <- struct{}{}:
	default:
	}
}

// Run hands events out until ctx is cancelled, and returns nil then.
func (d *Dispatcher) Run(ctx context.Context) error {
	pause := pollEvery
	for {
		if err := d.Drain(ctx); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "events can't be read", "error", err)
			pause = min(2*pause, maxPause)
		} else {
			pause = pollEvery
		}
		if !d.rest(ctx, pause) {
			return nil
		}
	}
}

// rest waits for the next poll, or a little after somebody woke it. It reports false when ctx ends.
func (d *Dispatcher) rest(ctx context.Context, pause time.Duration) bool {
	until := time.Now().Add(pause)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	within := func(wait time.Duration) {
		if at := time.Now().Add(wait); at.Before(until) {
			until = at
			timer.Reset(wait)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-d.wake:
			within(gatherFor)
		case <-d.standBy:
			within(standByFor)
		}
	}
}

// CatchUp hands out what is due now, up to a thousand events, so that somebody who reads what a listener
// writes finds what they did just before. Where it can't, the reader gets what is there: Run goes on.
func (d *Dispatcher) CatchUp(ctx context.Context) {
	for range catchUpMost {
		n, err := d.batch(ctx)
		if err != nil {
			d.log.WarnContext(ctx, "catching up with events failed", "error", err)
		}
		if err != nil || n < batchSize {
			return
		}
	}
}

// Drain hands out every event that is due now. An event that a listener refuses doesn't hold up the
// others: it is tried alone, again later, and set aside in the end. The error is the database's.
func (d *Dispatcher) Drain(ctx context.Context) error {
	for {
		n, err := d.batch(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "a batch of events failed, trying them one by one", "error", err)
			n, err = d.oneByOne(ctx)
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// batch takes up to batchSize events, with all their effects or none. It needs no sync of its own: what the
// loss of power takes back is the removal together with the effects, and they are done again.
func (d *Dispatcher) batch(ctx context.Context) (n int, err error) {
	idle, err := d.idle(ctx)
	if err != nil || idle {
		return 0, err
	}
	err = d.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		events, err := take(ctx, tx, takeDue, db.Micros(time.Now()), batchSize)
		n = len(events)
		if err != nil || n == 0 {
			return err
		}
		return d.handle(ctx, tx, events)
	})
	return n, err
}

// idle spares the writer a transaction when there is nothing to do, which is most of the time.
func (d *Dispatcher) idle(ctx context.Context) (bool, error) {
	due, err := db.Collect(ctx, d.db.Auto(), db.ScanInt, dueIDs, db.Micros(time.Now()), 1)
	return len(due) == 0, err
}

// SetAside returns how many events this process has set aside.
func (d *Dispatcher) SetAside() int64 { return d.setAside.Load() }

// Lag returns how long the oldest event that is due has waited for its listeners, 0 when none is.
func (d *Dispatcher) Lag(ctx context.Context) (time.Duration, error) {
	now := time.Now()
	at, err := db.Collect(ctx, d.db.Auto(), db.ScanInt, oldest, db.Micros(now))
	if err != nil || len(at) == 0 {
		return 0, err
	}
	return max(now.Sub(db.Time(at[0])), 0), nil
}

// handle calls the listeners. A panic of one is a refusal: else the process would end, and the next one at the same event.
func (d *Dispatcher) handle(ctx context.Context, tx db.Tx, events []Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			d.log.ErrorContext(ctx, "panic", "events", len(events), "first", events[0].ID, "value", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	for _, l := range d.listeners {
		if err := l.Handle(ctx, tx, events); err != nil {
			return fmt.Errorf("listener %T: %w", l, err)
		}
	}
	return nil
}

// oneByOne handles a batch of due events, each in a transaction of its own.
func (d *Dispatcher) oneByOne(ctx context.Context) (int, error) {
	ids, err := db.Collect(ctx, d.db.Auto(), db.ScanInt, dueIDs, db.Micros(time.Now()), batchSize)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		failure := d.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			events, err := take(ctx, tx, takeOne, id)
			if err != nil || len(events) == 0 { // another replica was faster
				return err
			}
			return d.handle(ctx, tx, events)
		})
		if failure == nil {
			continue
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		// Counting in the database keeps an outage of the database itself from costing attempts.
		if err := d.postpone(ctx, id, failure); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// postpone notes that the listeners refused the event.
func (d *Dispatcher) postpone(ctx context.Context, id int64, failure error) error {
	var attempts int64
	err := d.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		var err error
		attempts, err = db.Get(ctx, tx, db.ScanInt, countAttempt, id)
		if err != nil {
			return err
		}
		retryAt := int64(setAside)
		if attempts < maxAttempts {
			retryAt = db.Micros(time.Now().Add(firstRetry << (attempts - 1)))
		}
		_, err = tx.Exec(ctx, setRetry, retryAt, id)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil // another replica handled it meanwhile
	}
	if err != nil {
		return fmt.Errorf("postpone event %d: %w", id, err)
	}
	if attempts >= maxAttempts {
		d.setAside.Add(1)
		d.log.ErrorContext(ctx, "an event is set aside: its listeners refuse it; docs/repair.md says how it is tried again", "event", id, "attempts", attempts, "error", failure)
	} else {
		d.log.WarnContext(ctx, "an event failed and will be tried again", "event", id, "attempts", attempts, "error", failure)
	}
	return nil
}

const (
	returning = ` RETURNING id, kind, body, created_at`
	takeDue   = `DELETE FROM event WHERE id IN (SELECT id FROM event WHERE retry_at <= $1 ORDER BY id LIMIT $2)` + returning
	takeOne   = `DELETE FROM event WHERE id = $1` + returning

	oldest       = `SELECT created_at FROM event WHERE retry_at <= $1 ORDER BY id LIMIT 1`
	dueIDs       = `SELECT id FROM event WHERE retry_at <= $1 ORDER BY id LIMIT $2`
	countAttempt = `UPDATE event SET attempts = attempts + 1 WHERE id = $1 RETURNING attempts`
	setRetry     = `UPDATE event SET retry_at = $1 WHERE id = $2`
)

// take removes events from the outbox, in the order in which they were appended.
func take(ctx context.Context, tx db.Tx, query string, args ...any) ([]Event, error) {
	events, err := db.Collect(ctx, tx, scanEvent, query, args...)
	if err != nil {
		return nil, fmt.Errorf("take events: %w", err)
	}
	slices.SortFunc(events, func(a, b Event) int { return int(a.ID - b.ID) })
	return events, nil
}

func scanEvent(r db.Row) (Event, error) {
	var e Event
	var id int64
	var kind, body string
	var at time.Time
	if err := r.Scan(&id, &kind, &body, db.ScanTime(&at)); err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return e, fmt.Errorf("decode event %d: %w", id, err)
	}
	e.ID, e.Kind, e.At = id, Kind(kind), at
	return e, nil
}
