package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

const robotFields = `r.id, COALESCE(r.project_id, 0), COALESCE(p.name, ''), r.name, r.description, r.duration_days, r.expires_at,
	r.disabled, r.creator_type, r.creator_id, r.epoch, r.created_at, r.updated_at`

const robotFrom = `robot r LEFT JOIN project p ON p.id = r.project_id`

// robotAlive leaves out robots of deleted projects.
const robotAlive = `(r.project_id IS NULL OR p.deleted_at = 0)`

var robots = db.Listing{
	Fields: robotFields,
	From:   robotFrom,
	Columns: map[string]db.Column{
		"id":            {Expr: "r.id", Kind: db.Int},
		"name":          {Expr: "r.name"},
		"description":   {Expr: "r.description"},
		"duration":      {Expr: "r.duration_days", Kind: db.Int},
		"expires_at":    {Expr: "CASE WHEN r.expires_at = 0 THEN -1 ELSE r.expires_at / 1000000 END", Kind: db.Int},
		"disable":       {Expr: "r.disabled", Kind: db.Bool},
		"disabled":      {Expr: "r.disabled", Kind: db.Bool},
		"level":         {Expr: "CASE WHEN r.project_id IS NULL THEN 'system' ELSE 'project' END"},
		"project_id":    {Expr: "COALESCE(r.project_id, 0)", Kind: db.Int},
		"creator_type":  {Expr: "r.creator_type"},
		"creator_ref":   {Expr: "r.creator_id", Kind: db.Int},
		"creation_time": {Expr: "r.created_at", Kind: db.Timestamp},
		"update_time":   {Expr: "r.updated_at", Kind: db.Timestamp},
	},
	Default: "r.name",
	Tie:     "r.id",
}

// HasRobotKey reports whether ListRobots filters and sorts by key.
func HasRobotKey(key string) bool { return robots.Has(key) }

const (
	robotByID   = `SELECT ` + robotFields + ` FROM ` + robotFrom + ` WHERE r.id = $1 AND ` + robotAlive
	robotInsert = `INSERT INTO robot (project_id, name, description, duration_days, expires_at, creator_type, creator_id, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING RETURNING id`
	robotUpdate = `UPDATE robot SET description = $1, disabled = $2, duration_days = $3, expires_at = $4, epoch = epoch + 1, updated_at = $5 WHERE id = $6`
	robotDelete = `DELETE FROM robot WHERE id = $1`

	permissionInsert = `INSERT INTO robot_permission (robot_id, kind, project_id, resource, action, effect) VALUES ($1, $2, $3, $4, $5, $6)`
	permissionClear  = `DELETE FROM robot_permission WHERE robot_id = $1`
	// A deleted project's entries vanish.
	permissionsOf = `SELECT rp.robot_id, rp.kind, COALESCE(rp.project_id, 0), COALESCE(p.name, ''), rp.resource, rp.action, rp.effect
		FROM robot_permission rp LEFT JOIN project p ON p.id = rp.project_id
		WHERE (rp.project_id IS NULL OR p.deleted_at = 0) AND rp.robot_id IN (`

	projectsNamed = `SELECT id, name FROM project WHERE deleted_at = 0 AND name IN (`
)

// rotationsOf tells when robots were used and until when a previous secret is good. It stands apart from the
// listing, which so has nothing of robot_secret in its reach.
const rotationsOf = `SELECT s.robot_id, COALESCE(u.used_at, 0), s.previous_until
	FROM robot_secret s LEFT JOIN robot_use u ON u.robot_id = s.robot_id WHERE s.robot_id IN (`

type rotation struct {
	robotID               int64
	usedAt, previousUntil time.Time
}

func scanRotation(r db.Row) (v rotation, err error) {
	err = r.Scan(&v.robotID, db.ScanTime(&v.usedAt), db.ScanTime(&v.previousUntil))
	return v, err
}

// withDetails fills in what isn't in the rows of robot, in two statements.
func withDetails(ctx context.Context, tx db.Tx, list []Robot) error {
	if len(list) == 0 {
		return nil
	}
	at, ids := map[int64]*Robot{}, make([]int64, len(list))
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, &list[i]
	}
	marks, args := db.In(0, ids)
	rows, err := db.Collect(ctx, tx, scanRotation, rotationsOf+marks+")", args...)
	if err != nil {
		return fmt.Errorf("look up when robots were used: %w", err)
	}
	for _, v := range rows {
		at[v.robotID].UsedAt, at[v.robotID].PreviousUntil = v.usedAt, v.previousUntil
	}
	return withPermissions(ctx, tx, list)
}

