package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	tidyEvery = time.Hour
	// What is kept of a target besides what waits.
	keptDelivered = 1_000
	keptGivenUp   = 10_000
	tidyPage      = 500
)

const (
	oldOnes = `DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery WHERE status > 0 AND ended_at < $1 LIMIT $2)`
	tooMany = `DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery WHERE target_id = $1 AND status = $2 AND status > 0
		AND id <= (SELECT id FROM webhook_delivery WHERE target_id = $1 AND status = $2 AND status > 0 ORDER BY id DESC LIMIT 1 OFFSET $3) LIMIT $4)`
	// ofDeleted are policies of projects that are gone for good; what happened before the end is still delivered.
	ofDeleted = `SELECT p.id FROM webhook_policy p JOIN project j ON j.id = p.project_id AND j.deleted_at > 0 AND j.restorable_until = 0 WHERE NOT EXISTS (SELECT 1 FROM webhook_target t
		JOIN webhook_delivery d ON d.target_id = t.id AND d.status = 0 WHERE t.policy_id = p.id) ORDER BY p.id LIMIT $1`
	queueLengths = `SELECT target_id, COUNT(*) FROM webhook_delivery WHERE status = 0 GROUP BY target_id`
)

// keepTidy tidies now and then, beside what is sent: there may be much to take away.
func (s *Service) keepTidy(ctx context.Context) {
	for {
		if err := s.Tidy(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "old webhook deliveries can't be taken away", "error", err)
		}
		if !pause.For(ctx, tidyEvery) {
			return
		}
	}
}

// Tidy takes away deliveries that ended long ago, and policies of projects that are deleted.
func (s *Service) Tidy(ctx context.Context) error {
	before := db.Micros(s.Clock().Add(-s.Keep))
	if err := s.drop(ctx, func(tx db.Tx) (int64, error) { return tx.Exec(ctx, oldOnes, before, tidyPage) }); err != nil {
		return err
	}
	return s.drop(ctx, func(tx db.Tx) (int64, error) {
		ids, err := db.Collect(ctx, tx, db.ScanInt, ofDeleted, tidyPage)
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		for _, id := range ids {
			if err := s.forget(ctx, tx, id); err != nil {
				return 0, fmt.Errorf("forget webhook policy %d: %w", id, err)
			}
		}
		tx.AfterCommit(s.look)
		_, err = tx.Exec(ctx, policyChanged)
		return int64(len(ids)), err
	})
}

// trimEvery is after how many deliveries of a target it is looked for too many.
const trimEvery = 200

// trim takes away what a target has more of than is kept.
func (t *turn) trim(ctx context.Context) error {
	t.Service.mu.Lock()
	t.done[t.target.ID] += t.ended
	due := t.done[t.target.ID] >= trimEvery
	if due {
		delete(t.done, t.target.ID)
	}
	t.Service.mu.Unlock()
	if !due {
		return nil
	}
	for status, kept := range map[Status]int{Delivered: keptDelivered, GivenUp: keptGivenUp, CalledOff: keptDelivered} {
		err := t.drop(ctx, func(tx db.Tx) (int64, error) {
			return tx.Exec(ctx, tooMany, t.target.ID, int64(status), kept, tidyPage)
		})
		if err != nil {
			return fmt.Errorf("trim the deliveries of webhook target %d: %w", t.target.ID, err)
		}
	}
	return nil
}

// drop deletes page by page, so that nobody waits long for it.
func (s *Service) drop(ctx context.Context, page func(db.Tx) (int64, error)) error {
	for ctx.Err() == nil {
		var n int64
		err := s.DB.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			n, err = page(tx)
			return err
		})
		if err != nil || n < tidyPage {
			return err
		}
	}
	return ctx.Err()
}

type queueLength struct{ target, rows int64 }

// count finds out how long queues are, now and then: what is added by this process is added to it meanwhile.
func (s *Service) count(ctx context.Context) error {
	now := s.Clock()
	s.mu.Lock()
	if now.Sub(s.counted) < countEvery {
		s.mu.Unlock()
		return nil
	}
	before := make(map[int64]int64, len(s.queued))
	for id, q := range s.queued {
		before[id] = q.added
	}
	s.mu.Unlock()
	rows, err := db.Collect(ctx, s.DB.Auto(), func(r db.Row) (q queueLength, err error) {
		err = r.Scan(&q.target, &q.rows)
		return q, err
	}, queueLengths)
	if err != nil {
		return fmt.Errorf("count what waits: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	queued := make(map[int64]backlog, len(rows))
	s.total = 0
	for _, q := range rows {
		was := s.queued[q.target]
		// It is full until it has come down to what it may hold in a crowd, so that one that stays full is logged once.
		queued[q.target] = backlog{counted: q.rows, added: was.added - before[q.target], full: was.full && q.rows >= smallQueue}
		s.total += q.rows
	}
	s.queued, s.counted = queued, now
	return nil
}

// Backlog is how many deliveries wait in the whole registry, as of the last count.
func (s *Service) Backlog() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}
