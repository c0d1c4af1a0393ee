package dataset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// sink takes rows as fast as a database can.
type sink interface {
	// insert adds rows to a table.
	insert(ctx context.Context, table string, columns []string, rows [][]any) error
	// exec runs a statement without rows.
	exec(ctx context.Context, query string, args ...any) error
	// number runs a query for one whole number.
	number(ctx context.Context, query string, args ...any) (int64, error)
	// finish does what the database would do by itself in time.
	finish(ctx context.Context, tables []string) error
	close(ctx context.Context) error
}

func open(ctx context.Context, address string) (sink, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return openSQLite(ctx, strings.TrimPrefix(path, "//"))
	}
	return openPostgres(ctx, address)
}

// postgres sends rows by COPY.
type postgres struct{ conn *pgx.Conn }

// openPostgres leaves out the checks of foreign keys where it may, which cost more than the rows. The same
// rows are checked on SQLite.
func openPostgres(ctx context.Context, address string) (sink, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	p := postgres{conn}
	if err := p.exec(ctx, "SET synchronous_commit = off"); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	if superuser, err := p.number(ctx, "SELECT CASE WHEN current_setting('is_superuser') = 'on' THEN 1 ELSE 0 END"); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	} else if superuser == 1 {
		err = p.exec(ctx, "SET session_replication_role = replica")
		if err != nil {
			return nil, errors.Join(err, conn.Close(ctx))
		}
	}
	return p, nil
}

func (p postgres) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	_, err := p.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
	return err
}

func (p postgres) exec(ctx context.Context, query string, args ...any) error {
	_, err := p.conn.Exec(ctx, query, args...)
	return err
}

func (p postgres) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = p.conn.QueryRow(ctx, query, args...).Scan(&n)
	return n, err
}

// finish lets identities go on behind the ids that were given, and does the work of autovacuum.
func (p postgres) finish(ctx context.Context, tables []string) error {
	for _, t := range tables {
		var sequence *string
		if err := p.conn.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM information_schema.columns
			WHERE table_name = $1 AND column_name = 'id' AND is_identity = 'YES') THEN pg_get_serial_sequence($1, 'id') END`, t).Scan(&sequence); err != nil {
			return err
		}
		if sequence == nil {
			continue
		}
		if err := p.exec(ctx, `SELECT setval($1::regclass, (SELECT max(id) FROM `+pgx.Identifier{t}.Sanitize()+`))`, *sequence); err != nil {
			return err
		}
	}
	return p.exec(ctx, "VACUUM (ANALYZE)")
}

func (p postgres) close(ctx context.Context) error { return p.conn.Close(ctx) }

// sqlite sends rows by statements of many rows, in few transactions.
type sqlite struct {
	db    *sql.DB
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
	rows  int // in this transaction
}

const (
	rowsAtOnce     = 64
	rowsInOneWrite = 500_000
)

func openSQLite(ctx context.Context, path string) (sink, error) {
	// Nobody needs what is half filled: no syncs.
	q := url.Values{"_pragma": {"synchronous(OFF)", "journal_mode(WAL)", "foreign_keys(1)", "cache_size(-1000000)", "temp_store(MEMORY)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &sqlite{db: db}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *sqlite) begin(ctx context.Context) (err error) {
	s.tx, err = s.db.BeginTx(ctx, nil)
	s.stmts, s.rows = map[string]*sql.Stmt{}, 0
	return err
}

func (s *sqlite) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	for len(rows) > 0 {
		n := 1
		if len(rows) >= rowsAtOnce {
			n = rowsAtOnce
		}
		stmt, err := s.prepared(ctx, table, columns, n)
		if err != nil {
			return err
		}
		args := make([]any, 0, n*len(columns))
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
		rows = rows[n:]
		s.rows += n
	}
	if s.rows < rowsInOneWrite {
		return nil
	}
	if err := s.tx.Commit(); err != nil {
		return err
	}
	return s.begin(ctx)
}

func (s *sqlite) prepared(ctx context.Context, table string, columns []string, n int) (*sql.Stmt, error) {
	row := "(" + strings.Repeat("?, ", len(columns)-1) + "?)"
	query := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + strings.Repeat(row+", ", n-1) + row //nolint:gosec // names of our tables
	if stmt := s.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.tx.PrepareContext(ctx, query)
	if err == nil {
		s.stmts[query] = stmt
	}
	return stmt, err
}

func (s *sqlite) exec(ctx context.Context, query string, args ...any) error {
	_, err := s.tx.ExecContext(ctx, query, args...)
	return err
}

func (s *sqlite) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.tx.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

func (s *sqlite) finish(ctx context.Context, _ []string) error {
	if err := s.tx.Commit(); err != nil {
		return err
	}
	s.tx = nil
	_, err := s.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func (s *sqlite) close(context.Context) error {
	var err error
	if s.tx != nil {
		err = s.tx.Rollback()
	}
	return errors.Join(err, s.db.Close())
}
