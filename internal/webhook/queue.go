package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/db"
)

const (
	// maxTurns is how many targets one process works on at once: those that are slow shall not hold up those that aren't.
	maxTurns = 256
	// turnTime is how long a target is worked on before others have their turn.
	turnTime = 20 * time.Second
	// spell is how long a page of deliveries is sent before what came of it is written down.
	spell     = 500 * time.Millisecond
	leaseTime = 30 * time.Second // a spell and the longest request, with much to spare
	lookEvery = time.Second
	pageSize  = 200
	// maxHeld bounds the subjects that wait for a delivery that failed; with more it is the target that fails.
	maxHeld    = 1000
	heldBreak  = time.Minute
	offFor     = 30 * time.Second // that a policy is off is looked at again then
	removePage = 500
)

const (
	anyDue   = `SELECT id FROM webhook_target WHERE due_at > 0 AND due_at <= $1 AND lease_until <= $1 ORDER BY due_at LIMIT $2`
	claimOne = `UPDATE webhook_target SET holder = $1, lease_until = $2 WHERE id = (SELECT id FROM webhook_target
		WHERE due_at > 0 AND due_at <= $3 AND lease_until <= $3 ORDER BY due_at LIMIT 1) RETURNING id`
	targetOf = `SELECT ` + targetFields + ` FROM webhook_target WHERE id = $1 AND holder = $2`
	policyOf = `SELECT ` + policyFields + ` FROM webhook_policy WHERE id = $1`

	deliveryFields = `id, policy_id, target_id, type, uuid, event_type, subject, operator, occurred_at, data, status, attempts, due_at, queued_at, ended_at, tried_at, took, answer, answer_body, complaint`
	heldSubjects   = `SELECT DISTINCT subject FROM webhook_delivery WHERE target_id = $1 AND status = 0 AND due_at > $2 AND due_at > 0 LIMIT $3` // > 0: as its index says
	// Only the first are looked at: what was sent again by somebody stands before what came later.
	expire = `UPDATE webhook_delivery SET status = 2, ended_at = $1, due_at = 0, complaint = $2 WHERE id IN (SELECT id FROM (SELECT id, queued_at FROM webhook_delivery
		WHERE target_id = $3 AND status = 0 ORDER BY id LIMIT $4) AS first WHERE queued_at < $5)`
	note = `UPDATE webhook_delivery SET status = $1, attempts = attempts + 1, due_at = $2, ended_at = $3, tried_at = $4, took = $5, answer = $6, answer_body = $7, complaint = $8
		WHERE id = $9 AND status = 0`
	renew   = `UPDATE webhook_target SET lease_until = $1, failures = $2, complaint = $3 WHERE id = $4 AND holder = $5`
	nextDue = `SELECT COALESCE(MIN(due_at), 0) FROM webhook_delivery WHERE target_id = $1 AND status = 0 AND due_at > 0`
	// A lease without a holder is a pause.
	release   = `UPDATE webhook_target SET holder = '', lease_until = $1, due_at = $2 WHERE id = $3 AND holder = $4`
	endLeases = `UPDATE webhook_target SET holder = '', lease_until = 0 WHERE holder <> ''`
	// What waits and what ended have an index each.
	removeSome = `DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM (SELECT id FROM webhook_delivery WHERE target_id = $1 AND status = 0 LIMIT $2) AS waiting
		UNION ALL SELECT id FROM (SELECT id FROM webhook_delivery WHERE target_id = $1 AND status > 0 LIMIT $2) AS ended)`
	removeLast = `DELETE FROM webhook_target WHERE id = $1 AND holder = $2 AND position < 0`
)

// errOvertaken: the target isn't this turn's any more.
var errOvertaken = errors.New("the webhook target is somebody else's, or was changed")

// Run sends what waits until ctx is cancelled, and returns nil then.
func (s *Service) Run(ctx context.Context) error {
	var turns sync.WaitGroup
	defer turns.Wait()
	places := make(chan struct{}, maxTurns)
	timer := time.NewTicker(lookEvery)
	defer timer.Stop()
	turns.Go(func() { s.keepTidy(ctx) })
	if err := s.takeOver(ctx); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "webhooks wait for the leases of the process before", "error", err)
	}
	for {
		if err := s.begin(ctx, places, &turns); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "webhooks can't look for what waits", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.waiting:
		case <-timer.C:
		}
	}
}

