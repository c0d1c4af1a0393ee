package replication

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// maxAnnounced bounds the tasks that the events of an execution are made of, and namedAnnounced what each names.
const (
	maxAnnounced   = 10_000
	namedAnnounced = 200
)

const (
	endedTasks     = `SELECT id, status, payload FROM job_task WHERE execution_id = $1 AND kind = $2 ORDER BY id LIMIT $3`
	projectOfEvent = `SELECT id FROM project WHERE name = $1 AND deleted_at = 0`
)

// endedTask is what an event tells of a task.
type endedTask struct {
	id     int64
	status job.Status
	order  order
}

func scanEndedTask(r db.Row) (t endedTask, err error) {
	var payload string
	if err = r.Scan(&t.id, &t.status, &payload); err == nil {
		err = json.Unmarshal([]byte(payload), &t.order)
	}
	return t, err
}

// announce writes that an execution ended: an event for each project of this Haven that it was about, with the repositories that were
// copied and those that weren't. What passes through from one registry elsewhere to another is about no project.
func (s *Service) announce(ctx context.Context, tx db.Tx, e job.Execution) error {
	p, err := getPolicy(ctx, tx, e.VendorID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	tasks, err := db.Collect(ctx, tx, scanEndedTask, endedTasks, e.ID, Kind, maxAnnounced)
	if err != nil {
		return fmt.Errorf("read the tasks of execution %d: %w", e.ID, err)
	}
	var projects []string
	of := map[string]*event.ReplicationDetail{}
	for _, t := range tasks {
		name := s.here(p, t.order.Repository)
		d := of[name]
		if d == nil {
			d = s.detail(ctx, tx, p, e, name)
			d.TaskID = t.id
			of[name], projects = d, append(projects, name)
		}
		add(d, t)
	}
	for _, name := range projects {
		if err := s.announceTo(ctx, tx, e, p, name, *of[name]); err != nil {
			return err
		}
	}
	return nil
}

// here is the project of this Haven that a repository of a policy's source is about, "" for none.
func (s *Service) here(p Policy, repository string) string {
	if !p.SourceHere {
		if p.Destination != Local {
			return ""
		}
		name, err := p.DestinationName(repository)
		if err != nil {
			return ""
		}
		repository = name
	}
	project, _, _ := strings.Cut(repository, "/")
	return project
}

func (s *Service) detail(ctx context.Context, tx db.Tx, p Policy, e job.Execution, project string) *event.ReplicationDetail {
	d := &event.ReplicationDetail{
		ExecutionID: e.ID, PolicyID: p.ID, Policy: p.Name, Status: "Success", Trigger: string(e.Trigger), Description: p.Description, Override: p.Override,
		StartedAt: e.CreatedAt.Unix(), Source: s.sideOf(ctx, tx, p.Source), Destination: s.sideOf(ctx, tx, p.Destination),
	}
	d.Destination.Namespace = p.Namespace
	if p.SourceHere {
		d.Source.Namespace = project
	}
	return d
}

// sideOf names a registry, as far as it is known.
func (s *Service) sideOf(ctx context.Context, tx db.Tx, id int64) event.ReplicationSide {
	if id == Local {
		return event.ReplicationSide{Name: "Local", Kind: "harbor"}
	}
	peer, err := s.Endpoints.Peer(ctx, tx, id)
	if err != nil {
		return event.ReplicationSide{} // it may be gone: the event is still one
	}
	return event.ReplicationSide{Name: peer.Name, Kind: string(peer.Kind), Endpoint: peer.URL}
}

func add(d *event.ReplicationDetail, t endedTask) {
	item := event.ReplicationItem{Name: t.order.Repository, Status: "Success"}
	list := &d.Succeeded
	switch t.status {
	case job.Success:
	case job.Stopped:
		item.Status, list = "Stopped", &d.Failed
		if d.Status == "Success" {
			d.Status = "Stopped"
		}
	default:
		item.Status, list = "Failure", &d.Failed
		d.Status = "Failure"
	}
	if len(*list) < namedAnnounced {
		*list = append(*list, item)
	}
}

func (s *Service) announceTo(ctx context.Context, tx db.Tx, e job.Execution, p Policy, project string, d event.ReplicationDetail) error {
	v := event.Event{Kind: event.EndReplication, At: s.Clock(), By: e.By, Project: project, Resource: p.Name, Success: d.Status == "Success"}
	if project != "" {
		ids, err := db.Collect(ctx, tx, db.ScanInt, projectOfEvent, project)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil // it is gone
		}
		v.ProjectID = ids[0]
	}
	v, err := v.With(d)
	if err != nil {
		return err
	}
	tx.AfterCommit(s.Wake)
	return event.Append(ctx, tx, v)
}
