package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Tx runs statements, inside the transaction of DB.Write or DB.Read, or each on its own (DB.Auto).
// It is a small value; copies are the same transaction. Not safe for concurrent use.
type Tx struct {
	db     *DB
	tx     *sql.Tx
	writer *writer // instead of tx, where SQLite is written
	pool   pool
	// uninterrupted: ctx is looked at before each statement only. SQLite's driver starts a goroutine for each
	// statement that could be interrupted, which costs as much as reading a row, and an interrupted write rolls
	// its transaction back unasked.
	uninterrupted bool
	after         *[]func()
	written       *[]*statement // of a transaction that may write
	seen          *[]string     // texts sent in this transaction that are not prepared yet
}

// Row is one row of an answer.
type Row interface{ Scan(dest ...any) error }

const (
	writeTries = 60
	// freeTries is how often a transaction is tried while others are, too. After so many conflicts those of
	// this process take turns: among many on the same rows each would otherwise mostly lose.
	freeTries = 4
	// lostTries is how often something that changes nothing is tried on connections that turn out to be dead:
	// more than a pool has.
	lostTries = maxConnections + 2
)

// Write runs f in one read-write transaction and commits it; when Write returns nil, the change is
// durable: it survives the loss of power, and so does every WriteRelaxed that returned before. f runs again
// when the database reports a conflict or is busy, or its connection is lost before the commit, so it must have
// no other effects than statements on tx (and tx.AfterCommit). An error from f rolls back and is returned. f must not call Write: on SQLite it
// would wait for itself. There it may run in the goroutine of another Write, while its own waits.
func (d *DB) Write(ctx context.Context, f func(tx Tx) error) error {
	return d.write(ctx, d.durable, true, f)
}

// WriteRelaxed is Write without waiting for the disk: what it commits survives the end of the process at
// once, and the loss of power only when a Write has returned since. It is for what a client would send
// again, and what nothing durable names yet.
func (d *DB) WriteRelaxed(ctx context.Context, f func(tx Tx) error) error {
	return d.write(ctx, d.relaxed, false, f)
}

func (d *DB) write(ctx context.Context, p pool, durable bool, f func(tx Tx) error) (err error) {
	o := d.begin(ctx, writing)
	defer func() { o.End(failure(err)) }()
	if d.rehearse.Load() {
		if _, err := d.transact(ctx, p, func(tx Tx) error { return errors.Join(f(tx), errRehearsed) }); !errors.Is(err, errRehearsed) {
			return err
		}
	}
	for try := 1; ; try++ {
		if try == freeTries+1 {
			select {
			case d.turn <- struct{}{}:
				defer func() { <-d.turn }()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		after, err := d.transact(ctx, p, f)
		if err == nil {
			return d.committed(after, durable)
		}
		again := errors.Is(err, errRetry) || errors.Is(err, errLost)
		if again {
			d.figures.conflicts.Add(1)
			o.Count("haven.tries", int64(try)+1)
		}
		if !again || try == writeTries || ctx.Err() != nil {
			return err
		}
		pause := time.Duration(min(try, 30)) * time.Millisecond
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause + rand.N(4*pause)):
		}
	}
}

// committed waits for the disk where that is left to do. Others write meanwhile, and wait for the same sync.
func (d *DB) committed(after []func(), durable bool) error {
	if durable && d.wal != nil {
		if err := d.wal.wait(); err != nil {
			return fmt.Errorf("commit transaction: %w", err)
		}
	}
	for _, wake := range after {
		wake()
	}
	return nil
}

// transact runs f once, and returns what is to be done when it is durable.
func (d *DB) transact(ctx context.Context, p pool, f func(tx Tx) error) ([]func(), error) {
	if d.writer != nil {
		return d.transactTogether(ctx, f)
	}
	// Serializable makes PostgreSQL behave as SQLite's single writer does, so one reasoning holds for both.
	tx, err := p.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return nil, fmt.Errorf("begin transaction: %w", classify(err))
	}
	var after []func()
	var written []*statement
	err = f(Tx{db: d, tx: tx, pool: p, after: &after, written: &written})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		tx.Rollback() // nothing to add: the connection is dropped when this fails too
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		if !isLost(err) { // else it may have been committed, and must not run again
			err = classify(err)
		}
		return nil, fmt.Errorf("commit transaction: %w", err)
	}
	d.changed(written)
	return after, nil
}

var errRehearsed = errors.New("rehearsed")

// Rehearse says whether each transaction of Write is run twice, and rolled back the first time. It is for tests:
// what a transaction leaves behind besides its rows shows.
func (d *DB) Rehearse(on bool) { d.rehearse.Store(on) }

// Read runs f on one snapshot: all its statements see the same state. f can't write.
func (d *DB) Read(ctx context.Context, f func(tx Tx) error) (err error) {
	o := d.begin(ctx, reading)
	defer func() { o.End(failure(err)) }()
	opts := &sql.TxOptions{}
	if d.dialect == Postgres {
		opts.Isolation, opts.ReadOnly = sql.LevelRepeatableRead, true
	}
	tx, err := d.reader.BeginTx(ctx, opts)
	for try := 1; isLost(err) && try < lostTries; try++ {
		tx, err = d.reader.BeginTx(ctx, opts)
	}
	if err != nil {
		return fmt.Errorf("begin snapshot: %w", classify(err))
	}
	var seen []string
	err = f(Tx{db: d, tx: tx, pool: d.reader, seen: &seen})
	tx.Rollback() // a snapshot has nothing to commit
	if d.reader.stmts != nil {
		d.reader.stmts.learn(ctx, seen)
	}
	return err
}

