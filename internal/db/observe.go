package db

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/havenregistry/haven/internal/telemetry"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// kind is what a caller does with the database.
type kind int

const (
	writing  kind = iota // a transaction of Write or WriteRelaxed, all its tries
	reading              // a snapshot of Read
	querying             // one statement of Auto
	kinds
)

// kindNames are the kinds as metrics and traces have them.
var kindNames = [kinds]string{writing: "write", reading: "read", querying: "query"}

var spanNames = [kinds]string{writing: "database write", reading: "database read", querying: "database query"}

// figures are what became of operations since the DB was opened.
type figures struct {
	spread    *telemetry.Spread
	timers    []telemetry.Timer
	failed    [kinds]atomic.Int64
	conflicts atomic.Int64
}

// Most statements take some ten microseconds on SQLite.
func newFigures() *figures {
	s := telemetry.NewSpread("haven_db_operation_duration_seconds",
		"How long operations of this process on the database took: write and read transactions with their waiting and tries, and queries on their own.",
		"operation", kindNames[:], 30*time.Microsecond, 100*time.Microsecond, 300*time.Microsecond, time.Millisecond, 3*time.Millisecond, 10*time.Millisecond,
		30*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, time.Second, 10*time.Second)
	return &figures{spread: s, timers: s.Timers(kindNames[:]...)}
}

// operation is one that runs.
type operation struct {
	d     *DB
	kind  kind
	began time.Time
	span  trace.Span
}

func (d *DB) begin(ctx context.Context, k kind) operation {
	_, span := trace.Start(ctx, spanNames[k])
	if span.Kept() {
		span.Set("db.system.name", d.system())
		span.Set("db.operation.name", kindNames[k])
	}
	return operation{d, k, time.Now(), span}
}

// system is the database's name in OpenTelemetry's conventions.
func (d *DB) system() string {
	if d.dialect == Postgres {
		return "postgresql"
	}
	return string(d.dialect)
}

// end counts the operation, as failed only where the database is to blame.
func (o operation) end(err error) {
	if o.d == nil {
		return
	}
	if !isFailure(err) {
		err = nil
	} else {
		o.d.figures.failed[o.kind].Add(1)
	}
	o.d.figures.timers[o.kind].Since(o.began)
	o.span.End(err)
}

// alone begins the operation that a statement is where it has no transaction; within one it is the zero operation.
func (tx Tx) alone(ctx context.Context, query string) operation {
	if tx.tx != nil || tx.writer != nil {
		return operation{}
	}
	o := tx.db.begin(ctx, querying)
	o.span.Set("db.query.text", query) // a constant of this program, with marks for all that is given
	return o
}

// unreachable is that PostgreSQL gave no connection, in words without the password.
type unreachable string

// Error implements error.
func (u unreachable) Error() string { return string(u) }

// isFailure reports whether an operation ended because the database doesn't do its part, and not by what somebody asked of it.
func isFailure(err error) bool {
	if err == nil || errors.Is(err, ErrUnique) || errors.Is(err, ErrReferenced) || errors.Is(err, ErrNotFound) {
		return false
	}
	for _, own := range []error{errRetry, errLost, ErrFull, ErrBroken} {
		if errors.Is(err, own) {
			return true
		}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code != "57014" // whoever asked has gone
	}
	_, lite := errors.AsType[*sqlite.Error](err)
	_, away := errors.AsType[unreachable](err)
	return lite || away
}

// Spread is how long operations took, for metrics.
func (d *DB) Spread() *telemetry.Spread { return d.figures.spread }

// Failures calls yield with each kind of operation and how many of it the database failed.
func (d *DB) Failures(yield func(operation string, n int64)) {
	for k := range kinds {
		yield(kindNames[k], d.figures.failed[k].Load())
	}
}

// Conflicts returns how often a transaction was run again, as it met another one or lost its connection.
func (d *DB) Conflicts() int64 { return d.figures.conflicts.Load() }

// Pools calls yield with each pool of connections. Those of SQLite are "read" and "write"; those of PostgreSQL are "durable", which also
// reads, and "relaxed".
func (d *DB) Pools(yield func(name string, stats sql.DBStats)) {
	if d.dialect == SQLite {
		yield("read", d.reader.Stats())
		yield("write", d.relaxed.Stats())
		return
	}
	yield("durable", d.durable.Stats())
	yield("relaxed", d.relaxed.Stats())
}