func scanRobot(r db.Row) (b Robot, err error) {
	err = r.Scan(&b.ID, &b.ProjectID, &b.ProjectName, &b.Name, &b.Description, &b.DurationDays, db.ScanTime(&b.ExpiresAt),
		&b.Disabled, &b.CreatorType, &b.CreatorID, &b.Epoch, db.ScanTime(&b.CreatedAt), db.ScanTime(&b.UpdatedAt))
	return b, err
}

func getRobot(ctx context.Context, tx db.Tx, id int64) (Robot, error) {
	b, err := db.Get(ctx, tx, scanRobot, robotByID, id)
	return b, notFound(err, "look up robot %d", id)
}

// permissionRow is one row of robot_permission with its project's name.
type permissionRow struct {
	robotID   int64
	kind      string // "system", "project" or "all"
	projectID int64
	project   string
	access    Access
}

func scanPermission(r db.Row) (p permissionRow, err error) {
	err = r.Scan(&p.robotID, &p.kind, &p.projectID, &p.project, &p.access.Resource, &p.access.Action, &p.access.Effect)
	return p, err
}

// permissionRows returns the rows of the robots in one statement, in the order they were given.
func permissionRows(ctx context.Context, tx db.Tx, ids ...int64) ([]permissionRow, error) {
	marks, args := db.In(0, ids)
	rows, err := db.Collect(ctx, tx, scanPermission, permissionsOf+marks+") ORDER BY rp.robot_id, rp.id", args...)
	if err != nil {
		return nil, fmt.Errorf("look up robot permissions: %w", err)
	}
	return rows, nil
}

// withPermissions fills in the permissions of all robots.
func withPermissions(ctx context.Context, tx db.Tx, list []Robot) error {
	if len(list) == 0 {
		return nil
	}
	at := map[int64]*Robot{}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, &list[i]
	}
	rows, err := permissionRows(ctx, tx, ids...)
	if err != nil {
		return err
	}
	type place struct {
		robotID         int64
		kind, namespace string
	}
	index := map[place]int{}
	for _, row := range rows {
		b := at[row.robotID]
		p := place{row.robotID, row.harborKind(), row.namespace()}
		i, ok := index[p]
		if !ok {
			i = len(b.Permissions)
			index[p] = i
			b.Permissions = append(b.Permissions, RobotPermission{Kind: p.kind, Namespace: p.namespace})
		}
		if row.access.Effect != effectDeny {
			row.access.Effect = "" // Harbor leaves the default out
		}
		b.Permissions[i].Access = append(b.Permissions[i].Access, row.access)
	}
	return nil
}

func (r permissionRow) harborKind() string {
	if r.kind == levelSystem {
		return levelSystem
	}
	return levelProject
}

func (r permissionRow) namespace() string {
	switch r.kind {
	case levelSystem:
		return systemNamespace
	case kindAll:
		return everyNamespace
	}
	return r.project
}

// kindAll is a row of robot_permission that holds in every project.
const kindAll = "all"

func (r permissionRow) grant() authz.Grant {
	g := authz.Grant{Permission: r.access.permission(), Deny: r.access.Effect == effectDeny}
	switch r.kind {
	case levelSystem:
		g.Scope = authz.System
	case kindAll:
		g.Scope = authz.EveryProject
	default:
		g.Scope, g.ProjectID = authz.OneProject, r.projectID
	}
	return g
}

func insertGrants(ctx context.Context, tx db.Tx, robotID int64, all []authz.Grant) error {
	for _, g := range all {
		var projectID any
		kind, effect := levelSystem, "allow"
		switch g.Scope {
		case authz.EveryProject:
			kind = kindAll
		case authz.OneProject:
			kind, projectID = levelProject, g.ProjectID
		}
		if g.Deny {
			effect = effectDeny
		}
		if _, err := tx.Exec(ctx, permissionInsert, robotID, kind, projectID, string(g.Resource), string(g.Action), effect); err != nil {
			return fmt.Errorf("insert robot permission: %w", err)
		}
	}
	return nil
}

type namedProject struct {
	id   int64
	name string
}

func scanNamedProject(r db.Row) (p namedProject, err error) {
	err = r.Scan(&p.id, &p.name)
	return p, err
}

// projectsOf returns the ids of the projects that the permissions name.
func projectsOf(ctx context.Context, tx db.Tx, permissions []RobotPermission) (map[string]int64, error) {
	var names []string
	for _, p := range permissions {
		if p.Namespace != systemNamespace && p.Namespace != everyNamespace {
			names = append(names, p.Namespace)
		}
	}
	ids := map[string]int64{}
	if len(names) == 0 {
		return ids, nil
	}
	marks, args := db.In(0, names)
	rows, err := db.Collect(ctx, tx, scanNamedProject, projectsNamed+marks+")", args...)
	if err != nil {
		return nil, fmt.Errorf("look up the projects of a robot: %w", err)
	}
	for _, p := range rows {
		ids[p.name] = p.id
	}
	return ids, nil
}
