package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What callers may tell apart. On PostgreSQL a failed statement ends its transaction, so a caller
// that expects a conflict writes ON CONFLICT DO NOTHING and looks at the number of rows instead.
var (
	ErrNotFound   = errors.New("not found")
	ErrUnique     = errors.New("already exists")
	ErrReferenced = errors.New("referenced by or referring to a row that forbids it")
	ErrFull       = errors.New("the database's disk is full")
	// ErrReadOnly: the database answers and takes no writes: it is a standby, or was set so.
	ErrReadOnly = errors.New("the database takes no writes")
	errRetry    = errors.New("transaction conflict")
	errLost     = errors.New("connection lost")
)

// classify adds the sentinel that fits a driver's error.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if isLost(err) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classifyPostgres(pg, err)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return classifySQLite(lite, err)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return unreachable(withoutPassword(err.Error()))
	}
	return err
}

// isLost reports whether the connection of a pool was found dead: PostgreSQL was restarted, or something on the
// way there. That PostgreSQL can't be reached is another matter: nothing is gained by trying at once.
func isLost(err error) bool {
	var connect *pgconn.ConnectError
	if err == nil || errors.As(err, &connect) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57P01" || pg.Code == "57P02" // it is being stopped, or has crashed
	}
	for _, lost := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}

// SQLSTATE codes, PostgreSQL manual, appendix A.
func classifyPostgres(pg *pgconn.PgError, err error) error {
	switch pg.Code {
	case "23505":
		return fmt.Errorf("%w: %w", ErrUnique, err)
	case "23503":
		return fmt.Errorf("%w: %w", ErrReferenced, err)
	case "40001", "40P01":
		return fmt.Errorf("%w: %w", errRetry, err)
	case "53100":
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func classifySQLite(lite *sqlite.Error, err error) error {
	switch code := lite.Code(); {
	case code == sqlite3.SQLITE_CONSTRAINT_UNIQUE, code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", ErrUnique, err)
	case code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", ErrReferenced, err)
	case code&0xff == sqlite3.SQLITE_BUSY, code&0xff == sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", errRetry, err)
	case code&0xff == sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

var urlWithUser = regexp.MustCompile(`postgres(?:ql)?://[^\s"'` + "`" + `]+`)

// withoutPassword redacts connection URLs in a message.
func withoutPassword(msg string) string {
	return urlWithUser.ReplaceAllStringFunc(msg, func(s string) string {
		u, err := url.Parse(s)
		if err != nil {
			return "postgres://[redacted]"
		}
		return u.Redacted()
	})
}
