package havenapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/explain"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/rest"
)

// ExplainAccess answers GET /explain.
func (s *Server) ExplainAccess(ctx context.Context, r gen.ExplainAccessRequestObject) (gen.ExplainAccessResponseObject, error) {
	q := r.Params
	if err := checkQuestion(q); err != nil {
		return nil, err
	}
	found, missing := project.Ref{}, error(nil)
	if q.Project != "" {
		found, missing = s.Projects.ByName(ctx, q.Project)
	}
	about, err := s.whom(ctx, q, found, missing)
	if err != nil {
		return nil, err
	}
	a, err := s.explained(ctx, q, about, found, missing)
	if err != nil {
		return nil, err
	}
	return gen.ExplainAccess200JSONResponse(explanation(q, about.Principal, a)), nil
}

func (s *Server) explained(ctx context.Context, q gen.ExplainAccessParams, about identity.Standing, p project.Ref, missing error) (explain.Answer, error) {
	perm := authz.Permission{Resource: authz.Resource(q.Resource), Action: authz.Action(q.Action)}
	if q.Project == "" {
		return s.explain.System(about, perm)
	}
	if errors.Is(missing, fault.NotFound) && !about.Principal.Admin {
		return explain.Unrelated(about), nil
	}
	if missing != nil {
		return explain.Answer{}, missing
	}
	a, err := s.explain.Project(ctx, about, p.Object(), perm)
	if err != nil || a.Related() || !isCaller(q, rest.CallFrom(ctx).Principal) {
		return a, err
	}
	mayRead := authz.Permission{Resource: authz.Project, Action: authz.Read}
	if s.Authorizer.Project(ctx, about.Principal, p.Object(), mayRead) != nil {
		return explain.Unrelated(about), nil
	}
	return a, nil
}

func checkQuestion(q gen.ExplainAccessParams) error {
	named := 0
	for _, given := range []bool{q.User != "", q.Robot != "", q.Anonymous} {
		if given {
			named++
		}
	}
	switch {
	case named > 1:
		return rest.BadRequest("ask about one of user, robot and anonymous")
	case q.Repository != "" && q.Project == "":
		return rest.BadRequest("a repository needs its project")
	case q.Repository != "" && q.Resource != string(authz.Repository):
		return rest.BadRequest("a repository is asked about with resource=repository")
	}
	return nil
}

// whom loads who the question is about, when the caller may ask about them.
func (s *Server) whom(ctx context.Context, q gen.ExplainAccessParams, p project.Ref, missing error) (identity.Standing, error) {
	c := rest.CallFrom(ctx)
	if caller := c.Principal; caller.Authenticated() && isCaller(q, caller) {
		c.Decided = true
		return identity.Standing{Principal: caller}, nil
	}
	var err error
	if q.Project != "" {
		err = s.frame.Project(ctx, p.Object(), missing, c.Access.Permission)
	} else {
		err = s.frame.System(c, authz.Permission{Resource: authz.UserAccount, Action: authz.Update})
	}
	switch {
	case err != nil:
		return identity.Standing{}, err
	case q.User != "":
		st, err := s.Identity.UserStanding(ctx, q.User)
		return st, rest.Saying(err, "user %s not found", rest.Printable(q.User))
	case q.Robot != "":
		return s.robotStanding(ctx, q.Robot, p.ID)
	}
	return identity.Standing{}, nil // nobody
}

// robotStanding loads a robot. Another project's is there for system administrators only.
func (s *Server) robotStanding(ctx context.Context, name string, projectID int64) (identity.Standing, error) {
	st, err := s.Identity.RobotStanding(ctx, name)
	home, caller := st.Principal.ProjectID, rest.CallFrom(ctx).Principal
	if err == nil && home != 0 && home != projectID && !(caller.Kind == authz.User && caller.Admin) {
		err = fault.NotFound
	}
	return st, rest.Saying(err, "robot %s not found", rest.Printable(name))
}

// isCaller reports whether the question is about who asks it.
func isCaller(q gen.ExplainAccessParams, caller authz.Principal) bool {
	switch caller.Kind {
	case authz.User, authz.Personal:
		return q.Robot == "" && !q.Anonymous && (q.User == "" || q.User == caller.Name)
	case authz.Robot:
		return q.User == "" && !q.Anonymous && (q.Robot == "" || q.Robot == caller.Name)
	}
	return false
}

func explanation(q gen.ExplainAccessParams, p authz.Principal, a explain.Answer) gen.AccessExplanation {
	e := gen.AccessExplanation{
		Allowed: a.Allowed, Permitted: a.Permitted, Resource: q.Resource, Action: q.Action, Project: q.Project, Repository: q.Repository,
		Who: gen.AccessSubject{Kind: kindName(p.Kind), Name: p.Name}, Reasons: []gen.AccessReason{},
	}
	for _, r := range a.Reasons {
		e.Reasons = append(e.Reasons, reasonJSON(r, p))
	}
	return e
}

func kindName(k authz.Kind) string {
	switch k {
	case authz.User, authz.Personal:
		return "user"
	case authz.Robot:
		return "robot"
	}
	return "anonymous"
}

func reasonJSON(r explain.Reason, p authz.Principal) gen.AccessReason {
	out := gen.AccessReason{Code: string(r.Because), Text: sentence(r), Role: r.Held.Role.String(), Group: r.Held.Group, Grant: r.Number}
	if !r.At.IsZero() {
		out.At = new(wire.Time(r.At))
	}
	return out
}

// sentence is the reason for people.
func sentence(r explain.Reason) string {
	at := r.At.UTC().Format(time.RFC3339)
	switch r.Because {
	case authz.Administrator:
		return "They are a system administrator."
	case authz.PublicProject:
		return "The project is public: everybody may."
	case authz.RoleHolds:
		return "The role " + roleOf(r.Held) + " allows it."
	case authz.RoleLacks:
		return "The role " + roleOf(r.Held) + " doesn't allow it."
	case authz.GrantHolds:
		return fmt.Sprintf("The robot's grant %d allows it%s.", r.Number, placeOf(r.Grant))
	case authz.GrantDenies:
		return fmt.Sprintf("The robot's grant %d denies it%s.", r.Number, placeOf(r.Grant))
	case authz.NoGrant:
		return "None of the robot's grants allows it."
	case authz.NoRole:
		return "They have no role in the project."
	case authz.NotPublic:
		return "Everybody may in a public project, but this one isn't."
	case authz.AdminOnly:
		return "Only system administrators may, and robots that were granted it."
	case authz.NotSignedIn:
		return "Nobody is signed in."
	case authz.V2Only:
		return "A docker token is good for pulling and pushing alone."
	case authz.Narrowed:
		return "The personal access token is limited to less."
	case explain.NothingThere:
		return "There is no such project, or they have nothing to do with it."
	case explain.Disabled:
		return "The robot is disabled."
	case explain.Expired:
		return "The robot expired on " + at + "."
	case explain.Left:
		return "No identity provider knows the account since " + at + "."
	case explain.Locked:
		return "Too many log-ins failed: the next one is looked at after " + at + "."
	}
	return string(r.Because)
}

func roleOf(h authz.Held) string {
	if h.Group == "" {
		return h.Role.String() + ", as a member,"
	}
	return h.Role.String() + ", through the group " + h.Group + ","
}

func placeOf(g authz.Grant) string {
	switch g.Scope {
	case authz.EveryProject:
		return " in every project"
	case authz.System:
		return " in the system"
	}
	return " in this project"
}
