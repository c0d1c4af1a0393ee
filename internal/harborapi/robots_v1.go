package harborapi

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
)

// ListRobotV1 answers GET /projects/{project_name_or_id}/robots.
func (s *Server) ListRobotV1(ctx context.Context, r gen.ListRobotV1RequestObject) (gen.ListRobotV1ResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	list, err := listing(ctx, identity.HasRobotKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Identity.ListRobots(ctx, identity.RobotFilter{ProjectID: p.ID}, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListRobotV1200JSONResponse{Body: each(rows, func(r identity.Robot) gen.Robot { return s.robotJSON(ctx, r) })}, nil
}

// CreateRobotV1 answers POST /projects/{project_name_or_id}/robots. The robot expires at a time, not after
// so many days, and the resources of its rights are paths: /project/2/repository.
func (s *Server) CreateRobotV1(ctx context.Context, r gen.CreateRobotV1RequestObject) (gen.CreateRobotV1ResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	n, err := newRobotV1(p, *r.Body, s.Clock())
	if err != nil {
		return nil, err
	}
	made, err := s.Identity.CreateRobot(ctx, callFrom(ctx).Principal, n)
	if err != nil {
		return nil, err
	}
	created(ctx, made.ID)
	return gen.CreateRobotV1201JSONResponse{Body: s.robotCreatedJSON(ctx, made)}, nil
}

func newRobotV1(p project.Project, body gen.RobotCreateV1, now time.Time) (identity.NewRobot, error) {
	n := identity.NewRobot{Name: body.Name, Description: body.Description, Level: levelProject, DurationDays: -1}
	if body.ExpiresAt > 0 {
		n.ExpiresAt = time.Unix(body.ExpiresAt, 0).UTC()
		left := n.ExpiresAt.Sub(now)
		if left <= 0 {
			return n, badRequest("bad request error expires_at input: %d is in the past", body.ExpiresAt)
		}
		n.DurationDays = int64((left + 24*time.Hour - 1) / (24 * time.Hour))
	}
	here := "/project/" + strconv.FormatInt(p.ID, 10) + "/"
	permission := identity.RobotPermission{Kind: levelProject, Namespace: p.Name}
	for _, a := range body.Access {
		permission.Access = append(permission.Access, identity.Access{Resource: strings.TrimPrefix(a.Resource, here), Action: a.Action, Effect: a.Effect})
	}
	n.Permissions = []identity.RobotPermission{permission}
	return n, nil
}

// GetRobotByIDV1 answers GET /projects/{project_name_or_id}/robots/{robot_id}.
func (s *Server) GetRobotByIDV1(ctx context.Context, r gen.GetRobotByIDV1RequestObject) (gen.GetRobotByIDV1ResponseObject, error) {
	robot, err := s.robotOf(ctx, r.ProjectNameOrID, r.RobotID)
	if err != nil {
		return nil, err
	}
	return gen.GetRobotByIDV1200JSONResponse(s.robotJSON(ctx, robot)), nil
}

// UpdateRobotV1 answers PUT /projects/{project_name_or_id}/robots/{robot_id}: whether the robot is disabled,
// and its description. The rest of the body is what clients have read.
func (s *Server) UpdateRobotV1(ctx context.Context, r gen.UpdateRobotV1RequestObject) (gen.UpdateRobotV1ResponseObject, error) {
	robot, err := s.robotOf(ctx, r.ProjectNameOrID, r.RobotID)
	if err != nil {
		return nil, err
	}
	err = s.Identity.UpdateRobot(ctx, callFrom(ctx).Principal, robot.ID, identity.RobotUpdate{
		Name: robot.Name, Level: robot.Level(), Permissions: robot.Permissions, Disabled: r.Body.Disable, Description: r.Body.Description,
	})
	return gen.UpdateRobotV1200Response{}, err
}

// DeleteRobotV1 answers DELETE /projects/{project_name_or_id}/robots/{robot_id}.
func (s *Server) DeleteRobotV1(ctx context.Context, r gen.DeleteRobotV1RequestObject) (gen.DeleteRobotV1ResponseObject, error) {
	robot, err := s.robotOf(ctx, r.ProjectNameOrID, r.RobotID)
	if err != nil {
		return nil, err
	}
	err = s.Identity.DeleteRobot(ctx, callFrom(ctx).Principal, robot.ID)
	return gen.DeleteRobotV1200Response{}, err
}

// robotOf loads a robot of a project, where the operation's permission is asked first.
func (s *Server) robotOf(ctx context.Context, nameOrID string, id int64) (identity.Robot, error) {
	p, err := s.project(ctx, nameOrID)
	if err != nil {
		return identity.Robot{}, err
	}
	robot, err := s.Identity.GetRobot(ctx, id)
	if err == nil && robot.ProjectID != p.ID {
		err = fault.NotFound
	}
	return robot, saying(err, "robot %d not found", id)
}
