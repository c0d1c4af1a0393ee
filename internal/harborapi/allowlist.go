package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

// GetSystemCVEAllowlist answers GET /system/CVEAllowlist, for everybody who is signed in: it holds for their
// projects.
func (s *Server) GetSystemCVEAllowlist(ctx context.Context, _ gen.GetSystemCVEAllowlistRequestObject) (gen.GetSystemCVEAllowlistResponseObject, error) {
	a, err := s.Projects.SystemAllowlist(ctx)
	if err != nil {
		return nil, err
	}
	out := *allowlistJSON(a)
	if !a.CreatedAt.IsZero() {
		out.ID = 1 // there is one; Harbor's clients tell by its id that it is there
	}
	return gen.GetSystemCVEAllowlist200JSONResponse(out), nil
}

// PutSystemCVEAllowlist answers PUT /system/CVEAllowlist.
func (s *Server) PutSystemCVEAllowlist(ctx context.Context, r gen.PutSystemCVEAllowlistRequestObject) (gen.PutSystemCVEAllowlistResponseObject, error) {
	list := allowlistOf(r.Body)
	list.ProjectID = 0 // whatever a client copied from a project's list
	err := s.Projects.SetSystemAllowlist(ctx, rest.CallFrom(ctx).Principal, *list)
	return gen.PutSystemCVEAllowlist200Response{}, err
}
