package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/blob"
)

// Removed is what was taken out of a target.
type Removed struct {
	Backups    []string `json:"backups"`
	Unfinished []string `json:"unfinished"` // that were never finished
	Blobs      int64    `json:"blobs"`
	Bytes      int64    `json:"bytes"`
}

// Delete removes backups, what was never finished, and all blobs that none of the others names. What can't be told of the others, because
// they are damaged, is an error before a blob is deleted.
func (t Target) Delete(ctx context.Context, ids []string, progress Progress) (removed Removed, err error) {
	err = t.using(ctx, deleting, func(ctx context.Context) error {
		c, err := t.contents(ctx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !slices.Contains(c.finished, id) {
				return fmt.Errorf("%w %s", ErrNoBackup, id)
			}
		}
		removed, err = t.remove(ctx, c, ids, progress)
		return err
	})
	progress.Done()
	return removed, err
}

// Prune is Delete of all backups but the last ones, keep of them; at least one stays.
func (t Target) Prune(ctx context.Context, keep int, progress Progress) (removed Removed, err error) {
	if keep < 1 {
		return removed, errors.New("keep: expected 1 or more")
	}
	err = t.using(ctx, deleting, func(ctx context.Context) error {
		c, err := t.contents(ctx)
		if err != nil {
			return err
		}
		removed, err = t.remove(ctx, c, c.finished[:max(0, len(c.finished)-keep)], progress)
		return err
	})
	progress.Done()
	return removed, err
}

// remove takes away what makes them backups first, so that what is cut off leaves none that lacks blobs.
func (t Target) remove(ctx context.Context, c contents, ids []string, progress Progress) (removed Removed, err error) {
	stay := newPlaces()
	editions := map[string]bool{}
	for _, id := range c.finished {
		if slices.Contains(ids, id) {
			continue
		}
		d, err := t.describe(ctx, id)
		if err != nil {
			return removed, err
		}
		if err := t.each(ctx, d, func(e entry) error { stay.add(e.location, e.size); return nil }); err != nil {
			return removed, fmt.Errorf("backup %s stays, and which blobs it needs can't be told: %w", id, err)
		}
		for _, e := range d.Editions {
			for _, r := range e.Records {
				editions[r.Name] = true
			}
		}
	}
	stay.done()
	removed = Removed{Backups: append([]string{}, ids...), Unfinished: append([]string{}, c.unfinished...)}
	for _, id := range slices.Concat(ids, c.unfinished) {
		if err := t.removeRecords(ctx, id, c.records[id]); err != nil {
			return removed, err
		}
	}
	for _, name := range c.editions {
		if !editions[name] {
			if err := t.DeleteRecord(ctx, name); err != nil {
				return removed, fmt.Errorf("delete from the target: %w", err)
			}
		}
	}
	return removed, t.sweep(ctx, stay, &removed, progress)
}

func (t Target) removeRecords(ctx context.Context, id string, names []string) error {
	first := backupsDir + id + description
	for _, name := range append([]string{first}, names...) {
		if err := t.DeleteRecord(ctx, name); err != nil {
			return fmt.Errorf("delete from the target: %w", err)
		}
	}
	return nil
}

// sweep deletes the blobs that don't stay, and what was never a whole one. An object store tells of blobs as if they were uploads, by
// the beginning of their locations.
func (t Target) sweep(ctx context.Context, stay *places, removed *Removed, progress Progress) error {
	progress.Stage("blobs looked at", 0, false)
	uploads := newPlaces() // that are blobs which stay
	err := t.Blobs(ctx, func(location string, size int64) error {
		progress.Add(1)
		if stay.has(location, size) {
			id, _, _ := strings.Cut(location, ".")
			uploads.add(id, 0)
			return nil
		}
		if err := t.Store.Delete(ctx, location); err != nil {
			return err
		}
		removed.Blobs++
		removed.Bytes += size
		return ctx.Err()
	})
	uploads.done()
	if err == nil {
		err = t.Uploads(ctx, time.Now(), func(id string) error {
			if uploads.has(id, 0) {
				return nil
			}
			return t.Cancel(ctx, blob.Upload{ID: id})
		})
	}
	if err != nil {
		return fmt.Errorf("delete from the target: %w", err)
	}
	return nil
}
