package harbor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Source is a Harbor's database, as it was when it was opened.
type Source struct {
	conn *pgx.Conn
	tx   pgx.Tx
	// Name is the database, without credentials.
	Name string
}

// leastSchema is the schema of Harbor 2.0.0.
const leastSchema = 30

// Open connects to a Harbor's PostgreSQL and begins the snapshot. Errors show no credentials.
func Open(ctx context.Context, databaseURL string) (*Source, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil || !strings.HasPrefix(databaseURL, "postgres://") && !strings.HasPrefix(databaseURL, "postgresql://") {
		return nil, errors.New("database: expected postgres://USER:PASSWORD@HOST/NAME, Harbor's database")
	}
	s := &Source{Name: fmt.Sprintf("%s:%d/%s", config.Host, config.Port, config.Database)}
	if s.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("database: Harbor's PostgreSQL at %s can't be reached, or refuses the user; is its port published?", s.Name)
	}
	if s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		return nil, errors.Join(fmt.Errorf("database: begin a snapshot: %w", err), s.Close())
	}
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// check refuses what is no Harbor 2.
func (s *Source) check(ctx context.Context) error {
	var there bool
	if err := s.tx.QueryRow(ctx, `SELECT to_regclass('artifact') IS NOT NULL AND to_regclass('harbor_user') IS NOT NULL AND to_regclass('schema_migrations') IS NOT NULL`).Scan(&there); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if !there {
		return fmt.Errorf("database: %s is no database of Harbor 2 (it is usually named registry)", s.Name)
	}
	var version int64
	var dirty bool
	if err := s.tx.QueryRow(ctx, `SELECT version, dirty FROM schema_migrations`).Scan(&version, &dirty); err != nil {
		return fmt.Errorf("database: read the version of Harbor's schema: %w", err)
	}
	if version < leastSchema || dirty {
		return fmt.Errorf("database: Harbor's schema is at version %d (dirty: %t): bring Harbor to a version 2 first, and start it once", version, dirty)
	}
	return nil
}

// Close ends the snapshot. Nothing was written.
func (s *Source) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.tx != nil {
		_ = s.tx.Rollback(ctx) // there is nothing to undo
	}
	return s.conn.Close(ctx)
}

// rows reads what a query says, each row from JSON.
func rows[T any](ctx context.Context, s *Source, query string, args ...any) ([]T, error) {
	found, err := s.tx.Query(ctx, `SELECT row_to_json(t) FROM (`+query+`) t`, args...)
	if err != nil {
		return nil, fmt.Errorf("read Harbor's database: %w", err)
	}
	all, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (v T, err error) {
		var text []byte
		if err := r.Scan(&text); err != nil {
			return v, err
		}
		return v, json.Unmarshal(text, &v)
	})
	if err != nil {
		return nil, fmt.Errorf("read Harbor's database: %w", err)
	}
	return all, nil
}

// table reads a whole table that is small, in the order of a column; none where this version of Harbor has no such table.
func table[T any](ctx context.Context, s *Source, name, order string) ([]T, error) {
	var there bool
	if err := s.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil {
		return nil, fmt.Errorf("read Harbor's database: %w", err)
	}
	if !there {
		return nil, nil
	}
	return rows[T](ctx, s, `SELECT * FROM `+name+` ORDER BY `+order)
}

// count is the number of a table's rows, 0 where there is no such table.
func (s *Source) count(ctx context.Context, name, where string) (n int64, err error) {
	var there bool
	if err = s.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err == nil && there {
		err = s.tx.QueryRow(ctx, `SELECT COUNT(*) FROM `+name+` WHERE `+where).Scan(&n)
	}
	if err != nil {
		return 0, fmt.Errorf("read Harbor's database: %w", err)
	}
	return n, nil
}

// stamp is a time of Harbor's, in UTC; NULL is zero.
type stamp time.Time

// UnmarshalJSON reads it.
func (s *stamp) UnmarshalJSON(text []byte) error {
	var written string
	if err := json.Unmarshal(text, &written); err != nil || written == "" {
		return err
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999", time.RFC3339Nano} {
		if t, err := time.Parse(layout, written); err == nil {
			if t.Year() > 1970 { // Harbor has zero times of its own
				*s = stamp(t.UTC())
			}
			return nil
		}
	}
	return fmt.Errorf("%q is no time", written)
}

func (s stamp) time() time.Time { return time.Time(s) }

// or is the time, or else another one.
func (s stamp) or(other time.Time) time.Time {
	if t := s.time(); !t.IsZero() {
		return t
	}
	return other
}
