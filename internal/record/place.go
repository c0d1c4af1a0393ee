package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// place is where the record of a name lies that is packed with others.
type place struct{ name, location string }

func scanPlace(r db.Row) (p place, err error) {
	err = r.Scan(&p.name, &p.location)
	return p, err
}

const (
	placeOf  = `SELECT location FROM record_place WHERE name = $1`
	placesOf = `SELECT name, location FROM record_place WHERE name IN `
	placed   = `SELECT name FROM record_place WHERE name > $1 ORDER BY name LIMIT $2`

	setPlaces     = `INSERT INTO record_place (name, location) VALUES `
	movedTo       = ` ON CONFLICT (name) DO UPDATE SET location = excluded.location`
	dropPlaces    = `DELETE FROM record_place WHERE name IN `
	discardPlaces = `INSERT INTO record_discarded (location) SELECT location FROM record_place WHERE name IN `
	discard       = `INSERT INTO record_discarded (location) VALUES `
	onceOnly      = ` ON CONFLICT (location) DO NOTHING`

	discarded       = `SELECT location FROM record_discarded LIMIT $1`
	forgetDiscarded = `DELETE FROM record_discarded WHERE location IN `
	isDiscarded     = `SELECT EXISTS (SELECT 1 FROM record_discarded WHERE location = $1)`
)

// findPlaces returns where the records of these names lie, by name.
func findPlaces(ctx context.Context, tx db.Tx, names []string) (map[string]string, error) {
	at := make(map[string]string, len(names))
	err := few(names, func(some []string) error {
		in, args := db.In(0, some)
		found, err := db.Collect(ctx, tx, scanPlace, placesOf+"("+in+")", args...)
		for _, p := range found {
			at[p.name] = p.location
		}
		return err
	})
	return at, err
}

// move notes where records lie now: packed, or else not. What was good before is discarded.
func move(ctx context.Context, tx db.Tx, packed []place, loose []string) error {
	slices.Sort(loose) // transactions that run at once lock alike
	names := slices.Concat(loose, namesOf(packed))
	slices.Sort(names)
	if err := execFew(ctx, tx, discardPlaces, names, onceOnly); err != nil {
		return fmt.Errorf("discard records: %w", err)
	}
	if err := execFew(ctx, tx, dropPlaces, loose, ""); err != nil {
		return fmt.Errorf("discard records: %w", err)
	}
	return put(ctx, tx, packed)
}

// put notes where packed records lie.
func put(ctx context.Context, tx db.Tx, packed []place) error {
	slices.SortFunc(packed, func(a, b place) int { return strings.Compare(a.name, b.name) }) // neighbours are written together
	err := few(packed, func(some []place) error {
		var args []any
		for _, p := range some {
			args = append(args, p.name, p.location)
		}
		_, err := tx.Exec(ctx, setPlaces+db.Places(len(some), 2)+movedTo, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("note where records are: %w", err)
	}
	return nil
}

// throwAway discards packed records.
func throwAway(ctx context.Context, tx db.Tx, locations []string) error {
	if err := insertFew(ctx, tx, discard, locations, onceOnly); err != nil {
		return fmt.Errorf("discard records: %w", err)
	}
	return nil
}

// giveBack gives the space of discarded records back.
func (k *Keeper) giveBack(ctx context.Context) error {
	if k.packer == nil {
		return nil
	}
	for {
		locations, err := db.Collect(ctx, k.db.Auto(), db.ScanString, discarded, batchSize)
		if err == nil && len(locations) > 0 {
			err = k.packer.DeletePackedRecords(ctx, locations...)
		}
		if err != nil {
			return fmt.Errorf("give the space of records back: %w", err)
		}
		if len(locations) == 0 {
			return nil
		}
		err = k.db.WriteRelaxed(ctx, func(tx db.Tx) error { return execFew(ctx, tx, forgetDiscarded, locations, "") })
		if err != nil {
			return fmt.Errorf("give the space of records back: %w", err)
		}
	}
}

// read returns what the record of a name says, or blob.ErrNotFound.
func (k *Keeper) read(ctx context.Context, name string) ([]byte, error) {
	if k.packer != nil {
		location, err := db.Get(ctx, k.db.Auto(), db.ScanString, placeOf, name)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			r, err := k.packer.ReadPackedRecord(ctx, location)
			if err == nil && r.Name == name {
				return r.Content, nil
			}
			if err != nil && !errors.Is(err, blob.ErrNotFound) {
				return nil, err
			}
		}
	}
	return k.records.ReadRecord(ctx, name)
}
