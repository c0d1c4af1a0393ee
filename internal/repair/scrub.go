package repair

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/record"
	"github.com/havenregistry/haven/internal/registry"
)

// ScrubOptions says what a scrub looks at.
type ScrubOptions struct {
	Sample   float64   // part of the blobs to read, above 0, at most 1
	Since    time.Time // only blobs stored since then
	After    int64     // only blobs with a greater id, to go on where another scrub stopped
	MaxRate  int64     // bytes read a second, 0 for no limit
	Parallel int       // blobs read at a time, at least 1
	Strays   bool      // list the store and tell what no row names

	PruneRecords bool // have records removed that tell of what the database doesn't have
}

// Scrub compares a store with its database.
type Scrub struct {
	Registry *registry.Service
	Records  *record.Keeper
	Blobs    blob.Store
	Clock    func() time.Time
	Log      *slog.Logger
	Progress Progress
	Options  ScrubOptions

	mu     sync.Mutex
	report ScrubReport
	broken int // errors of the store in a row
	// dispatch is how long to wait for what happened to be handed out.
	dispatch time.Duration
}

const (
	pageSize = 500
	// maxBroken errors of the store one after another end a scrub: the store is away, not the blobs.
	maxBroken = 20
	// stuckAfter is how long the deletion of a blob takes at most, by far.
	stuckAfter = 24 * time.Hour
)

// Run does it all, beside a living server. The report is good for what was done before an error, too.
func (s *Scrub) Run(ctx context.Context) (ScrubReport, error) {
	s.report, s.dispatch = newScrubReport(s.Clock()), dispatchTime
	for _, stage := range []func(context.Context) error{s.readBlobs, s.checkManifests, s.checkUsage, s.checkRecords, s.findStrays} {
		if err := stage(ctx); err != nil {
			s.Progress.Done()
			s.report.FinishedAt = s.Clock().UTC()
			return s.report, err
		}
	}
	s.Progress.Done()
	s.report.Blobs.ResumeAfter = 0
	s.report.FinishedAt = s.Clock().UTC()
	return s.report, nil
}

// readBlobs examines blobs in the order of their ids, some at a time.
func (s *Scrub) readBlobs(ctx context.Context) error {
	count, bytes, err := s.Registry.CountBlobs(ctx, s.Options.After, s.Options.Since)
	if err != nil {
		return err
	}
	s.report.Blobs.Total = count
	s.Progress.Stage("blobs", max(1, int64(float64(bytes)*s.Options.Sample)), true)
	read := NewReader(s.Blobs, s.Options.MaxRate, s.Progress.Add)
	order := &inOrder{done: s.Options.After, open: map[int64]bool{}}
	var g *errgroup.Group
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(s.Options.Parallel)
	err = s.eachBlob(inner, func(b registry.StoredBlob) {
		order.begin(b.ID)
		g.Go(func() error {
			if err := s.examine(inner, read, b); err != nil {
				return err
			}
			order.end(b.ID)
			return nil
		})
	})
	if failed := g.Wait(); failed != nil {
		err = failed
	}
	s.report.Blobs.ResumeAfter = order.resumeAfter()
	if err != nil {
		return fmt.Errorf("read blobs: %w", err)
	}
	s.report.Stuck, err = s.Registry.StuckBlobs(ctx, s.Clock().Add(-stuckAfter))
	return err
}

func (s *Scrub) eachBlob(ctx context.Context, yield func(registry.StoredBlob)) error {
	for after := s.Options.After; ; {
		page, err := s.Registry.StoredBlobs(ctx, after, s.Options.Since, pageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, b := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if b.Damaged || s.sampled() {
				yield(b)
			}
		}
		after = page[len(page)-1].ID
	}
}

// sampled decides by lot whether something is looked at.
func (s *Scrub) sampled() bool { return s.Options.Sample >= 1 || rand.Float64() < s.Options.Sample }

// examine reads one blob, and marks it when its mark is wrong. Its error ends the scrub.
func (s *Scrub) examine(ctx context.Context, read *Reader, b registry.StoredBlob) error {
	problem, err := read.Examine(ctx, b.Location, b.Digest, b.Size)
	if err != nil {
		return s.unclear(ctx, b, err)
	}
	s.mu.Lock()
	s.broken = 0
	s.report.Blobs.Checked++
	s.report.Blobs.Bytes += b.Size
	s.mu.Unlock()
	switch {
	case problem == "" && b.Damaged:
		return s.healed(ctx, b)
	case problem != "":
		return s.damaged(ctx, b, problem)
	}
	return nil
}

func (s *Scrub) healed(ctx context.Context, b registry.StoredBlob) error {
	changed, err := s.Registry.MarkSound(ctx, b)
	if err != nil || !changed {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Blobs.Sound = append(s.report.Blobs.Sound, b.Digest)
	return nil
}

func (s *Scrub) damaged(ctx context.Context, b registry.StoredBlob, problem string) error {
	if !b.Damaged {
		changed, err := s.Registry.MarkDamaged(ctx, b)
		if err != nil || !changed { // deleted or pushed again while it was read
			return err
		}
	}
	affected, err := s.Registry.AffectedByBlob(ctx, b.ID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Blobs.Damaged = append(s.report.Blobs.Damaged, DamagedBlob{
		Digest: b.Digest, Size: b.Size, Location: b.Location, Problem: problem, Known: b.Damaged, Affected: affected,
	})
	return nil
}

// unclear notes that the store gave no answer about a blob.
func (s *Scrub) unclear(ctx context.Context, b registry.StoredBlob, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.Log.WarnContext(ctx, "a blob can't be read now", "digest", b.Digest, "location", b.Location, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Blobs.Unclear++
	if s.broken++; s.broken >= maxBroken {
		return fmt.Errorf("the store gave no answer %d times in a row: %w", s.broken, err)
	}
	return nil
}

// inOrder remembers up to which id everything is done, where some are worked on at a time.
type inOrder struct {
	mu   sync.Mutex
	open map[int64]bool
	done int64 // the greatest id that was begun
}

func (o *inOrder) begin(id int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open[id], o.done = true, id
}

func (o *inOrder) end(id int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.open, id)
}

// resumeAfter is the greatest id with nothing open at or below it.
func (o *inOrder) resumeAfter() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	after := o.done
	for id := range o.open {
		after = min(after, id-1)
	}
	return after
}
