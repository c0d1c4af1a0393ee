package project

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// Update is a change of a project. What is absent stays.
type Update struct {
	Metadata  map[string]string // by the constants of this package; unknown keys are dropped
	Allowlist *CVEAllowlist
}

// Update changes a project. Going from public to private ends the tokens that were given for it.
func (s *Service) Update(ctx context.Context, by authz.Principal, id int64, u Update) error {
	err := s.change(ctx, by, id, func(tx db.Tx, p Project) error {
		metadata, err := lenient(u.Metadata, p.RegistryID != 0)
		if err != nil {
			return err
		}
		if err := checkFilterOver(ctx, tx, p, metadata); err != nil {
			return err
		}
		if sent, ok := u.Metadata[Public]; ok {
			public, err := strconv.ParseBool(sent)
			if err != nil {
				return fault.Invalidf("invalid value: %s", sent)
			}
			if err := setPublic(ctx, tx, p, public); err != nil {
				return err
			}
		}
		if err := checkRetention(ctx, tx, p, u.Metadata[RetentionID]); err != nil {
			return err
		}
		if err := putMetadata(ctx, tx, id, metadata); err != nil || u.Allowlist == nil {
			return err
		}
		a, err := checkAllowlist(*u.Allowlist, id)
		if err != nil {
			return err
		}
		return putAllowlist(ctx, tx, id, a, s.clock())
	})
	if err != nil {
		return fmt.Errorf("update project %d: %w", id, err)
	}
	return nil
}

// change runs f in one transaction with the note that the project changed.
func (s *Service) change(ctx context.Context, by authz.Principal, id int64, f func(tx db.Tx, p Project) error) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := f(tx, p); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE project SET updated_at = $1 WHERE id = $2`, db.Micros(s.clock()), id); err != nil {
			return fmt.Errorf("note the change: %w", err)
		}
		return event.Append(ctx, tx, s.happened(event.UpdateProject, by, id, p.Name))
	})
}

// setPublic changes who sees the project.
func setPublic(ctx context.Context, tx db.Tx, p Project, public bool) error {
	epoch := p.Epoch
	if p.Public && !public {
		epoch++ // tokens of everybody who isn't a member
	}
	if _, err := tx.Exec(ctx, `UPDATE project SET public = $1, epoch = $2 WHERE id = $3`, public, epoch, p.ID); err != nil {
		return fmt.Errorf("set public: %w", err)
	}
	return nil
}

// checkRetention lets clients send back the retention policy that they read, and no other.
func checkRetention(ctx context.Context, tx db.Tx, p Project, sent string) error {
	if sent == "" {
		return nil
	}
	present, err := metadataOf(ctx, tx, p)
	if err != nil {
		return err
	}
	if present[RetentionID] != sent {
		return fault.Invalidf("metadata.retention_id can't be changed here")
	}
	return nil
}

const upsertMetadata = `INSERT INTO project_metadata (project_id, name, value) VALUES ($1, $2, $3)
	ON CONFLICT (project_id, name) DO UPDATE SET value = excluded.value`

func putMetadata(ctx context.Context, tx db.Tx, projectID int64, metadata map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		if _, err := tx.Exec(ctx, upsertMetadata, projectID, name, metadata[name]); err != nil {
			return fmt.Errorf("write metadata %s: %w", name, err)
		}
	}
	return noteGate(ctx, tx, projectID)
}

// gatedByMetadata finds the keys that make the gate look at pulls.
const gatedByMetadata = `UPDATE project SET gated = EXISTS (SELECT 1 FROM project_metadata x
	WHERE x.project_id = $1 AND x.name IN ('prevent_vul', 'enable_content_trust', 'enable_content_trust_cosign') AND x.value = 'true') WHERE id = $1`

// noteGate tells the way of a pull whether there is something to ask the gate.
func noteGate(ctx context.Context, tx db.Tx, projectID int64) error {
	if _, err := tx.Exec(ctx, gatedByMetadata, projectID); err != nil {
		return fmt.Errorf("note whether pulls are looked at: %w", err)
	}
	return nil
}

// metadataOf reads a project's metadata, public included, as it was set.
func metadataOf(ctx context.Context, tx db.Tx, p Project) (map[string]string, error) {
	rows, err := db.Collect(ctx, tx, scanMetadata, `SELECT project_id, name, value FROM project_metadata WHERE project_id = $1`, p.ID)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	all := map[string]string{Public: strconv.FormatBool(p.Public)}
	for _, m := range rows {
		all[m.name] = m.value
	}
	return all, nil
}

// ListMetadata returns all keys that are set, public always.
func (s *Service) ListMetadata(ctx context.Context, id int64) (all map[string]string, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		all, err = metadataOf(ctx, tx, p)
		return err
	})
	return all, err
}

// GetMetadata returns a key's value, and whether it is set.
func (s *Service) GetMetadata(ctx context.Context, id int64, key string) (value string, found bool, err error) {
	all, err := s.ListMetadata(ctx, id)
	value, found = all[key]
	return value, found, err
}

// AddMetadata sets a key that isn't set yet, else fault.Conflict.
func (s *Service) AddMetadata(ctx context.Context, by authz.Principal, id int64, key, value string) error {
	return s.writeMetadata(ctx, by, id, key, value, false)
}

// SetMetadata sets a key. A bad key or value is a fault.Invalid.
func (s *Service) SetMetadata(ctx context.Context, by authz.Principal, id int64, key, value string) error {
	return s.writeMetadata(ctx, by, id, key, value, true)
}

func (s *Service) writeMetadata(ctx context.Context, by authz.Principal, id int64, key, value string, replace bool) error {
	value, err := normalise(key, value)
	if err != nil {
		return err
	}
	err = s.change(ctx, by, id, func(tx db.Tx, p Project) error {
		present, err := metadataOf(ctx, tx, p)
		if err != nil {
			return err
		}
		if _, set := present[key]; set && !replace {
			return fault.Conflictf("the metadata %s of the project is set already", key)
		}
		if key == Public {
			return setPublic(ctx, tx, p, value == "true")
		}
		if p.RegistryID != 0 && key == ContentTrust {
			return nil // dropped, as Harbor does
		}
		if err := checkFilterOver(ctx, tx, p, map[string]string{key: value}); err != nil {
			return err
		}
		return putMetadata(ctx, tx, id, map[string]string{key: value})
	})
	if err != nil {
		return fmt.Errorf("set metadata %s of project %d: %w", key, id, err)
	}
	return nil
}

// DeleteMetadata unsets a key; one that isn't set is no error. Without "public" a project is private.
func (s *Service) DeleteMetadata(ctx context.Context, by authz.Principal, id int64, key string) error {
	if key == ScannerUUID || key == RetentionID {
		return fault.Invalidf("invalid key: %s", key)
	}
	err := s.change(ctx, by, id, func(tx db.Tx, p Project) error {
		if key == Public {
			return setPublic(ctx, tx, p, false)
		}
		if _, err := tx.Exec(ctx, dropMetadata, id, key); err != nil {
			return err
		}
		return noteGate(ctx, tx, id)
	})
	if err != nil {
		return fmt.Errorf("delete metadata %s of project %d: %w", key, id, err)
	}
	return nil
}
