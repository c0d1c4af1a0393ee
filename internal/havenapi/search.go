package havenapi

import (
	"context"

	"github.com/havenregistry/haven/internal/havenapi/gen"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/search"
)

// SearchEverywhere answers GET /search.
func (s *Server) SearchEverywhere(ctx context.Context, r gen.SearchEverywhereRequestObject) (gen.SearchEverywhereResponseObject, error) {
	call := rest.CallFrom(ctx)
	found, err := s.Search.Find(ctx, call.Principal, search.Parse(r.Params.Q, call.Host))
	if err != nil {
		return nil, err
	}
	out := gen.SearchEverywhere200JSONResponse{
		Projects: []gen.FoundProject{}, Repositories: []gen.FoundRepository{}, Tags: []gen.FoundTag{}, Artifacts: []gen.FoundArtifact{}, Labels: []gen.FoundLabel{},
		Packages: append([]string{}, found.Packages...), Vulnerabilities: []gen.FoundVulnerability{}, Users: []gen.FoundUser{},
	}
	for _, v := range found.Projects {
		out.Projects = append(out.Projects, gen.FoundProject{ID: v.ID, Name: v.Name, Public: v.Public})
	}
	for _, v := range found.Repositories {
		out.Repositories = append(out.Repositories, gen.FoundRepository{Project: v.Project, Name: v.Name})
	}
	for _, v := range found.Tags {
		out.Tags = append(out.Tags, gen.FoundTag{Project: v.Project, Repository: v.Repository, Name: v.Name, Digest: v.Digest})
	}
	for _, v := range found.Artifacts {
		out.Artifacts = append(out.Artifacts, foundArtifactJSON(v))
	}
	for _, v := range found.Labels {
		label := gen.FoundLabel{ID: v.ID, Project: v.Project, Name: v.Name, Color: v.Color}
		if v.On.Digest != "" {
			on := foundArtifactJSON(v.On)
			label.On = &on
		}
		out.Labels = append(out.Labels, label)
	}
	for _, v := range found.Vulnerabilities {
		out.Vulnerabilities = append(out.Vulnerabilities, gen.FoundVulnerability{Name: v.Name, Cvss: v.CVSS})
	}
	for _, v := range found.Users {
		out.Users = append(out.Users, gen.FoundUser{UserID: v.ID, Username: v.Username, Realname: v.Realname})
	}
	return out, nil
}

func foundArtifactJSON(v search.Artifact) gen.FoundArtifact {
	return gen.FoundArtifact{Project: v.Project, Repository: v.Repository, Digest: v.Digest, Tag: v.Tag, Type: v.Type}
}
