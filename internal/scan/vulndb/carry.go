package vulndb

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

// Carried is an edition with the records in the store that hold its bytes, for who takes the whole registry elsewhere.
type Carried struct {
	Location string
	Records  []string // their names
}

const readyEditions = `SELECT ` + columns + ` FROM vulndb_edition WHERE ready ORDER BY imported_at DESC, id DESC LIMIT 1`

// Carry returns what has to be taken along of the edition in force; nothing where there is none.
func Carry(ctx context.Context, tx db.Tx) (editions []Carried, err error) {
	rows, err := db.Collect(ctx, tx, scanRow, readyEditions)
	if err != nil {
		return nil, fmt.Errorf("look for the vulnerability database: %w", err)
	}
	for _, e := range rows {
		c := Carried{Location: e.location}
		for n := range e.chunks {
			c.Records = append(c.Records, record(e.location, n))
		}
		editions = append(editions, c)
	}
	return editions, nil
}

const (
	someEditions = `SELECT location FROM vulndb_edition`
	forgetAt     = `DELETE FROM vulndb_edition WHERE location = $1`
)

// Arrived forgets the editions whose bytes were not taken along: they are no longer in any store.
func Arrived(ctx context.Context, tx db.Tx, carried map[string]bool) error {
	all, err := db.Collect(ctx, tx, db.ScanString, someEditions)
	if err != nil {
		return fmt.Errorf("look for the vulnerability database: %w", err)
	}
	for _, location := range all {
		if carried[location] {
			continue
		}
		if _, err := tx.Exec(ctx, forgetAt, location); err != nil {
			return fmt.Errorf("forget a vulnerability database: %w", err)
		}
	}
	return nil
}
