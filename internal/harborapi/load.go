package harborapi

import (
	"context"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/rest"
)

// project loads the project of a {project_name_or_id} and asks the operation's permission in it. A number
// is an id, unless the client says that it is a name.
func (s *Server) project(ctx context.Context, nameOrID string) (project.Project, error) {
	id, err := strconv.ParseInt(nameOrID, 10, 64)
	if err == nil && !rest.CallFrom(ctx).ByName() {
		return s.projectByID(ctx, id)
	}
	p, err := s.Projects.GetByName(ctx, nameOrID)
	return p, s.decideProject(ctx, p.Object(), err)
}

// projectByID is project for an id that comes from elsewhere than the path.
func (s *Server) projectByID(ctx context.Context, id int64) (project.Project, error) {
	p, err := s.Projects.Get(ctx, id)
	return p, s.decideProject(ctx, p.Object(), err)
}

// projectNamed loads the project of a {project_name}, with as much of it as repositories need, and asks
// the operation's permission in it.
func (s *Server) projectNamed(ctx context.Context, name string) (project.Ref, error) {
	p, err := s.Projects.ByName(ctx, name)
	return p, s.decideProject(ctx, p.Object(), err)
}

// projectWith loads one more project that a request names, and asks another permission there (S9).
func (s *Server) projectWith(ctx context.Context, name string, perm authz.Permission) (project.Ref, error) {
	p, err := s.Projects.ByName(ctx, name)
	return p, s.frame.Project(ctx, p.Object(), err, perm)
}

func (s *Server) decideProject(ctx context.Context, object authz.ProjectObject, loading error) error {
	return s.frame.Project(ctx, object, loading, callFrom(ctx).Access.Permission)
}

// mayIn asks the operation's permission in a project, or in the system for project 0.
func (s *Server) mayIn(ctx context.Context, projectID int64) error {
	c := callFrom(ctx)
	if projectID == 0 {
		return s.decideSystem(c, c.Access.Permission)
	}
	_, err := s.projectByID(ctx, projectID)
	return err
}
