package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrFilling: the database isn't whole yet.
var ErrFilling = errors.New("haven restore or haven move has not filled this database to the end: run it again with the same words, or take another, empty database")

// FillingTable is the name of a table that is there while somebody fills the database from elsewhere. As long as it is, Schema
// and Migrate are ErrFilling. No migration makes it: it is there before the first one, and stays when all tables are made anew.
const FillingTable = "filling"

const (
	sqliteHasTable   = `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`
	postgresHasTable = `SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relname = $1)`
)

// HasTable reports whether there is a table of this name.
func (tx Tx) HasTable(ctx context.Context, name string) (bool, error) {
	query := postgresHasTable
	if tx.db.dialect == SQLite {
		query = sqliteHasTable
	}
	return Get(ctx, tx, ScanBool, query, name)
}

// gooseTable is where goose notes which migrations there were.
const gooseTable = "goose_db_version"

// Remake drops all tables of the migrations with their rows, and makes those of an older schema, or of this program's: 0 and more
// up to Schema.Target.
func (d *DB) Remake(ctx context.Context, schema int64) error {
	err := d.Write(ctx, func(tx Tx) error {
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		slices.Reverse(tables)
		for _, t := range append(tables, Table{Name: gooseTable}) {
			if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+quoted(t.Name)); err != nil {
				return fmt.Errorf("drop the table %s: %w", t.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("empty the database: %w", err)
	}
	return d.migrateTo(ctx, schema)
}

// Upgrade is Migrate for who fills the database.
func (d *DB) Upgrade(ctx context.Context) error { return d.migrateTo(ctx, Newest()) }

const (
	// loadRows is how many rows one statement writes. More parameters take SQLite longer to read than they spare.
	loadRows = 32
	// loadMost is how many bytes of values wait for a transaction, at least, and loadMostRows how many rows.
	loadMost     = 4 << 20
	loadMostRows = 4096
)

// Loader puts rows into a table, many in a transaction. It is not for concurrent use.
type Loader struct {
	db      *DB
	table   Table
	several string // the statement for loadRows rows
	one     string
	rows    [][]any
	bytes   int
	count   int64
	mended  int64
}

// Load empties the table, into which the migrations may have put something, and returns what fills it. The order of tables is that
// of Tables.
func (d *DB) Load(ctx context.Context, t Table) (*Loader, error) {
	err := d.WriteRelaxed(ctx, func(tx Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM "+quoted(t.Name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("empty the table %s: %w", t.Name, err)
	}
	into := "INSERT INTO " + quoted(t.Name) + " (" + t.columns() + ") VALUES "
	return &Loader{db: d, table: t, one: into + Places(1, len(t.Columns)), several: into + Places(loadRows, len(t.Columns))}, nil
}

// Places is "($1, $2), ($3, $4), …", for a statement that inserts so many rows.
func Places(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String() + ")"
}

// Add takes a row as Rows gives it. Its values may be kept until Close.
func (l *Loader) Add(ctx context.Context, row []any) error {
	if len(row) != len(l.table.Columns) {
		return fmt.Errorf("fill the table %s: a row of %d values, expected %d", l.table.Name, len(row), len(l.table.Columns))
	}
	converted := make([]any, len(row))
	for i, v := range row {
		converted[i] = l.convert(l.table.Columns[i].Kind, v)
		switch v := v.(type) {
		case string:
			l.bytes += len(v)
		case []byte:
			l.bytes += len(v)
		}
	}
	l.rows = append(l.rows, converted)
	if len(l.rows) >= loadMostRows || l.bytes >= loadMost {
		return l.flush(ctx)
	}
	return nil
}

// convert makes a value one of this database.
func (l *Loader) convert(k ValueKind, v any) any {
	switch v := v.(type) {
	case int64:
		if k == BoolValue {
			return v != 0
		}
	case []byte:
		if v == nil {
			return []byte{} // else a driver takes it for NULL
		}
	case string:
		if l.db.dialect == Postgres {
			// Its text is UTF-8 without NUL. SQLite's is what some client once sent.
			whole := strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", "\uFFFD")
			if whole != v {
				l.mended++
			}
			return whole
		}
	}
	return v
}

// flush writes what waits.
func (l *Loader) flush(ctx context.Context) error {
	err := l.db.WriteRelaxed(ctx, func(tx Tx) error {
		rows := l.rows
		for ; len(rows) >= loadRows; rows = rows[loadRows:] {
			if _, err := tx.Exec(ctx, l.several, slices.Concat(rows[:loadRows]...)...); err != nil {
				return err
			}
		}
		for _, row := range rows {
			if _, err := tx.Exec(ctx, l.one, row...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("fill the table %s: %w", l.table.Name, err)
	}
	l.count += int64(len(l.rows))
	clear(l.rows)
	l.rows, l.bytes = l.rows[:0], 0
	return nil
}

const (
	sqliteForgetCounter = `DELETE FROM sqlite_sequence WHERE name = $1`
	sqliteSetCounter    = `INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)`
	postgresSetCounter  = `SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS regclass), $3, $4)`
)

// Close writes the last rows, and sets the table's counter to last, so that no value up to it comes again. It returns how many rows
// there are now, and in how many values something was replaced that PostgreSQL doesn't take.
func (l *Loader) Close(ctx context.Context, last int64) (rows, mended int64, err error) {
	if err := l.flush(ctx); err != nil {
		return 0, 0, err
	}
	if l.table.Counter != "" {
		if err := l.db.WriteRelaxed(ctx, func(tx Tx) error { return tx.setCounter(ctx, l.table, last) }); err != nil {
			return 0, 0, fmt.Errorf("set the counter of the table %s: %w", l.table.Name, err)
		}
	}
	return l.count, l.mended, nil
}

func (tx Tx) setCounter(ctx context.Context, t Table, last int64) error {
	if tx.db.dialect == Postgres {
		_, err := Get(ctx, tx, ScanInt, postgresSetCounter, quoted(t.Name), t.Counter, max(last, 1), last > 0)
		return err
	}
	if _, err := tx.Exec(ctx, sqliteForgetCounter, t.Name); err != nil || last == 0 {
		return err
	}
	_, err := tx.Exec(ctx, sqliteSetCounter, t.Name, last)
	return err
}
