package label

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	adoptLabel = `INSERT INTO label (id, project_id, name, description, color, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`
	putOn      = `INSERT INTO artifact_label (manifest_id, label_id, created_at)
		SELECT m.id, l.id, $5 FROM manifest m JOIN repository r ON r.id = m.repository_id JOIN label l ON l.id = $4 AND l.project_id IN (0, r.project_id)
		WHERE r.project_id = $1 AND r.name = $2 AND m.digest = $3 ON CONFLICT (manifest_id, label_id) DO UPDATE SET created_at = artifact_label.created_at`
)

// Adopt brings a label of another registry, under the id that it had there, into an empty database. There is no event. One that can't be
// taken is a fault.Invalid or fault.Conflict.
func (s *Service) Adopt(ctx context.Context, tx db.Tx, l Label) error {
	if err := l.check(); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, adoptLabel, l.ID, l.ProjectID, l.Name, l.Description, l.Color, db.Micros(l.CreatedAt), db.Micros(l.UpdatedAt))
	if err != nil {
		return fmt.Errorf("adopt label %s: %w", l.Name, err)
	}
	if n == 0 {
		return fault.Conflictf("there is a label of this name or id")
	}
	return nil
}

// Put is a label on an artifact.
type Put struct {
	ProjectID  int64
	Repository string // without its project
	Digest     string
	LabelID    int64
}

// AdoptPut puts labels on artifacts, without events; those that are on them stay. An artifact or a label that isn't there, or a label of
// another project, is passed over. It returns how many are on their artifacts now.
func (s *Service) AdoptPut(ctx context.Context, some []Put) (there int64, err error) {
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		there = 0
		for _, p := range some {
			n, err := tx.Exec(ctx, putOn, p.ProjectID, p.Repository, p.Digest, p.LabelID, db.Micros(s.clock()))
			if err != nil {
				return err
			}
			there += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("put labels on artifacts: %w", err)
	}
	return there, nil
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error { return tx.KeepIDs(ctx, "label") }
