package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
)

const (
	enrolSize = 500

	enrolments       = `SELECT kind, after_id FROM record_pass ORDER BY kind DESC`
	enrolledUpTo     = `SELECT after_id FROM record_pass WHERE kind = $1`
	advanceEnrolment = `UPDATE record_pass SET after_id = $2 WHERE kind = $1`
	endEnrolment     = `DELETE FROM record_pass WHERE kind = $1`
)

// pass is how the rows of a table are enrolled.
type pass struct{ upTo, names string }

var passOf = map[Kind]pass{
	Project: {
		`SELECT COALESCE(MAX(id), 0), COUNT(*) FROM (SELECT id FROM project WHERE id > $1 ORDER BY id LIMIT $2) AS page`,
		`SELECT 'projects/' || name FROM project WHERE id > $1 AND id <= $2 AND deleted_at = 0`,
	},
	Manifest: {
		`SELECT COALESCE(MAX(id), 0), COUNT(*) FROM (SELECT id FROM manifest WHERE id > $1 ORDER BY id LIMIT $2) AS page`,
		manifestNames + `m.id > $1 AND m.id <= $2`,
	},
}

// page is some rows of a pass.
type page struct{ last, rows int64 }

func scanPage(r db.Row) (p page, err error) {
	err = r.Scan(&p.last, &p.rows)
	return p, err
}

// progress is a row of record_pass.
type progress struct {
	kind  Kind
	after int64
}

func scanProgress(r db.Row) (p progress, err error) {
	err = r.Scan(&p.kind, &p.after)
	return p, err
}

// Names calls yield with a page of the names that a kind's records should have, by the ids of what they are
// about, and returns the last of these ids, 0 when there was none above after.
func (k *Keeper) Names(ctx context.Context, kind Kind, after int64, yield func(name string) error) (last int64, err error) {
	p := passOf[kind]
	page, err := db.Get(ctx, k.db.Auto(), scanPage, p.upTo, after, enrolSize)
	if err != nil || page.rows == 0 {
		return 0, err
	}
	names, err := db.Collect(ctx, k.db.Auto(), db.ScanString, p.names, after, page.last)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := yield(name); err != nil {
			return 0, err
		}
	}
	return page.last, nil
}

// enrol enqueues some of what has no record from before there were any; over reports that there is no more.
func (k *Keeper) enrol(ctx context.Context) (over bool, err error) {
	left, err := db.Collect(ctx, k.db.Auto(), scanProgress, enrolments)
	if err != nil {
		return false, fmt.Errorf("enrol records: %w", err)
	}
	if len(left) == 0 {
		return true, nil
	}
	err = k.db.WriteRelaxed(ctx, func(tx db.Tx) error { return enrolPage(ctx, tx, left[0].kind) })
	if err != nil {
		return false, fmt.Errorf("enrol records: %w", err)
	}
	k.Wake()
	return false, nil
}

// enrolPage enqueues a page. One that isn't full is the last: what comes after this transaction is enqueued by
// its events, and would be written twice if the pass went on for as long as somebody pushes.
func enrolPage(ctx context.Context, tx db.Tx, kind Kind) error {
	after, err := db.Get(ctx, tx, db.ScanInt, enrolledUpTo, kind)
	if errors.Is(err, db.ErrNotFound) { // another replica ended it
		return nil
	}
	if err != nil {
		return err
	}
	p := passOf[kind]
	page, err := db.Get(ctx, tx, scanPage, p.upTo, after, enrolSize)
	if err != nil {
		return err
	}
	if page.rows > 0 {
		if _, err := tx.Exec(ctx, "INSERT INTO record_task (name) "+p.names+again, after, page.last); err != nil {
			return err
		}
	}
	if page.rows < enrolSize {
		_, err = tx.Exec(ctx, endEnrolment, kind)
	} else {
		_, err = tx.Exec(ctx, advanceEnrolment, kind, page.last)
	}
	return err
}