// takeOver ends the leases of the process before, where there is one process at a time.
func (s *Service) takeOver(ctx context.Context) error {
	if !s.DB.Exclusive() {
		return nil
	}
	return s.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, endLeases)
		return err
	})
}

// begin takes up the targets that are due, as many as there are places for.
func (s *Service) begin(ctx context.Context, places chan struct{}, turns *sync.WaitGroup) error {
	if err := s.count(ctx); err != nil {
		return err
	}
	on, err := s.Enabled(ctx)
	if err != nil || !on {
		return err
	}
	for {
		due, err := db.Collect(ctx, s.DB.Auto(), db.ScanInt, anyDue, db.Micros(s.Clock()), 1)
		if err != nil || len(due) == 0 {
			return err
		}
		select {
		case places <- struct{}{}:
		default:
			return nil
		}
		t, err := s.claim(ctx)
		if err != nil || t == nil {
			<-places
			return err
		}
		turns.Go(func() {
			defer func() { <-places; s.look() }()
			if err := t.run(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errOvertaken) {
				s.Log.WarnContext(ctx, "a webhook's queue could not be worked on; it is tried again", "target", t.target.ID, "error", err)
			}
		})
	}
}

// turn is a process's work on a target's queue.
type turn struct {
	*Service
	holder string
	target Target
	policy Policy
	gone   bool // the target was taken away
	off    bool // the policy is
	until  time.Time
	ended  int64 // deliveries

	mu       sync.Mutex // guards what follows
	failures int64
	words    string        // what went wrong last
	pause    time.Duration // for the whole target; 0 for none
}

// claim takes up a target, nil when there is none.
func (s *Service) claim(ctx context.Context) (*turn, error) {
	now := s.Clock()
	t := &turn{Service: s, holder: rand.Text(), until: now.Add(turnTime)}
	var found []storedTarget
	err := s.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		ids, err := db.Collect(ctx, tx, db.ScanInt, claimOne, t.holder, db.Micros(now.Add(leaseTime)), db.Micros(now))
		if found = nil; err != nil || len(ids) == 0 {
			return err
		}
		if found, err = db.Collect(ctx, tx, scanTarget, targetOf, ids[0], t.holder); err != nil {
			return err
		}
		t.policy, err = db.Get(ctx, tx, scanPolicy, policyOf, found[0].policyID)
		if t.gone = errors.Is(err, db.ErrNotFound); t.gone {
			return nil
		}
		if err == nil {
			t.gone, err = db.Get(ctx, tx, db.ScanBool, `SELECT position < 0 FROM webhook_target WHERE id = $1`, ids[0])
		}
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if t.target, err = found[0].open(s.Box); err != nil {
		return nil, err // and tried again when the lease is over
	}
	t.failures, t.words, t.off = t.target.Failures, t.target.Complaint, !t.policy.Enabled
	return t, nil
}

