package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/maypok86/otter/v2"
)

// grantsMost bounds the robots whose grants are kept in memory.
const grantsMost = 2000

// grantsKey: with another epoch a robot has other grants.
type grantsKey struct{ robotID, epoch int64 }

func newGrantsCache() *otter.Cache[grantsKey, []authz.Grant] {
	return otter.Must(&otter.Options[grantsKey, []authz.Grant]{MaximumSize: grantsMost})
}

// grantsOf returns what the robot may do. What is kept for its epoch stays right: projects that are
// deleted meanwhile never come back under their id.
func (s *Service) grantsOf(ctx context.Context, robotID, epoch int64) ([]authz.Grant, error) {
	k := grantsKey{robotID, epoch}
	if kept, ok := s.grants.GetIfPresent(k); ok {
		return kept, nil
	}
	var all []authz.Grant
	err := s.db.Read(ctx, func(tx db.Tx) error {
		b, err := getRobot(ctx, tx, robotID)
		if err != nil {
			return err
		}
		if b.Epoch != epoch {
			return fmt.Errorf("robot %d changed: %w", robotID, ErrCredentials)
		}
		rows, err := permissionRows(ctx, tx, robotID)
		if err != nil {
			return err
		}
		all = make([]authz.Grant, len(rows))
		for i, r := range rows {
			all[i] = r.grant()
		}
		return nil
	})
	if errors.Is(err, fault.NotFound) {
		return nil, ErrCredentials
	}
	if err != nil {
		return nil, err
	}
	s.grants.Set(k, all)
	return all, nil
}

// ListRobots lists the robots of a project, or of the system. Keys: those of Harbor's robots, with the
// name as stored and expires_at in Unix seconds, -1 for never.
func (s *Service) ListRobots(ctx context.Context, f RobotFilter, list db.List) (page []Robot, total int64, err error) {
	where, args := `r.project_id IS NULL`, []any(nil)
	if f.ProjectID != 0 {
		where, args = `r.project_id = $1 AND p.deleted_at = 0`, []any{f.ProjectID}
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if page, total, err = db.Page(ctx, tx, robots, where, args, list, scanRobot); err != nil {
			return err
		}
		return withDetails(ctx, tx, page)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list robots: %w", err)
	}
	return page, total, nil
}

// GetRobot returns a robot with its permissions.
func (s *Service) GetRobot(ctx context.Context, id int64) (Robot, error) {
	one := make([]Robot, 1)
	err := s.db.Read(ctx, func(tx db.Tx) (err error) {
		if one[0], err = getRobot(ctx, tx, id); err != nil {
			return err
		}
		return withDetails(ctx, tx, one)
	})
	return one[0], err
}

// CreateRobot creates a robot with a random secret. The caller has authorised by at the level, in the
// project that Permissions names. A robot that creates a robot passes on a part of its own rights at
// most, else ErrGrantTooBroad. A name in use is a fault.Conflict.
func (s *Service) CreateRobot(ctx context.Context, by authz.Principal, n NewRobot) (Created, error) {
	if err := n.validate(); err != nil {
		return Created{}, err
	}
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return Created{}, err
	}
	c := Created{Secret: secret.NewPassword()}
	hash, err := s.hasher.hash(ctx, c.Secret)
	if err != nil {
		return Created{}, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		if c.Robot, err = s.insertRobot(ctx, tx, by, n); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, secretInsert, c.ID, hash); err != nil {
			return fmt.Errorf("insert robot secret: %w", err)
		}
		if err := s.keepPrefix(ctx, tx, prefix); err != nil {
			return err
		}
		return s.robotEvent(ctx, tx, event.CreateRobot, by, prefix, c.Robot)
	})
	if err != nil {
		return Created{}, err
	}
	return c, nil
}

