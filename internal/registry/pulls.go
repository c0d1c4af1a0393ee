package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

const (
	flushEvery = time.Second
	// maxPulls is how many different pulls wait for the next flush. Beyond it the oldest are lost,
	// counted and logged: a pull never waits for its own statistics.
	maxPulls = 4096
)

// Class is what a pull was for, as far as that can be told.
type Class int

// The classes of pulls. A person's and a program's are uses; what scans or copies an image doesn't use it.
const (
	ByPerson Class = iota // or nobody in particular
	ByRobot               // a program with a log-in of its own
	ByScanner
	ByRegistry // another one that copies: replication, a cache that looks for news
)

// Uses reports whether such a pull is a use of the image.
func (c Class) Uses() bool { return c == ByPerson || c == ByRobot }

// ClassOf tells the class by who pulls and the name of the client's program. Registries, ours and Harbor's, say their names;
// whoever borrows one only has his own pulls not count as uses.
func ClassOf(by authz.Principal, agent string) Class {
	kind := by.Kind
	if kind == authz.Bearer {
		kind = by.Holder
	}
	switch {
	case kind == authz.ScannerPass:
		return ByScanner
	case strings.HasPrefix(agent, "haven/"), strings.HasPrefix(agent, "harbor-registry-client"):
		return ByRegistry
	case kind == authz.Robot:
		return ByRobot
	}
	return ByPerson
}

// Pull is one download of a manifest.
type Pull struct {
	By       authz.Principal
	Ref      Ref
	Manifest Manifest // ID, RepositoryID, Digest and Tag count; without ID and RepositoryID there is nothing to count by, but that it happened
	Class    Class
}

// pullKey is what pulls are counted by.
type pullKey struct {
	uses                     bool
	by                       string
	repositoryID, manifestID int64
	tag                      string
}

// pulled is a number of pulls with the same key.
type pulled struct {
	Pull
	at    int64 // of the last one
	count int64
}

// usedAt is when the image was used, 0 for never.
func (p pulled) usedAt() int64 {
	if p.Class.Uses() {
		return p.at
	}
	return 0
}

// pulls collects what wasn't written yet. The zero value is ready.
type pulls struct {
	mu      sync.Mutex
	byKey   map[pullKey]*pulled
	order   []pullKey // oldest first
	dropped int64     // pulls lost since the last flush
}

func (p *pulls) add(pulls ...pulled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pull := range pulls {
		p.addOne(pull)
	}
}

func (p *pulls) addOne(pull pulled) {
	key := pullKey{pull.Class.Uses(), pull.By.Name, pull.Manifest.RepositoryID, pull.Manifest.ID, pull.Manifest.Tag}
	if pull.Manifest.ID == 0 { // a cache's, which isn't an ordinary manifest yet
		key.tag += "@" + string(pull.Manifest.Digest)
	}
	if known := p.byKey[key]; known != nil {
		known.count, known.at = known.count+pull.count, max(known.at, pull.at)
		return
	}
	if p.byKey == nil {
		p.byKey = map[pullKey]*pulled{}
	}
	if len(p.order) == maxPulls {
		oldest := p.order[0]
		p.dropped += p.byKey[oldest].count
		delete(p.byKey, oldest)
		p.order = p.order[1:]
	}
	p.byKey[key] = &pull
	p.order = append(p.order, key)
}

// take empties the collection.
func (p *pulls) take() (batch []pulled, dropped int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.order {
		batch = append(batch, *p.byKey[key])
	}
	dropped = p.dropped
	p.byKey, p.order, p.dropped = nil, nil, 0
	return batch, dropped
}

// RecordPull counts a pull. It only takes a note in memory; Run writes the notes down.
func (s *Service) RecordPull(p Pull) {
	p.Manifest.Content = nil // not to be kept in memory
	s.pulls.add(pulled{Pull: p, at: s.now(), count: 1})
}

// Run writes down pulls, asks for the Rules and looks for changes by other processes every second until ctx is
// cancelled, then writes pulls a last time, and returns nil.
func (s *Service) Run(ctx context.Context) error {
	s.askRules(ctx)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
			defer cancel()
			if err := s.Flush(ctx); err != nil {
				s.log.ErrorContext(ctx, "pulls were not counted", "error", err)
			}
			return nil
		case <-ticker.C:
			s.askRules(ctx)
			if err := s.db.Notice(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "changes by other processes are not noticed", "error", err)
			}
			if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "pulls were not counted", "error", err)
			}
		}
	}
}