// run sends what waits, for a while.
func (t *turn) run(ctx context.Context) error {
	if t.gone {
		return t.remove(ctx)
	}
	if t.off {
		if err := t.expire(ctx); err != nil {
			return err
		}
	}
	for !t.off && t.pause == 0 && ctx.Err() == nil && t.Clock().Before(t.until) {
		more, err := t.page(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if on, err := t.Enabled(ctx); err != nil || !on {
			break
		}
	}
	return t.end(context.WithoutCancel(ctx))
}

// page sends some of what waits and notes what came of it. It reports whether more waited; what came meanwhile, end finds.
func (t *turn) page(ctx context.Context) (more bool, err error) {
	now := t.Clock()
	if t.failures > 0 {
		if err := t.expire(ctx); err != nil {
			return false, err
		}
	}
	held, err := db.Collect(ctx, t.DB.Auto(), db.ScanString, heldSubjects, t.target.ID, db.Micros(now), maxHeld)
	if err != nil {
		return false, fmt.Errorf("read what is held up: %w", err)
	}
	if len(held) == maxHeld {
		t.pause = heldBreak
		return false, nil
	}
	query, args := dueOf(deliveryFields, t.target.ID, held, pageSize)
	rows, err := db.Collect(ctx, t.DB.Auto(), scanDelivery, query, args...)
	if err != nil {
		return false, fmt.Errorf("read what waits: %w", err)
	}
	if len(rows) == 0 {
		return false, nil
	}
	results, err := t.sendAll(ctx, rows)
	if noted := t.note(context.WithoutCancel(ctx), results); noted != nil {
		return false, noted
	}
	return len(results) > 0 && (len(results) < len(rows) || len(rows) == pageSize), err
}

// dueOf asks for what can be sent: nothing of a subject that is held up.
func dueOf(fields string, target int64, held []string, limit int) (query string, args []any) {
	query, args = `SELECT `+fields+` FROM webhook_delivery WHERE target_id = $1 AND status = 0`, []any{target}
	if len(held) > 0 {
		marks, more := db.In(1, padded(held))
		query, args = query+` AND subject NOT IN (`+marks+`)`, append(args, more...)
	}
	return query + fmt.Sprintf(` ORDER BY id LIMIT $%d`, len(args)+1), append(args, limit)
}

// padded repeats the last value until there are a power of four of them, so that statements have few texts.
func padded[T any](values []T) []T {
	size := 1
	for size < len(values) {
		size *= 4
	}
	out := slices.Grow(slices.Clone(values), size-len(values))
	for len(out) < size {
		out = append(out, values[len(values)-1])
	}
	return out
}

// result is what came of a delivery.
type result struct {
	delivery Delivery
	attempt
}

// sendAll sends deliveries: those of a subject one after another, others beside them, one by one while the target fails.
func (t *turn) sendAll(ctx context.Context, rows []Delivery) (results []result, err error) {
	var order []string
	chains := map[string][]Delivery{}
	for _, d := range rows {
		if chains[d.Subject] == nil {
			order = append(order, d.Subject)
		}
		chains[d.Subject] = append(chains[d.Subject], d)
	}
	until := t.Clock().Add(spell)
	var g errgroup.Group
	g.SetLimit(atOnce)
	if t.failures > 0 {
		g.SetLimit(1)
	}
	for _, subject := range order {
		if !t.goesOn(ctx, until) {
			break
		}
		g.Go(func() error {
			for _, d := range chains[subject] {
				if !t.goesOn(ctx, until) {
					return nil
				}
				a, err := t.send(ctx, t.policy, t.target, d.told())
				if err != nil {
					return fmt.Errorf("send delivery %d: %w", d.ID, err)
				}
				if ctx.Err() != nil && a.verdict != delivered {
					return nil // this process ends: it says nothing about the target
				}
				t.mu.Lock()
				results = append(results, result{d, a})
				t.judge(a)
				t.mu.Unlock()
				if a.verdict == failed || a.verdict == unreachable {
					return nil
				}
			}
			return nil
		})
	}
	err = g.Wait()
	return results, err
}

func (t *turn) goesOn(ctx context.Context, until time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return ctx.Err() == nil && t.pause == 0 && t.Clock().Before(until)
}

// judge draws the conclusions of an attempt for the target.
func (t *turn) judge(a attempt) {
	switch a.verdict {
	case delivered, refused: // it listens
		t.failures = 0
		if t.words = a.complaint; a.verdict == delivered {
			t.stats.delivered.Add(1)
		}
		return
	case unreachable:
		t.failures++
		t.pause = max(t.pause, breakAfter(t.failures))
	case failed:
		if t.failures++; t.failures >= strikes {
			t.pause = max(t.pause, breakAfter(t.failures-strikes+1))
		}
		t.pause = max(t.pause, a.retryAfter)
	}
	t.words = a.complaint
	t.stats.failed.Add(1)
}

// outcome is what becomes of a delivery: its status, when it is tried again, and what people are told.
func (t *turn) outcome(r result) (status Status, due time.Time, words string) {
	tries := r.delivery.Attempts + 1
	switch {
	case r.verdict == delivered:
		return Delivered, due, ""
	case r.verdict == refused:
		return GivenUp, due, r.complaint
	case r.verdict == unreachable:
		return Waiting, due, r.complaint // it waits with its target
	case tries >= maxAttempts && t.failures < strikes: // the target takes others
		return GivenUp, due, fmt.Sprintf(givenUpForTries, tries, r.complaint)
	}
	return Waiting, r.at.Add(max(pauseAfter(tries), r.retryAfter)), r.complaint
}

// note writes down what came of deliveries, and renews the lease. Where the lease is lost it notes nothing: whoever has it
// sends them again.
func (t *turn) note(ctx context.Context, results []result) error {
	err := t.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := t.Clock()
		n, err := tx.Exec(ctx, renew, db.Micros(now.Add(leaseTime)), t.failures, t.words, t.target.ID, t.holder)
		if err != nil {
			return err
		}
		if n == 0 {
			return errOvertaken
		}
		for _, r := range results {
			status, due, words := t.outcome(r)
			ended := int64(0)
			if status != Waiting {
				ended = db.Micros(now)
			}
			if _, err := tx.Exec(ctx, note, int64(status), db.Micros(due), ended, db.Micros(r.at), r.took.Microseconds(), r.status, r.body, words, r.delivery.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note what was delivered: %w", err)
	}
	for _, r := range results {
		status, _, _ := t.outcome(r)
		if status != Waiting {
			t.ended++
		}
		if status == GivenUp {
			t.stats.givenUp.Add(1)
		}
	}
	return nil
}

// expire gives up what has waited for a day for a target that fails, or a policy that is off.
func (t *turn) expire(ctx context.Context) error {
	now := t.Clock()
	var n int64
	err := t.DB.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		n, err = tx.Exec(ctx, expire, db.Micros(now), givenUpForAge, t.target.ID, removePage, db.Micros(now.Add(-giveUpAfter)))
		return err
	})
	if err != nil {
		return fmt.Errorf("give up what has waited too long: %w", err)
	}
	t.stats.givenUp.Add(n)
	t.ended += n
	return nil
}

