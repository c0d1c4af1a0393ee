package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/repair"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

var (
	// ErrNotEmpty: there is something already.
	ErrNotEmpty = errors.New("it is not empty: name a new, empty one")
	// ErrOther: something else was begun here.
	ErrOther = errors.New("it was begun to be filled from elsewhere, which was never finished")
)

// Destination is a database and a store that are filled from elsewhere. No server runs on them.
type Destination struct {
	DB    *db.DB
	Blobs blob.Store
	Clock func() time.Time

	resumed bool // some of it is there already
}

const (
	makeFilling    = `CREATE TABLE filling (id BIGINT NOT NULL PRIMARY KEY, source TEXT NOT NULL, note TEXT NOT NULL, started_at BIGINT NOT NULL)`
	makeFilledBlob = `CREATE TABLE filled_blob (digest TEXT NOT NULL PRIMARY KEY, location TEXT NOT NULL)` // '': lost at the source
	beginFilling   = `INSERT INTO filling (id, source, note, started_at) VALUES (1, $1, '', $2)`
	filledFrom     = `SELECT source FROM filling`
	forgetLost     = `DELETE FROM filled_blob WHERE location = ''`
)

// check refuses what isn't empty, unless filling it from the source was begun and not finished: then resumed is set. It changes nothing.
func (d *Destination) check(ctx context.Context, source string) error {
	switch _, err := d.DB.Schema(ctx); {
	case errors.Is(err, db.ErrFilling):
		before, err := db.Get(ctx, d.DB.Auto(), db.ScanString, filledFrom)
		if err != nil {
			return fmt.Errorf("look what the database is filled from: %w", err)
		}
		if before != source {
			return fmt.Errorf("database_url: %w (%s): finish that, or name another, empty database and store", ErrOther, before)
		}
		d.resumed = true
		return nil
	case err != nil:
		return fmt.Errorf("database_url: %w", err)
	}
	if err := d.empty(ctx); err != nil {
		return err
	}
	found := errors.New("found")
	err := d.Blobs.Blobs(ctx, func(string, int64) error { return found })
	if errors.Is(err, found) {
		return fmt.Errorf("storage_url: %w", ErrNotEmpty)
	}
	if err != nil {
		return fmt.Errorf("storage_url: look whether it is empty: %w", err)
	}
	return nil
}

func (d *Destination) empty(ctx context.Context) error {
	made, err := d.DB.Auto().HasTable(ctx, "account")
	empty := !made
	if err == nil && made {
		empty, err = repair.Empty(ctx, d.DB.Auto())
	}
	if err != nil {
		return fmt.Errorf("database_url: look whether it is empty: %w", err)
	}
	if !empty {
		return fmt.Errorf("database_url: %w", ErrNotEmpty)
	}
	return nil
}

// begin marks the database.
func (d *Destination) begin(ctx context.Context, source string) error {
	if d.resumed { // what was lost then is looked for again
		return d.DB.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, forgetLost)
			return err
		})
	}
	err := d.DB.Write(ctx, func(tx db.Tx) error {
		for _, made := range []string{makeFilling, makeFilledBlob} {
			if _, err := tx.Exec(ctx, made); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, beginFilling, source, db.Micros(d.Clock()))
		return err
	})
	if err != nil {
		return fmt.Errorf("mark the database: %w", err)
	}
	return nil
}