func (s *Service) askRules(ctx context.Context) {
	if err := s.rules.refresh(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "what is switched off is not known; it stays as it was", "error", err)
	}
}

const (
	countPulls = `UPDATE repository SET pull_count = pull_count + $2 WHERE id = $1`
	// The last pull and the last use, 0 for none, in one statement.
	stampPulled = `UPDATE manifest SET pulled_at = CASE WHEN pulled_at < $2 THEN $2 ELSE pulled_at END, used_at = CASE WHEN used_at < $3 THEN $3 ELSE used_at END
		WHERE id = $1 AND (pulled_at < $2 OR used_at < $3)`
	stampTagPull = `UPDATE tag SET pulled_at = $3 WHERE repository_id = $1 AND name = $2 AND manifest_id = $4 AND pulled_at < $3`
)

// Flush writes down the pulls recorded so far: counts, times, and one event for each principal,
// artifact and tag. After a failure they wait for the next time.
func (s *Service) Flush(ctx context.Context) error {
	batch, dropped := s.pulls.take()
	if dropped > 0 {
		s.log.WarnContext(ctx, "too many pulls to count them all", "lost", dropped)
	}
	if len(batch) == 0 {
		return nil
	}
	rules := s.rules.current()
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.wake)
		return s.writePulls(ctx, tx, batch, rules)
	})
	if err != nil {
		s.pulls.add(batch...)
		return fmt.Errorf("write down pulls: %w", err)
	}
	return nil
}

func (s *Service) writePulls(ctx context.Context, tx db.Tx, batch []pulled, rules Rules) error {
	if !rules.NoPullCounts {
		if err := addCounts(ctx, tx, batch); err != nil {
			return err
		}
	}
	if !rules.NoPullTimes {
		if err := stampTimes(ctx, tx, rules.stamped(batch)); err != nil {
			return err
		}
	}
	for _, p := range batch {
		e := s.artifactEvent(event.PullArtifact, "pull", p.By.Name, p.Ref, p.Manifest.Digest, p.Manifest.Tag)
		e.At = db.Time(p.at)
		if err := event.Append(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// stamped are the pulls that artifacts and tags remember the time of.
func (r Rules) stamped(batch []pulled) []pulled {
	if !r.NoScanTimes {
		return batch
	}
	return slices.DeleteFunc(slices.Clone(batch), func(p pulled) bool { return p.By.Holder == authz.ScannerPass })
}

// addCounts goes through the repositories in the order they came, so that two flushes lock alike.
func addCounts(ctx context.Context, tx db.Tx, batch []pulled) error {
	counts := map[int64]int64{}
	var order []int64
	for _, p := range batch {
		if counts[p.Manifest.RepositoryID] == 0 {
			order = append(order, p.Manifest.RepositoryID)
		}
		counts[p.Manifest.RepositoryID] += p.count
	}
	for _, id := range order {
		if _, err := tx.Exec(ctx, countPulls, id, counts[id]); err != nil {
			return err
		}
	}
	return nil
}

func stampTimes(ctx context.Context, tx db.Tx, batch []pulled) error {
	last, used := map[int64]int64{}, map[int64]int64{}
	var order []int64
	for _, p := range batch {
		if last[p.Manifest.ID] == 0 {
			order = append(order, p.Manifest.ID)
		}
		last[p.Manifest.ID] = max(last[p.Manifest.ID], p.at)
		used[p.Manifest.ID] = max(used[p.Manifest.ID], p.usedAt())
	}
	for _, id := range order {
		if _, err := tx.Exec(ctx, stampPulled, id, last[id], used[id]); err != nil {
			return err
		}
	}
	for _, p := range batch {
		if p.Manifest.Tag == "" {
			continue
		}
		if _, err := tx.Exec(ctx, stampTagPull, p.Manifest.RepositoryID, p.Manifest.Tag, p.at, p.Manifest.ID); err != nil {
			return err
		}
	}
	return nil
}
