package backup

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/secret"
)

// Restore fills an empty database and store from a backup.
type Restore struct {
	Target      Target
	Destination Destination
	Name        string // of the target, for the audit log
	// Box opens the secret key that the restored registry will use. It is called when nothing else is in the way.
	Box      func(ctx context.Context, d Description) (*secret.Box, error)
	Schema   int64 // the last migration that this program knows
	Pace     Pace
	Log      *slog.Logger
	Progress Progress
}

// RestoreReport is what is there now.
type RestoreReport struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Rows      int64     `json:"rows"`
	Blobs     int64     `json:"blobs"`
	Bytes     int64     `json:"bytes"`
	Missing   int64     `json:"missing"` // blobs that the registry had lost when the backup was made
	Damaged   int64     `json:"damaged"` // blobs that the backup has lost since
	Resumed   bool      `json:"resumed"`
	Changed   int64     `json:"changed_texts"` // in which a byte was replaced that PostgreSQL doesn't take
}

// Whole reports whether nothing is missing.
func (r RestoreReport) Whole() bool { return r.Missing+r.Damaged == 0 }

// WriteText tells people.
func (r RestoreReport) WriteText(w io.Writer) {
	fmt.Fprintf(w, "The registry is as it was at %s: %d rows; %d blobs with %d bytes were copied and compared with their digests.\n", r.CreatedAt.Format(time.RFC3339), r.Rows, r.Blobs, r.Bytes)
	if r.Changed > 0 {
		fmt.Fprintf(w, "In %d texts a byte was replaced that PostgreSQL doesn't take.\n", r.Changed)
	}
	if r.Missing > 0 {
		fmt.Fprintf(w, "%d blobs are missing: the registry had lost them when the backup was made.\n", r.Missing)
	}
	if r.Damaged > 0 {
		fmt.Fprintf(w, "%d blobs are missing: the backup has lost them.\n", r.Damaged)
	}
	if !r.Whole() {
		fmt.Fprintln(w, "haven scrub tells which images need them; pushing these again heals them.")
	}
	fmt.Fprintln(w, "Start haven serve with the same settings.")
}

// Run fills it. What was killed or failed goes on when it is run again with the same backup; until it is done no server starts there.
func (r *Restore) Run(ctx context.Context, d Description) (RestoreReport, error) {
	report := RestoreReport{ID: d.ID, CreatedAt: d.CreatedAt}
	err := r.Target.using(ctx, reading, func(ctx context.Context) error { return r.run(ctx, d, &report) })
	r.Progress.Done()
	if err != nil {
		return report, fmt.Errorf("restore backup %s: %w", d.ID, err)
	}
	return report, nil
}

func (r *Restore) run(ctx context.Context, d Description, report *RestoreReport) error {
	if d.Schema > r.Schema {
		return fmt.Errorf("%w (its schema is %d, this program knows %d)", ErrNewer, d.Schema, r.Schema)
	}
	source := "backup " + d.ID
	if err := r.Destination.check(ctx, source); err != nil {
		return err
	}
	box, err := r.Box(ctx, d)
	if err != nil {
		return err
	}
	if err := d.opensWith(box); err != nil {
		return err
	}
	if err := r.Destination.begin(ctx, source); err != nil {
		return err
	}
	report.Resumed = r.Destination.resumed
	if err := r.copyBlobs(ctx, d, report); err != nil {
		return err
	}
	if err := r.copyEditions(ctx, d); err != nil {
		return err
	}
	return r.fill(ctx, d, report)
}

func (r *Restore) copyBlobs(ctx context.Context, d Description, report *RestoreReport) error {
	r.Progress.Stage("blobs", max(1, d.Blobs.Bytes), true)
	c := newCopier(r.Pace, r.Progress)
	if r.Destination.DB.Exclusive() {
		c.packing(r.Destination.Blobs)
	}
	lost := func(a arriving, err error) {
		r.Log.ErrorContext(ctx, "a blob of the backup is damaged", "digest", a.digest, "error", err)
	}
	n, err := r.Destination.copyBlobs(ctx, arrival{c, r.Pace.Parallel, lost, true}, func(ctx context.Context, yield func(arriving) error) error {
		return r.Target.each(ctx, d, func(e entry) error {
			a := arriving{digest: e.digest, size: e.size}
			if e.location != "" {
				a.from = r.Target.open(e.location)
			}
			return yield(a)
		})
	})
	report.Blobs, report.Bytes = n.blobs, n.bytes
	return err
}

func (r *Restore) copyEditions(ctx context.Context, d Description) error {
	for _, e := range d.Editions {
		for _, named := range e.Records {
			content, err := r.Target.get(ctx, named.Name, named.Piece)
			if err == nil {
				err = r.Destination.Blobs.PutRecord(ctx, named.Name, content)
			}
			if err != nil {
				return fmt.Errorf("copy the vulnerability database: %w", err)
			}
		}
	}
	return nil
}

// fill loads the rows, which know by then where their blobs are.
func (r *Restore) fill(ctx context.Context, d Description, report *RestoreReport) error {
	r.Progress.Stage("rows", max(1, d.RowCount()), false)
	l, err := r.Destination.loader(ctx, d.Schema, r.Progress)
	if err != nil {
		return err
	}
	if err := r.Target.replay(ctx, d, l, silent{}); err != nil {
		return err
	}
	if l.lacks > 0 {
		return fmt.Errorf("%w: %d blobs that its rows name are not in its list, beginning with %s", ErrDamaged, l.lacks, l.lacking[0])
	}
	missing, err := r.Destination.missing(ctx)
	if err != nil {
		return err
	}
	report.Rows, report.Changed, report.Missing = l.count, l.mended, d.Blobs.Missing
	report.Damaged = max(0, missing-d.Blobs.Missing)
	editions := map[string]bool{}
	for _, e := range d.Editions {
		editions[e.Location] = true
	}
	return r.Destination.finish(ctx, editions, event.Event{
		Kind: event.RestoreBackup, At: r.Destination.Clock(), By: "haven restore", Resource: d.ID, Success: true,
		Description: fmt.Sprintf("restore backup %s of %s from %s: %d rows, %d blobs", d.ID, d.CreatedAt.Format(time.RFC3339), r.Name, report.Rows, d.Blobs.Count-missing),
	}, func(context.Context) error { return nil })
}

// silent is told what somebody else shows.
type silent struct{}

func (silent) Stage(string, int64, bool) {}
func (silent) Add(int64)                 {}
func (silent) Done()                     {}
