package label

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	attach = `INSERT INTO artifact_label (manifest_id, label_id, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (manifest_id, label_id) DO NOTHING`
	detach = `DELETE FROM artifact_label WHERE manifest_id = $1 AND label_id = $2`
)

// Artifact is what labels are put on.
type Artifact struct {
	ID         int64
	ProjectID  int64
	Repository string // with its project
	Digest     string
}

// name is what the audit log shows.
func (a Artifact) name() string { return a.Repository + "@" + a.Digest }

// Attach puts a label on an artifact. A label of another project is fault.NotFound, one that
// is on the artifact already fault.Conflict. An artifact that was deleted meanwhile is fault.NotFound, too.
func (s *Service) Attach(ctx context.Context, by authz.Principal, a Artifact, labelID int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		l, err := get(ctx, tx, labelID)
		if err != nil {
			return err
		}
		if l.ProjectID != 0 && l.ProjectID != a.ProjectID {
			return notFound(labelID)
		}
		n, err := tx.Exec(ctx, attach, a.ID, labelID, db.Micros(s.clock()))
		if err == nil && n == 0 {
			return fault.Conflictf("label %d is already added to the artifact %d", labelID, a.ID)
		}
		if errors.Is(err, db.ErrReferenced) { // it was there when the caller looked
			return fault.NotFoundf("artifact %s not found", a.name())
		}
		if err != nil {
			return err
		}
		return s.moved(ctx, tx, event.AttachLabel, by, a, l.Name)
	})
	if err != nil {
		return fmt.Errorf("attach label %d to artifact %d: %w", labelID, a.ID, err)
	}
	return nil
}

// Detach takes a label off an artifact; one that isn't on it is fault.NotFound.
func (s *Service) Detach(ctx context.Context, by authz.Principal, a Artifact, labelID int64) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, detach, a.ID, labelID)
		if err == nil && n == 0 {
			return fault.NotFoundf("label %d is not on the artifact %d", labelID, a.ID)
		}
		if err != nil {
			return err
		}
		l, err := get(ctx, tx, labelID)
		if err != nil {
			return err
		}
		return s.moved(ctx, tx, event.DetachLabel, by, a, l.Name)
	})
	if err != nil {
		return fmt.Errorf("detach label %d from artifact %d: %w", labelID, a.ID, err)
	}
	return nil
}

// moved writes that a label was put on an artifact, or taken off. Listeners go by its repository and digest.
func (s *Service) moved(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, a Artifact, name string) error {
	project, _, _ := strings.Cut(a.Repository, "/")
	return event.Append(ctx, tx, event.Event{
		Kind: kind, At: s.clock(), By: by.Name, ProjectID: a.ProjectID, Project: project, Repository: a.Repository, Digest: a.Digest, Resource: a.name(), Success: true,
		Description: strings.Replace(string(kind), "_", " ", 1) + " " + name + ": " + a.name(),
	})
}

// OfArtifacts returns the labels of each of the artifacts, by name, with one statement.
func (s *Service) OfArtifacts(ctx context.Context, artifactIDs []int64) (map[int64][]Label, error) {
	marks, args := db.In(0, artifactIDs)
	rows, err := db.Collect(ctx, s.db.Auto(), scanAttached, `SELECT al.manifest_id, `+fields+`
		FROM artifact_label al JOIN label l ON l.id = al.label_id WHERE al.manifest_id IN (`+marks+`) ORDER BY l.name, l.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the labels of artifacts: %w", err)
	}
	all := map[int64][]Label{}
	for _, r := range rows {
		all[r.artifactID] = append(all[r.artifactID], r.label)
	}
	return all, nil
}

type attached struct {
	artifactID int64
	label      Label
}

func scanAttached(r db.Row) (v attached, err error) {
	err = r.Scan(append([]any{&v.artifactID}, destinations(&v.label)...)...)
	return v, err
}

// NamesOf returns the names of an artifact's labels.
func (s *Service) NamesOf(ctx context.Context, artifactID int64) ([]string, error) {
	all, err := s.OfArtifacts(ctx, []int64{artifactID})
	var names []string
	for _, l := range all[artifactID] {
		names = append(names, l.Name)
	}
	return names, err
}
