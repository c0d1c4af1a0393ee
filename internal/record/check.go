package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// Differs reports whether a record says something else than the database, is missing, or is there without a
// reason. A name that isn't a record's is ErrName.
func (k *Keeper) Differs(ctx context.Context, name string) (bool, error) {
	n, err := ParseName(name)
	if err != nil {
		return false, err
	}
	want, err := content(ctx, k.db.Auto(), n)
	if err != nil {
		return false, err
	}
	have, err := k.read(ctx, name)
	if errors.Is(err, blob.ErrNotFound) {
		return want != nil, nil
	}
	if err != nil {
		return false, fmt.Errorf("read record: %w", err)
	}
	return want == nil || !bytes.Equal(have, want), nil
}

const (
	known = `SELECT CASE WHEN EXISTS (SELECT 1 FROM record_task WHERE name = $1) THEN 1 ELSE 0 END`
	count = `SELECT (SELECT COUNT(*) FROM project WHERE deleted_at = 0) + (SELECT COUNT(*) FROM manifest)
		- (SELECT COUNT(*) FROM manifest WHERE project_id = 0)`
)

// Pending reports whether somebody will look at the record anyway.
func (k *Keeper) Pending(ctx context.Context, name string) (bool, error) {
	n, err := db.Get(ctx, k.db.Auto(), db.ScanInt, known, name)
	return n > 0, err
}

const (
	newestEvent = `SELECT COALESCE(MAX(id), 0) FROM event WHERE retry_at = 0`
	olderEvent  = `SELECT EXISTS (SELECT 1 FROM event WHERE id <= $1 AND retry_at = 0)`
	lookAgain   = 20 * time.Millisecond
)

// HandedOut waits until what happened before is handed out, but for what failed: some tasks come into being only then. It reports false
// when that takes longer than patience, as it does where no server runs.
func (k *Keeper) HandedOut(ctx context.Context, patience time.Duration) (bool, error) {
	newest, err := db.Get(ctx, k.db.Auto(), db.ScanInt, newestEvent)
	if err != nil || newest == 0 {
		return err == nil, err
	}
	deadline := time.Now().Add(patience)
	for {
		waits, err := db.Get(ctx, k.db.Auto(), db.ScanBool, olderEvent, newest)
		if err != nil || !waits {
			return err == nil, err
		}
		if time.Now().After(deadline) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

// Enrolling reports whether what was there before there were records still waits for its turn.
func (k *Keeper) Enrolling(ctx context.Context) (bool, error) {
	left, err := db.Collect(ctx, k.db.Auto(), scanProgress, enrolments)
	return len(left) > 0, err
}

// Count returns how many records there should be.
func (k *Keeper) Count(ctx context.Context) (int64, error) {
	return db.Get(ctx, k.db.Auto(), db.ScanInt, count)
}

// Look has the records of these names looked at by whichever replica runs.
func (k *Keeper) Look(ctx context.Context, names ...string) error {
	parsed := make([]Name, len(names))
	for i, name := range names {
		var err error
		if parsed[i], err = ParseName(name); err != nil {
			return err
		}
	}
	return k.db.WriteRelaxed(ctx, func(tx db.Tx) error { return Enqueue(ctx, tx, parsed...) })
}

// Each calls yield with the name of every record that there is: of those that are packed, those that the database names.
// Others' files are passed over.
func (k *Keeper) Each(ctx context.Context, yield func(n Name) error) error {
	packed := false
	for after := ""; k.packer != nil; packed = true {
		names, err := db.Collect(ctx, k.db.Auto(), db.ScanString, placed, after, batchSize)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			break
		}
		for _, name := range names {
			n, err := ParseName(name)
			if err == nil {
				err = yield(n)
			}
			if err != nil {
				return err
			}
		}
		after = names[len(names)-1]
	}
	return k.eachFile(ctx, func(n Name) error {
		if packed {
			_, err := db.Get(ctx, k.db.Auto(), db.ScanString, placeOf, n.String())
			if err == nil { // that was told
				return nil
			}
			if !errors.Is(err, db.ErrNotFound) {
				return err
			}
		}
		return yield(n)
	})
}

// eachFile calls yield with the name of every record that has a file or an object of its own.
func (k *Keeper) eachFile(ctx context.Context, yield func(n Name) error) error {
	return k.records.EachRecord(ctx, func(name string) error {
		n, err := ParseName(name)
		if err != nil { // somebody else's
			return nil
		}
		return yield(n)
	})
}

// EachUnnamed calls yield with every packed record that the database doesn't name. A server that runs may just have packed it:
// then the record is pending, or isn't unnamed any more (Unnamed).
func (k *Keeper) EachUnnamed(ctx context.Context, yield func(n Name, location string) error) error {
	if k.packer == nil {
		return nil
	}
	return inPages(ctx, k.packer.EachPackedRecord, func(page []place) error {
		found, err := k.unplaced(ctx, page)
		if err != nil {
			return err
		}
		for _, p := range found {
			n, err := ParseName(p.name)
			if err == nil {
				err = yield(n, p.location)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Unnamed reports whether a packed record is there and the database neither names nor discards it.
func (k *Keeper) Unnamed(ctx context.Context, n Name, location string) (bool, error) {
	found, err := k.unplaced(ctx, []place{{n.String(), location}})
	if err != nil || len(found) == 0 {
		return false, err
	}
	if gone, err := db.Get(ctx, k.db.Auto(), db.ScanBool, isDiscarded, location); err != nil || gone {
		return false, err
	}
	_, err = k.packer.ReadPackedRecord(ctx, location)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Discard has packed records deleted by whichever replica runs.
func (k *Keeper) Discard(ctx context.Context, locations ...string) error {
	return k.db.WriteRelaxed(ctx, func(tx db.Tx) error { return throwAway(ctx, tx, locations) })
}

// Read returns what a record says, or blob.ErrNotFound.
func (k *Keeper) Read(ctx context.Context, n Name) ([]byte, error) {
	return k.read(ctx, n.String())
}

// Expected reports whether the database has what the record is about.
func (k *Keeper) Expected(ctx context.Context, n Name) (bool, error) {
	want, err := content(ctx, k.db.Auto(), n)
	return want != nil, err
}
