package proxycache

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// A claim that isn't renewed for so long is free: its process has died.
	claimLease = 6 * time.Second
	claimRenew = 2 * time.Second
	claimRetry = 50 * time.Millisecond
)

const (
	claimFetch = `INSERT INTO proxy_fetch (name, project_id, holder, lease_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until WHERE proxy_fetch.lease_until < $5`
	renewFetch   = `UPDATE proxy_fetch SET lease_until = $3 WHERE name = $1 AND holder = $2`
	endFetch     = `DELETE FROM proxy_fetch WHERE name = $1 AND holder = $2`
	staleFetches = `DELETE FROM proxy_fetch WHERE lease_until < $1`
)

// claim waits until this process alone may fetch what name says, and returns how to let go of it. Where somebody else has it, here
// says each time whether it has come meanwhile: then there is nothing to fetch, and release is nil. Where no other process uses
// the database, whoever began the flight is alone already.
func (s *Service) claim(ctx context.Context, projectID int64, name string, here func(ctx context.Context) (bool, error)) (release func(), err error) {
	if s.db.Exclusive() {
		return func() {}, nil
	}
	holder := rand.Text()
	for wait := claimRetry; ; wait = min(wait*3/2, 500*time.Millisecond) {
		var n int64
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			now := time.Now()
			n, err = tx.Exec(ctx, claimFetch, name, projectID, holder, db.Micros(now.Add(claimLease)), db.Micros(now))
			return err
		})
		if err != nil {
			return nil, err
		}
		if n == 1 {
			return s.keepClaim(ctx, name, holder), nil
		}
		if !pause.For(ctx, wait) {
			return nil, ctx.Err()
		}
		if is, err := here(ctx); is || err != nil {
			return nil, err
		}
	}
}

// keepClaim renews the claim until it is released. One that is lost all the same costs a second fetch, and no more.
func (s *Service) keepClaim(ctx context.Context, name, holder string) (release func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause.For(ctx, claimRenew) {
			err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
				_, err := tx.Exec(ctx, renewFetch, name, holder, db.Micros(time.Now().Add(claimLease)))
				return err
			})
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "renewing the claim on a fetch", "what", name, "error", err)
			}
		}
	}()
	return func() {
		cancel()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
		defer cancel()
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, endFetch, name, holder)
			return err
		})
		if err != nil {
			s.log.WarnContext(ctx, "a claim on a fetch ends only when its lease does", "what", name, "error", err)
		}
	}
}
