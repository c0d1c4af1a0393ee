package preheat

import (
	"context"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// eventOf is the image as an event names it.
func eventOf(p Policy, t target) event.Event {
	project, _, _ := strings.Cut(t.Repository, "/")
	return event.Event{ProjectID: p.ProjectID, Project: project, Repository: t.Repository}
}

// Handle begins what policies of projects want when an image comes, was scanned, or got a label: it is the event.Listener's. It
// forgets the policies of projects that are gone for good.
func (s *Service) Handle(ctx context.Context, tx db.Tx, events []event.Event) error {
	known := map[int64][]Policy{}
	for _, e := range events {
		switch {
		case !e.Success || e.ProjectID == 0:
		case e.Kind == event.EndProject:
			if err := s.forgetProject(ctx, tx, e.ProjectID); err != nil {
				return err
			}
		case e.Kind == event.CreateArtifact, e.Kind == event.ScanArtifact, e.Kind == event.AttachLabel:
			if err := s.happenedTo(e.Context(ctx), tx, e, known); err != nil {
				return fmt.Errorf("preheat %s: %w", e.Resource, err)
			}
		}
	}
	return nil
}

// happenedTo begins an execution for each policy by whose names the image of an event matches; known are those that were read.
func (s *Service) happenedTo(ctx context.Context, tx db.Tx, e event.Event, known map[int64][]Policy) error {
	if e.Digest == "" || e.Repository == "" || e.Kind == event.CreateArtifact && e.Tag == "" {
		return nil
	}
	all, read := known[e.ProjectID]
	if !read {
		var err error
		if all, err = db.Collect(ctx, tx, scanPolicy, eventPolicies, e.ProjectID, maxPolicies); err != nil {
			return err
		}
		known[e.ProjectID] = all
	}
	ref := registry.RefOf(e)
	for _, p := range all {
		f, err := parseFilters(p.Filters)
		if err != nil || !f.covers(ref.Name) || e.Tag != "" && !f.names(ref.Name, e.Tag) {
			continue // what is stored was checked
		}
		only := target{e.Repository, e.Tag, oci.Digest(e.Digest)}
		if _, err := s.begin(ctx, tx, p.ID, job.ByEvent, e.By, planOrder{Policy: p.ID, Only: &only}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) forgetProject(ctx context.Context, tx db.Tx, projectID int64) error {
	ids, err := db.Collect(ctx, tx, db.ScanInt, policyIDs, projectID)
	for _, id := range ids {
		if err == nil {
			err = s.forget(ctx, tx, id)
		}
	}
	if err != nil {
		return fmt.Errorf("forget the preheat policies of project %d: %w", projectID, err)
	}
	return nil
}
