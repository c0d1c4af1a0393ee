package havenapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
)

// ListTagHistory answers GET …/tags/{tag_name}/history.
func (s *Server) ListTagHistory(ctx context.Context, r gen.ListTagHistoryRequestObject) (gen.ListTagHistoryResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	rows, err := s.Registry.TagHistory(ctx, ref, r.TagName, r.Params.Before, pageSize(r.Params.PageSize))
	if err != nil {
		return nil, noRepository(err, ref)
	}
	out := gen.ListTagHistory200JSONResponse{}
	for _, n := range rows {
		out = append(out, namingJSON(n))
	}
	return out, nil
}

// GetTagAt answers GET …/tags/{tag_name}/at.
func (s *Server) GetTagAt(ctx context.Context, r gen.GetTagAtRequestObject) (gen.GetTagAtResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	n, err := s.tagAt(ctx, ref, r.TagName, time.Time(r.Params.Time))
	return gen.GetTagAt200JSONResponse(namingJSON(n)), err
}

// GetManifestAt answers GET …/tags/{tag_name}/manifest. It is a pull by digest: the gate is asked, and it counts.
func (s *Server) GetManifestAt(ctx context.Context, r gen.GetManifestAtRequestObject) (gen.GetManifestAtResponseObject, error) {
	ref, err := s.repository(ctx, r.ProjectName, r.RepositoryName)
	if err != nil {
		return nil, err
	}
	n, err := s.tagAt(ctx, ref, r.TagName, time.Time(r.Params.Time))
	if err != nil {
		return nil, err
	}
	m, err := s.Registry.Manifest(ctx, ref, oci.DigestReference(n.Digest))
	if errors.Is(err, registry.ErrManifestUnknown) {
		return nil, fault.NotFoundf("%s:%s named %s then, which isn't there any more", rest.Printable(ref.FullName()), rest.Printable(r.TagName), n.Digest)
	}
	if err != nil {
		return nil, err
	}
	by := rest.CallFrom(ctx).Principal
	err = s.Gate.Admit(ctx, by, ref, m, func(context.Context) (bool, error) { return false, nil })
	if refusal, refused := errors.AsType[*gate.Refusal](err); refused {
		return nil, fault.Forbiddenf("%s", refusal.Error())
	}
	if err != nil {
		return nil, err
	}
	return manifestBytes{m, func() { s.Registry.RecordPull(registry.Pull{By: by, Ref: ref, Manifest: m}) }}, nil
}

// manifestBytes is a manifest that a browser is not to interpret (S20); pulled is called when it was sent.
type manifestBytes struct {
	registry.Manifest
	pulled func()
}

// VisitGetManifestAtResponse implements gen.GetManifestAtResponseObject.
func (m manifestBytes) VisitGetManifestAtResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", m.MediaType)
	h.Set("Docker-Content-Digest", m.Digest.String())
	h.Set("Content-Length", strconv.Itoa(len(m.Content)))
	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "sandbox")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(m.Content)
	if err == nil {
		m.pulled()
	}
	return err
}

// repository asks the operation's right in the project of a repository, which need not be there.
func (s *Server) repository(ctx context.Context, projectName, segment string) (registry.Ref, error) {
	p, err := s.inProject(ctx, projectName)
	return registry.Ref{ProjectID: p.ID, Project: p.Name, Name: rest.RepositoryName(segment)}, err
}

func (s *Server) tagAt(ctx context.Context, ref registry.Ref, tag string, at time.Time) (registry.Naming, error) {
	n, err := s.Registry.TagAt(ctx, ref, tag, at)
	if errors.Is(err, registry.ErrTagUnknown) {
		return n, fault.NotFoundf("nothing is known that %s:%s named at %s", rest.Printable(ref.FullName()), rest.Printable(tag), at.UTC().Format(time.RFC3339))
	}
	return n, noRepository(err, ref)
}

func namingJSON(n registry.Naming) gen.TagNaming {
	return gen.TagNaming{ID: n.ID, Digest: string(n.Digest), Time: wire.Time(n.At), By: n.By, There: n.There}
}
