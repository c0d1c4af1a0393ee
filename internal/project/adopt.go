package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// What an adoption brings into an empty database, under the ids that it had in another registry. Nothing here makes events.

const adoptProject = `INSERT INTO project (id, name, owner_id, public, storage_limit, registry_id, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET owner_id = excluded.owner_id, public = excluded.public,
	storage_limit = excluded.storage_limit, registry_id = excluded.registry_id, created_at = excluded.created_at, updated_at = excluded.updated_at
	WHERE project.name = excluded.name`

// Adopt brings a project with its ID, Name, OwnerID (0: the first administrator), Public, StorageLimit, RegistryID, Metadata, Allowlist and
// times; the project library that a first start made becomes it. dropped are the keys of metadata that have no place here, or a
// bad value. One that can't be taken is a fault.Invalid or fault.Conflict, and nothing was written then.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, p Project) (dropped []string, err error) {
	if err := errors.Join(checkName(p.Name), storageLimit(p.StorageLimit)); err != nil {
		return nil, err
	}
	metadata := map[string]string{}
	for key, value := range p.Metadata {
		kept, err := lenient(map[string]string{key: value}, p.RegistryID != 0)
		if err == nil && len(kept) > 0 {
			metadata[key] = kept[key]
		} else {
			dropped = append(dropped, key)
		}
	}
	slices.Sort(dropped)
	if p.Allowlist.Items = slices.Compact(slices.Sorted(slices.Values(p.Allowlist.Items))); len(p.Allowlist.Items) > 0 {
		if _, err := checkAllowlist(CVEAllowlist{Items: p.Allowlist.Items}, 0); err != nil {
			p.Allowlist, dropped = CVEAllowlist{}, append(dropped, "CVE allowlist")
		}
	}
	if p.OwnerID == 0 {
		if p.OwnerID, err = firstAdmin(ctx, tx); err != nil {
			return nil, err
		}
	}
	there, err := db.Collect(ctx, tx, db.ScanInt, `SELECT id FROM project WHERE name = $1`, p.Name)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 && there[0] != p.ID {
		return nil, fault.Conflictf("there is a project of this name, with the id %d", there[0])
	}
	n, err := tx.Exec(ctx, adoptProject, p.ID, p.Name, p.OwnerID, p.Public, p.StorageLimit, p.RegistryID, db.Micros(p.CreatedAt), db.Micros(p.UpdatedAt))
	if err != nil {
		return nil, fmt.Errorf("adopt project %s: %w", p.Name, err)
	}
	if n == 0 {
		return nil, fault.Conflictf("there is another project with the id %d", p.ID)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM project_member WHERE project_id = $1`, p.ID); err != nil { // library's, of the first start
		return nil, err
	}
	if err := putMetadata(ctx, tx, p.ID, metadata); err != nil {
		return nil, err
	}
	return dropped, putAllowlist(ctx, tx, p.ID, p.Allowlist, p.UpdatedAt)
}

const (
	adoptMember = `INSERT INTO project_member (id, project_id, account_id, group_id, role_id, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`
)

// AdoptMember brings a member with its ID, ProjectID, AccountID or GroupID, Role and times, all of which are there.
func (s *Service) AdoptMember(ctx context.Context, tx db.Tx, m Member) error {
	if !m.Role.Valid() {
		return fault.Invalidf("there is no role with the id %d", int64(m.Role))
	}
	var account, group any = m.AccountID, nil
	if m.GroupID != 0 {
		account, group = nil, m.GroupID
	}
	n, err := tx.Exec(ctx, adoptMember, m.ID, m.ProjectID, account, group, int64(m.Role), db.Micros(m.CreatedAt), db.Micros(m.UpdatedAt))
	if err != nil {
		return fmt.Errorf("adopt a member of project %d: %w", m.ProjectID, err)
	}
	if n == 0 {
		return errMemberExists()
	}
	return nil
}

// AdoptSystemAllowlist brings the allowlist of the whole registry.
func (s *Service) AdoptSystemAllowlist(ctx context.Context, tx db.Tx, a CVEAllowlist, now time.Time) error {
	a.Items = slices.Compact(slices.Sorted(slices.Values(a.Items)))
	if _, err := checkAllowlist(CVEAllowlist{Items: a.Items}, 0); err != nil {
		return err
	}
	items, err := json.Marshal(append([]string{}, a.Items...))
	if err != nil {
		return fmt.Errorf("encode the system's allowlist: %w", err)
	}
	_, err = tx.Exec(ctx, putSystemAllowlist, string(items), db.Micros(a.ExpiresAt), db.Micros(now), db.Micros(now))
	return err
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	return errors.Join(tx.KeepIDs(ctx, "project"), tx.KeepIDs(ctx, "project_member"))
}
