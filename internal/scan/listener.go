package scan

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
)

var wantedOnPush = inQuery{`SELECT project_id, name FROM project_metadata WHERE value = 'true' AND name IN ('` + project.AutoScan + `', '` + project.AutoSBOM + `') AND project_id IN `, ""}

type wanted struct {
	projectID int64
	name      string
}

func scanWanted(r db.Row) (w wanted, err error) {
	err = r.Scan(&w.projectID, &w.name)
	return w, err
}

// pushedManifest is what pushes have in common when several tags were given at once.
type pushedManifest struct {
	projectID  int64
	repository string
	digest     string
}

// Handle begins the scans that projects want of what is pushed to them: it is the event.Listener's. Statements that
// somebody attached to an image are taken in as well.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	var pushes []event.Event
	seen := map[pushedManifest]bool{}
	projects := map[int64]bool{}
	for _, e := range events {
		if e.Kind == event.DeleteArtifact && e.Success {
			if _, err := tx.Exec(ctx, dropDocument, e.Digest, e.ProjectID, registry.RefOf(e).Name); err != nil {
				return fmt.Errorf("withdraw the statements of %s: %w", e.Resource, err)
			}
		}
		key := pushedManifest{e.ProjectID, e.Repository, e.Digest}
		if e.Kind != event.CreateArtifact || !e.Success || seen[key] {
			continue
		}
		seen[key], projects[e.ProjectID] = true, true
		pushes = append(pushes, e)
	}
	if len(pushes) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(projects))
	for id := range projects {
		ids = append(ids, id)
	}
	rows, err := collectIn(ctx, tx, scanWanted, wantedOnPush, nil, ids)
	if err != nil {
		return fmt.Errorf("read what projects want scanned: %w", err)
	}
	want := map[wanted]bool{}
	for _, w := range rows {
		want[w] = true
	}
	for _, e := range pushes {
		if err := s.pushed(e.Context(ctx), tx, e, want[wanted{e.ProjectID, project.AutoScan}], want[wanted{e.ProjectID, project.AutoSBOM}]); err != nil {
			return fmt.Errorf("begin to scan %s: %w", e.Resource, err)
		}
	}
	return nil
}

// pushed begins what is wanted of one manifest. An index's images were pushed before it, and are scanned already.
func (s *Service) pushed(ctx context.Context, tx db.Tx, e event.Event, scan, materials bool) error {
	n, err := s.node(ctx, tx, registry.RefOf(e), oci.Digest(e.Digest))
	if errors.Is(err, registry.ErrManifestUnknown) {
		return nil // it was deleted
	}
	if err != nil {
		return err
	}
	if n.of != "" {
		return s.attached(ctx, tx, n)
	}
	if !scan && !materials || !n.scannable() {
		return nil
	}
	scanner, err := s.scanners.InForce(ctx, e.ProjectID)
	if err != nil || scanner.Disabled {
		return err
	}
	images, err := imagesOf(ctx, tx, n)
	if err != nil {
		return err
	}
	b := beginning{trigger: job.ByEvent, by: e.By, missing: true}
	for _, image := range images {
		if scan {
			if _, err := s.beginScan(ctx, tx, scanner, image, b); err != nil {
				return err
			}
		}
		if materials {
			if _, err := s.beginSBOM(ctx, tx, scanner, image, b); err != nil {
				return err
			}
		}
	}
	return nil
}
