package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// writer is the connection that writes to SQLite, with the statements prepared on it. There is one writer at a
// time anyway (DB.writing), so it keeps its connection, and begins and commits by statements of its own:
// sql.Tx starts a goroutine for each transaction and for each query in it, to end them with a context that
// here never ends, parses BEGIN and COMMIT each time, and looks each statement up among those of all connections.
type writer struct {
	pool  *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	seen  int64 // the connection's data_version when it was last looked at, 0 before
}

// begin starts a transaction. Who begins holds DB.writing until it is over.
func (w *writer) begin(ctx context.Context) (err error) {
	if err = w.connect(ctx); err != nil {
		return err
	}
	if err = w.run(ctx, "BEGIN IMMEDIATE"); errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return errors.Join(err, w.close())
	}
	return err
}

// connect takes a connection, unless there is one.
func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn != nil {
		return nil
	}
	if w.conn, err = w.pool.Conn(ctx); err != nil {
		return err
	}
	w.stmts, w.seen = map[string]*sql.Stmt{}, 0
	return nil
}

// overtaken reports whether another connection may have written since it was last asked. All writing of this
// process goes by this one, but for migrations.
func (w *writer) overtaken(ctx context.Context) (bool, error) {
	if err := w.connect(ctx); err != nil {
		return false, err
	}
	const query = "PRAGMA data_version" // what others commit changes it, and nothing else does
	stmt, err := w.prepare(ctx, query)
	if err != nil {
		return false, err
	}
	var now int64
	if stmt == nil {
		err = w.conn.QueryRowContext(ctx, query).Scan(&now)
	} else {
		err = stmt.QueryRowContext(ctx).Scan(&now)
	}
	if err != nil {
		return false, err
	}
	changed := now != w.seen
	w.seen = now
	return changed, nil
}

// commit ends the transaction, whether or not it fails.
func (w *writer) commit(ctx context.Context) error {
	err := w.run(ctx, "COMMIT")
	if err != nil {
		w.rollback(ctx)
	}
	return err
}

// rollback undoes the transaction. It fails where SQLite has done so by itself, which is as well.
func (w *writer) rollback(ctx context.Context) { _ = w.run(ctx, "ROLLBACK") }

func (w *writer) run(ctx context.Context, query string) error {
	stmt, err := w.prepare(ctx, query)
	if err != nil {
		return err
	}
	if stmt == nil {
		_, err = w.conn.ExecContext(ctx, query)
	} else {
		_, err = stmt.ExecContext(ctx)
	}
	return err
}

// prepare returns the prepared statement, or nil when there are too many of them: the text itself is sent then.
func (w *writer) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt := w.stmts[query]
	if stmt != nil || len(w.stmts) >= maxStatements {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.stmts[query] = stmt
	}
	return stmt, err
}

// close gives the connection back. The next begin takes one anew.
func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	for _, stmt := range w.stmts {
		stmt.Close()
	}
	conn := w.conn
	w.conn, w.stmts = nil, nil
	if err := conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}
