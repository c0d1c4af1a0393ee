// Package dataset fills an empty registry's database with many artifacts, for measurements. Manifests are
// real: their bytes have their digests, and name blobs that have rows. Bytes of blobs there are none: what
// is pulled is the manifest alone.
package dataset

import "errors"

// Project is where the named repositories are, and half of the others.
const Project = "dataset"

// Repositories of Project with one thing in abundance.
const (
	Large   = "large"   // artifacts
	Tags    = "tags"    // tags, each of an artifact of its own
	Moving  = "moving"  // tags, all of one artifact
	Subject = "subject" // referrers of the artifact SubjectTag
)

// SubjectTag names the artifact that all referrers of Subject refer to.
const SubjectTag = "v0"

// Shape is how much there is. All numbers are totals.
type Shape struct {
	Artifacts    int // of every kind: images, indexes, their children, signatures
	Repositories int
	Projects     int // besides Project; they share half of the repositories
	Large        int // artifacts in Large
	Tags         int // in Tags, and in Moving
	Referrers    int // in Subject
	Audit        int // rows of the audit log
}

// Small is a registry that is filled in seconds, and Million a large one.
var (
	Small   = Shape{Artifacts: 50_000, Repositories: 500, Projects: 25, Large: 20_000, Tags: 10_000, Referrers: 500, Audit: 50_000}
	Million = Shape{Artifacts: 1_000_000, Repositories: 2_000, Projects: 100, Large: 100_000, Tags: 10_000, Referrers: 500, Audit: 1_000_000}
)

var errShape = errors.New("the shape's parts are more than its artifacts")

// repository is one to be filled.
type repository struct {
	project   int // 0: Project
	name      string
	artifacts int
	kind      string // Large and so on; empty for an ordinary one
}

// repositories divides the artifacts.
func (s Shape) repositories() ([]repository, error) {
	all := []repository{
		{name: Large, artifacts: s.Large, kind: Large},
		{name: Tags, artifacts: s.Tags, kind: Tags},
		{name: Moving, artifacts: 1, kind: Moving},
		{name: Subject, artifacts: s.Referrers + 1, kind: Subject},
	}
	left, ordinary := s.Artifacts-s.Large-s.Tags-s.Referrers-2, s.Repositories-len(all)
	if left < ordinary || ordinary < 1 || s.Projects < 1 {
		return nil, errShape
	}
	for i := range ordinary {
		r := repository{name: number("repository-", i), artifacts: left / ordinary}
		if i < left%ordinary {
			r.artifacts++
		}
		if i%2 == 1 {
			r.project = 1 + i/2%s.Projects
		}
		all = append(all, r)
	}
	return all, nil
}
