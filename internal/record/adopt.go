package record

import (
	"context"
	"fmt"
	"maps"

	"github.com/havenregistry/haven/internal/db"
)

// Adopt writes down where the store has packed records, in a database that is made anew. Of those with one name the latest is
// good, be it packed or not, and the others are discarded. It can be repeated. No server may run.
func (k *Keeper) Adopt(ctx context.Context) error {
	if k.packer == nil {
		return nil
	}
	if err := k.giveBack(ctx); err != nil {
		return err
	}
	if err := inPages(ctx, k.packer.EachPackedRecord, func(page []place) error { return k.adopt(ctx, page) }); err != nil {
		return fmt.Errorf("note where records are: %w", err)
	}
	var names []string
	err := k.eachFile(ctx, func(n Name) (err error) {
		if names = append(names, n.String()); len(names) == batchSize {
			err = k.preferFiles(ctx, names)
			names = names[:0]
		}
		return err
	})
	if err == nil {
		err = k.preferFiles(ctx, names)
	}
	if err != nil {
		return fmt.Errorf("note where records are: %w", err)
	}
	return nil
}

// adopt places packed records, unless there is a later one.
func (k *Keeper) adopt(ctx context.Context, page []place) error {
	before, err := findPlaces(ctx, k.db.Auto(), namesOf(page))
	if err != nil {
		return err
	}
	now := maps.Clone(before)
	var outdated []string
	for _, p := range page {
		other, twice := now[p.name]
		if twice && other != p.location {
			later, err := k.later(ctx, p.location, other)
			if err != nil {
				return err
			}
			if !later {
				outdated = append(outdated, p.location)
				continue
			}
			outdated = append(outdated, other)
		}
		now[p.name] = p.location
	}
	maps.DeleteFunc(now, func(name, location string) bool { return before[name] == location })
	good := make([]place, 0, len(now))
	for name, location := range now {
		good = append(good, place{name, location})
	}
	return k.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if err := put(ctx, tx, good); err != nil {
			return err
		}
		return throwAway(ctx, tx, outdated)
	})
}

// later reports whether one packed record is later than another; one that is torn or gone is the earliest.
func (k *Keeper) later(ctx context.Context, one, other string) (bool, error) {
	first, err := k.stampAt(ctx, one)
	if err != nil {
		return false, err
	}
	second, err := k.stampAt(ctx, other)
	return first > second, err
}

// preferFiles discards those of the packed records that have a later one in a file.
func (k *Keeper) preferFiles(ctx context.Context, names []string) error {
	at, err := findPlaces(ctx, k.db.Auto(), names)
	if err != nil {
		return err
	}
	var outdated []string
	for name, location := range at {
		written, err := k.packer.RecordWritten(ctx, name)
		if err != nil {
			return err
		}
		stamp, err := k.stampAt(ctx, location)
		if err != nil {
			return err
		}
		if written > stamp {
			outdated = append(outdated, name)
		}
	}
	if len(outdated) == 0 {
		return nil
	}
	return k.db.WriteRelaxed(ctx, func(tx db.Tx) error { return move(ctx, tx, nil, outdated) })
}
