package db

import (
	"context"
	"fmt"
)

// Rows calls yield with each row of the table: values in the order of its columns, each nil, an int64, a string or a []byte,
// the same on both databases, and good for that call only. where is a condition, "" for all. by is a column of text by whose bytes
// the rows are ordered, "" for no order.
func (tx Tx) Rows(ctx context.Context, t Table, where, by string, yield func(row []any) error) error {
	query := "SELECT " + t.columns() + " FROM " + quoted(t.Name)
	if where != "" {
		query += " WHERE " + where
	}
	if by != "" {
		query += " ORDER BY " + quoted(by)
		if tx.db.dialect == Postgres {
			query += ` COLLATE "C"`
		}
	}
	rows, err := tx.query(ctx, query, nil)
	if err != nil {
		return fmt.Errorf("read the table %s: %w", t.Name, classify(err))
	}
	defer rows.Close()
	row, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read the table %s: %w", t.Name, err)
		}
		for i, v := range row {
			switch v := v.(type) {
			case bool:
				row[i] = int64(0)
				if v {
					row[i] = int64(1)
				}
			case nil, int64, string, []byte:
			default:
				return fmt.Errorf("read the table %s: column %s has a value of the type %T", t.Name, t.Columns[i].Name, v)
			}
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the table %s: %w", t.Name, classify(err))
	}
	return nil
}

const (
	sqliteCounter    = `SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = $1`
	postgresSequence = `SELECT pg_get_serial_sequence($1, $2)`
)

// Counted returns the greatest value that the counter of the table has given, 0 for none. On PostgreSQL it may be one that was
// given since the snapshot was taken.
func (tx Tx) Counted(ctx context.Context, t Table) (last int64, err error) {
	if tx.db.dialect == SQLite {
		last, err = Get(ctx, tx, ScanInt, sqliteCounter, t.Name)
	} else {
		var sequence string
		if sequence, err = Get(ctx, tx, ScanString, postgresSequence, quoted(t.Name), t.Counter); err == nil {
			last, err = Get(ctx, tx, ScanInt, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "+sequence)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read the counter of the table %s: %w", t.Name, err)
	}
	return last, nil
}
