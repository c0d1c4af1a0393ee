package project

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/selector"
)

// Upstreams knows the registries elsewhere that a project may be a cache of.
type Upstreams interface {
	// MayCache is a fault, in words for the administrator, where there is no such registry or it is of a kind that can't be cached.
	MayCache(ctx context.Context, registryID int64) error
}

// upstreamFor checks the registry that a new project is to be a cache of, 0 for none.
func (s *Service) upstreamFor(ctx context.Context, by authz.Principal, asked *int64) (int64, error) {
	switch {
	case asked == nil || *asked == 0: // clients send it for an ordinary one
		return 0, nil
	case !administers(by):
		return 0, fault.Forbiddenf("Only system admin can create proxy cache project")
	case *asked < 0:
		return 0, fault.Invalidf("%d is invalid value of registry_id, it should be greater than 0", *asked)
	case s.upstreams == nil:
		return 0, fault.Invalidf("registry %d not found", *asked)
	}
	return *asked, s.upstreams.MayCache(ctx, *asked)
}

// maxCaches bounds the projects of which it is remembered whether they are a cache.
const maxCaches = 100_000

// caches remembers of projects what they are a cache of, which never changes: a pull of an ordinary project pays a look
// into a map. The zero value is ready.
type caches struct {
	mu sync.RWMutex
	of map[int64]int64
}

func (c *caches) get(id int64) (registryID int64, known bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	registryID, known = c.of[id]
	return registryID, known
}

func (c *caches) put(id, registryID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= maxCaches {
		c.of = map[int64]int64{}
	}
	c.of[id] = registryID
}

const registryOf = `SELECT registry_id FROM project WHERE id = $1`

// Upstream is the registry elsewhere that a project is a cache of, 0 for none. It asks the database once.
func (s *Service) Upstream(ctx context.Context, id int64) (int64, error) {
	if registryID, known := s.caches.get(id); known {
		return registryID, nil
	}
	registryID, err := db.Get(ctx, s.db.Auto(), db.ScanInt, registryOf, id)
	if errors.Is(err, db.ErrNotFound) {
		return 0, fault.NotFoundf("project %d not found", id)
	}
	if err != nil {
		return 0, fmt.Errorf("find what project %d is a cache of: %w", id, err)
	}
	s.caches.put(id, registryID)
	return registryID, nil
}

const firstCacheOf = `SELECT name FROM project WHERE registry_id = $1 AND registry_id > 0 AND deleted_at = 0 ORDER BY id LIMIT 1`

// CacheOf is the name of a project that is a cache of the registry, "" when none is.
func (s *Service) CacheOf(ctx context.Context, tx db.Tx, registryID int64) (string, error) {
	name, err := db.Get(ctx, tx, db.ScanString, firstCacheOf, registryID)
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a cache of registry %d: %w", registryID, err)
	}
	return name, nil
}

// The kinds of filters of what may be cached.
const (
	doublestarFilter = "doublestar"
	regexFilter      = "regex"
)

// NewProxyFilter reads the values of ProxyFilterKind and ProxyFilterPattern: which repositories of a registry may be cached, by their
// names there. Without a pattern all may. A bad pattern is a fault.Invalid. A regular expression must match the whole name.
func NewProxyFilter(kind, pattern string) (*selector.Selector, error) {
	if kind == regexFilter && pattern != "" {
		pattern = selector.Regex + pattern
	}
	return selector.Compile(pattern)
}

func checkFilter(metadata map[string]string) error {
	_, err := NewProxyFilter(metadata[ProxyFilterKind], metadata[ProxyFilterPattern])
	return err
}

// checkFilterOver checks what the filter becomes when some keys change.
func checkFilterOver(ctx context.Context, tx db.Tx, p Project, changed map[string]string) error {
	_, kind := changed[ProxyFilterKind]
	_, pattern := changed[ProxyFilterPattern]
	if !kind && !pattern {
		return nil
	}
	all, err := metadataOf(ctx, tx, p)
	if err != nil {
		return err
	}
	maps.Copy(all, changed)
	return checkFilter(all)
}
