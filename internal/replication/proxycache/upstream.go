package proxycache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Upstream is a registry elsewhere, as far as a cache needs it.
type Upstream struct {
	remote.Registry
	Name    string
	URL     string
	Kind    remote.Kind
	Healthy bool // at the last look
}

// Endpoints knows registries elsewhere.
type Endpoints interface {
	// Upstream returns one by its id, with a client whose connections and tokens all callers share.
	Upstream(ctx context.Context, id int64) (Upstream, error)
}

// Budget is how a registry elsewhere wants to be treated, and how it is.
type Budget struct {
	BlockedUntil time.Time // it wants to be left alone, zero: it doesn't
	DownUntil    time.Time // it didn't answer, and isn't asked again where something else can be served
	Remaining    int       // manifests that it lets itself be asked for still; -1: it didn't say
}

const (
	// downFor is how long a registry isn't asked that didn't answer, where something is here that can be served.
	downFor = 5 * time.Second
	// limitedFor is how long it isn't asked at all when it said that it was asked too often, but not for how long.
	limitedFor = 30 * time.Second
	maxLimited = 6 * time.Hour
	// emptyFor is how long at most it isn't asked when it said that nothing is left: windows slide.
	emptyFor = 5 * time.Minute
	// blockedLook is how often it is looked whether another process was told to leave it alone.
	blockedLook = time.Second
)

// budgets are those of all registries.
type budgets struct {
	mu sync.Mutex
	by map[int64]*budget
}

type budget struct {
	blockedUntil, downUntil, looked time.Time
}

func (b *budgets) of(id int64) *budget {
	if b.by == nil {
		b.by = map[int64]*budget{}
	}
	if b.by[id] == nil {
		b.by[id] = &budget{}
	}
	return b.by[id]
}

const (
	blockUpstream = `INSERT INTO proxy_upstream (registry_id, blocked_until, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (registry_id) DO UPDATE SET blocked_until = excluded.blocked_until, updated_at = excluded.updated_at
		WHERE proxy_upstream.blocked_until < excluded.blocked_until`
	upstreamBlocked = `SELECT blocked_until FROM proxy_upstream WHERE registry_id = $1`
)

// Budget returns how a registry is treated.
func (s *Service) Budget(ctx context.Context, u Upstream, id int64) (Budget, error) {
	if err := s.lookBlocked(ctx, id); err != nil {
		return Budget{}, err
	}
	now := time.Now()
	s.budgets.mu.Lock()
	b := *s.budgets.of(id)
	s.budgets.mu.Unlock()
	out := Budget{Remaining: -1}
	if b.blockedUntil.After(now) {
		out.BlockedUntil = b.blockedUntil
	}
	if b.downUntil.After(now) {
		out.DownUntil = b.downUntil
	}
	if metered, ok := u.Registry.(remote.Metered); ok {
		limits, said := metered.Limits()
		if until := limits.At.Add(min(max(limits.Window, limitedFor), emptyFor)); said && limits.Remaining >= 0 && until.After(now) {
			if out.Remaining = limits.Remaining; limits.Remaining == 0 && until.After(out.BlockedUntil) {
				out.BlockedUntil = until
			}
		}
	}
	return out, nil
}

// lookBlocked takes over what another process was told, once a second.
func (s *Service) lookBlocked(ctx context.Context, id int64) error {
	now := time.Now()
	s.budgets.mu.Lock()
	b := s.budgets.of(id)
	due := now.Sub(b.looked) > blockedLook
	if due {
		b.looked = now
	}
	s.budgets.mu.Unlock()
	if !due {
		return nil
	}
	at, err := db.Get(ctx, s.db.Auto(), db.ScanInt, upstreamBlocked, id)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether registry %d wants to be left alone: %w", id, err)
	}
	s.budgets.mu.Lock()
	defer s.budgets.mu.Unlock()
	if until := db.Time(at); until.After(b.blockedUntil) {
		b.blockedUntil = until
	}
	return nil
}

// allow is nil where upstream may be asked now: else it wants to be left alone, or doesn't answer. must says that nothing
// else can be served: then one that didn't answer is asked all the same.
func (s *Service) allow(ctx context.Context, u Upstream, id int64, must bool) error {
	b, err := s.Budget(ctx, u, id)
	switch now := time.Now(); {
	case err != nil:
		return err
	case b.BlockedUntil.After(now):
		return &remote.LimitError{RetryAfter: b.BlockedUntil.Sub(now)}
	case !must && (b.DownUntil.After(now) || !u.Healthy):
		return &remote.UnreachableError{Words: "it did not answer a moment ago"}
	}
	return nil
}

// heed learns from what upstream answered.
func (s *Service) heed(ctx context.Context, id int64, err error) {
	now := time.Now()
	if limit, ok := errors.AsType[*remote.LimitError](err); ok {
		pause := limitedFor
		if limit.RetryAfter > 0 {
			pause = min(limit.RetryAfter, maxLimited)
		}
		s.block(ctx, id, now.Add(pause))
		return
	}
	_, unreachable := errors.AsType[*remote.UnreachableError](err)
	s.budgets.mu.Lock()
	defer s.budgets.mu.Unlock()
	switch b := s.budgets.of(id); {
	case unreachable || errors.Is(err, errSlow):
		b.downUntil = now.Add(downFor)
	case err == nil:
		b.downUntil = time.Time{}
	}
}

func (s *Service) block(ctx context.Context, id int64, until time.Time) {
	s.budgets.mu.Lock()
	b := s.budgets.of(id)
	news := until.After(b.blockedUntil.Add(time.Second))
	if news {
		b.blockedUntil = until
	}
	s.budgets.mu.Unlock()
	if !news {
		return
	}
	s.log.WarnContext(ctx, "a registry wants to be left alone; until then only what is cached is served", "registry", id, "until", until.UTC())
	err := s.db.WriteRelaxed(context.WithoutCancel(ctx), func(tx db.Tx) error {
		_, err := tx.Exec(ctx, blockUpstream, id, db.Micros(until), s.now())
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "other processes are not told to leave a registry alone", "registry", id, "error", err)
	}
}
