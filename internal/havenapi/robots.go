package havenapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

// EndPreviousSecret answers DELETE /robots/{robot_id}/previous-secret.
func (s *Server) EndPreviousSecret(ctx context.Context, r gen.EndPreviousSecretRequestObject) (gen.EndPreviousSecretResponseObject, error) {
	if err := s.mayUseRobot(ctx, r.RobotID); err != nil {
		return nil, err
	}
	err := s.Identity.EndPreviousSecret(ctx, rest.CallFrom(ctx).Principal, r.RobotID)
	return gen.EndPreviousSecret200Response{}, err
}

// mayUseRobot loads a robot and asks the operation's permission where it lives. To who may not, a robot isn't
// there (S19).
func (s *Server) mayUseRobot(ctx context.Context, id int64) error {
	c := rest.CallFrom(ctx)
	if !c.Principal.Authenticated() {
		return authz.ErrUnauthenticated
	}
	robot, err := s.Identity.GetRobot(ctx, id)
	switch {
	case err != nil:
	case robot.ProjectID == 0:
		err = s.frame.System(c, c.Access.Permission)
	default:
		p, missing := s.Projects.Get(ctx, robot.ProjectID)
		err = s.frame.Project(ctx, p.Object(), missing, c.Access.Permission)
	}
	if errors.Is(err, fault.NotFound) || errors.Is(err, authz.ErrForbidden) {
		return fault.NotFoundf("robot %d not found", id)
	}
	return err
}
