package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/setting"
)

// Move takes a registry to another database and store while it serves. Blobs come first, in rounds, while people push. Then the registry is
// made read-only, the rows and the last blobs follow, and it stays so: it is intact, and whoever wants to can go back.
type Move struct {
	Source      Source
	Settings    *setting.Service // of the source
	Destination Destination
	From        string // names the source, the same each time
	Name        string // of the source, for the audit log
	// Heard is how long the servers may take to hear that the registry is read-only, and to end the pushes that had begun.
	Heard    time.Duration
	Pace     Pace
	Log      *slog.Logger
	Progress Progress

	copier  *copier
	after   int64 // all blobs up to this id were looked at
	report  MoveReport
	carried []Edition
}

// MoveReport is what is there now.
type MoveReport struct {
	Rows     int64         `json:"rows"`
	Blobs    int64         `json:"blobs"`
	Bytes    int64         `json:"bytes"`
	Missing  int64         `json:"missing"` // blobs that the registry has lost
	ReadOnly time.Duration `json:"read_only_nanoseconds"`
	Changed  int64         `json:"changed_texts"`
}

// WriteText tells people.
func (r MoveReport) WriteText(w io.Writer) {
	fmt.Fprintf(w, "All is there: %d rows, and %d blobs with %d bytes, compared with their digests. Pushes were refused for the last %s, and still are.\n", r.Rows, r.Blobs, r.Bytes, r.ReadOnly.Round(time.Second))
	if r.Changed > 0 {
		fmt.Fprintf(w, "In %d texts a byte was replaced that PostgreSQL doesn't take.\n", r.Changed)
	}
	if r.Missing > 0 {
		fmt.Fprintf(w, "%d blobs are missing, as they are here: haven scrub tells which images need them.\n", r.Missing)
	}
	fmt.Fprintln(w, "Stop this Haven, and start haven serve with the new database_url and storage_url, and a copy of the same secret_key_file.")
	fmt.Fprintln(w, "This one stays as it is, read-only. To go back to it instead: haven move --undo.")
}

// roundEnough is when another round of blobs isn't worth it: when the last one took no longer, or brought no more.
const (
	roundEnough = 10 * time.Second
	roundFew    = 20
	maxRounds   = 20
	maxPasses   = 10
)

// intent is noted in the destination before the source is made read-only.
type intent struct {
	WasReadOnly bool `json:"was_read_only"`
}

// moving is by whom settings are changed.
const moving = "haven move"

// Run does it all, and goes on where it was killed when it is run again.
func (m *Move) Run(ctx context.Context) (MoveReport, error) {
	m.copier = newCopier(m.Pace, m.Progress)
	if m.Destination.DB.Exclusive() {
		m.copier.packing(m.Destination.Blobs)
	}
	err := m.run(ctx)
	m.Progress.Done()
	return m.report, err
}

