package registry

import (
	"context"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

func (s *Service) DeleteManifest(ctx context.Context, by authz.Principal, ref Ref, d oci.Digest) error {
	panic("")
}
func (s *Service) DeleteTag(ctx context.Context, by authz.Principal, ref Ref, tag string) error {
	panic("")
}

func (s *Service) GetRepository(ctx context.Context, ref Ref) (Repository, error) { panic("") }
func (s *Service) ListRepositories(ctx context.Context, scope Scope, list db.List) (rows []Repository, total int64, err error) {
	panic("")
}
func (s *Service) UpdateRepository(ctx context.Context, ref Ref, description string) error { panic("") }
func (s *Service) DeleteRepository(ctx context.Context, by authz.Principal, ref Ref) error { panic("") }
func (s *Service) GetArtifact(ctx context.Context, ref Ref, r oci.Reference, with With) (Artifact, error) {
	panic("")
}
func (s *Service) ListArtifacts(ctx context.Context, in Ref, filter ArtifactFilter, with With, list db.List) (rows []Artifact, total int64, err error) {
	panic("")
}
func (s *Service) DeleteArtifact(ctx context.Context, by authz.Principal, ref Ref, r oci.Reference) error {
	panic("")
}
func (s *Service) ListTags(ctx context.Context, ref Ref, artifactID int64, list db.List) (rows []Tag, total int64, err error) {
	panic("")
}
func (s *Service) CreateTag(ctx context.Context, by authz.Principal, ref Ref, artifactID int64, name string) error {
	panic("")
}
func (s *Service) DeleteArtifactTag(ctx context.Context, by authz.Principal, ref Ref, artifactID int64, name string) error {
	panic("")
}
func (s *Service) ListAccessories(ctx context.Context, ref Ref, artifactID int64, list db.List) (rows []Accessory, total int64, err error) {
	panic("")
}
func (s *Service) Copy(ctx context.Context, by authz.Principal, to, from Ref, r oci.Reference) error {
	panic("")
}
func (s *Service) Addition(ctx context.Context, a Artifact, name string) (contentType string, body []byte, err error) {
	panic("")
}

// ArtifactKey, RepositoryKey, TagKey and AccessoryKey report the keys that clients may filter and sort by.
func ArtifactKey(key string) bool   { panic("") }
func RepositoryKey(key string) bool { panic("") }
func TagKey(key string) bool        { panic("") }
func AccessoryKey(key string) bool  { panic("") }

// AdditionNames returns the additions that an artifact offers by itself.
func AdditionNames(a Artifact) []string { panic("") }
