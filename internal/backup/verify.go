package backup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/repair"
)

// Verify reads a backup back.
type Verify struct {
	Target   Target
	Pace     Pace
	Progress Progress

	report VerifyReport
}

// VerifyReport is what was found.
type VerifyReport struct {
	ID      string         `json:"id"`
	Rows    int64          `json:"rows"`
	Blobs   int64          `json:"blobs"`
	Bytes   int64          `json:"bytes"`
	Missing int64          `json:"missing"` // blobs that the registry had lost already
	Damaged []DamagedPiece `json:"damaged"` // at most some hundred
	damaged int64
}

// DamagedPiece is a record or a blob of a backup that isn't what was written.
type DamagedPiece struct {
	What    string `json:"what"`
	Problem string `json:"problem"`
}

// maxDamaged bounds what a report names.
const maxDamaged = 200

// Whole reports whether nothing is damaged.
func (r VerifyReport) Whole() bool { return r.damaged == 0 }

// WriteText tells people.
func (r VerifyReport) WriteText(w io.Writer) {
	fmt.Fprintf(w, "Backup %s: %d rows, %d blobs with %d bytes were read.\n", r.ID, r.Rows, r.Blobs, r.Bytes)
	if r.Missing > 0 {
		fmt.Fprintf(w, "%d blobs are not in it: the registry had lost them when it was made.\n", r.Missing)
	}
	for _, d := range r.Damaged {
		fmt.Fprintf(w, "DAMAGED %s: %s\n", d.What, d.Problem)
	}
	if more := r.damaged - int64(len(r.Damaged)); more > 0 {
		fmt.Fprintf(w, "and %d more.\n", more)
	}
	if !r.Whole() {
		fmt.Fprintln(w, "Make another backup; it copies blobs anew that are not whole any more once the damaged backups are deleted (haven backup delete).")
		return
	}
	fmt.Fprintln(w, "Everything is as it was written.")
}

func (v *Verify) damage(what, problem string) {
	v.report.damaged++
	if len(v.report.Damaged) < maxDamaged {
		v.report.Damaged = append(v.report.Damaged, DamagedPiece{what, problem})
	}
}

// note takes an error that tells of damage for a finding, and returns any other.
func (v *Verify) note(what string, err error) error {
	if errors.Is(err, ErrDamaged) {
		v.damage(what, err.Error())
		return nil
	}
	return err
}

// Run reads all of it. The report is good for what was done before an error, too.
func (v *Verify) Run(ctx context.Context, d Description) (VerifyReport, error) {
	v.report = VerifyReport{ID: d.ID, Missing: d.Blobs.Missing, Damaged: []DamagedPiece{}}
	err := v.Target.using(ctx, reading, func(ctx context.Context) error { return v.run(ctx, d) })
	v.Progress.Done()
	return v.report, err
}

func (v *Verify) run(ctx context.Context, d Description) error {
	v.Progress.Stage("rows", d.RowCount(), false)
	for _, t := range d.Tables {
		err := v.Target.rowsOf(ctx, d.ID, t, func([]any) error {
			v.report.Rows++
			v.Progress.Add(1)
			return nil
		})
		if err := v.note("the table "+t.Table, err); err != nil {
			return err
		}
	}
	if err := v.note("the list of blobs", v.compareList(ctx, d)); err != nil {
		return err
	}
	if d.SecretKey != nil {
		_, err := v.Target.get(ctx, backupsDir+d.ID+keyRecord, *d.SecretKey)
		if err := v.note("the secret key", err); err != nil {
			return err
		}
	}
	for _, e := range d.Editions {
		for _, r := range e.Records {
			_, err := v.Target.get(ctx, r.Name, r.Piece)
			if err := v.note("the vulnerability database", err); err != nil {
				return err
			}
		}
	}
	return v.readBlobs(ctx, d)
}

// compareList reports blobs of rows that the list doesn't have.
func (v *Verify) compareList(ctx context.Context, d Description) error {
	r, err := v.Target.list(d)
	if err != nil {
		return err
	}
	defer r.close()
	err = v.Target.wanted(ctx, d.ID, d.Tables, func(b wanted) error {
		e, err := r.read(ctx)
		if errors.Is(err, io.EOF) || err == nil && (e.digest != b.digest || e.size != b.size) {
			return fmt.Errorf("%w: it doesn't have the blobs that the rows name, beginning with %s", ErrDamaged, b.digest)
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := r.read(ctx); !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("%w: it has blobs that no row names", ErrDamaged), err)
	}
	return nil
}

func (v *Verify) readBlobs(ctx context.Context, d Description) error {
	v.Progress.Stage("blobs", max(1, d.Blobs.Bytes), true)
	r := repair.NewReader(v.Target.Store, v.Pace.MaxRate, v.Progress.Add)
	lists := inOrder(ctx, v.Pace.Parallel, func(ctx context.Context, yield func(entry) error) error {
		return v.Target.each(ctx, d, yield)
	}, func(ctx context.Context, e entry) (problem string, err error) {
		if e.location == "" { // the registry had lost it
			return "", nil
		}
		return r.Examine(ctx, e.location, e.digest, e.size)
	}, func(_ context.Context, e entry, problem string) error {
		if problem != "" {
			v.damage("blob "+string(e.digest), problem)
		}
		v.report.Blobs++
		v.report.Bytes += e.size
		return nil
	})
	return v.note("the list of blobs", lists)
}

// open opens a blob of the target.
func (t Target) open(location string) opener {
	return func(ctx context.Context) (blob.Content, error) { return t.Open(ctx, location) }
}
