package harborapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/httpauth"
)

// class says when and by what an operation is decided.
type class int

const (
	undeclared class = iota
	open             // everybody; what the answer holds depends on the caller
	signedIn         // whoever is known
	inSystem         // a permission of the system, decided before the handler runs
	inProject        // a permission in the project of the path, decided by Server.project when it loads it
	ofObject         // decided by the handler when it has loaded the object: a user, a robot, a label
)

// access is what an operation demands of its caller.
type access struct {
	class class
	perm  authz.Permission
}

func ofSystem(r authz.Resource, a authz.Action) access {
	return access{inSystem, authz.Permission{Resource: r, Action: a}}
}

func ofProject(r authz.Resource, a authz.Action) access {
	return access{inProject, authz.Permission{Resource: r, Action: a}}
}

func ofLoaded(r authz.Resource, a authz.Action) access {
	return access{ofObject, authz.Permission{Resource: r, Action: a}}
}

// accesses is the table of all operations. An operation that isn't here answers 500 and fails a test.
func accesses() map[string]access {
	return map[string]access{
		"GetAPIVersion":     {class: open},
		"GetPing":           {class: open},
		"GetHealth":         {class: open},
		"GetSystemInfo":     {class: open},
		"GetCert":           {class: open},
		"GetIcon":           {class: open},
		"Search":            {class: open},
		"GetInternalconfig": {class: open}, // and always refused
		"GetVolumes":        ofSystem(authz.SystemVolumes, authz.Read),
		"GetStatistic":      {class: signedIn},
		"GetPermissions":    ofLoaded(authz.RobotAccount, authz.Create),

		"GetConfigurations":    ofSystem(authz.SystemConfig, authz.Read),
		"UpdateConfigurations": ofSystem(authz.SystemConfig, authz.Update),

		"ListUsers":                 ofSystem(authz.UserAccount, authz.ListAll),
		"CreateUser":                ofLoaded(authz.UserAccount, authz.Create),
		"GetCurrentUserInfo":        {class: signedIn},
		"GetCurrentUserPermissions": {class: signedIn},
		"SearchUsers":               {class: signedIn},
		"GetUser":                   ofLoaded(authz.UserAccount, authz.Read),
		"UpdateUserProfile":         ofLoaded(authz.UserAccount, authz.Update),
		"UpdateUserPassword":        ofLoaded(authz.UserAccount, authz.Update),
		"DeleteUser":                ofSystem(authz.UserAccount, authz.Delete),
		"SetUserSysAdmin":           ofSystem(authz.UserAccount, authz.Update),

		"ListProjects":          {class: open},
		"HeadProject":           {class: signedIn},
		"CreateProject":         ofLoaded(authz.Project, authz.Create),
		"GetProject":            ofProject(authz.Project, authz.Read),
		"UpdateProject":         ofProject(authz.Project, authz.Update),
		"DeleteProject":         ofProject(authz.Project, authz.Delete),
		"GetProjectDeletable":   ofProject(authz.Project, authz.Delete),
		"GetProjectSummary":     ofProject(authz.Project, authz.Read),
		"ListProjectMetadatas":  ofProject(authz.Metadata, authz.ListAll),
		"AddProjectMetadatas":   ofProject(authz.Metadata, authz.Create),
		"GetProjectMetadata":    ofProject(authz.Metadata, authz.Read),
		"UpdateProjectMetadata": ofProject(authz.Metadata, authz.Update),
		"DeleteProjectMetadata": ofProject(authz.Metadata, authz.Delete),

		"ListProjectMembers":  ofProject(authz.Member, authz.ListAll),
		"CreateProjectMember": ofProject(authz.Member, authz.Create),
		"GetProjectMember":    ofProject(authz.Member, authz.Read),
		"UpdateProjectMember": ofProject(authz.Member, authz.Update),
		"DeleteProjectMember": ofProject(authz.Member, authz.Delete),

		"ListAllRepositories": {class: open},
		"ListRepositories":    ofProject(authz.Repository, authz.ListAll),
		"GetRepository":       ofProject(authz.Repository, authz.Read),
		"UpdateRepository":    ofProject(authz.Repository, authz.Update),
		"DeleteRepository":    ofProject(authz.Repository, authz.Delete),

		"ListArtifactsOfProject": ofProject(authz.Artifact, authz.ListAll), // and signed in
		"ListArtifacts":          ofProject(authz.Artifact, authz.ListAll),
		"GetArtifact":            ofProject(authz.Artifact, authz.Read),
		"CopyArtifact":           ofProject(authz.Artifact, authz.Create),
		"DeleteArtifact":         ofProject(authz.Artifact, authz.Delete),
		"ListTags":               ofProject(authz.Tag, authz.ListAll),
		"CreateTag":              ofProject(authz.Tag, authz.Create),
		"DeleteTag":              ofProject(authz.Tag, authz.Delete),
		"ListAccessories":        ofProject(authz.Accessory, authz.ListAll),
		"GetAddition":            ofProject(authz.ArtifactAddition, authz.Read),

		"ListRobot":    ofLoaded(authz.RobotAccount, authz.ListAll),
		"CreateRobot":  ofLoaded(authz.RobotAccount, authz.Create),
		"GetRobotByID": ofLoaded(authz.RobotAccount, authz.Read),
		"UpdateRobot":  ofLoaded(authz.RobotAccount, authz.Update),
		"RefreshSec":   ofLoaded(authz.RobotAccount, authz.Update),
		"DeleteRobot":  ofLoaded(authz.RobotAccount, authz.Delete),

		"ListLabels":   ofLoaded(authz.Label, authz.ListAll),
		"CreateLabel":  ofLoaded(authz.Label, authz.Create),
		"GetLabelByID": ofLoaded(authz.Label, authz.Read),
		"UpdateLabel":  ofLoaded(authz.Label, authz.Update),
		"DeleteLabel":  ofLoaded(authz.Label, authz.Delete),
		"AddLabel":     ofProject(authz.ArtifactLabel, authz.Create),
		"RemoveLabel":  ofProject(authz.ArtifactLabel, authz.Delete),

		"ListQuotas":  ofSystem(authz.Quota, authz.ListAll),
		"GetQuota":    ofSystem(authz.Quota, authz.Read),
		"UpdateQuota": ofSystem(authz.Quota, authz.Update),

		"ListAuditLogs":          {class: signedIn},
		"ListAuditLogExts":       {class: signedIn},
		"ListAuditLogEventTypes": ofSystem(authz.AuditLog, authz.ListAll),
		"GetLogs":                ofProject(authz.Log, authz.ListAll),
		"GetLogExts":             ofProject(authz.Log, authz.ListAll),
	}
}

