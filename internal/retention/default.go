package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

// DefaultKind is a run of the default policy in one project, whose number is the vendor id.
const DefaultKind job.Kind = "RETENTION_DEFAULT"

// Default is the policy of projects that have none.
type Default struct {
	Cron      string // "": it isn't carried out by itself, but for projects that have its rules besides their own
	Rules     []Rule
	UpdatedAt time.Time
}

// Mode is what a project has the default policy be for it.
type Mode string

// The modes.
const (
	UnlessOwn Mode = "unless_own" // it holds where the project has no policy; without a word
	Besides   Mode = "besides"    // its rules retain besides those of the project's policy
	Never     Mode = "never"
)

// Standing is what holds for a project.
type Standing struct {
	Mode   Mode
	Policy int64  // the project's own, 0 for none
	Rules  []Rule // that hold, the default's after the project's
}

const (
	theDefault    = `SELECT cron, rules, updated_at FROM retention_default`
	putDefault    = `INSERT INTO retention_default (id, cron, rules, updated_at) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE SET cron = excluded.cron, rules = excluded.rules, updated_at = excluded.updated_at`
	deleteDefault = `DELETE FROM retention_default`
	modeOf        = `SELECT mode FROM retention_mode WHERE project_id = $1`
	putMode       = `INSERT INTO retention_mode (project_id, mode) VALUES ($1, $2) ON CONFLICT (project_id) DO UPDATE SET mode = excluded.mode`
	// Caches have rules of their own for what goes.
	followers = `SELECT p.id, p.name FROM project p WHERE p.id > $1 AND p.deleted_at = 0 AND p.registry_id = 0
		AND NOT EXISTS (SELECT 1 FROM retention_policy r WHERE r.project_id = p.id)
		AND NOT EXISTS (SELECT 1 FROM retention_mode m WHERE m.project_id = p.id AND m.mode = 'never') ORDER BY p.id LIMIT $2`
)

func scanDefault(r db.Row) (d Default, err error) {
	var rules string
	if err := r.Scan(&d.Cron, &rules, db.ScanTime(&d.UpdatedAt)); err != nil {
		return d, err
	}
	if err := json.Unmarshal([]byte(rules), &d.Rules); err != nil {
		return d, fmt.Errorf("read the rules of the default retention policy: %w", err)
	}
	return d, nil
}

// Default returns the default policy, or fault.NotFound.
func (s *Service) Default(ctx context.Context) (Default, error) {
	d, err := db.Get(ctx, s.DB.Auto(), scanDefault, theDefault)
	if errors.Is(err, db.ErrNotFound) {
		err = fault.NotFoundf("there is no default retention policy")
	}
	return d, err
}

// SetDefault makes or replaces the default policy. Errors are Create's.
func (s *Service) SetDefault(ctx context.Context, by authz.Principal, d Default) error {
	p, err := (Policy{Rules: d.Rules, Cron: d.Cron}).checked()
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, putDefault, p.Cron, encode(p.Rules), db.Micros(s.Clock())); err != nil {
			return err
		}
		if err := s.schedule(ctx, tx, DefaultKind, job.System, p.Cron); err != nil {
			return err
		}
		return s.happened(ctx, tx, by.Name, event.UpdateRetention, "default", Policy{})
	})
	if err != nil {
		return fmt.Errorf("set the default retention policy: %w", err)
	}
	return nil
}

// DropDefault ends the default policy, if there is one, and what goes on by it.
func (s *Service) DropDefault(ctx context.Context, by authz.Principal) error {
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		n, err := tx.Exec(ctx, deleteDefault)
		if err != nil || n == 0 {
			return err
		}
		if err := s.schedule(ctx, tx, DefaultKind, job.System, ""); err != nil {
			return err
		}
		return s.happened(ctx, tx, by.Name, event.DeleteRetention, "default", Policy{})
	})
	if err == nil {
		err = s.Jobs.StopKind(ctx, DefaultKind)
	}
	if err != nil {
		return fmt.Errorf("end the default retention policy: %w", err)
	}
	return nil
}

// Standing returns what holds for a project.
func (s *Service) Standing(ctx context.Context, projectID int64) (v Standing, err error) {
	err = s.DB.Read(ctx, func(tx db.Tx) error {
		v, err = standing(ctx, tx, projectID)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("find what retention holds for project %d: %w", projectID, err)
	}
	return v, nil
}

func standing(ctx context.Context, tx db.Tx, projectID int64) (v Standing, err error) {
	v.Mode = UnlessOwn
	mode, err := db.Get(ctx, tx, db.ScanString, modeOf, projectID)
	if err == nil {
		v.Mode = Mode(mode)
	} else if !errors.Is(err, db.ErrNotFound) {
		return v, err
	}
	own, err := db.Get(ctx, tx, scanPolicy, policyOf, projectID)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return v, err
	}
	v.Policy, v.Rules = own.ID, own.Rules
	if v.Mode == Never || v.Policy != 0 && v.Mode != Besides {
		return v, nil
	}
	d, err := db.Get(ctx, tx, scanDefault, theDefault)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return v, err
	}
	v.Rules = append(v.Rules, d.Rules...)
	return v, nil
}

// SetMode says what the default policy is for a project.
func (s *Service) SetMode(ctx context.Context, by authz.Principal, projectID int64, project string, mode Mode) error {
	if mode != UnlessOwn && mode != Besides && mode != Never {
		return fault.Invalidf("the default policy holds %s, %s or %s", UnlessOwn, Besides, Never)
	}
	err := s.DB.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, putMode, projectID, string(mode)); err != nil {
			return err
		}
		if mode == Never {
			if err := s.leaveDefault(ctx, tx, projectID); err != nil {
				return err
			}
		}
		return s.happened(ctx, tx, by.Name, event.UpdateRetention, project, Policy{ProjectID: projectID})
	})
	if err != nil {
		return fmt.Errorf("say what the default retention policy is for project %d: %w", projectID, err)
	}
	return nil
}

// leaveDefault stops what goes on by the default policy in a project where it doesn't hold by itself any more.
func (s *Service) leaveDefault(ctx context.Context, tx db.Tx, projectID int64) error {
	return s.Jobs.StopOpen(ctx, tx, DefaultKind, projectID, "stopped: the default policy isn't carried out in the project any more")
}

// followerPage is how many projects are read at once.
const followerPage = 500

// fireDefault begins an execution for each project that the default policy holds for, but where one goes on still.
func (s *Service) fireDefault(ctx context.Context, tx db.Tx, _ job.Schedule) error {
	d, err := db.Get(ctx, tx, scanDefault, theDefault)
	if err != nil {
		return err
	}
	for last := int64(0); ; {
		page, err := db.Collect(ctx, tx, scanFollower, followers, last, followerPage)
		if err != nil {
			return err
		}
		for _, p := range page {
			open, err := s.Jobs.Open(ctx, tx, DefaultKind, p.id)
			if err != nil {
				return err
			}
			if open {
				continue
			}
			if _, err := s.beginIn(ctx, tx, job.NewExecution{Kind: DefaultKind, VendorID: p.id, Trigger: job.BySchedule},
				executionExtra{ProjectID: p.id, Project: p.name, Rules: d.Rules}); err != nil {
				return err
			}
		}
		if len(page) < followerPage {
			return nil
		}
		last = page[len(page)-1].id
	}
}

type follower struct {
	id   int64
	name string
}

func scanFollower(r db.Row) (f follower, err error) {
	err = r.Scan(&f.id, &f.name)
	return f, err
}
