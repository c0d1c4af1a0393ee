package identity

import (
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// Robot is an account for programs. It belongs to a project, or to the system (ProjectID 0).
type Robot struct {
	ID, ProjectID int64
	ProjectName   string
	Name          string // as stored, without the prefix: "ci" or "project+ci"
	Description   string
	DurationDays  int64     // -1: never expires
	ExpiresAt     time.Time // zero: never
	Disabled      bool
	CreatorType   string // "local" or "robot"
	CreatorID     int64
	Epoch         int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
	UsedAt        time.Time // last, within minutes; zero: never
	PreviousUntil time.Time // until when the secret before the present one is good; zero: there is none
	Permissions   []RobotPermission
}

// Level is Harbor's word for where the robot belongs: "system" or "project".
func (r Robot) Level() string {
	if r.ProjectID == 0 {
		return levelSystem
	}
	return levelProject
}

const (
	levelSystem  = "system"
	levelProject = "project"
)

// RobotPermission is one place where a robot may do something.
type RobotPermission struct {
	Kind      string // "system" or "project"
	Namespace string // "/" for the system, "*" for all projects, else a project's name
	Access    []Access
}

// Access is one right in a place.
type Access struct {
	Resource, Action string
	Effect           string // "" or "allow", or "deny"
}

// RobotFilter says which robots to list: those of a project, or the system's (0).
type RobotFilter struct{ ProjectID int64 }

// NewRobot is what it takes to create a robot. The place of a project robot is in Permissions.
type NewRobot struct {
	Name, Description string
	Level             string    // "system" or "project"
	DurationDays      int64     // -1: never expires
	ExpiresAt         time.Time // zero: as DurationDays says
	Permissions       []RobotPermission
}

// Created is a new robot with its secret, which nobody can read later.
type Created struct {
	Robot
	Secret secret.Text
}

// RobotUpdate replaces what may change of a robot. Name and Level must be as they are.
type RobotUpdate struct {
	Name, Description string
	Level             string
	Disabled          bool
	DurationDays      int64 // 0: as it is
	Permissions       []RobotPermission
}
