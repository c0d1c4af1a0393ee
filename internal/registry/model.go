package registry

import (
	"encoding/json"
	"time"

	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/oci"
)

// Ref names a repository of a project that the caller has loaded and authorised. The repository need
// not exist.
type Ref struct {
	ProjectID int64
	Project   string
	Name      string // without the project; "" stands for the whole project where a method says so
}

// FullName is the name as clients write it, project/name.
func (r Ref) FullName() string { return r.Project + "/" + r.Name }

// RefOf is the repository that an event is about.
func RefOf(e event.Event) Ref {
	return Ref{e.ProjectID, e.Project, e.Repository[min(len(e.Project)+1, len(e.Repository)):]}
}

// Repository is a repository that has, or had, a manifest.
type Repository struct {
	ID, ProjectID int64
	Project       string
	Name          string // without the project
	Description   string
	ArtifactCount int64 // artifacts that a listing shows: no accessories, no untagged children
	PullCount     int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// FullName is the name as clients write it, project/name.
func (r Repository) FullName() string { return r.Project + "/" + r.Name }

// Ref names the repository.
func (r Repository) Ref() Ref { return Ref{ProjectID: r.ProjectID, Project: r.Project, Name: r.Name} }

// Artifact is a manifest as users see it.
type Artifact struct {
	ID, RepositoryID, ProjectID int64
	Repository                  string // full name
	Digest                      oci.Digest
	MediaType                   string // of the manifest
	// ConfigMediaType is what Harbor calls the media type: the configuration's, or of an index its own.
	ConfigMediaType string
	ArtifactType    string
	Type            string // IMAGE, CHART, …
	Size            int64  // manifest, configuration and layers; an index with its children
	ContentSize     int64  // of the manifest alone
	PushedAt        time.Time
	PulledAt        time.Time // zero: never pulled
	Annotations     map[string]string
	ExtraAttrs      json.RawMessage // a JSON object, from the configuration

	Tags        []Tag       // newest first, at most MaxTagsShown
	References  []Reference // children of an index, in its order
	Accessories []Accessory // oldest first, at most MaxAccessoriesShown

	SubjectDigest oci.Digest // what it is an accessory of, "" when it is none
	AccessoryType string     // as Harbor names it, "" when it is none
}

// Bounds of what is embedded in one Artifact. All of it can be paged by ListTags and ListAccessories.
const (
	MaxTagsShown        = 1000
	MaxAccessoriesShown = 1000
)

// Tag is a name for a manifest of its repository.
type Tag struct {
	ID, RepositoryID, ArtifactID int64
	Name                         string
	PushedAt                     time.Time
	PulledAt                     time.Time // zero: never pulled
}

// Reference is a child of an index.
type Reference struct {
	ParentID, ChildID int64
	ChildDigest       oci.Digest
	Platform          *oci.Platform
	Annotations       map[string]string
	URLs              []string
}

// Accessory is an artifact that belongs to another one: a signature, an attestation, a bill of
// materials.
type Accessory struct {
	ID                int64 // the accessory's own artifact id
	ArtifactID        int64 // the same
	SubjectID         int64 // 0 while the subject hasn't been pushed
	SubjectDigest     oci.Digest
	Digest            oci.Digest
	SubjectRepository string // full name
	Type              string
	Size              int64
	CreatedAt         time.Time
}

// Manifest is what /v2/ serves.
type Manifest struct {
	ID, RepositoryID int64
	Digest           oci.Digest
	MediaType        string
	Size             int64  // of the manifest, in bytes
	Content          []byte // exact bytes; nil from ManifestInfo
	Tag              string // the tag it was found by, "" by digest
	Gated            bool   // its project has rules about pulls: ask the gate
}

// Blob is a blob that a repository may serve.
type Blob struct {
	ID       int64
	Digest   oci.Digest
	Size     int64 // bytes
	Location string
	Durable  bool // the bytes survive the loss of power
}

// Upload is a blob upload under way.
type Upload struct {
	ID   string
	Size int64 // bytes acknowledged
}

// Put is what PutManifest stored.
type Put struct {
	ID      int64
	Digest  oci.Digest
	Subject oci.Digest // of the subject field, "" without one
}

// Referrer is one entry of the referrers list.
type Referrer struct {
	ID           int64 // for paging: pass the last one as after
	MediaType    string
	Digest       oci.Digest
	Size         int64
	ArtifactType string
	Annotations  map[string]string
}

// With says what GetArtifact and ListArtifacts embed. References always are.
type With struct {
	Tags        bool
	Accessories bool
}

// ArtifactFilter narrows ListArtifacts beyond the filters of its db.List.
type ArtifactFilter struct {
	// LatestInRepository keeps, of each repository, the artifact pushed last among those that match.
	LatestInRepository bool
}

// Scope is a set of projects whose repositories a caller may see: the union of its parts.
type Scope struct {
	All        bool    // every project
	Public     bool    // all public projects
	AccountID  int64   // the projects that this account is a member of, 0 for none
	ProjectIDs []int64 // these, at most 1000
}
