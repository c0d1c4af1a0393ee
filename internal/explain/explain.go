// Package explain answers "may X do Y on Z, and why". The answer is the decision of package authz itself,
// with the facts that it stands on; nothing is decided here.
package explain

import (
	"context"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/identity"
)

// The reasons that go before any permission: nobody comes in to use one.
const (
	Disabled authz.Because = "disabled" // the robot is switched off
	Expired  authz.Because = "expired"  // the robot has expired
	Left     authz.Because = "left"     // no provider knows the account any more
	Locked   authz.Because = "locked"   // log-ins wait because too many failed
)

// NothingThere says the same of a project that isn't there and of one that somebody has nothing to do with (S19).
const NothingThere authz.Because = "unrelated"

// HeldRoles tells the roles of an account in a project with their sources. Package project implements it.
type HeldRoles interface {
	HeldRoles(ctx context.Context, accountID, projectID int64) ([]authz.Held, error)
}

// Reason is a reason of authz, or one of those above with its time.
type Reason struct {
	authz.Reason
	At time.Time // of Expired and Left: since when; of Locked: until when
}

// Answer is a verdict. Permitted is what authz decides; Allowed is that for somebody who can come in.
type Answer struct {
	Allowed   bool
	Permitted bool
	Reasons   []Reason
}

// Service asks. It is safe for concurrent use.
type Service struct {
	authorizer *authz.Authorizer
	roles      HeldRoles
}

// New returns a Service.
func New(a *authz.Authorizer, roles HeldRoles) *Service { return &Service{authorizer: a, roles: roles} }

// Project explains whether who may use perm in the project.
func (s *Service) Project(ctx context.Context, who identity.Standing, project authz.ProjectObject, perm authz.Permission) (Answer, error) {
	var held []authz.Held
	if id := who.Principal.AccountID(); id != 0 {
		var err error
		if held, err = s.roles.HeldRoles(ctx, id, project.ID); err != nil {
			return Answer{}, err
		}
	}
	v, err := s.authorizer.ExplainProject(ctx, who.Principal, project, perm, held)
	if err != nil {
		return Answer{}, err
	}
	return answer(who, v), nil
}

// System explains whether who may use perm outside of any project.
func (s *Service) System(who identity.Standing, perm authz.Permission) (Answer, error) {
	v, err := s.authorizer.ExplainSystem(who.Principal, perm)
	if err != nil {
		return Answer{}, err
	}
	return answer(who, v), nil
}

func answer(who identity.Standing, v authz.Verdict) Answer {
	a := Answer{Permitted: v.Allowed, Allowed: v.Allowed && who.Usable()}
	if who.Disabled {
		a.add(Disabled, time.Time{})
	}
	if !who.ExpiredAt.IsZero() {
		a.add(Expired, who.ExpiredAt)
	}
	if !who.LeftAt.IsZero() {
		a.add(Left, who.LeftAt)
	}
	if !who.LockedUntil.IsZero() {
		a.add(Locked, who.LockedUntil)
	}
	for _, r := range v.Reasons {
		a.Reasons = append(a.Reasons, Reason{Reason: r})
	}
	return a
}

func (a *Answer) add(because authz.Because, at time.Time) {
	a.Reasons = append(a.Reasons, Reason{authz.Reason{Because: because}, at})
}

// Unrelated is the answer about a project that isn't there, or that who mustn't know of.
func Unrelated(who identity.Standing) Answer {
	a := answer(who, authz.Verdict{})
	a.add(NothingThere, time.Time{})
	return a
}

// Related reports whether the reasons tell that the project is there: it allows something, or there is a
// role in it or a grant for it.
func (a Answer) Related() bool {
	return slices.ContainsFunc(a.Reasons, func(r Reason) bool {
		return r.Allows() || r.Because == authz.RoleLacks || r.Because == authz.GrantDenies
	})
}
