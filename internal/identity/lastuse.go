package identity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

const (
	// useEvery is how often the use of one credential is written: that it is in use matters, not the second.
	useEvery = 5 * time.Minute
	// usesMost bounds the credentials whose use is remembered; what comes above it is written later.
	usesMost = 20_000
	// usesBatch bounds the rows of one transaction.
	usesBatch = 500
)

// usedKind says which table a use belongs to.
type usedKind int

const (
	robotUsed usedKind = iota
	tokenUsed
)

const (
	robotUsePut = `INSERT INTO robot_use (robot_id, used_at) SELECT id, $1 FROM robot WHERE id = $2
		ON CONFLICT (robot_id) DO UPDATE SET used_at = excluded.used_at WHERE robot_use.used_at < excluded.used_at`
	personalUsePut = `INSERT INTO personal_token_use (token_id, used_at) SELECT id, $1 FROM personal_token WHERE id = $2
		ON CONFLICT (token_id) DO UPDATE SET used_at = excluded.used_at WHERE personal_token_use.used_at < excluded.used_at`
)

func (k usedKind) put() string {
	if k == robotUsed {
		return robotUsePut
	}
	return personalUsePut
}

type credential struct {
	kind usedKind
	id   int64
}

// uses collects when credentials were used, so that no request waits for that to be written.
type uses struct {
	mu      sync.Mutex
	noted   map[credential]time.Time // what was written or waits to be, not older than useEvery
	pending map[credential]time.Time
}

func newUses() *uses {
	return &uses{noted: map[credential]time.Time{}, pending: map[credential]time.Time{}}
}

// note remembers a use, unless one was noted lately.
func (u *uses) note(c credential, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if before, ok := u.noted[c]; ok && now.Sub(before) < useEvery || len(u.noted) >= usesMost {
		return
	}
	u.noted[c], u.pending[c] = now, now
}

// take returns what is to be written, at most usesBatch, and forgets what is old.
func (u *uses) take(now time.Time) map[credential]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch := map[credential]time.Time{}
	for c, at := range u.pending {
		if len(batch) == usesBatch {
			return batch
		}
		batch[c] = at
		delete(u.pending, c)
	}
	for c, at := range u.noted {
		if now.Sub(at) >= useEvery {
			delete(u.noted, c)
		}
	}
	return batch
}

// giveBack returns what couldn't be written.
func (u *uses) giveBack(batch map[credential]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c, at := range batch {
		u.pending[c] = at
	}
}

// writeUses writes down what was used since the last time.
func (s *Service) writeUses(ctx context.Context) error {
	for {
		batch := s.uses.take(s.clock())
		if len(batch) == 0 {
			return nil
		}
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			for c, at := range batch {
				if _, err := tx.Exec(ctx, c.kind.put(), db.Micros(at), c.id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s.uses.giveBack(batch)
			return fmt.Errorf("write when credentials were used: %w", err)
		}
	}
}
