package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// Quota is what a project may store and what it does. It has the project's id.
type Quota struct {
	ID        int64
	Project   string
	OwnerName string
	Hard      int64 // bytes, -1 for no limit
	Used      int64 // bytes
	CreatedAt time.Time
	UpdatedAt time.Time
}

func quotaListing() db.Listing {
	return db.Listing{
		Fields: quotaFields,
		From:   projectFrom,
		Columns: map[string]db.Column{
			"creation_time": {Expr: "p.created_at", Kind: db.Timestamp},
			"update_time":   {Expr: "p.updated_at", Kind: db.Timestamp},
			// No limit is more than any.
			"hard.storage": {Expr: "CASE WHEN p.storage_limit < 0 THEN 9223372036854775807 ELSE p.storage_limit END", Kind: db.Int},
			"used.storage": {Expr: usedOfRow, Kind: db.Int},
		},
		Default: "p.created_at DESC",
		Tie:     "p.id DESC",
	}
}

const (
	quotaFields = `p.id, p.name, a.username, p.storage_limit, ` + usedOfRow + `, p.created_at, p.updated_at`
	oneQuota    = `SELECT ` + quotaFields + ` FROM ` + projectFrom + ` WHERE p.id = $1 AND p.deleted_at = 0`
)

func scanQuota(r db.Row) (q Quota, err error) {
	err = r.Scan(&q.ID, &q.Project, &q.OwnerName, &q.Hard, &q.Used, db.ScanTime(&q.CreatedAt), db.ScanTime(&q.UpdatedAt))
	return q, err
}

// HasQuotaKey reports whether ListQuotas filters and sorts by key.
func HasQuotaKey(key string) bool { return quotaListing().Has(key) }

// ListQuotas returns a page of quotas, the newest project first, and how many there are. projectID
// narrows it to one project, 0 for all.
func (s *Service) ListQuotas(ctx context.Context, projectID int64, list db.List) (rows []Quota, total int64, err error) {
	where, args := "p.deleted_at = 0", []any(nil)
	if projectID != 0 {
		where, args = where+" AND p.id = $1", []any{projectID}
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, quotaListing(), where, args, list, scanQuota)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list quotas: %w", err)
	}
	return rows, total, nil
}

// GetQuota returns the quota of a project, or fault.NotFound.
func (s *Service) GetQuota(ctx context.Context, id int64) (Quota, error) {
	q, err := db.Get(ctx, s.db.Auto(), scanQuota, oneQuota, id)
	if errors.Is(err, db.ErrNotFound) {
		return Quota{}, fault.NotFoundf("quota %d not found", id)
	}
	if err != nil {
		return Quota{}, fmt.Errorf("get quota %d: %w", id, err)
	}
	return q, nil
}

// SetQuota changes a project's storage limit, in bytes: -1 for none, or up to 1024 TiB.
func (s *Service) SetQuota(ctx context.Context, by authz.Principal, id, hard int64) error {
	if err := storageLimit(hard); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, id)
		if errors.Is(err, fault.NotFound) {
			return fault.NotFoundf("quota %d not found", id)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE project SET storage_limit = $1, updated_at = $2 WHERE id = $3`, hard, db.Micros(s.clock()), id); err != nil {
			return err
		}
		e := s.happened(event.UpdateProject, by, id, p.Name)
		e.Description = "update quota of project: " + p.Name
		return event.Append(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("set quota %d: %w", id, err)
	}
	return nil
}