var errUndecided = errors.New("an operation answered without asking for its permission")

// guard is the middleware around each handler. It makes the call, decides what can be decided before an
// object is loaded, and refuses the answer of a handler that decided nothing.
func (s *Server) guard(next gen.StrictHandlerFunc, operation string) gen.StrictHandlerFunc {
	demanded := s.accesses[operation]
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		c := &call{
			operation: operation, access: demanded, principal: authz.PrincipalFrom(ctx), url: *r.URL,
			host: r.Host, scheme: cmp.Or(s.ExternalScheme(r.Host), httpauth.Scheme(r)), request: r, response: w.Header(),
		}
		if err := s.admit(c); err != nil {
			return nil, err
		}
		answer, err := next(withCall(ctx, c), w, r, request)
		if err == nil && !c.decided {
			return nil, fmt.Errorf("%s: %w", operation, errUndecided)
		}
		return answer, err
	}
}

func (s *Server) admit(c *call) error {
	switch c.access.class {
	case open:
		c.decided = true
	case signedIn:
		c.decided = true
		if !c.principal.Authenticated() || c.principal.Kind == authz.Bearer {
			return authz.ErrUnauthenticated
		}
	case inSystem:
		return s.decideSystem(c, c.access.perm)
	case inProject, ofObject:
	default:
		return fmt.Errorf("%s: %w", c.operation, errUndecided)
	}
	return nil
}

// decideSystem asks for a permission of the system. Harbor answers with the caller's name here.
func (s *Server) decideSystem(c *call, perm authz.Permission) error {
	c.decided = true
	err := s.Authorizer.System(c.principal, perm)
	if errors.Is(err, authz.ErrForbidden) {
		return saying(err, "%s", c.principal.Name)
	}
	return err
}
