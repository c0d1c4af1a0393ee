package registry

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// What is said of a whole repository to who copies it, page by page.
const (
	tagDigests = `SELECT t.name, m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id
		WHERE t.repository_id = (SELECT id FROM repository WHERE project_id = $1 AND name = $2) AND t.name > $3 ORDER BY t.name LIMIT $4`
	subjectsOf = `SELECT m.subject, m.id, m.media_type, m.digest, m.content_size, m.artifact_type FROM manifest m
		WHERE m.repository_id = (SELECT id FROM repository WHERE project_id = $1 AND name = $2) AND m.subject <> '' AND (m.subject, m.id) > ($3, $4)
		ORDER BY m.subject, m.id LIMIT $5`
	untaggedOf = `SELECT m.pushed_at, m.id, m.digest, m.media_type, m.content_size FROM manifest m
		WHERE m.repository_id = (SELECT id FROM repository WHERE project_id = $1 AND name = $2) AND m.listed AND NOT m.tagged AND (m.pushed_at, m.id) > ($3, $4)
		ORDER BY m.pushed_at, m.id LIMIT $5`
)

// TagDigest is a tag and what it points to.
type TagDigest struct {
	Name   string
	Digest oci.Digest
}

// TagDigests returns up to n tags behind after in byte order, with their digests. An unknown repository has none.
func (s *Service) TagDigests(ctx context.Context, ref Ref, after string, n int) ([]TagDigest, error) {
	tags, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (t TagDigest, err error) {
		err = r.Scan(&t.Name, &t.Digest)
		return t, err
	}, tagDigests, ref.ProjectID, ref.Name, after, nameLimit(n))
	if err != nil {
		return nil, fmt.Errorf("list tags of %s: %w", ref.FullName(), err)
	}
	return tags, nil
}

// Related is a manifest that has a subject.
type Related struct {
	Subject oci.Digest
	Referrer
}

// Subjects returns up to n manifests of a repository that have a subject, behind the last one of the page before (the zero
// value for the first page).
func (s *Service) Subjects(ctx context.Context, ref Ref, after Related, n int) ([]Related, error) {
	page, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (v Related, err error) {
		err = r.Scan(&v.Subject, &v.ID, &v.MediaType, &v.Digest, &v.Size, &v.ArtifactType)
		return v, err
	}, subjectsOf, ref.ProjectID, ref.Name, after.Subject, after.ID, nameLimit(n))
	if err != nil {
		return nil, fmt.Errorf("list what has a subject in %s: %w", ref.FullName(), err)
	}
	return page, nil
}

// Untagged is an artifact without a tag, which listings show.
type Untagged struct {
	PushedAt, ID int64
	Digest       oci.Digest
	MediaType    string
	Size         int64
}

// UntaggedArtifacts returns up to n artifacts of a repository that have no tag, and are no part of an index and no accessory, behind the
// last one of the page before (the zero value for the first page).
func (s *Service) UntaggedArtifacts(ctx context.Context, ref Ref, after Untagged, n int) ([]Untagged, error) {
	page, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (v Untagged, err error) {
		err = r.Scan(&v.PushedAt, &v.ID, &v.Digest, &v.MediaType, &v.Size)
		return v, err
	}, untaggedOf, ref.ProjectID, ref.Name, after.PushedAt, after.ID, nameLimit(n))
	if err != nil {
		return nil, fmt.Errorf("list artifacts of %s without tags: %w", ref.FullName(), err)
	}
	return page, nil
}
