package proxycache

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// slotTime is how long a fetch waits for a connection to upstream.
	slotTime = 15 * time.Second
	slotLook = 50 * time.Millisecond

	takeOpen = `INSERT INTO proxy_fetch (name, project_id, holder, lease_until)
		SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS BIGINT)
		WHERE (SELECT COUNT(*) FROM proxy_fetch WHERE project_id = $2 AND lease_until >= $5 AND name LIKE 'open %') < $6`
)

// takeSlot waits for one of the connections to upstream that the project allows, and returns how to give it back.
func (s *Service) takeSlot(ctx context.Context, id, most int64) (leave func(), err error) {
	if most <= 0 {
		return func() {}, nil
	}
	try := s.fetches.slot
	if !s.db.Exclusive() {
		try = s.sharedSlot
	}
	wait := slotLook
	for began := time.Now(); ; wait = min(wait*3/2, 500*time.Millisecond) {
		leave, err := try(ctx, id, most)
		if leave != nil || err != nil {
			return leave, err
		}
		if time.Since(began) > slotTime {
			return nil, ErrBusy
		}
		if !pause.For(ctx, wait) {
			return nil, ctx.Err()
		}
	}
}

// slot is one of the connections of this process, where there is no other; nil where all are taken.
func (f *fetches) slot(_ context.Context, id, most int64) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[id] >= most {
		return nil, nil
	}
	f.open[id]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.open[id]--; f.open[id] == 0 {
			delete(f.open, id)
		}
	}, nil
}

// sharedSlot is one of the connections of all processes; nil where all are taken. Those that take the last one in the same moment
// may both get it.
func (s *Service) sharedSlot(ctx context.Context, id, most int64) (leave func(), err error) {
	name := "open " + rand.Text()
	var n int64
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		now := time.Now()
		n, err = tx.Exec(ctx, takeOpen, name, id, name, db.Micros(now.Add(claimLease)), db.Micros(now), most)
		return err
	})
	if err != nil || n == 0 {
		return nil, err
	}
	return s.keepClaim(ctx, name, name), nil
}
