package setting

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/havenregistry/haven/internal/db"
)

// Refusal is a key that wasn't taken, and why.
type Refusal struct {
	Key string
	Why error
}

// Adopt brings keys of another registry, passwords in clear. Numbers and booleans may come as text. There is no event, and nobody
// probes whether there is somebody at an address. It returns the keys that it refused; what belongs together is refused together.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, values map[string]any) (refused []Refusal, err error) {
	parsed := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		k, known := s.keys[name]
		if !known || k.readOnly {
			refused = append(refused, Refusal{name, fmt.Errorf("there is no such key")})
			continue
		}
		v, err := k.parse(values[name])
		if err != nil {
			refused = append(refused, Refusal{name, err})
			continue
		}
		parsed[name] = v
	}
	before, err := s.read(ctx, tx)
	if err != nil {
		return nil, err
	}
	if why := together(before.with(parsed)); why != nil {
		for _, name := range []string{"ldap_group_search_filter", AuditSkipDatabase} {
			if _, sent := parsed[name]; sent {
				refused = append(refused, Refusal{name, why})
				delete(parsed, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parsed)) {
		if err := s.put(ctx, tx, name, parsed[name]); err != nil {
			return nil, err
		}
	}
	tx.AfterCommit(s.Forget)
	return refused, nil
}