// note keeps something for a run that goes on with this one.
func (d *Destination) note(ctx context.Context, text string) error {
	return d.DB.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE filling SET note = $1`, text)
		return err
	})
}

func (d *Destination) noted(ctx context.Context) (string, error) {
	return db.Get(ctx, d.DB.Auto(), db.ScanString, `SELECT note FROM filling`)
}

// arriving is a blob that is to be there.
type arriving struct {
	digest oci.Digest
	size   int64
	from   opener // nil where it is known to be lost
}

const lookAhead = 256

// absent calls yield with those that aren't there yet.
func (d *Destination) absent(ctx context.Context, some []arriving, yield func(arriving) error) error {
	digests := make([]string, len(some))
	for i, a := range some {
		digests[i] = string(a.digest)
	}
	there, err := d.locations(ctx, digests)
	if err != nil {
		return err
	}
	for _, a := range some {
		if _, ok := there[string(a.digest)]; ok {
			continue
		}
		if err := yield(a); err != nil {
			return err
		}
	}
	return nil
}

// locations returns where blobs are by now, by digest; "" for those that the source had lost.
func (d *Destination) locations(ctx context.Context, digests []string) (map[string]string, error) {
	found := map[string]string{}
	type row struct{ digest, location string }
	marks, args := db.In(0, digests)
	rows, err := db.Collect(ctx, d.DB.Auto(), func(r db.Row) (v row, err error) { err = r.Scan(&v.digest, &v.location); return v, err },
		"SELECT digest, location FROM filled_blob WHERE digest IN ("+marks+")", args...)
	if err != nil {
		return nil, fmt.Errorf("look which blobs are there: %w", err)
	}
	for _, r := range rows {
		found[r.digest] = r.location
	}
	return found, nil
}

// copied counts what copyBlobs brought.
type copied struct{ blobs, bytes int64 }

// arrival is how blobs are brought over.
type arrival struct {
	copier   *copier
	parallel int
	lost     func(arriving, error) // told of blobs that can't be brought
	noteLost bool                  // they are lost for good
}

// copyBlobs brings over those of the blobs that aren't there yet.
func (d *Destination) copyBlobs(ctx context.Context, how arrival, feed func(ctx context.Context, yield func(arriving) error) error) (n copied, err error) {
	var batch []placed
	flush := func(ctx context.Context) error {
		err := d.place(ctx, batch)
		batch = batch[:0]
		return err
	}
	err = inOrder(ctx, how.parallel, func(ctx context.Context, yield func(arriving) error) error {
		some := make([]arriving, 0, lookAhead)
		err := feed(ctx, func(a arriving) error {
			if some = append(some, a); len(some) < lookAhead {
				return nil
			}
			err := d.absent(ctx, some, yield)
			some = some[:0]
			return err
		})
		if err == nil {
			err = d.absent(ctx, some, yield)
		}
		return err
	}, func(ctx context.Context, a arriving) (string, error) {
		if a.from == nil {
			return "", nil
		}
		location, err := how.copier.copy(ctx, a.from, d.Blobs, a.digest, a.size)
		if damaged(err) {
			how.lost(a, err)
			return "", nil
		}
		return location, err
	}, func(ctx context.Context, a arriving, location string) error {
		switch {
		case location != "":
			n.blobs++
			n.bytes += a.size
		case !how.noteLost:
			return nil
		}
		if batch = append(batch, placed{a.digest, location}); len(batch) < lookAhead {
			return nil
		}
		return flush(ctx)
	})
	if err != nil {
		return n, errors.Join(fmt.Errorf("copy blobs: %w", err), flush(context.WithoutCancel(ctx)))
	}
	if err := flush(ctx); err != nil {
		return n, fmt.Errorf("copy blobs: %w", err)
	}
	return n, nil
}

// placed is where a blob is.
type placed struct {
	digest   oci.Digest
	location string
}

const placeBlob = `INSERT INTO filled_blob (digest, location) VALUES ($1, $2) ON CONFLICT (digest) DO UPDATE SET location = excluded.location`

// place makes blobs durable, and then says that they are there.
func (d *Destination) place(ctx context.Context, blobs []placed) error {
	var locations []string
	for _, b := range blobs {
		if b.location != "" {
			locations = append(locations, b.location)
		}
	}
	if err := d.Blobs.Sync(ctx, locations...); err != nil {
		return fmt.Errorf("sync the store: %w", err)
	}
	return d.DB.Write(ctx, func(tx db.Tx) error {
		for _, b := range blobs {
			if _, err := tx.Exec(ctx, placeBlob, b.digest, b.location); err != nil {
				return err
			}
		}
		return nil
	})
}

// loader is a rowSink that fills the tables of a Destination. What says where a blob's bytes are is made anew.
type loader struct {
	to       *Destination
	tables   map[string]db.Table
	table    *db.Loader
	at       head
	rows     int64
	blobs    blobRows
	mended   int64
	count    int64
	lacking  []oci.Digest // blobs of rows that are not in the store, and not known to be lost: the first of them
	lacks    int64
	progress Progress
}

// maxLacking is how many blobs that lack are named.
const maxLacking = 10_000

// loader makes the tables of a schema anew, and returns what fills them.
func (d *Destination) loader(ctx context.Context, schema int64, progress Progress) (*loader, error) {
	if err := d.DB.Remake(ctx, schema); err != nil {
		return nil, err
	}
	tables, err := d.DB.Tables(ctx)
	if err != nil {
		return nil, err
	}
	l := &loader{to: d, tables: map[string]db.Table{}, progress: progress}
	for _, t := range tables {
		l.tables[t.Name] = t
	}
	return l, nil
}

func (l *loader) begin(ctx context.Context, h head) (err error) {
	t, ok := l.tables[h.table]
	if !ok {
		return fmt.Errorf("%w: it has the table %s, which the schema doesn't", ErrDamaged, h.table)
	}
	same := slices.EqualFunc(t.Columns, h.columns, func(c db.TableColumn, name string) bool { return c.Name == name })
	if !same {
		return fmt.Errorf("%w: the table %s has other columns than the schema says", ErrDamaged, h.table)
	}
	l.at, l.rows = h, 0
	if h.table == blobTable {
		if l.blobs, err = newBlobRows(h); err != nil {
			return err
		}
	}
	l.table, err = l.to.DB.Load(ctx, t)
	return err
}

func (l *loader) add(ctx context.Context, row []any) error {
	l.rows++
	l.progress.Add(1)
	if l.at.table != blobTable {
		return l.table.Add(ctx, row)
	}
	if l.blobs.rows = append(l.blobs.rows, slices.Clone(row)); len(l.blobs.rows) < lookAhead {
		return nil
	}
	return l.addBlobs(ctx)
}

func (l *loader) end(ctx context.Context) error {
	if l.at.table == blobTable {
		if err := l.addBlobs(ctx); err != nil {
			return err
		}
	}
	rows, mended, err := l.table.Close(ctx, l.at.counter)
	if err == nil && rows != l.rows {
		err = fmt.Errorf("fill the table %s: %d rows are there, not %d", l.at.table, rows, l.rows)
	}
	l.mended += mended
	l.count += rows
	return err
}

// blobRows are rows of the table blob that wait for their locations.
type blobRows struct {
	digest, location, durable, damaged int // columns
	rows                               [][]any
}

func newBlobRows(h head) (b blobRows, err error) {
	at, err := Rows{Table: h.table, Columns: h.columns}.columnsOf("digest", "location", "durable", "damaged")
	if err == nil {
		b.digest, b.location, b.durable, b.damaged = at[0], at[1], at[2], at[3]
	}
	return b, err
}

// addBlobs fills rows with where their bytes are now: durable, and damaged where there are none.
func (l *loader) addBlobs(ctx context.Context) error {
	b := &l.blobs
	digests := make([]string, len(b.rows))
	for i, row := range b.rows {
		digests[i], _ = row[b.digest].(string) // what is none is nowhere, which the end tells
	}
	there, err := l.to.locations(ctx, digests)
	if err != nil {
		return err
	}
	for i, row := range b.rows {
		location, known := there[digests[i]]
		if !known {
			if l.lacks++; len(l.lacking) < maxLacking {
				l.lacking = append(l.lacking, oci.Digest(digests[i]))
			}
		}
		row[b.location], row[b.durable], row[b.damaged] = location, int64(1), int64(0)
		if location == "" {
			row[b.damaged] = int64(1)
		}
		if err := l.table.Add(ctx, row); err != nil {
			return err
		}
	}
	clear(b.rows)
	b.rows = b.rows[:0]
	return nil
}

const (
	filledRest = `SELECT f.digest, f.location FROM filled_blob f WHERE f.digest > $1
		AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.digest = f.digest) ORDER BY f.digest LIMIT $2`
	endFilledBlob = `DROP TABLE filled_blob`
	endFilling    = `DROP TABLE filling`
)

// dropRest deletes blobs that were brought over and that no row names any more.
func (d *Destination) dropRest(ctx context.Context) error {
	for after := ""; ; {
		rest, err := db.Collect(ctx, d.DB.Auto(), func(r db.Row) (p placed, err error) { err = r.Scan(&p.digest, &p.location); return p, err }, filledRest, after, lookAhead)
		if err != nil || len(rest) == 0 {
			return err
		}
		for _, p := range rest {
			if p.location == "" {
				continue
			}
			if err := d.Blobs.Delete(ctx, p.location); err != nil {
				return fmt.Errorf("delete what no row names any more: %w", err)
			}
		}
		after = string(rest[len(rest)-1].digest)
	}
}

const countMissing = `SELECT COUNT(*) FROM blob WHERE damaged`

// missing is how many blobs that rows name are nowhere.
func (d *Destination) missing(ctx context.Context) (int64, error) {
	n, err := db.Get(ctx, d.DB.Auto(), db.ScanInt, countMissing)
	if err != nil {
		return 0, fmt.Errorf("count lost blobs: %w", err)
	}
	return n, nil
}

// finish brings the schema up to date, and says in one transaction that all is there. What is left to do besides is done before.
func (d *Destination) finish(ctx context.Context, editions map[string]bool, happened event.Event, besides func(ctx context.Context) error) error {
	if err := d.DB.Upgrade(ctx); err != nil {
		return err
	}
	if err := d.dropRest(ctx); err != nil {
		return err
	}
	if err := besides(ctx); err != nil {
		return err
	}
	err := d.DB.Write(ctx, func(tx db.Tx) error {
		if err := vulndb.Arrived(ctx, tx, editions); err != nil {
			return err
		}
		if err := event.Append(ctx, tx, happened); err != nil {
			return err
		}
		for _, end := range []string{endFilledBlob, endFilling} {
			if _, err := tx.Exec(ctx, end); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("end filling the database: %w", err)
	}
	return nil
}