// Auto runs each statement on its own, without the round trips of a transaction. It is for reads
// that need one statement only; writes fail on it.
func (d *DB) Auto() Tx {
	return Tx{db: d, pool: d.reader, uninterrupted: d.dialect == SQLite}
}

// AfterCommit calls f once the transaction is durable, and not at all when it is rolled back. f must
// only wake something that would find the work by itself later: a crash can come before it runs.
func (tx Tx) AfterCommit(f func()) { *tx.after = append(*tx.after, f) }

// Exec runs a statement that returns no rows and tells how many rows it changed.
func (tx Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tx.db.executed.Add(1)
	if tx.tx == nil && tx.writer == nil {
		return 0, errors.New("a write needs a transaction")
	}
	ctx, err := tx.context(ctx)
	if err != nil {
		return 0, err
	}
	tx.note(query)
	stmt, err := tx.prepared(ctx, query)
	if err != nil {
		return 0, classify(err)
	}
	var res sql.Result
	switch {
	case stmt != nil:
		res, err = stmt.ExecContext(ctx, args...)
	case tx.writer != nil:
		res, err = tx.writer.conn.ExecContext(ctx, query, args...)
	default:
		res, err = tx.tx.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, classify(err)
	}
	return res.RowsAffected()
}

func (tx Tx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	tx.db.executed.Add(1)
	ctx, err := tx.context(ctx)
	if err != nil {
		return nil, err
	}
	tx.note(query)
	stmt, err := tx.prepared(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case stmt != nil:
		return stmt.QueryContext(ctx, args...)
	case tx.writer != nil:
		return tx.writer.conn.QueryContext(ctx, query, args...)
	case tx.tx != nil:
		return tx.tx.QueryContext(ctx, query, args...)
	}
	rows, err := tx.pool.QueryContext(ctx, query, args...)
	for try := 1; isLost(err) && try < lostTries; try++ {
		rows, err = tx.pool.QueryContext(ctx, query, args...)
	}
	return rows, err
}

// note remembers what the statement writes.
func (tx Tx) note(query string) {
	if tx.written == nil || tx.db.watches.Load() == nil {
		return
	}
	if s := tx.db.targets.of(query); s.table != "" && !slices.Contains(*tx.written, s) {
		*tx.written = append(*tx.written, s)
	}
}

// context is the one to run a statement in.
func (tx Tx) context(ctx context.Context) (context.Context, error) {
	if !tx.uninterrupted {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// prepared returns the statement to run, or nil when the text itself is to be sent.
func (tx Tx) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if tx.writer != nil {
		return tx.writer.prepare(ctx, query)
	}
	if tx.pool.stmts == nil {
		return nil, nil
	}
	if tx.tx == nil {
		tx.pool.stmts.learn(ctx, []string{query})
		return tx.pool.stmts.get(query), nil
	}
	stmt := tx.pool.stmts.get(query)
	if stmt == nil {
		*tx.seen = append(*tx.seen, query)
		return nil, nil
	}
	return tx.tx.StmtContext(ctx, stmt), nil
}

// Collect runs query and scans each row. The result is nil when there is none.
func Collect[T any](ctx context.Context, tx Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	o := tx.alone(ctx, query)
	all, err := collect(ctx, tx, scan, query, args)
	o.End(failure(err))
	return all, err
}

func collect[T any](ctx context.Context, tx Tx, scan func(Row) (T, error), query string, args []any) ([]T, error) {
	rows, err := tx.query(ctx, query, args)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan row: %w", err)
		}
		all = append(all, v)
	}
	return all, classify(rows.Err())
}

// Get runs a query that gives one row. No row is ErrNotFound.
func Get[T any](ctx context.Context, tx Tx, scan func(Row) (T, error), query string, args ...any) (T, error) {
	o := tx.alone(ctx, query)
	v, err := get(ctx, tx, scan, query, args)
	o.End(failure(err))
	return v, err
}

func get[T any](ctx context.Context, tx Tx, scan func(Row) (T, error), query string, args []any) (T, error) {
	var zero T
	rows, err := tx.query(ctx, query, args)
	if err != nil {
		return zero, classify(err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return zero, classify(err)
		}
		return zero, ErrNotFound
	}
	v, err := scan(rows)
	if err != nil {
		return zero, fmt.Errorf("scan row: %w", err)
	}
	return v, classify(rows.Close())
}

// ScanInt, ScanString, ScanBool and ScanBytes scan a row of one column.
func ScanInt(r Row) (v int64, err error)     { err = r.Scan(&v); return v, err }
func ScanString(r Row) (v string, err error) { err = r.Scan(&v); return v, err }
func ScanBool(r Row) (v bool, err error)     { err = r.Scan(&v); return v, err }
func ScanBytes(r Row) (v []byte, err error)  { err = r.Scan(&v); return v, err }
