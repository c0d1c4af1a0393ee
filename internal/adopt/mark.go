package adopt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/repair"
)

var (
	// ErrNotEmpty: an adoption adds nothing to a database that has more than a first start makes.
	ErrNotEmpty = errors.New("this Haven is not empty, and an adoption fills an empty one: name another database (database_url), or another data_dir")
	// ErrUnfinished: the database is incomplete.
	ErrUnfinished = errors.New("another registry is being taken over into this database, which isn't finished: run haven adopt again, to its end")
	// ErrOther: an adoption of something else was broken off.
	ErrOther = errors.New("an adoption of another registry was begun in this database and broken off: end that one, or name a new database")
)

const (
	underWay = `SELECT source, settled FROM adoption`
	begin    = `INSERT INTO adoption (id, source, started_at) VALUES (1, $1, $2)`
	settle   = `UPDATE adoption SET settled = TRUE`
	finish   = `DELETE FROM adoption`
)

// ErrHarbors: Haven and Harbor can't share a database.
var ErrHarbors = errors.New("database_url: this is a Harbor's database, which an adoption never writes: name an empty one")

// CheckTarget returns ErrHarbors for a database that is a Harbor's, before a schema is made in it. made tells whether it has one of Haven's.
func CheckTarget(ctx context.Context, d *db.DB) (made bool, err error) {
	harbors, err := d.Auto().HasTable(ctx, "harbor_user")
	if err == nil && harbors {
		err = ErrHarbors
	}
	if err != nil {
		return false, err
	}
	return d.Auto().HasTable(ctx, "adoption")
}

// mark is a row of adoption.
type mark struct {
	source  string
	settled bool
}

func scanMark(r db.Row) (m mark, err error) {
	err = r.Scan(&m.source, &m.settled)
	return m, err
}

// CheckServable returns ErrUnfinished for a database that an adoption hasn't finished.
func CheckServable(ctx context.Context, d *db.DB) error {
	marks, err := db.Collect(ctx, d.Auto(), scanMark, underWay)
	if err == nil && len(marks) > 0 {
		return ErrUnfinished
	}
	return err
}

// CheckEmpty returns ErrNotEmpty or ErrOther for a database that Begin would refuse.
func CheckEmpty(ctx context.Context, tx db.Tx, source string) error {
	_, err := present(ctx, tx, source)
	return err
}

// present returns the mark of this source, if there is one, and refuses what isn't empty.
func present(ctx context.Context, tx db.Tx, source string) (marks []mark, err error) {
	marks, err = db.Collect(ctx, tx, scanMark, underWay)
	if err != nil {
		return nil, err
	}
	if len(marks) > 0 && marks[0].source != source {
		return nil, ErrOther
	}
	if len(marks) > 0 {
		return marks, nil
	}
	if err := repair.CheckServable(ctx, tx); err != nil {
		return nil, err
	}
	empty, err := repair.Empty(ctx, tx)
	if err == nil && !empty {
		err = ErrNotEmpty
	}
	return nil, err
}

// Begin marks an empty database. source names what is taken over. One that was marked before for the same source is gone on with; settled
// tells whether all but its images is there.
func Begin(ctx context.Context, d *db.DB, source string, now time.Time) (settled bool, err error) {
	err = d.Write(ctx, func(tx db.Tx) error {
		marks, err := present(ctx, tx, source)
		if err != nil {
			return err
		}
		if len(marks) > 0 {
			settled = marks[0].settled
			return nil
		}
		_, err = tx.Exec(ctx, begin, source, db.Micros(now))
		return err
	})
	return settled, err
}

// Settle runs f, which writes all but the images, and notes that in the same transaction.
func Settle(ctx context.Context, d *db.DB, f func(tx db.Tx) error) error {
	return d.Write(ctx, func(tx db.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, settle)
		return err
	})
}

// Finish takes the mark away, and writes the one event of an adoption.
func Finish(ctx context.Context, d *db.DB, now time.Time, description string) error {
	err := d.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, finish); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{Kind: event.AdoptRegistry, At: now, By: "admin", Resource: "registry", Description: description, Success: true})
	})
	if err != nil {
		return fmt.Errorf("end the adoption: %w", err)
	}
	return nil
}
