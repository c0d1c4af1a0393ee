package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
)

// At is the vulnerabilities that the list puts up with at a time. One that has expired puts up with none.
func (a CVEAllowlist) At(t time.Time) []string {
	if !a.ExpiresAt.IsZero() && !t.Before(a.ExpiresAt) {
		return nil
	}
	return a.Items
}

// ReusesSystemAllowlist reports whether the system's allowlist holds for the project instead of its own.
// A project that never said so reuses it.
func (p Project) ReusesSystemAllowlist() bool {
	reuse, said := p.Metadata[ReuseSystemAllowlist]
	return !said || reuse == "true"
}

// AllowlistOf returns the list that holds for a project: the system's, or its own. Its ProjectID is 0 when
// it is the system's.
func (s *Service) AllowlistOf(ctx context.Context, p Project) (CVEAllowlist, error) {
	if p.ReusesSystemAllowlist() {
		return s.SystemAllowlist(ctx)
	}
	return p.Allowlist, nil
}

const (
	systemAllowlist = `SELECT 0, items, expires_at, created_at, updated_at FROM system_cve_allowlist WHERE id = 1`

	putSystemAllowlist = `INSERT INTO system_cve_allowlist (id, items, expires_at, created_at, updated_at) VALUES (1, $1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET items = excluded.items, expires_at = excluded.expires_at, updated_at = excluded.updated_at`
)

// SystemAllowlist returns the list of the whole registry, empty and with zero times before it is first set.
func (s *Service) SystemAllowlist(ctx context.Context) (CVEAllowlist, error) {
	a, err := db.Get(ctx, s.db.Auto(), scanAllowlist, systemAllowlist)
	if errors.Is(err, db.ErrNotFound) {
		return CVEAllowlist{}, nil
	}
	if err != nil {
		return CVEAllowlist{}, fmt.Errorf("read the system's allowlist: %w", err)
	}
	return a, nil
}

// SetSystemAllowlist replaces the list of the whole registry. A blank id or one that comes twice is
// fault.Invalid.
func (s *Service) SetSystemAllowlist(ctx context.Context, by authz.Principal, a CVEAllowlist) error {
	a, err := checkAllowlist(a, 0)
	if err != nil {
		return err
	}
	if a.Items == nil {
		a.Items = []string{}
	}
	items, err := json.Marshal(a.Items)
	if err != nil {
		return fmt.Errorf("encode the system's allowlist: %w", err)
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		now := db.Micros(s.clock())
		if _, err := tx.Exec(ctx, putSystemAllowlist, string(items), db.Micros(a.ExpiresAt), now, now); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{
			Kind: event.UpdateConfiguration, At: s.clock(), By: by.Name,
			Resource: "configuration", Description: "update CVE allowlist of the system", Success: true,
		})
	})
	if err != nil {
		return fmt.Errorf("write the system's allowlist: %w", err)
	}
	return nil
}
