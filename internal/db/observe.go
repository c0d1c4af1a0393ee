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

// figures are what became of operations since the DB was opened.
type figures struct {
	*telemetry.Operations
	conflicts atomic.Int64
}

// Most statements take some ten microseconds on SQLite.
func newFigures() *figures {
	return &figures{Operations: telemetry.NewOperations("haven_db_operation_duration_seconds",
		"How long operations of this process on the database took: write and read transactions with their waiting and tries, and queries on their own.",
		"database", kindNames[:], 30*time.Microsecond, 100*time.Microsecond, 300*time.Microsecond, time.Millisecond, 3*time.Millisecond, 10*time.Millisecond,
		30*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, time.Second, 10*time.Second)}
}

func (d *DB) begin(ctx context.Context, k kind) telemetry.Operation {
	o := d.figures.Begin(ctx, int(k))
	if o.Kept() {
		o.Set("db.system.name", d.system())
		o.Set("db.operation.name", kindNames[k])
	}
	return o
}

// system is the database's name in OpenTelemetry's conventions.
func (d *DB) system() string {
	if d.dialect == Postgres {
		return "postgresql"
	}
	return string(d.dialect)
}

// failure is the error where the database is to blame for it, else nil.
func failure(err error) error {
	if isFailure(err) {
		return err
	}
	return nil
}

// alone begins the operation that a statement is where it has no transaction; within one it is the zero operation.
func (tx Tx) alone(ctx context.Context, query string) telemetry.Operation {
	if tx.tx != nil || tx.writer != nil {
		return telemetry.Operation{}
	}
	o := tx.db.begin(ctx, querying)
	o.Set("db.query.text", query) // a constant of this program, with marks for all that is given
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
func (d *DB) Spread() *telemetry.Spread { return d.figures.Spread }

// Failures calls yield with each kind of operation and how many of it the database failed.
func (d *DB) Failures(yield func(operation string, n int64)) { d.figures.Failures(yield) }

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
