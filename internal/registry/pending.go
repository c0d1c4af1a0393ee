package registry

import (
	"context"
	"io"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

type writers struct{}
type pulls struct{}

// Pull is one download of a manifest.
type Pull struct {
	By       authz.Principal
	Ref      Ref
	Manifest Manifest // ID, RepositoryID, Digest and Tag count
}

func (s *Service) Manifest(ctx context.Context, ref Ref, r oci.Reference) (Manifest, error) {
	panic("")
}
func (s *Service) ManifestInfo(ctx context.Context, ref Ref, r oci.Reference) (Manifest, error) {
	panic("")
}
func (s *Service) Blob(ctx context.Context, ref Ref, d oci.Digest) (Blob, error) { panic("") }
func (s *Service) OpenBlob(ctx context.Context, b Blob) (blob.Content, error)    { panic("") }
func (s *Service) Tags(ctx context.Context, ref Ref, last string, n int) (names []string, more bool, err error) {
	panic("")
}
func (s *Service) Referrers(ctx context.Context, ref Ref, subject oci.Digest, artifactType string, after int64, n int) (page []Referrer, next int64, err error) {
	panic("")
}
func (s *Service) Catalog(ctx context.Context, scope Scope, last string, n int) (names []string, more bool, err error) {
	panic("")
}
func (s *Service) RecordPull(p Pull)               { panic("") }
func (s *Service) Run(ctx context.Context) error   { panic("") }
func (s *Service) Flush(ctx context.Context) error { panic("") }

func (s *Service) StartUpload(ctx context.Context, ref Ref) (Upload, error) { panic("") }
func (s *Service) GetUpload(ctx context.Context, ref Ref, id string) (Upload, error) {
	panic("")
}
func (s *Service) Append(ctx context.Context, ref Ref, id string, offset int64, r io.Reader) (Upload, error) {
	panic("")
}
func (s *Service) CommitUpload(ctx context.Context, ref Ref, id string, d oci.Digest) (Blob, error) {
	panic("")
}
func (s *Service) CancelUpload(ctx context.Context, ref Ref, id string) error { panic("") }
func (s *Service) PutBlob(ctx context.Context, ref Ref, d oci.Digest, r io.Reader) (Blob, error) {
	panic("")
}
func (s *Service) Mount(ctx context.Context, to, from Ref, d oci.Digest) (Blob, error) { panic("") }
func (s *Service) PutManifest(ctx context.Context, by authz.Principal, ref Ref, r oci.Reference, mediaType string, content []byte) (Put, error) {
	panic("")
}
func (s *Service) DeleteManifest(ctx context.Context, by authz.Principal, ref Ref, d oci.Digest) error {
	panic("")
}
func (s *Service) DeleteTag(ctx context.Context, by authz.Principal, ref Ref, tag string) error {
	panic("")
}
func (s *Service) DeleteBlob(ctx context.Context, ref Ref, d oci.Digest) error { panic("") }

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
