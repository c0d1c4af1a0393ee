package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// Create makes backups of a registry, beside its servers.
type Create struct {
	Source   Source
	Target   Target
	Name     string // of the target, for the audit log
	Key      []byte // the key file, to be taken along; nil: it isn't
	Version  string // of this program
	Pace     Pace
	Clock    func() time.Time
	Log      *slog.Logger
	Progress Progress

	made   Description
	copier *copier
}

// Run makes one. Blobs that the store has lost are counted in its description and named in the log; all else is there.
func (c *Create) Run(ctx context.Context) (Description, error) {
	c.copier = newCopier(c.Pace, c.Progress).packing(c.Target.Store)
	err := c.Target.using(ctx, writing, func(ctx context.Context) error {
		return c.Source.Registry.Holding(ctx, c.make)
	})
	c.Progress.Done()
	if err != nil {
		return Description{}, err
	}
	err = c.Source.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		return event.Append(ctx, tx, event.Event{
			Kind: event.CreateBackup, At: c.Clock(), By: "haven backup", Resource: c.made.ID, Success: true,
			Description: fmt.Sprintf("create backup %s in %s: %d rows, %d blobs", c.made.ID, c.Name, c.made.RowCount(), c.made.Blobs.Count),
		})
	})
	if err != nil {
		c.Log.WarnContext(ctx, "the backup is whole, but the audit log doesn't tell of it", "error", err)
	}
	return c.made, nil
}

func (c *Create) make(ctx context.Context) error {
	known, err := c.Target.known(ctx)
	if err != nil {
		return err
	}
	defer known.close()
	editions, err := c.writeRows(ctx)
	if err != nil {
		return err
	}
	if err := c.copyEditions(ctx, editions, known.editions); err != nil {
		return err
	}
	if err := c.copyBlobs(ctx, known); err != nil {
		return err
	}
	if c.Key != nil {
		p, err := c.Target.put(ctx, backupsDir+c.made.ID+keyRecord, c.Key)
		if err != nil {
			return err
		}
		c.made.SecretKey = &p
	}
	c.made.FinishedAt = c.Clock().UTC()
	return c.Target.finish(ctx, c.made)
}

// writeRows takes the snapshot.
func (c *Create) writeRows(ctx context.Context) ([]vulndb.Carried, error) {
	c.Progress.Stage("rows", 0, false)
	c.made = Description{
		Format: format, ID: newID(c.Clock()), Version: c.Version, Database: string(c.Source.DB.Dialect()),
		KeyCheck: c.Source.Box.Seal([]byte(keyCheck)),
	}
	sink, err := newPieceSink(c.Target, c.made.ID)
	if err != nil {
		return nil, err
	}
	m, err := c.Source.snapshot(ctx, c.Clock, c.Progress.Add, sink)
	if err != nil {
		return nil, err
	}
	c.made.CreatedAt, c.made.Schema, c.made.Tables = m.at, m.schema, sink.tables
	return m.editions, nil
}

// copyEditions takes the vulnerability database along. An edition that goes away meanwhile is none that anybody needs.
func (c *Create) copyEditions(ctx context.Context, editions []vulndb.Carried, there map[string]Piece) error {
	for _, e := range editions {
		taken, err := c.copyEdition(ctx, e, there)
		if errors.Is(err, blob.ErrNotFound) {
			c.Log.WarnContext(ctx, "the vulnerability database isn't taken along: the store doesn't have it", "error", err)
			continue
		}
		if err != nil {
			return err
		}
		c.made.Editions = append(c.made.Editions, taken)
	}
	return nil
}

func (c *Create) copyEdition(ctx context.Context, e vulndb.Carried, there map[string]Piece) (Edition, error) {
	taken := Edition{Location: e.Location}
	for _, name := range e.Records {
		p, ok := there[name] // a location is one edition's for ever
		if !ok {
			content, err := c.Source.Blobs.ReadRecord(ctx, name)
			if err != nil {
				return taken, fmt.Errorf("read the vulnerability database: %w", err)
			}
			if p, err = c.Target.put(ctx, name, content); err != nil {
				return taken, err
			}
		}
		taken.Records = append(taken.Records, Named{name, p})
	}
	return taken, nil
}

// wanted is a blob of the snapshot.
type wanted struct {
	digest   oci.Digest
	size     int64
	location string // in the registry's store
	damaged  bool   // as the database knows
	there    string // where it is in the target, "" for nowhere
}