func (m *Move) run(ctx context.Context) error {
	if err := m.Source.DB.Read(ctx, func(tx db.Tx) error { return m.Source.check(ctx, tx) }); err != nil {
		return err
	}
	if err := m.Destination.check(ctx, m.From); err != nil {
		return fmt.Errorf("the new place: %w", err)
	}
	if err := m.Destination.begin(ctx, m.From); err != nil {
		return err
	}
	for round := 1; round <= maxRounds; round++ {
		began := time.Now()
		n, err := m.round(ctx, fmt.Sprintf("blobs, round %d", round))
		if err != nil {
			return err
		}
		if n.blobs < roundFew || time.Since(began) < roundEnough {
			break
		}
	}
	before, err := m.stopWrites(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	err = m.Source.Registry.Holding(ctx, m.last)
	if err == nil {
		err = m.finish(ctx, before)
	}
	if err != nil {
		return fmt.Errorf("the registry is read-only now (haven move again goes on, haven move --undo lets pushes in): %w", err)
	}
	m.report.ReadOnly = time.Since(began) + m.Heard
	return nil
}

// round copies the blobs that came since the last one.
func (m *Move) round(ctx context.Context, name string) (copied, error) {
	_, bytes, err := m.Source.Registry.CountBlobs(ctx, m.after, time.Time{})
	if err != nil {
		return copied{}, err
	}
	m.Progress.Stage(name, max(1, bytes), true)
	last := m.after
	n, err := m.copy(ctx, false, func(ctx context.Context, yield func(arriving) error) error {
		for {
			page, err := m.Source.Registry.StoredBlobs(ctx, last, time.Time{}, lookAhead)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, b := range page {
				if err := yield(m.arriving(b)); err != nil {
					return err
				}
			}
			last = page[len(page)-1].ID
		}
	})
	if err == nil {
		m.after = last
	}
	return n, err
}

func (m *Move) arriving(b registry.StoredBlob) arriving {
	return arriving{digest: b.Digest, size: b.Size, from: m.Source.open(b.Digest, b.Location)}
}

// copy brings blobs over. Before the last rows it isn't said of one that it is lost: it may have been deleted, and come again.
func (m *Move) copy(ctx context.Context, last bool, feed func(ctx context.Context, yield func(arriving) error) error) (copied, error) {
	lost := func(a arriving, err error) {
		if last {
			m.Log.ErrorContext(ctx, "a blob can't be moved: the store has lost it; haven scrub tells what needs it", "digest", a.digest, "error", err)
		}
	}
	n, err := m.Destination.copyBlobs(ctx, arrival{m.copier, m.Pace.Parallel, lost, last}, feed)
	m.report.Blobs += n.blobs
	m.report.Bytes += n.bytes
	return n, err
}

// stopWrites makes the source read-only, and returns whether it was so before.
func (m *Move) stopWrites(ctx context.Context) (before bool, err error) {
	noted, err := m.Destination.noted(ctx)
	if err != nil {
		return false, err
	}
	var was intent
	if noted != "" {
		if err := json.Unmarshal([]byte(noted), &was); err != nil {
			return false, fmt.Errorf("read what was noted: %w", err)
		}
	} else {
		if was.WasReadOnly, err = m.Settings.ReadOnly(ctx); err != nil {
			return false, err
		}
		text, err := json.Marshal(was)
		if err != nil {
			return false, err
		}
		if err := m.Destination.note(ctx, string(text)); err != nil {
			return false, err
		}
	}
	if was.WasReadOnly {
		return true, nil
	}
	if err := m.Settings.Set(ctx, moving, map[string]any{setting.ReadOnly: true}); err != nil {
		return false, fmt.Errorf("make the registry read-only (where its settings are fixed from outside, set read_only there first): %w", err)
	}
	m.Progress.Stage("waiting for pushes to end", 0, false)
	if !pause.For(ctx, m.Heard) {
		return false, ctx.Err()
	}
	return false, nil
}

// last brings the rows over, and what they name, until nothing has changed meanwhile.
func (m *Move) last(ctx context.Context) error {
	var lacking []oci.Digest
	for range maxPasses {
		if _, err := m.round(ctx, "last blobs"); err != nil {
			return err
		}
		if err := m.copyNamed(ctx, lacking); err != nil {
			return err
		}
		before, err := m.state(ctx)
		if err != nil {
			return err
		}
		l, taken, err := m.load(ctx)
		if err != nil {
			return err
		}
		after, err := m.state(ctx)
		if err != nil {
			return err
		}
		if l.lacks == 0 && before == after {
			m.report.Rows, m.report.Changed = l.count, l.mended
			return m.copyEditions(ctx, taken)
		}
		lacking = l.lacking
	}
	return errors.New("the registry doesn't come to rest although it is read-only: stop its servers, and run haven move again")
}

const sourceState = `SELECT (SELECT COUNT(*) FROM manifest) || ' ' || (SELECT COALESCE(MAX(id), 0) FROM manifest) || ' ' || (SELECT COUNT(*) FROM tag)
	|| ' ' || (SELECT COALESCE(MAX(id), 0) FROM tag_history) || ' ' || (SELECT COUNT(*) FROM repository) || ' ' || (SELECT COALESCE(MAX(id), 0) FROM blob)`

// state is something that changes whenever what is pushed or deleted changes.
func (m *Move) state(ctx context.Context) (string, error) {
	text, err := db.Get(ctx, m.Source.DB.Auto(), db.ScanString, sourceState)
	if err != nil {
		return "", fmt.Errorf("look whether the registry has changed: %w", err)
	}
	return text, nil
}

func (m *Move) load(ctx context.Context) (*loader, moment, error) {
	m.Progress.Stage("rows", 0, false)
	schema, err := m.Source.DB.Schema(ctx)
	if err != nil {
		return nil, moment{}, err
	}
	l, err := m.Destination.loader(ctx, schema.Current, m.Progress)
	if err != nil {
		return nil, moment{}, err
	}
	taken, err := m.Source.snapshot(ctx, m.Destination.Clock, func(int64) {}, l)
	return l, taken, err
}

// copyNamed copies blobs that lacked when the rows came, whatever was known of them.
func (m *Move) copyNamed(ctx context.Context, digests []oci.Digest) error {
	_, err := m.copy(ctx, true, func(ctx context.Context, yield func(arriving) error) error {
		for _, d := range digests {
			b, err := m.Source.Registry.StoredBlob(ctx, d)
			if errors.Is(err, db.ErrNotFound) {
				continue
			}
			if err == nil {
				err = yield(m.arriving(b))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (m *Move) copyEditions(ctx context.Context, taken moment) error {
	for _, e := range taken.editions {
		whole := true
		for _, name := range e.Records {
			content, err := m.Source.Blobs.ReadRecord(ctx, name)
			if errors.Is(err, blob.ErrNotFound) {
				m.Log.WarnContext(ctx, "the vulnerability database isn't taken along: the store doesn't have it", "error", err)
				whole = false
				break
			}
			if err == nil {
				err = m.Destination.Blobs.PutRecord(ctx, name, content)
			}
			if err != nil {
				return fmt.Errorf("copy the vulnerability database: %w", err)
			}
		}
		if whole {
			m.carried = append(m.carried, Edition{Location: e.Location})
		}
	}
	return nil
}

// finish has the new place serve what it has, with pushes where there were before.
func (m *Move) finish(ctx context.Context, readOnly bool) (err error) {
	if m.report.Missing, err = m.Destination.missing(ctx); err != nil {
		return err
	}
	editions := map[string]bool{}
	for _, e := range m.carried {
		editions[e.Location] = true
	}
	err = m.Destination.finish(ctx, editions, event.Event{
		Kind: event.MoveRegistry, At: m.Destination.Clock(), By: moving, Resource: m.Name, Success: true,
		Description: fmt.Sprintf("move registry here from %s: %d rows, %d blobs", m.Name, m.report.Rows, m.report.Blobs),
	}, func(ctx context.Context) error {
		if readOnly {
			return nil
		}
		return setting.New(m.Destination.DB, m.Source.Box, m.Destination.Clock).Set(ctx, moving, map[string]any{setting.ReadOnly: false})
	})
	return err
}
