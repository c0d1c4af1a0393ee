package harborapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	levelSystem  = "system"
	levelProject = "project"
)

// ListRobot answers GET /robots: those of the system, or of the project that q names with the keys Level
// and ProjectID.
func (s *Server) ListRobot(ctx context.Context, _ gen.ListRobotRequestObject) (gen.ListRobotResponseObject, error) {
	list, err := listing(ctx, func(key string) bool { return key == "Level" || key == "ProjectID" || identity.HasRobotKey(key) })
	if err != nil {
		return nil, err
	}
	level, _ := take(&list, "Level")
	place, given := take(&list, "ProjectID")
	filter, err := robotFilter(level, place, given)
	if err != nil {
		return nil, err
	}
	if err := s.mayIn(ctx, filter.ProjectID); err != nil {
		return nil, err
	}
	rows, total, err := s.Identity.ListRobots(ctx, filter, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListRobot200JSONResponse{Body: each(rows, func(r identity.Robot) gen.Robot { return s.robotJSON(ctx, r) })}, nil
}

func robotFilter(level, place string, given bool) (identity.RobotFilter, error) {
	switch level {
	case "", levelSystem:
		return identity.RobotFilter{}, nil
	case levelProject:
	default:
		return identity.RobotFilter{}, badRequest("bad request error level input: %s", printable(level))
	}
	if !given {
		return identity.RobotFilter{}, badRequest("must with project ID when to query project robots")
	}
	id, err := strconv.ParseInt(place, 10, 64)
	if err != nil || id <= 0 {
		return identity.RobotFilter{}, badRequest("project ID must be a positive integer")
	}
	return identity.RobotFilter{ProjectID: id}, nil
}

// CreateRobot answers POST /robots. Where the robot is to live decides who may, so that is checked first.
func (s *Server) CreateRobot(ctx context.Context, r gen.CreateRobotRequestObject) (gen.CreateRobotResponseObject, error) {
	n := identity.NewRobot{
		Name: r.Body.Name, Description: r.Body.Description, Level: r.Body.Level, DurationDays: r.Body.Duration,
		Permissions: robotPermissions(r.Body.Permissions),
	}
	if err := s.mayCreateRobot(ctx, n); err != nil {
		return nil, err
	}
	made, err := s.Identity.CreateRobot(ctx, callFrom(ctx).Principal, n)
	if err != nil {
		return nil, err
	}
	created(ctx, made.ID)
	return gen.CreateRobot201JSONResponse{Body: s.robotCreatedJSON(ctx, made)}, nil
}

func (s *Server) robotCreatedJSON(ctx context.Context, made identity.Created) gen.RobotCreated {
	shown := s.robotJSON(ctx, made.Robot)
	return gen.RobotCreated{
		ID: shown.ID, Name: shown.Name, Secret: made.Secret.Reveal(), CreationTime: shown.CreationTime, ExpiresAt: shown.ExpiresAt,
	}
}

func (s *Server) mayCreateRobot(ctx context.Context, n identity.NewRobot) error {
	switch {
	case n.Level == levelSystem:
		return s.mayIn(ctx, 0)
	case n.Level != levelProject:
		return badRequest("bad request error level input: %s", printable(n.Level))
	case len(n.Permissions) == 0:
		return badRequest("bad request empty permission")
	}
	_, err := s.projectNamed(ctx, n.Permissions[0].Namespace)
	return err
}

// GetRobotByID answers GET /robots/{robot_id}.
func (s *Server) GetRobotByID(ctx context.Context, r gen.GetRobotByIDRequestObject) (gen.GetRobotByIDResponseObject, error) {
	robot, err := s.robot(ctx, r.RobotID)
	if err != nil {
		return nil, err
	}
	return gen.GetRobotByID200JSONResponse(s.robotJSON(ctx, robot)), nil
}

// UpdateRobot answers PUT /robots/{robot_id}.
func (s *Server) UpdateRobot(ctx context.Context, r gen.UpdateRobotRequestObject) (gen.UpdateRobotResponseObject, error) {
	if _, err := s.robot(ctx, r.RobotID); err != nil {
		return nil, err
	}
	u := identity.RobotUpdate{
		Name: r.Body.Name, Description: r.Body.Description, Level: r.Body.Level, Disabled: r.Body.Disable,
		Permissions: robotPermissions(r.Body.Permissions),
	}
	if r.Body.Duration != nil {
		u.DurationDays = *r.Body.Duration
	}
	err := s.Identity.UpdateRobot(ctx, callFrom(ctx).Principal, r.RobotID, u)
	return gen.UpdateRobot200Response{}, err
}

// RefreshSec answers PATCH /robots/{robot_id}: the new secret replaces the present one, at once unless the body
// asks for an overlap. Only a secret that was made here is in the answer.
func (s *Server) RefreshSec(ctx context.Context, r gen.RefreshSecRequestObject) (gen.RefreshSecResponseObject, error) {
	if _, err := s.robot(ctx, r.RobotID); err != nil {
		return nil, err
	}
	overlap := time.Duration(r.Body.OverlapHours) * time.Hour
	made, err := s.Identity.RotateRobotSecret(ctx, callFrom(ctx).Principal, r.RobotID, secret.Text(r.Body.Secret), overlap)
	if r.Body.Secret != "" {
		made = ""
	}
	return gen.RefreshSec200JSONResponse{Secret: made.Reveal()}, err
}

// DeleteRobot answers DELETE /robots/{robot_id}.
func (s *Server) DeleteRobot(ctx context.Context, r gen.DeleteRobotRequestObject) (gen.DeleteRobotResponseObject, error) {
	if _, err := s.robot(ctx, r.RobotID); err != nil {
		return nil, err
	}
	err := s.Identity.DeleteRobot(ctx, callFrom(ctx).Principal, r.RobotID)
	return gen.DeleteRobot200Response{}, err
}

// robot loads a robot and asks the operation's permission where it lives. To who may not, a robot isn't
// there (S19).
func (s *Server) robot(ctx context.Context, id int64) (identity.Robot, error) {
	c := callFrom(ctx)
	if !c.Principal.Authenticated() {
		return identity.Robot{}, authz.ErrUnauthenticated
	}
	missing := rest.Problem{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "robot " + strconv.FormatInt(id, 10) + " not found"}
	robot, err := s.Identity.GetRobot(ctx, id)
	if errors.Is(err, fault.NotFound) {
		return identity.Robot{}, missing
	}
	if err == nil {
		err = s.mayIn(ctx, robot.ProjectID)
	}
	if errors.Is(err, authz.ErrForbidden) {
		err = missing
	}
	return robot, err
}

func robotPermissions(sent []gen.RobotPermission) []identity.RobotPermission {
	return each(sent, func(p gen.RobotPermission) identity.RobotPermission {
		return identity.RobotPermission{Kind: p.Kind, Namespace: p.Namespace, Access: each(p.Access, func(a gen.Access) identity.Access {
			return identity.Access{Resource: a.Resource, Action: a.Action, Effect: a.Effect}
		})}
	})
}

func (s *Server) robotJSON(ctx context.Context, r identity.Robot) gen.Robot {
	out := gen.Robot{
		ID: r.ID, Name: s.Identity.FullName(ctx, r.Name), Description: r.Description, Level: r.Level(), Duration: r.DurationDays,
		Editable: true, Disable: r.Disabled, ExpiresAt: -1, CreatorType: r.CreatorType, CreatorRef: r.CreatorID,
		CreationTime: wire.Time(r.CreatedAt), UpdateTime: wire.Time(r.UpdatedAt),
		LastUsedAt: wire.TimeIfAny(r.UsedAt), ExpiresSoon: r.ExpiresSoon(s.Clock()), PreviousSecretExpiresAt: wire.TimeIfAny(r.PreviousUntil),
	}
	if !r.ExpiresAt.IsZero() {
		out.ExpiresAt = r.ExpiresAt.Unix()
	}
	out.Permissions = each(r.Permissions, func(p identity.RobotPermission) gen.RobotPermission {
		return gen.RobotPermission{Kind: p.Kind, Namespace: p.Namespace, Access: each(p.Access, func(a identity.Access) gen.Access {
			return gen.Access{Resource: a.Resource, Action: a.Action, Effect: shownEffect(a.Effect)}
		})}
	})
	return out
}

// shownEffect leaves the usual effect out, as Harbor does.
func shownEffect(effect string) string {
	if effect == "allow" {
		return ""
	}
	return effect
}
