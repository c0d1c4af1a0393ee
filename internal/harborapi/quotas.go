package harborapi

import (
	"context"
	"strconv"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/project"
)

// ListQuotas answers GET /quotas.
func (s *Server) ListQuotas(ctx context.Context, r gen.ListQuotasRequestObject) (gen.ListQuotasResponseObject, error) {
	list, err := listing(ctx, project.HasQuotaKey)
	if err != nil {
		return nil, err
	}
	var projectID int64
	if r.Params.ReferenceID != "" {
		if projectID, err = strconv.ParseInt(r.Params.ReferenceID, 10, 64); err != nil || projectID <= 0 {
			return nil, badRequest("invalid reference_id: expected the id of a project")
		}
	}
	rows, total, err := s.Projects.ListQuotas(ctx, projectID, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListQuotas200JSONResponse{Body: each(rows, quotaJSON)}, nil
}

// GetQuota answers GET /quotas/{id}.
func (s *Server) GetQuota(ctx context.Context, r gen.GetQuotaRequestObject) (gen.GetQuotaResponseObject, error) {
	q, err := s.Projects.GetQuota(ctx, r.ID)
	return gen.GetQuota200JSONResponse(quotaJSON(q)), err
}

// UpdateQuota answers PUT /quotas/{id}.
func (s *Server) UpdateQuota(ctx context.Context, r gen.UpdateQuotaRequestObject) (gen.UpdateQuotaResponseObject, error) {
	for resource := range r.Body.Hard {
		if resource != "storage" {
			return nil, badRequest("resource %s not support", printable(resource))
		}
	}
	hard, found := r.Body.Hard["storage"]
	if !found {
		return nil, badRequest("resource storage not found")
	}
	err := s.Projects.SetQuota(ctx, callFrom(ctx).Principal, r.ID, hard)
	return gen.UpdateQuota200Response{}, err
}

func quotaJSON(q project.Quota) gen.Quota {
	return gen.Quota{
		ID: q.ID, Ref: gen.QuotaRefObject{ID: q.ID, Name: q.Project, OwnerName: q.OwnerName},
		Hard: gen.ResourceList{"storage": q.Hard}, Used: gen.ResourceList{"storage": q.Used},
		CreationTime: wire.Time(q.CreatedAt), UpdateTime: wire.Time(q.UpdatedAt),
	}
}
