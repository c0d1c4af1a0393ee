package registry

import (
	"context"
	"iter"
	"slices"

	"github.com/havenregistry/haven/internal/db"
)

// setSize is how many values go into one IN list at most.
const setSize = 256

// sets cuts values into lists for IN. Their lengths are powers of two, filled up with the last value, so
// that there are few texts of a query to prepare.
func sets[T any](values []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for chunk := range slices.Chunk(values, setSize) {
			n := 1
			for n < len(chunk) {
				n *= 2
			}
			set := make([]T, n)
			for i := copy(set, chunk); i < n; i++ {
				set[i] = chunk[len(chunk)-1]
			}
			if !yield(set) {
				return
			}
		}
	}
}

// collectIn runs query for values in as many statements as it needs. The query has %s where the IN list
// goes, and args come before it.
func collectIn[T, V any](ctx context.Context, tx db.Tx, scan func(db.Row) (T, error), query inQuery, args []any, values []V) ([]T, error) {
	var all []T
	for set := range sets(values) {
		marks, in := db.In(len(args), set)
		rows, err := db.Collect(ctx, tx, scan, query.with(marks), slices.Concat(args, in)...)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// execIn is collectIn for statements without rows.
func execIn[V any](ctx context.Context, tx db.Tx, query inQuery, args []any, values []V) error {
	for set := range sets(values) {
		marks, in := db.In(len(args), set)
		if _, err := tx.Exec(ctx, query.with(marks), slices.Concat(args, in)...); err != nil {
			return err
		}
	}
	return nil
}

// inQuery is the text before and after an IN list: before + "(…)" + after.
type inQuery struct{ before, after string }

func (q inQuery) with(marks string) string { return q.before + "(" + marks + ")" + q.after }

// distinct returns the values in order, each once.
func distinct(values []int64) []int64 {
	slices.Sort(values)
	return slices.Compact(values)
}
