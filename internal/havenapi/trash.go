package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
)

// ListTrash answers GET /projects/{project_name}/trash.
func (s *Server) ListTrash(ctx context.Context, r gen.ListTrashRequestObject) (gen.ListTrashResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rows, err := s.Registry.Trash(ctx, p.ID, registry.TrashFilter{
		Repository: r.Params.Repository, Kind: registry.TrashKind(r.Params.Kind), Run: r.Params.Run, Before: r.Params.Before, Size: pageSize(r.Params.PageSize),
	})
	if err != nil {
		return nil, err
	}
	out := gen.ListTrash200JSONResponse{}
	for _, e := range rows {
		out = append(out, gen.Deletion{
			ID: e.ID, Kind: gen.DeletionKind(e.Kind), Repository: e.Repository, Digest: string(e.Digest), Tag: e.Tag, Artifacts: e.Artifacts,
			Bytes: e.Bytes, Counted: e.Counted, Run: e.Run, By: e.By, Time: wire.Time(e.At), Until: wire.Time(e.Until),
		})
	}
	return out, nil
}

// ListDeletedArtifacts answers GET /projects/{project_name}/trash/{deletion_id}/artifacts.
func (s *Server) ListDeletedArtifacts(ctx context.Context, r gen.ListDeletedArtifactsRequestObject) (gen.ListDeletedArtifactsResponseObject, error) {
	p, err := s.inProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	rows, err := s.Registry.Buried(ctx, p.ID, r.DeletionID)
	if err != nil {
		return nil, err
	}
	out := gen.ListDeletedArtifacts200JSONResponse{}
	for _, b := range rows {
		tags := b.Tags
		if tags == nil {
			tags = []string{}
		}
		out = append(out, gen.DeletedArtifact{Digest: string(b.Digest), Type: b.Type, Tags: tags, Size: b.Size, PushTime: wire.Time(b.PushedAt)})
	}
	return out, nil
}

// UndoDeletion answers POST /projects/{project_name}/trash/{deletion_id}/restore.
func (s *Server) UndoDeletion(ctx context.Context, r gen.UndoDeletionRequestObject) (gen.UndoDeletionResponseObject, error) {
	project, err := s.wholeProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	var only oci.Digest
	if r.Params.Digest != "" {
		if only, err = oci.ParseDigest(r.Params.Digest); err != nil {
			return nil, err
		}
	}
	u, err := s.Registry.Undelete(ctx, rest.CallFrom(ctx).Principal, project, r.DeletionID, only)
	return gen.UndoDeletion200JSONResponse(undoneJSON(u)), err
}

// UndoRetentionRun answers POST /projects/{project_name}/trash/runs/{execution_id}/restore.
func (s *Server) UndoRetentionRun(ctx context.Context, r gen.UndoRetentionRunRequestObject) (gen.UndoRetentionRunResponseObject, error) {
	project, err := s.wholeProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	u, err := s.Registry.UndeleteRun(ctx, rest.CallFrom(ctx).Principal, project, r.ExecutionID)
	return gen.UndoRetentionRun200JSONResponse(undoneJSON(u)), err
}

// PurgeDeletion answers DELETE /projects/{project_name}/trash/{deletion_id}.
func (s *Server) PurgeDeletion(ctx context.Context, r gen.PurgeDeletionRequestObject) (gen.PurgeDeletionResponseObject, error) {
	project, err := s.wholeProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	return gen.PurgeDeletion200Response{}, s.Registry.PurgeTrash(ctx, rest.CallFrom(ctx).Principal, project, r.DeletionID)
}

// EmptyProjectTrash answers DELETE /projects/{project_name}/trash.
func (s *Server) EmptyProjectTrash(ctx context.Context, r gen.EmptyProjectTrashRequestObject) (gen.EmptyProjectTrashResponseObject, error) {
	project, err := s.wholeProject(ctx, r.ProjectName)
	if err != nil {
		return nil, err
	}
	_, err = s.Registry.EmptyTrash(ctx, rest.CallFrom(ctx).Principal, project)
	return gen.EmptyProjectTrash200Response{}, err
}

// EmptyTrash answers DELETE /trash.
func (s *Server) EmptyTrash(ctx context.Context, _ gen.EmptyTrashRequestObject) (gen.EmptyTrashResponseObject, error) {
	_, err := s.Registry.EmptyTrash(ctx, rest.CallFrom(ctx).Principal, registry.Ref{})
	return gen.EmptyTrash200Response{}, err
}

// ListDeletedProjects answers GET /trash/projects.
func (s *Server) ListDeletedProjects(ctx context.Context, r gen.ListDeletedProjectsRequestObject) (gen.ListDeletedProjectsResponseObject, error) {
	rows, err := s.Projects.Deleted(ctx, r.Params.Before, pageSize(r.Params.PageSize))
	if err != nil {
		return nil, err
	}
	out := gen.ListDeletedProjects200JSONResponse{}
	for _, d := range rows {
		out = append(out, gen.DeletedProject{ID: d.ID, Name: d.Name, By: d.By, Time: wire.Time(d.At), Until: wire.Time(d.Until)})
	}
	return out, nil
}

// RestoreProject answers POST /trash/projects/{project_id}/restore.
func (s *Server) RestoreProject(ctx context.Context, r gen.RestoreProjectRequestObject) (gen.RestoreProjectResponseObject, error) {
	by := rest.CallFrom(ctx).Principal
	p, err := s.Projects.Undelete(ctx, by, r.ProjectID)
	if err != nil {
		return nil, err
	}
	var u registry.Undone
	if r.Params.WithRepositories {
		u, err = s.Registry.UndeleteRepositories(ctx, by, registry.Ref{ProjectID: p.ID, Project: p.Name})
	}
	return gen.RestoreProject200JSONResponse(undoneJSON(u)), err
}

func (s *Server) wholeProject(ctx context.Context, name string) (registry.Ref, error) {
	p, err := s.inProject(ctx, name)
	return registry.Ref{ProjectID: p.ID, Project: p.Name}, err
}

func undoneJSON(u registry.Undone) gen.Undone {
	taken := u.TagsTaken
	if taken == nil {
		taken = []string{}
	}
	return gen.Undone{Manifests: u.Manifests, Tags: u.Tags, TagsTaken: taken}
}