func (s *Service) insertRobot(ctx context.Context, tx db.Tx, by authz.Principal, n NewRobot) (Robot, error) {
	projects, err := projectsOf(ctx, tx, n.Permissions)
	if err != nil {
		return Robot{}, err
	}
	all, err := grants(n.Permissions, projects)
	if err != nil {
		return Robot{}, err
	}
	if err := mayPassOn(by, all, n.Level); err != nil {
		return Robot{}, err
	}
	now := s.clock()
	expires := expiry(now, n.DurationDays)
	if !n.ExpiresAt.IsZero() {
		expires = n.ExpiresAt
	}
	name, creator := n.Name, "local"
	var projectID int64
	var project any
	if n.Level == levelProject {
		namespace := n.Permissions[0].Namespace
		projectID = projects[namespace]
		project, name = projectID, namespace+"+"+name
	}
	if by.Kind == authz.Robot {
		creator = "robot"
	}
	id, err := db.Get(ctx, tx, db.ScanInt, robotInsert, project, name, n.Description, n.DurationDays,
		db.Micros(expires), creator, by.ID, db.Micros(now), db.Micros(now))
	if errors.Is(err, db.ErrNotFound) {
		return Robot{}, fault.Conflictf("robot account %d:%s already exists", projectID, name)
	}
	if err != nil {
		return Robot{}, fmt.Errorf("insert robot: %w", err)
	}
	if err := insertGrants(ctx, tx, id, all); err != nil {
		return Robot{}, err
	}
	one := make([]Robot, 1)
	if one[0], err = getRobot(ctx, tx, id); err != nil {
		return Robot{}, err
	}
	return one[0], withDetails(ctx, tx, one)
}

func (s *Service) robotEvent(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, prefix string, b Robot) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.clock(), By: by.Name, ProjectID: b.ProjectID, Project: b.ProjectName,
		Resource: prefix + b.Name, Success: true})
}

// UpdateRobot replaces the description, the permissions, the duration and whether the robot is disabled.
// A duration counts from the robot's creation; one that would already be over is refused.
func (s *Service) UpdateRobot(ctx context.Context, by authz.Principal, id int64, u RobotUpdate) error {
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		b, err := getRobot(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := b.accepts(u, prefix); err != nil {
			return err
		}
		days, expires := b.DurationDays, b.ExpiresAt
		if u.DurationDays != 0 && u.DurationDays != days {
			days, expires = u.DurationDays, expiry(b.CreatedAt, u.DurationDays)
			if expired(expires, s.clock()) {
				return fault.Invalidf("bad request error duration input: %d, the robot would have expired on %s", days, expires.Format("2006-01-02"))
			}
		}
		if err := s.replaceGrants(ctx, tx, by, b, u.Permissions); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, robotUpdate, u.Description, u.Disabled, days, db.Micros(expires), db.Micros(s.clock()), id); err != nil {
			return fmt.Errorf("update robot %d: %w", id, err)
		}
		return s.robotEvent(ctx, tx, event.UpdateRobot, by, prefix, b)
	})
}

// accepts reports whether u may be applied to b, in Harbor's words.
func (b Robot) accepts(u RobotUpdate, prefix string) error {
	short := b.Name[strings.LastIndex(b.Name, "+")+1:]
	names := []string{b.Name, short, prefix + b.Name, shellSpelling(prefix) + b.Name, harborPrefix + b.Name}
	if u.Level != b.Level() || !slices.Contains(names, u.Name) {
		return fault.Invalidf("cannot update the level or name of robot")
	}
	if u.DurationDays != 0 {
		if err := checkDuration(u.DurationDays); err != nil {
			return err
		}
	}
	if err := checkDescription(u.Description); err != nil {
		return err
	}
	if err := checkPermissions(u.Level, u.Permissions); err != nil {
		return err
	}
	if b.ProjectID != 0 && u.Permissions[0].Namespace != b.ProjectName {
		return fault.Invalidf("cannot update the project id of robot")
	}
	return nil
}

func (s *Service) replaceGrants(ctx context.Context, tx db.Tx, by authz.Principal, b Robot, permissions []RobotPermission) error {
	projects, err := projectsOf(ctx, tx, permissions)
	if err != nil {
		return err
	}
	all, err := grants(permissions, projects)
	if err != nil {
		return err
	}
	if err := mayPassOn(by, all, b.Level()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, permissionClear, b.ID); err != nil {
		return fmt.Errorf("replace the permissions of robot %d: %w", b.ID, err)
	}
	return insertGrants(ctx, tx, b.ID, all)
}

// DeleteRobot deletes a robot; its tokens end.
func (s *Service) DeleteRobot(ctx context.Context, by authz.Principal, id int64) error {
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		b, err := getRobot(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, robotDelete, id); err != nil {
			return fmt.Errorf("delete robot %d: %w", id, err)
		}
		return s.robotEvent(ctx, tx, event.DeleteRobot, by, prefix, b)
	})
}
