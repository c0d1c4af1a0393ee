package scan

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/db"
)

// setSize is how many values go into one IN list at most.
const setSize = 256

// inQuery is the text before and after an IN list: before + "(…)" + after.
type inQuery struct{ before, after string }

func (q inQuery) with(marks string) string { return q.before + "(" + marks + ")" + q.after }

// filled brings a chunk to the next power of two by its last value, so that there are few texts to prepare.
func filled[V any](chunk []V) []V {
	n := 1
	for n < len(chunk) {
		n *= 2
	}
	set := make([]V, n)
	for i := copy(set, chunk); i < n; i++ {
		set[i] = chunk[len(chunk)-1]
	}
	return set
}

// collectIn runs query for values in as many statements as it needs; args come before the list.
func collectIn[T, V any](ctx context.Context, tx db.Tx, scan func(db.Row) (T, error), query inQuery, args []any, values []V) ([]T, error) {
	var all []T
	for chunk := range slices.Chunk(values, setSize) {
		marks, in := db.In(len(args), filled(chunk))
		rows, err := db.Collect(ctx, tx, scan, query.with(marks), slices.Concat(args, in)...)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// execIn is collectIn for statements without rows. It returns how many rows they changed.
func execIn[V any](ctx context.Context, tx db.Tx, query inQuery, args []any, values []V) (n int64, err error) {
	for chunk := range slices.Chunk(values, setSize) {
		marks, in := db.In(len(args), filled(chunk))
		changed, err := tx.Exec(ctx, query.with(marks), slices.Concat(args, in)...)
		if err != nil {
			return n, err
		}
		n += changed
	}
	return n, nil
}

// rowsAtOnce is how many rows one statement inserts; what is left goes one by one, so that two texts stay prepared.
const rowsAtOnce = 16

// insertRows inserts rows of equally many values. insert ends in "VALUES ", after begins behind the last row.
func insertRows(ctx context.Context, tx db.Tx, insert, after string, rows [][]any) error {
	for chunk := range slices.Chunk(rows, rowsAtOnce) {
		if len(chunk) == rowsAtOnce {
			if _, err := tx.Exec(ctx, insert+rowMarks(rowsAtOnce, len(chunk[0]))+after, slices.Concat(chunk...)...); err != nil {
				return err
			}
			continue
		}
		for _, row := range chunk {
			if _, err := tx.Exec(ctx, insert+rowMarks(1, len(row))+after, row...); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowMarks is placeholders for rows: "($1, $2), ($3, $4)".
func rowMarks(rows, columns int) string {
	var b strings.Builder
	for i := range rows {
		for j := range columns {
			switch {
			case j > 0:
				b.WriteString(", ")
			case i > 0:
				b.WriteString("), (")
			default:
				b.WriteString("(")
			}
			b.WriteString("$" + strconv.Itoa(i*columns+j+1))
		}
	}
	b.WriteString(")")
	return b.String()
}
