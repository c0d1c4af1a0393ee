package db

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// placeholder is $1 and the like.
var placeholder = regexp.MustCompile(`\$(\d+)`)

// Insert runs a statement "INSERT INTO table (columns) VALUES (…) … RETURNING id", and returns the id. The row gets the id that is given,
// or with 0 the table's next one. Where the statement lets a conflict pass, that is ErrNotFound.
func Insert(ctx context.Context, tx Tx, id int64, insert string, args ...any) (int64, error) {
	if id == 0 {
		return Get(ctx, tx, ScanInt, insert, args...)
	}
	return Get(ctx, tx, ScanInt, withID(insert), append(args, id)...)
}

// withID makes of such a statement the one that gives the row an id, which is its last argument, one more than the statement has.
func withID(insert string) string {
	most := 0
	for _, found := range placeholder.FindAllStringSubmatch(insert, -1) {
		n, _ := strconv.Atoi(found[1]) // digits
		most = max(most, n)
	}
	return strings.Replace(strings.Replace(insert, "(", "(id, ", 1), "VALUES (", fmt.Sprintf("VALUES ($%d, ", most+1), 1)
}

// KeepIDs has the ids of a table go on above those that are there, after rows were written with ids of their own. SQLite does so by
// itself. The table's name is the caller's constant.
func (tx Tx) KeepIDs(ctx context.Context, table string) error {
	if tx.db.dialect == SQLite {
		return nil
	}
	query := `SELECT setval(pg_get_serial_sequence('` + table + `', 'id'), GREATEST((SELECT COALESCE(MAX(id), 0) FROM ` + table + `),
		nextval(pg_get_serial_sequence('` + table + `', 'id'))))`
	if _, err := tx.Exec(ctx, query); err != nil {
		return fmt.Errorf("keep the ids of %s: %w", table, err)
	}
	return nil
}
