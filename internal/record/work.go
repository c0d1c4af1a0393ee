package record

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
)

// packedAtOnce is about how many bytes of records wait to be packed together.
const packedAtOnce = 1 << 20

// work is what becomes of a batch of tasks.
type work struct {
	keeper *Keeper
	packs  bool

	mu      sync.Mutex
	waiting []blob.PackedRecord // to be packed
	tasks   []task              // theirs
	size    int                 // of their contents, in bytes
	packed  []place             // what is packed now
	loose   []string            // names of what isn't: it has a file or an object, or is gone
	doubted []place             // what was packed and is not to be
	failed  []task
	cause   error // of one of those that failed
}

// do makes the records of all tasks agree with the database.
func (w *work) do(ctx context.Context, tasks []task) {
	ctx, cancel := context.WithTimeout(ctx, workLimit)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(writers)
	for _, t := range tasks {
		g.Go(func() error {
			w.one(ctx, t)
			return nil
		})
	}
	_ = g.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pack(ctx)
}

// one writes or deletes one record, or leaves it to be packed with others.
func (w *work) one(ctx context.Context, t task) {
	text, err := w.keeper.want(ctx, t.name)
	if err == nil && text != nil && w.packs && len(text) <= blob.MaxPackedRecord {
		w.wait(ctx, t, text)
		return
	}
	if err == nil {
		err = w.keeper.putLoose(ctx, t.name, text)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.fail(t, err)
		return
	}
	w.loose = append(w.loose, t.name)
}

func (w *work) fail(t task, err error) { w.failed, w.cause = append(w.failed, t), err }

// wait has a record packed with the next ones.
func (w *work) wait(ctx context.Context, t task, text []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, blob.PackedRecord{Name: t.name, Stamp: w.keeper.stamp(), Content: text})
	w.tasks = append(w.tasks, t)
	if w.size += len(text); w.size >= packedAtOnce {
		w.pack(ctx)
	}
}

// pack writes what waits. Files that the records had before go afterwards, so that there always is one.
func (w *work) pack(ctx context.Context) {
	if len(w.waiting) == 0 {
		return
	}
	locations, err := w.keeper.packer.PackRecords(ctx, w.waiting)
	for i, t := range w.tasks {
		if err != nil {
			w.fail(t, err)
			continue
		}
		p := place{t.name, locations[i]}
		if err := w.keeper.deleteFile(ctx, t.name); err != nil {
			w.fail(t, err)
			w.doubted = append(w.doubted, p)
			continue
		}
		w.packed = append(w.packed, p)
	}
	w.waiting, w.tasks, w.size = nil, nil, 0
}

// want returns what the record of a name should say; nil when there should be none.
func (k *Keeper) want(ctx context.Context, name string) ([]byte, error) {
	n, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	return content(ctx, k.db.Auto(), n)
}

// putLoose writes a record that isn't packed, or deletes it.
func (k *Keeper) putLoose(ctx context.Context, name string, text []byte) error {
	if text == nil {
		return k.deleteFile(ctx, name)
	}
	if err := k.records.PutRecord(ctx, name, text); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files = someFiles
	return nil
}

// packing reports whether records are packed: where nobody else uses the database, and so the store.
func (k *Keeper) packing() bool { return k.packer != nil && k.db.Exclusive() && k.packer.Packs() }

// files is what is known of records that have a file of their own.
type files int

const (
	unknownFiles files = iota
	someFiles
	noFiles
)

var errFound = errors.New("found")

// deleteFile deletes a record that isn't packed. Where all are packed, as in a store that began with this, that is known and
// costs nothing.
func (k *Keeper) deleteFile(ctx context.Context, name string) error {
	if k.packing() {
		have, err := k.haveFiles(ctx)
		if err != nil || have == noFiles {
			return err
		}
	}
	return k.records.DeleteRecord(ctx, name)
}

// haveFiles looks once in the life of a process: nobody else writes any.
func (k *Keeper) haveFiles(ctx context.Context) (files, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.files != unknownFiles {
		return k.files, nil
	}
	err := k.eachFile(ctx, func(Name) error { return errFound })
	switch {
	case err == nil:
		k.files = noFiles
	case errors.Is(err, errFound):
		k.files, err = someFiles, nil
	default:
		err = fmt.Errorf("look for records: %w", err)
	}
	return k.files, err
}

// stamp returns the time, later than any that it returned before.
func (k *Keeper) stamp() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stamped = max(db.Micros(k.clock()), k.stamped+1)
	return k.stamped
}
