package record

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

const (
	batchSize = 256
	// writers is how many records are written at once: an object store answers slowly, and many.
	writers = 4
	// A task whose worker was killed is free after lease; a worker stops before.
	lease     = 2 * time.Minute
	workLimit = 90 * time.Second

	pollEvery  = 10 * time.Second // finds what other replicas left, and leases that ended
	gatherFor  = 500 * time.Millisecond
	firstRetry = 2 * time.Second // doubles with each failure of a record
	lastRetry  = 5 * time.Minute
)

// Keeper keeps the records. It is an event.Listener, and Run does the work. Any number of replicas may run.
type Keeper struct {
	db      *db.DB
	records blob.Records
	packer  blob.RecordPacker // records, where some may be packed; else nil
	clock   func() time.Time
	log     *slog.Logger
	wake    chan struct{}

	mu      sync.Mutex
	files   files
	stamped int64   // the latest stamp
	doubted []place // packed records that may have no row
}

// NewKeeper returns a Keeper.
func NewKeeper(d *db.DB, records blob.Records, clock func() time.Time, log *slog.Logger) *Keeper {
	packer, _ := records.(blob.RecordPacker)
	return &Keeper{db: d, records: records, packer: packer, clock: clock, log: log, wake: make(chan struct{}, 1)}
}

// Wake says that there is work; it never blocks.
func (k *Keeper) Wake() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx is cancelled, and returns nil then.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.Sweep(ctx); err != nil && ctx.Err() == nil {
		k.log.WarnContext(ctx, "what the last process left of records stays until the next start", "error", err)
	}
	defer k.leave(context.WithoutCancel(ctx))
	enrolled := false
	for {
		pause := pollEvery
		err := k.Drain(ctx)
		if err == nil && !enrolled {
			pause = gatherFor // a thousand records a second, beside everything else
			enrolled, err = k.enrol(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			k.log.WarnContext(ctx, "records for a rebuild can't be written now; they will be", "error", err)
			pause = pollEvery
		}
		if !k.rest(ctx, pause) {
			return nil
		}
	}
}

// leave deletes what was packed for nothing at last.
func (k *Keeper) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	if err := k.resolve(ctx); err != nil {
		k.log.WarnContext(ctx, "records stay that the database doesn't name; haven scrub --prune-records removes them", "error", err)
	}
}

// rest waits for the next poll, or a little after somebody woke it. It reports false when ctx ends.
func (k *Keeper) rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-k.wake:
		timer.Reset(min(gatherFor, pause))
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Drain makes every record that is due agree with the database. Those that can't be written are tried again
// later; the error is the last one's.
func (k *Keeper) Drain(ctx context.Context) error {
	for {
		if err := k.resolve(ctx); err != nil {
			return err
		}
		n, err := k.batch(ctx)
		if err == nil {
			err = k.giveBack(ctx)
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// task is a record to look at.
type task struct {
	name     string
	attempts int64
}

func scanTask(r db.Row) (t task, err error) {
	err = r.Scan(&t.name, &t.attempts)
	return t, err
}

const (
	anyDue     = `SELECT name FROM record_task WHERE due_at <= $1 ORDER BY due_at LIMIT 1`
	leaseTasks = `UPDATE record_task SET worker = $1, due_at = $2, changed = FALSE
		WHERE name IN (SELECT name FROM record_task WHERE due_at <= $3 ORDER BY due_at LIMIT $4) RETURNING name, attempts`
	// Tasks of a lease are found by the index on when it ends.
	postpone = `UPDATE record_task SET worker = '', due_at = $3, attempts = attempts + 1 WHERE name = $1 AND worker = $2`
	finish   = `DELETE FROM record_task WHERE due_at = $1 AND worker = $2 AND NOT changed`
	release  = `UPDATE record_task SET worker = '', due_at = 0, attempts = 0 WHERE due_at = $1 AND worker = $2`
)

// batch works on some tasks and returns how many.
func (k *Keeper) batch(ctx context.Context) (int, error) {
	switch due, err := db.Collect(ctx, k.db.Auto(), db.ScanString, anyDue, db.Micros(k.clock())); {
	case err != nil:
		return 0, err
	case len(due) == 0:
		return 0, nil
	}
	worker, until := rand.Text(), int64(0)
	var tasks []task
	err := k.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		now := k.clock()
		until = db.Micros(now.Add(lease))
		tasks, err = db.Collect(ctx, tx, scanTask, leaseTasks, worker, until, db.Micros(now), batchSize)
		return err
	})
	if err != nil || len(tasks) == 0 {
		return 0, err
	}
	w := &work{keeper: k, packs: k.packing()}
	w.do(ctx, tasks)
	k.doubt(w.doubted...)
	if ctx.Err() != nil { // the lease ends by itself
		k.doubt(w.packed...)
		return 0, ctx.Err()
	}
	err = k.db.WriteRelaxed(ctx, func(tx db.Tx) error { return k.settle(ctx, tx, worker, until, w) })
	if err != nil {
		k.doubt(w.packed...)
	}
	if err := errors.Join(w.cause, err); err != nil {
		return 0, err
	}
	return len(tasks), nil
}

// settle notes where the records of a batch lie now, and ends its tasks.
func (k *Keeper) settle(ctx context.Context, tx db.Tx, worker string, until int64, w *work) error {
	if k.packer != nil {
		if err := move(ctx, tx, w.packed, w.loose); err != nil {
			return err
		}
	}
	for _, t := range w.failed {
		wait := min(firstRetry<<min(t.attempts, 10), lastRetry)
		if _, err := tx.Exec(ctx, postpone, t.name, worker, db.Micros(k.clock().Add(wait))); err != nil {
			return err
		}
	}
	for _, query := range []string{finish, release} {
		if _, err := tx.Exec(ctx, query, until, worker); err != nil {
			return err
		}
	}
	return nil
}
