package identity

import (
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
)

const (
	neverExpires = -1
	// maxDuration is Harbor's, in days.
	maxDuration = math.MaxInt32 - 1
	// maxPlaces and maxRights bound a robot's permissions.
	maxPlaces = 500
	maxRights = 5000

	systemNamespace = "/"
	everyNamespace  = "*"
	effectDeny      = "deny"
)

// latest is the greatest time that a robot may expire at; later is as good as that.
var latest = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

var robotName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// validate checks in Harbor's order and words.
func (n NewRobot) validate() error {
	if len(n.Name) > maxName || !robotName.MatchString(n.Name) {
		return fault.Invalidf("robot name is not in lower case or contains illegal characters")
	}
	if err := checkDuration(n.DurationDays); err != nil {
		return err
	}
	if err := checkDescription(n.Description); err != nil {
		return err
	}
	return checkPermissions(n.Level, n.Permissions)
}

func checkDuration(days int64) error {
	if days != neverExpires && (days < 1 || days > maxDuration) {
		return fault.Invalidf("bad request error duration input: %d, duration must be either -1(Never) or a positive integer", days)
	}
	return nil
}

func checkDescription(text string) error {
	if len(text) > 1024 || !printable(text) {
		return fault.Invalidf("bad request error description input: at most 1024 bytes, without control characters")
	}
	return nil
}

func checkPermissions(level string, permissions []RobotPermission) error {
	if level != levelSystem && level != levelProject {
		return fault.Invalidf("bad request error level input: %s", level)
	}
	if len(permissions) == 0 {
		return fault.Invalidf("bad request empty permission")
	}
	if level == levelProject && len(permissions) > 1 || len(permissions) > maxPlaces {
		return fault.Invalidf("bad request permission")
	}
	rights := 0
	for _, p := range permissions {
		if err := p.check(level); err != nil {
			return err
		}
		rights += len(p.Access)
	}
	if rights > maxRights {
		return fault.Invalidf("bad request permission: more than %d", maxRights)
	}
	return nil
}

func (p RobotPermission) check(level string) error {
	if len(p.Access) == 0 {
		return fault.Invalidf("bad request empty access")
	}
	if p.Kind != levelSystem && p.Kind != levelProject || level == levelProject && p.Kind == levelSystem {
		return fault.Invalidf("bad request permission level: %s", p.Kind)
	}
	if (p.Kind == levelSystem) != (p.Namespace == systemNamespace) || level == levelProject && p.Namespace == everyNamespace || !printable(p.Namespace) {
		return fault.Invalidf("bad request permission namespace: %q", p.Namespace)
	}
	for _, a := range p.Access {
		if !authz.RobotMayHold(p.Kind, a.permission()) {
			return fault.Invalidf("bad request permission: %s:%s", a.Resource, a.Action)
		}
		if a.Effect != "" && a.Effect != "allow" && a.Effect != effectDeny {
			return fault.Invalidf("bad request permission effect: %s", a.Effect)
		}
	}
	return nil
}

func (a Access) permission() authz.Permission {
	return authz.Permission{Resource: authz.Resource(a.Resource), Action: authz.Action(a.Action)}
}

// expiry is when a robot expires: its creation and so many days of the calendar; zero for never.
func expiry(created time.Time, days int64) time.Time {
	if days == neverExpires {
		return time.Time{}
	}
	if days > 4_000_000 { // beyond latest; a time so far away can't be stored
		return latest
	}
	if t := created.AddDate(0, 0, int(days)); t.Before(latest) {
		return t
	}
	return latest
}

// grants are the permissions as authz decides by, with each project's id. The same grant comes once.
func grants(permissions []RobotPermission, projects map[string]int64) ([]authz.Grant, error) {
	var all []authz.Grant
	seen := map[authz.Grant]bool{}
	for _, p := range permissions {
		place := authz.Grant{Scope: authz.System}
		switch p.Namespace {
		case systemNamespace:
		case everyNamespace:
			place.Scope = authz.EveryProject
		default:
			id, ok := projects[p.Namespace]
			if !ok {
				return nil, fault.NotFoundf("project %s not found", p.Namespace)
			}
			place.Scope, place.ProjectID = authz.OneProject, id
		}
		for _, a := range p.Access {
			g := place
			g.Permission, g.Deny = a.permission(), a.Effect == effectDeny
			if !seen[g] {
				seen[g], all = true, append(all, g)
			}
		}
	}
	return all, nil
}

// mayPassOn refuses a robot or a personal token that would give a robot more than it has itself.
func mayPassOn(by authz.Principal, passed []authz.Grant, level string) error {
	uncovered := func(g authz.Grant) bool { return !by.Covers(g, level == levelProject) }
	if (by.Kind == authz.Robot || by.Kind == authz.Personal) && slices.ContainsFunc(passed, uncovered) {
		return ErrGrantTooBroad
	}
	return nil
}
