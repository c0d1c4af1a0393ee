package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// ListProjectMetadatas answers GET …/metadatas/.
func (s *Server) ListProjectMetadatas(ctx context.Context, r gen.ListProjectMetadatasRequestObject) (gen.ListProjectMetadatasResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	all, err := s.Projects.ListMetadata(ctx, p.ID)
	return gen.ListProjectMetadatas200JSONResponse(all), err
}

// GetProjectMetadata answers GET …/metadatas/{meta_name}; a key that isn't set is an empty object.
func (s *Server) GetProjectMetadata(ctx context.Context, r gen.GetProjectMetadataRequestObject) (gen.GetProjectMetadataResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	value, found, err := s.Projects.GetMetadata(ctx, p.ID, r.MetaName)
	answer := gen.GetProjectMetadata200JSONResponse{}
	if found {
		answer[r.MetaName] = value
	}
	return answer, err
}

// AddProjectMetadatas answers POST …/metadatas/ with its single key.
func (s *Server) AddProjectMetadatas(ctx context.Context, r gen.AddProjectMetadatasRequestObject) (gen.AddProjectMetadatasResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	key, value, err := onePair(r.Body)
	if err == nil {
		err = s.Projects.AddMetadata(ctx, callFrom(ctx).Principal, p.ID, key, value)
	}
	return gen.AddProjectMetadatas200Response{}, err
}

// UpdateProjectMetadata answers PUT …/metadatas/{meta_name}.
func (s *Server) UpdateProjectMetadata(ctx context.Context, r gen.UpdateProjectMetadataRequestObject) (gen.UpdateProjectMetadataResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	key, value, err := onePair(r.Body)
	if err == nil && key != r.MetaName {
		err = badRequest("the key in the body must be %s, as in the path", printable(r.MetaName))
	}
	if err == nil {
		err = s.Projects.SetMetadata(ctx, callFrom(ctx).Principal, p.ID, key, value)
	}
	return gen.UpdateProjectMetadata200Response{}, err
}

// DeleteProjectMetadata answers DELETE …/metadatas/{meta_name}.
func (s *Server) DeleteProjectMetadata(ctx context.Context, r gen.DeleteProjectMetadataRequestObject) (gen.DeleteProjectMetadataResponseObject, error) {
	p, err := s.project(ctx, r.ProjectNameOrID)
	if err != nil {
		return nil, err
	}
	err = s.Projects.DeleteMetadata(ctx, callFrom(ctx).Principal, p.ID, r.MetaName)
	return gen.DeleteProjectMetadata200Response{}, err
}

func onePair(body *gen.ProjectMetadata) (key, value string, err error) {
	if body == nil || len(*body) != 1 {
		return "", "", badRequest("only allow one key/value pair")
	}
	for key, value = range *body {
	}
	return key, value, nil
}