// end leaves the target to whoever comes next, when something is to be done for it.
func (t *turn) end(ctx context.Context) error {
	err := t.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := t.Clock()
		due, err := t.left(ctx, tx, db.Micros(now))
		if err != nil {
			return err
		}
		rest := t.pause
		if t.off {
			rest = offFor
		}
		pausedUntil := int64(0)
		if rest > 0 {
			pausedUntil = db.Micros(now.Add(rest))
		}
		if due > 0 {
			due = max(due, pausedUntil)
		}
		_, err = tx.Exec(ctx, release, pausedUntil, due, t.target.ID, t.holder)
		return err
	})
	if err != nil {
		return fmt.Errorf("leave a webhook's queue: %w", err)
	}
	return t.trim(ctx)
}

// left is when there is something to do for the target, 0 for never.
func (t *turn) left(ctx context.Context, tx db.Tx, now int64) (int64, error) {
	held, err := db.Collect(ctx, tx, db.ScanString, heldSubjects, t.target.ID, now, maxHeld)
	if err != nil {
		return 0, err
	}
	query, args := dueOf("id", t.target.ID, held, 1)
	if first, err := db.Collect(ctx, tx, db.ScanInt, query, args...); err != nil || len(first) > 0 {
		return now, err
	}
	return db.Get(ctx, tx, db.ScanInt, nextDue, t.target.ID)
}

// remove takes away what is left of a target that was taken away, bit by bit.
func (t *turn) remove(ctx context.Context) error {
	for ctx.Err() == nil {
		done := false
		err := t.DB.WriteRelaxed(ctx, func(tx db.Tx) error {
			n, err := tx.Exec(ctx, removeSome, t.target.ID, removePage)
			if done = err == nil && n < removePage; !done {
				return err
			}
			_, err = tx.Exec(ctx, removeLast, t.target.ID, t.holder)
			return err
		})
		if err != nil || done {
			return err
		}
	}
	return nil
}
