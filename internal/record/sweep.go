package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// A record is packed before the database says where it lies. When the process is killed between the two, or the database
// fails, one is left that no row names: its task is there still, and packs another one. A process looks for what it left
// itself before the next batch, and for what a former one left once.

// resolveTime bounds the look for what was left when the process ends.
const resolveTime = 3 * time.Second

// doubt notes packed records of which it isn't known whether the database says where they are.
func (k *Keeper) doubt(all ...place) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.doubted = append(k.doubted, all...)
}

// resolve deletes those doubted records that the database doesn't name.
func (k *Keeper) resolve(ctx context.Context) error {
	k.mu.Lock()
	doubted := k.doubted
	k.doubted = nil
	k.mu.Unlock()
	if len(doubted) == 0 {
		return nil
	}
	unplaced, err := k.unplaced(ctx, doubted)
	if err == nil {
		err = k.packer.DeletePackedRecords(ctx, locationsOf(unplaced)...)
	}
	if err != nil {
		k.doubt(doubted...)
		return fmt.Errorf("delete records that were packed for nothing: %w", err)
	}
	return nil
}

// unplaced returns those of the packed records that no row names.
func (k *Keeper) unplaced(ctx context.Context, all []place) (found []place, err error) {
	at, err := findPlaces(ctx, k.db.Auto(), namesOf(all))
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if at[p.name] != p.location {
			found = append(found, p)
		}
	}
	return found, nil
}

func namesOf(all []place) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	return names
}

func locationsOf(all []place) []string {
	locations := make([]string, len(all))
	for i, p := range all {
		locations[i] = p.location
	}
	return locations
}

const freeAbandoned = `UPDATE record_task SET worker = '', due_at = 0 WHERE worker <> ''`

// Sweep is for the start of the process that is alone with its database. It deletes what former processes packed and the
// database doesn't name, when it is to be packed anew or has been. What the database knows nothing of stays, for a rebuild: it
// may be an old copy, or a new one. Tasks that were under way are free again.
func (k *Keeper) Sweep(ctx context.Context) error {
	if !k.packing() {
		return nil
	}
	err := k.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, freeAbandoned)
		return err
	})
	if err == nil {
		err = k.giveBack(ctx)
	}
	if err != nil {
		return err
	}
	var overtaken []string
	unknown := 0
	sift := func(page []place) error {
		unplaced, err := k.unplaced(ctx, page)
		if err != nil {
			return err
		}
		for _, p := range unplaced {
			over, err := k.overtaken(ctx, p)
			if err != nil {
				return err
			}
			if over {
				overtaken = append(overtaken, p.location)
			} else {
				unknown++
			}
		}
		return nil
	}
	if err := inPages(ctx, k.packer.UnendedRecords, sift); err != nil {
		return fmt.Errorf("look for records that were packed for nothing: %w", err)
	}
	if err := k.packer.DeletePackedRecords(ctx, overtaken...); err != nil {
		return fmt.Errorf("delete records that were packed for nothing: %w", err)
	}
	if unknown > 0 {
		k.log.WarnContext(ctx, "the store holds records that this database doesn't know, as when it is a new one or an old copy; "+
			"haven rebuild makes a database of them, haven scrub --prune-records removes them", "records", unknown)
		return nil
	}
	return k.packer.EndRecords(ctx)
}

// inPages calls do with the packed records that each lists, some at a time. Others' names are passed over.
func inPages(ctx context.Context, each func(context.Context, func(string, blob.PackedRecord) error) error, do func([]place) error) error {
	var page []place
	err := each(ctx, func(location string, r blob.PackedRecord) (err error) {
		if _, err := ParseName(r.Name); err != nil {
			return nil
		}
		if page = append(page, place{r.Name, location}); len(page) == batchSize {
			err = do(page)
			page = page[:0]
		}
		return err
	})
	if err != nil {
		return err
	}
	return do(page)
}

// overtaken reports whether an unplaced record is looked at anyway, or a later one has its place.
func (k *Keeper) overtaken(ctx context.Context, p place) (bool, error) {
	if pending, err := k.Pending(ctx, p.name); err != nil || pending {
		return pending, err
	}
	location, err := db.Get(ctx, k.db.Auto(), db.ScanString, placeOf, p.name)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return k.later(ctx, location, p.location)
}

// stampAt returns the stamp of a packed record, or one that is earlier than all where there is none.
func (k *Keeper) stampAt(ctx context.Context, location string) (int64, error) {
	r, err := k.packer.ReadPackedRecord(ctx, location)
	if errors.Is(err, blob.ErrNotFound) {
		return -1 << 63, nil
	}
	return r.Stamp, err
}
