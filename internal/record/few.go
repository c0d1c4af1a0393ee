package record

import (
	"context"

	"github.com/havenregistry/haven/internal/db"
)

// few calls do with all of the values bit by bit. There are few lengths, so that there are few statements to prepare.
func few[T any](values []T, do func(some []T) error) error {
	for _, size := range []int{32, 8, 1} {
		for ; len(values) >= size; values = values[size:] {
			if err := do(values[:size]); err != nil {
				return err
			}
		}
	}
	return nil
}

// execFew runs a statement that ends with a set of values, in as many steps as few makes.
func execFew(ctx context.Context, tx db.Tx, query string, values []string, end string) error {
	return few(values, func(some []string) error {
		in, args := db.In(0, some)
		_, err := tx.Exec(ctx, query+"("+in+")"+end, args...)
		return err
	})
}

// insertFew is execFew for a statement that inserts each value as a row.
func insertFew(ctx context.Context, tx db.Tx, query string, values []string, end string) error {
	return few(values, func(some []string) error {
		_, args := db.In(0, some)
		_, err := tx.Exec(ctx, query+db.Places(len(some), 1)+end, args...)
		return err
	})
}
