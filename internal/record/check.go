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
	have, err := k.records.ReadRecord(ctx, name)
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

// Each calls yield with the name of every record that the store has, in no order. Others' files are passed over.
func (k *Keeper) Each(ctx context.Context, yield func(n Name) error) error {
	return k.records.EachRecord(ctx, func(name string) error {
		n, err := ParseName(name)
		if err != nil {
			return nil
		}
		return yield(n)
	})
}

// Read returns what a record says, or blob.ErrNotFound.
func (k *Keeper) Read(ctx context.Context, n Name) ([]byte, error) {
	return k.records.ReadRecord(ctx, n.String())
}

// Expected reports whether the database has what the record is about.
func (k *Keeper) Expected(ctx context.Context, n Name) (bool, error) {
	want, err := content(ctx, k.db.Auto(), n)
	return want != nil, err
}
