package proxycache

import (
	"context"
	"strings"

	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Caches reports whether registries of a kind can be cached, as in Harbor.
func Caches(k remote.Kind) bool {
	switch k {
	case remote.DockerHub, remote.Harbor, remote.AzureACR, remote.AliACR, remote.AWSECR, remote.GoogleGCR, remote.DockerRegistry, remote.GitHubGHCR,
		remote.Artifactory, remote.Quay, remote.GitLab:
		return true
	}
	return false
}

// Elsewhere is the name that upstream has for a repository, "" where it is the one that was asked for: at Docker Hub busybox is
// library/busybox.
func (s *Service) Elsewhere(ctx context.Context, ref registry.Ref) (string, error) {
	if strings.Contains(ref.Name, "/") {
		return "", nil
	}
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil {
		return "", err
	}
	u, err := s.Endpoints.Upstream(ctx, p.RegistryID)
	if err != nil {
		return "", err
	}
	if u.Kind != remote.DockerHub {
		return "", nil
	}
	return "library/" + ref.Name, nil
}