// wanted calls yield with the blobs of a backup's snapshot, in the order of lists.
func (t Target) wanted(ctx context.Context, id string, tables []Rows, yield func(wanted) error) error {
	at := slices.IndexFunc(tables, func(r Rows) bool { return r.Table == blobTable })
	if at < 0 {
		return fmt.Errorf("%w: it has no table of blobs", ErrDamaged)
	}
	columns, err := tables[at].columnsOf("digest", "size", "location", "damaged")
	if err != nil {
		return err
	}
	return t.rowsOf(ctx, id, tables[at], func(row []any) error {
		digest, ok1 := row[columns[0]].(string)
		size, ok2 := row[columns[1]].(int64)
		location, ok3 := row[columns[2]].(string)
		bad, ok4 := row[columns[3]].(int64)
		d, err := oci.ParseDigest(digest)
		if !ok1 || !ok2 || !ok3 || !ok4 || err != nil {
			return fmt.Errorf("%w: a blob's row", ErrDamaged)
		}
		return yield(wanted{digest: d, size: size, location: location, damaged: bad != 0})
	})
}

// copyBlobs copies what the target doesn't have, and writes the list.
func (c *Create) copyBlobs(ctx context.Context, known *known) error {
	c.Progress.Stage("blobs", c.bytesWanted(ctx), true)
	list, err := newListWriter(c.Target, c.made.ID)
	if err != nil {
		return err
	}
	w := &arrivals{create: c, list: list}
	err = inOrder(ctx, c.Pace.Parallel, func(ctx context.Context, yield func(wanted) error) error {
		return c.Target.wanted(ctx, c.made.ID, c.made.Tables, func(b wanted) (err error) {
			if b.there, err = known.find(ctx, b.digest, b.size); err != nil {
				return err
			}
			return yield(b)
		})
	}, c.copyBlob, w.take)
	if err != nil {
		w.leave(context.WithoutCancel(ctx))
		return fmt.Errorf("copy blobs: %w", err)
	}
	if err := w.flush(ctx); err != nil {
		return fmt.Errorf("copy blobs: %w", err)
	}
	err = list.write(ctx)
	c.made.Blobs.Lists = list.lists
	return err
}

// bytesWanted is how many bytes all blobs have, 0 where that can't be told.
func (c *Create) bytesWanted(ctx context.Context) int64 {
	_, bytes, err := c.Source.Registry.CountBlobs(ctx, 0, time.Time{})
	if err != nil {
		return 0
	}
	return bytes
}

// copyBlob returns where the blob is in the target, "" where the registry has lost it.
func (c *Create) copyBlob(ctx context.Context, b wanted) (string, error) {
	if b.there != "" {
		c.Progress.Add(b.size)
		return b.there, nil
	}
	location, err := c.copier.copy(ctx, c.Source.open(b.digest, b.location), c.Target.Store, b.digest, b.size)
	if damaged(err) {
		c.Log.ErrorContext(ctx, "a blob can't be backed up: the store has lost it; haven scrub tells what needs it", "digest", b.digest, "error", err, "known", b.damaged)
		return "", nil
	}
	return location, err
}

// arrivals notes what is in the target.
type arrivals struct {
	create *Create
	list   *listWriter
	lines  []entry  // not in the list yet
	fresh  []string // locations of those of them that were copied
}

// syncMost is how many blobs are made durable at once.
const syncMost = 256

func (w *arrivals) take(ctx context.Context, b wanted, location string) error {
	made := &w.create.made.Blobs
	made.Count++
	made.Bytes += b.size
	switch {
	case location == "":
		made.Missing++
	case b.there == "":
		made.Copied++
		made.CopiedBytes += b.size
		w.fresh = append(w.fresh, location)
	}
	w.lines = append(w.lines, entry{b.digest, b.size, location})
	if len(w.fresh) >= syncMost || len(w.lines) >= listLines || len(w.fresh) > 0 && time.Since(w.list.written) > listEvery {
		return w.flush(ctx)
	}
	return nil
}

// leave notes what was copied for the next backup, when this one fails.
func (w *arrivals) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	err := w.flush(ctx)
	if err == nil {
		err = w.list.write(ctx)
	}
	if err != nil {
		w.create.Log.WarnContext(ctx, "the next backup copies again what this one has copied last", "error", err)
	}
}

// leaveTime bounds leave.
const leaveTime = 20 * time.Second

// flush makes durable what was copied, and then says so.
func (w *arrivals) flush(ctx context.Context) error {
	if len(w.fresh) > 0 {
		if err := w.create.Target.Sync(ctx, w.fresh...); err != nil {
			return fmt.Errorf("sync the target: %w", err)
		}
	}
	for _, e := range w.lines {
		if err := w.list.add(ctx, e); err != nil {
			return err
		}
	}
	grown := len(w.fresh) > 0
	w.lines, w.fresh = w.lines[:0], w.fresh[:0]
	if grown && time.Since(w.list.written) > listEvery {
		return w.list.write(ctx)
	}
	return nil
}
