package harborapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/label"
	"github.com/havenregistry/haven/internal/registry"
)

// ListLabels answers GET /labels. The global ones are for everybody.
func (s *Server) ListLabels(ctx context.Context, r gen.ListLabelsRequestObject) (gen.ListLabelsResponseObject, error) {
	projectID, err := label.CheckScope(r.Params.Scope, r.Params.ProjectID)
	if err != nil {
		return nil, saying(err, "invalid scope: %s", printable(r.Params.Scope))
	}
	callFrom(ctx).Decided = true
	if projectID != 0 {
		if _, err := s.projectByID(ctx, projectID); err != nil {
			return nil, err
		}
	}
	list, err := listing(ctx, label.HasKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Labels.List(ctx, projectID, r.Params.Name, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListLabels200JSONResponse{Body: each(rows, labelJSON)}, nil
}

// CreateLabel answers POST /labels. Where the label is to hold decides who may, so that is checked first.
func (s *Server) CreateLabel(ctx context.Context, r gen.CreateLabelRequestObject) (gen.CreateLabelResponseObject, error) {
	projectID, err := label.CheckScope(r.Body.Scope, r.Body.ProjectID)
	if err != nil {
		return nil, err
	}
	if err := s.mayIn(ctx, projectID); err != nil {
		return nil, err
	}
	id, err := s.Labels.Create(ctx, callFrom(ctx).Principal, label.Label{ProjectID: projectID, Name: r.Body.Name, Description: r.Body.Description, Color: r.Body.Color})
	if err != nil {
		return nil, err
	}
	created(ctx, id)
	return gen.CreateLabel201Response{}, nil
}

// GetLabelByID answers GET /labels/{label_id}.
func (s *Server) GetLabelByID(ctx context.Context, r gen.GetLabelByIDRequestObject) (gen.GetLabelByIDResponseObject, error) {
	l, err := s.label(ctx, r.LabelID)
	return gen.GetLabelByID200JSONResponse(labelJSON(l)), err
}

// UpdateLabel answers PUT /labels/{label_id}; where it holds can't change.
func (s *Server) UpdateLabel(ctx context.Context, r gen.UpdateLabelRequestObject) (gen.UpdateLabelResponseObject, error) {
	l, err := s.label(ctx, r.LabelID)
	if err != nil {
		return nil, err
	}
	l.Name, l.Description, l.Color = r.Body.Name, r.Body.Description, r.Body.Color
	return gen.UpdateLabel200Response{}, s.Labels.Update(ctx, callFrom(ctx).Principal, l)
}

// DeleteLabel answers DELETE /labels/{label_id}.
func (s *Server) DeleteLabel(ctx context.Context, r gen.DeleteLabelRequestObject) (gen.DeleteLabelResponseObject, error) {
	l, err := s.label(ctx, r.LabelID)
	if err != nil {
		return nil, err
	}
	return gen.DeleteLabel200Response{}, s.Labels.Delete(ctx, callFrom(ctx).Principal, l.ID)
}

// AddLabel answers POST …/artifacts/{reference}/labels.
func (s *Server) AddLabel(ctx context.Context, r gen.AddLabelRequestObject) (gen.AddLabelResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	return gen.AddLabel200Response{}, s.Labels.Attach(ctx, callFrom(ctx).Principal, labelled(ref, a), r.Body.ID)
}

// RemoveLabel answers DELETE …/artifacts/{reference}/labels/{label_id}.
func (s *Server) RemoveLabel(ctx context.Context, r gen.RemoveLabelRequestObject) (gen.RemoveLabelResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	return gen.RemoveLabel200Response{}, s.Labels.Detach(ctx, callFrom(ctx).Principal, labelled(ref, a), r.LabelID)
}

func labelled(ref registry.Ref, a registry.Artifact) label.Artifact {
	return label.Artifact{ID: a.ID, ProjectID: ref.ProjectID, Repository: ref.FullName(), Digest: string(a.Digest)}
}

// label loads a label and asks the operation's permission where it holds. Everybody may read a global one;
// a project's isn't there for who may not use it (S19).
func (s *Server) label(ctx context.Context, id int64) (label.Label, error) {
	c := callFrom(ctx)
	l, err := s.Labels.Get(ctx, id)
	if err != nil {
		return l, err
	}
	if l.ProjectID == 0 && c.Access.Permission.Action == authz.Read {
		c.Decided = true
		return l, nil
	}
	err = s.mayIn(ctx, l.ProjectID)
	if l.ProjectID != 0 && (errors.Is(err, authz.ErrForbidden) || errors.Is(err, authz.ErrUnauthenticated)) {
		err = fault.NotFoundf("label %d not found", id)
	}
	return l, err
}

func labelJSON(l label.Label) gen.Label {
	return gen.Label{
		ID: l.ID, Name: l.Name, Description: l.Description, Color: l.Color, Scope: l.Scope(), ProjectID: l.ProjectID,
		CreationTime: wire.Time(l.CreatedAt), UpdateTime: wire.Time(l.UpdatedAt),
	}
}
