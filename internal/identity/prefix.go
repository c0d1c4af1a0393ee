package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// harborPrefix is Harbor's default robot prefix. It works whatever the setting says.
const harborPrefix = "robot$"

// prefixesFor is how long the list of former prefixes is kept in memory, while the current one stays.
const prefixesFor = time.Minute

const (
	prefixPut  = `INSERT INTO robot_prefix (prefix, used_at) VALUES ($1, $2) ON CONFLICT (prefix) DO NOTHING`
	prefixList = `SELECT prefix FROM robot_prefix ORDER BY used_at DESC, prefix LIMIT 100`
)

// prefixes remembers under which prefixes robots have been known: changing the setting renames all
// robots at once, but not the clients that log in by the old names.
type prefixes struct {
	mu      sync.Mutex
	former  []string
	current string // when former was read
	until   time.Time
}

// shellSpelling is how a prefix is written where $ would need quoting.
func shellSpelling(prefix string) string { return strings.ReplaceAll(prefix, "$", "-") }

// storedNames returns the current prefix, and the stored names that a log-in name may stand for: by the
// current prefix, by Harbor's, and by those that were in use before; each with - for $ as well.
func (s *Service) storedNames(ctx context.Context, name string) (current string, stored []string, err error) {
	current, err = s.robotPrefix(ctx)
	if err != nil {
		return "", nil, err
	}
	former, err := s.formerPrefixes(ctx, current)
	if err != nil {
		return "", nil, err
	}
	for _, prefix := range append([]string{current, harborPrefix}, former...) {
		for _, spelling := range []string{prefix, shellSpelling(prefix)} {
			rest, ok := strings.CutPrefix(name, spelling)
			if ok && rest != "" && !slices.Contains(stored, rest) {
				stored = append(stored, rest)
			}
		}
	}
	return current, stored, nil
}

// formerPrefixes reads the list again when the current prefix isn't what it was: it has become a former one.
func (s *Service) formerPrefixes(ctx context.Context, current string) ([]string, error) {
	p := &s.prefixes
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == current && s.clock().Before(p.until) {
		return p.former, nil
	}
	former, err := db.Collect(ctx, s.db.Auto(), db.ScanString, prefixList)
	if err != nil {
		return nil, fmt.Errorf("list robot prefixes: %w", err)
	}
	p.former, p.current, p.until = former, current, s.clock().Add(prefixesFor)
	return former, nil
}

// keepPrefix writes down that robots are known by the prefix now.
func (s *Service) keepPrefix(ctx context.Context, tx db.Tx, prefix string) error {
	if prefix == harborPrefix {
		return nil
	}
	if _, err := tx.Exec(ctx, prefixPut, prefix, db.Micros(s.clock())); err != nil {
		return fmt.Errorf("keep robot prefix: %w", err)
	}
	return nil
}

// FullName is the name a robot is shown by: its stored name after the current prefix. When the setting
// can't be read it is the stored name alone.
func (s *Service) FullName(ctx context.Context, stored string) string {
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "read the robot prefix", "error", err)
		return stored
	}
	return prefix + stored
}
