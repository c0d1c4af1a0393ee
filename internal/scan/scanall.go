package scan

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// walkPage is how many manifests one transaction of a scan of everything looks at.
const walkPage = 100

// walk is what the task carries that finds the images; where it is, its checkpoint.
type walk struct {
	By string `json:"by"`
}

type walkState struct {
	After int64 `json:"after"`
	Begun int64 `json:"begun"`
	Left  int64 `json:"left"` // being scanned already
}

// allExtra is what the execution carries: the task that finds the images is none of them.
type allExtra struct {
	Walk int64 `json:"walk"`
}

// Package job's rows.
const runningAll = `SELECT id FROM job_execution WHERE kind = 'SCAN_ALL' AND status IN ('Pending', 'Running') ORDER BY id DESC LIMIT 1`

// ScanAll begins a scan of every image of the registry; while one is under way, fault.Conflict.
func (s *Service) ScanAll(ctx context.Context, by authz.Principal) (execution int64, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		execution, err = s.beginAll(ctx, tx, job.Manual, by.Name)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("scan all: %w", err)
	}
	return execution, nil
}

func (s *Service) beginAll(ctx context.Context, tx db.Tx, trigger job.Trigger, by string) (int64, error) {
	running, err := db.Collect(ctx, tx, db.ScanInt, runningAll)
	if err != nil {
		return 0, err
	}
	if len(running) > 0 {
		return 0, fault.Conflictf("a previous scan all job is running: execution %d", running[0])
	}
	execution, tasks, err := s.jobs.Begin(ctx, tx, job.NewExecution{Kind: job.ScanAll, VendorID: job.System, Trigger: trigger, By: by}, job.NewTask{Payload: walk{by}})
	if err != nil {
		return 0, err
	}
	return execution, s.jobs.SetExtra(ctx, tx, execution, allExtra{tasks[0]})
}

// scheduled begins a scan of everything by the clock; not while one is under way.
func (s *Service) scheduled(ctx context.Context, tx db.Tx, _ job.Schedule) error {
	_, err := s.beginAll(ctx, tx, job.BySchedule, "")
	if errors.Is(err, fault.Conflict) {
		s.log.WarnContext(ctx, "the scheduled scan of all images is left out: the one before still runs")
		return nil
	}
	return err
}

// doScanAll finds the images, and begins a scan of each in the same execution.
func (s *Service) doScanAll(ctx context.Context, r *job.Run) error {
	var state walkState
	var w walk
	if err := r.Decode(&w); err != nil {
		return job.Permanent(err)
	}
	if _, err := r.Resume(&state); err != nil {
		return job.Permanent(err)
	}
	for {
		page, err := db.Collect(ctx, s.db.Auto(), scanNode, nodesAfter, state.After, walkPage)
		if err != nil {
			return fmt.Errorf("find images: %w", err)
		}
		if len(page) == 0 {
			r.Logf("%d images are to be scanned; %d were being scanned already, or are scanned as part of another repository", state.Begun, state.Left)
			return nil
		}
		var next walkState
		err = r.Write(ctx, func(tx db.Tx) error {
			next = state
			if err := s.walkOn(ctx, tx, page, &next, beginning{trigger: job.Manual, by: w.By, execution: r.Task().ExecutionID}); err != nil {
				return err
			}
			return r.Save(ctx, tx, next)
		})
		if err != nil {
			return err
		}
		state = next
	}
}

func (s *Service) walkOn(ctx context.Context, tx db.Tx, page []node, state *walkState, b beginning) error {
	for _, n := range page {
		state.After = n.image.ManifestID
		if n.index() || !n.scannable() {
			continue
		}
		scanner, err := s.scanners.InForce(ctx, n.image.ProjectID)
		if err != nil {
			return err
		}
		if scanner.Disabled {
			continue
		}
		status, err := s.beginScan(ctx, tx, scanner, n.image, b)
		if err != nil {
			return err
		}
		if status == "" {
			state.Begun++
		} else {
			state.Left++
		}
	}
	return nil
}

// StopAll ends the scan of everything that is under way; fault.Invalid when there was never one.
func (s *Service) StopAll(ctx context.Context) error {
	e, ok, err := s.lastAll(ctx, "")
	if err != nil {
		return err
	}
	if !ok {
		return fault.Invalidf("no scan all job is found currently")
	}
	return s.jobs.Stop(ctx, e.ID)
}

// lastAll is the last scan of everything, by a trigger unless it is "".
func (s *Service) lastAll(ctx context.Context, trigger job.Trigger) (e job.Execution, ok bool, err error) {
	list := db.List{Page: 1, Size: 1}
	if trigger != "" {
		list.Filters = []db.Filter{{Key: "trigger", Op: db.Equal, Values: []string{string(trigger)}}}
	}
	vendor := job.System
	page, _, err := s.jobs.Executions(ctx, []job.Kind{job.ScanAll}, &vendor, list)
	if err != nil || len(page) == 0 {
		return e, false, err
	}
	return page[0], true, nil
}

// Progress is how far a scan of everything is.
type Progress struct {
	Trigger job.Trigger // "": there was none
	Counts  job.Counts  // of images
	Ongoing bool
}

// Progress returns how far the last scan of everything is, or the last one that the clock began.
func (s *Service) Progress(ctx context.Context, scheduled bool) (p Progress, err error) {
	var trigger job.Trigger
	if scheduled {
		trigger = job.BySchedule
	}
	e, ok, err := s.lastAll(ctx, trigger)
	if err != nil || !ok {
		return p, err
	}
	p = Progress{Trigger: e.Trigger, Ongoing: !e.Status.Ended()}
	var extra allExtra
	if err := e.Decode(&extra); err != nil {
		return p, err
	}
	p.Counts, err = s.jobs.CountsBut(ctx, e.ID, extra.Walk)
	return p, err
}

// Schedule has all images scanned by the clock. A bad cron text is fault.Invalid.
func (s *Service) Schedule(ctx context.Context, by authz.Principal, kind, cron string) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		if err := s.jobs.PutSchedule(ctx, tx, job.Schedule{Kind: job.ScanAll, VendorID: job.System, CronType: kind, Cron: cron}); err != nil {
			return err
		}
		return s.configured(ctx, tx, by, "scan all images by the clock: "+cron)
	})
}

// Unschedule ends that.
func (s *Service) Unschedule(ctx context.Context, by authz.Principal) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		if _, err := s.jobs.DropSchedule(ctx, tx, job.ScanAll, job.System); err != nil {
			return err
		}
		return s.configured(ctx, tx, by, "scan all images not any more by the clock")
	})
}

func (s *Service) configured(ctx context.Context, tx db.Tx, by authz.Principal, description string) error {
	return event.Append(ctx, tx, event.Event{Kind: event.UpdateConfiguration, At: s.clock(), By: by.Name, Resource: "scan all", Description: description, Success: true})
}

// ErrDisabled: the scanner in force may not scan.
var ErrDisabled = errors.New("the scanner is deactivated")
