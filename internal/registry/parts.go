package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

// What belongs to an artifact: references, tags, accessories.

var referencesOf = inQuery{`SELECT c.parent_id, c.child_id, m.digest, c.platform, c.annotations, c.urls
	FROM manifest_child c JOIN manifest m ON m.id = c.child_id
	WHERE c.parent_id IN `, ` ORDER BY c.parent_id, c.position`}

func scanReference(r db.Row) (v Reference, err error) {
	var platform, annotations, urls string
	if err := r.Scan(&v.ParentID, &v.ChildID, &v.ChildDigest, &platform, &annotations, &urls); err != nil {
		return v, err
	}
	for text, into := range map[*string]any{&platform: &v.Platform, &annotations: &v.Annotations, &urls: &v.URLs} {
		if *text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(*text), into); err != nil {
			return v, fmt.Errorf("decode reference: %w", err)
		}
	}
	return v, nil
}

const tagFields = `t.id, t.repository_id, t.manifest_id, t.name, t.pushed_at, t.pulled_at`

// newestTags takes as many tags of each manifest as are shown, and those pushed at the same time as the
// last one, off an index, before it ranks them. When that was is found out once a manifest: PostgreSQL would
// ask anew for each tag.
var newestTags = inQuery{`WITH oldest AS MATERIALIZED (SELECT m.id AS manifest_id, COALESCE((SELECT x.pushed_at FROM tag x
			WHERE x.manifest_id = m.id ORDER BY x.pushed_at DESC LIMIT 1 OFFSET ` + strconv.Itoa(MaxTagsShown-1) + `), 0) AS shown
		FROM manifest m WHERE m.id IN `, `)
	SELECT id, repository_id, manifest_id, name, pushed_at, pulled_at FROM (SELECT t.*,
		ROW_NUMBER() OVER (PARTITION BY t.manifest_id ORDER BY t.pushed_at DESC, t.id DESC) AS place
		FROM oldest CROSS JOIN tag t
		WHERE t.manifest_id = oldest.manifest_id AND t.pushed_at >= oldest.shown) AS ranked
	WHERE place <= ` + strconv.Itoa(MaxTagsShown) + ` ORDER BY manifest_id, place`}

func scanTag(r db.Row) (t Tag, err error) {
	err = r.Scan(&t.ID, &t.RepositoryID, &t.ArtifactID, &t.Name, db.ScanTime(&t.PushedAt), db.ScanTime(&t.PulledAt))
	return t, err
}

var tagListing = db.Listing{
	Fields: tagFields,
	From:   "tag t",
	Columns: map[string]db.Column{
		"id":            {Expr: "t.id", Kind: db.Int},
		"repository_id": {Expr: "t.repository_id", Kind: db.Int},
		"artifact_id":   {Expr: "t.manifest_id", Kind: db.Int},
		"name":          {Expr: "t.name", Kind: db.Text},
		"push_time":     {Expr: "t.pushed_at", Kind: db.Timestamp},
		"pull_time":     {Expr: "t.pulled_at", Kind: db.Timestamp},
	},
	Default: "t.pushed_at DESC",
	Tie:     "t.id DESC",
}

// tagsOfArtifact reads no tag's row to find out whose it is: a tag is of its manifest's repository.
var tagsOfArtifact = "t.manifest_id = (SELECT m.id FROM manifest m WHERE " + inRepository("m.repository_id") + " AND m.id = $3)"

// TagKey reports whether ListTags can filter and sort by key.
func TagKey(key string) bool { return tagListing.Has(key) }

// ListTags returns a page of an artifact's tags, newest first, and how many match.
func (s *Service) ListTags(ctx context.Context, ref Ref, artifactID int64, list db.List) (rows []Tag, total int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, tagListing, tagsOfArtifact, []any{ref.ProjectID, ref.Name, artifactID}, list, scanTag)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list tags of artifact %d: %w", artifactID, err)
	}
	return rows, total, nil
}

// inRepository says that a column is the id of the repository named by $1 and $2.
func inRepository(column string) string {
	return column + " = (SELECT id FROM repository WHERE project_id = $1 AND name = $2)"
}

var (
	artifactDigest = `SELECT m.repository_id, m.digest FROM manifest m WHERE m.id = $3 AND ` + inRepository("m.repository_id")
	insertTag      = `INSERT INTO tag (repository_id, name, manifest_id, pushed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repository_id, name) DO NOTHING`
)

func scanTagged(r db.Row) (t target, err error) {
	err = r.Scan(&t.repositoryID, &t.digest)
	return t, err
}

// CreateTag adds a tag to an artifact. A tag that exists in the repository, of this artifact too, is
// ErrTagExists and doesn't move.
func (s *Service) CreateTag(ctx context.Context, by authz.Principal, ref Ref, artifactID int64, name string) error {
	if _, err := oci.ParseTag(name); err != nil {
		return fault.Invalidf("invalid tag name: %s", name[:min(len(name), 2*oci.MaxTagLength)])
	}
	err := s.db.Write(ctx, func(tx db.Tx) error {
		tx.AfterCommit(s.wake)
		artifact, err := db.Get(ctx, tx, scanTagged, artifactDigest, ref.ProjectID, ref.Name, artifactID)
		if errors.Is(err, db.ErrNotFound) {
			return ErrManifestUnknown
		}
		if err != nil {
			return err
		}
		now := s.now()
		n, err := tx.Exec(ctx, insertTag, artifact.repositoryID, name, artifactID, now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrTagExists
		}
		if _, err := tx.Exec(ctx, insertNaming, artifact.repositoryID, name, artifact.digest, now, by.Name); err != nil {
			return err
		}
		if err := relist(ctx, tx, []int64{artifactID}); err != nil {
			return err
		}
		if err := showRepository(ctx, tx, artifact.repositoryID, now); err != nil {
			return err
		}
		return s.appendTag(ctx, tx, event.CreateTag, by, ref, artifact.digest, name)
	})
	if err != nil {
		return fmt.Errorf("create tag %s: %w", name, err)
	}
	return nil
}

var firstAccessories = inQuery{`SELECT id, subject_id, subject_digest, digest, accessory_type, size, pushed_at FROM (
		SELECT a.id, s.id AS subject_id, s.digest AS subject_digest, a.digest, a.accessory_type, a.size, a.pushed_at,
			ROW_NUMBER() OVER (PARTITION BY s.id ORDER BY a.id) AS place
		FROM manifest s JOIN manifest a ON a.repository_id = s.repository_id AND a.accessory_of = s.digest AND a.accessory_of <> ''
		WHERE s.id IN `, `) AS ranked
	WHERE place <= ` + strconv.Itoa(MaxAccessoriesShown) + ` ORDER BY subject_id, id`}

func scanAccessory(r db.Row) (v Accessory, err error) {
	err = r.Scan(&v.ID, &v.SubjectID, &v.SubjectDigest, &v.Digest, &v.Type, &v.Size, db.ScanTime(&v.CreatedAt))
	v.ArtifactID = v.ID
	return v, err
}

const subjectID = `(SELECT s.id FROM manifest s WHERE s.repository_id = a.repository_id AND s.digest = a.accessory_of)`

// accessoriesOf names one subject, so that they are read in order.
var accessoriesOf = inRepository("a.repository_id") + ` AND a.accessory_of <> '' AND a.accessory_of = (
	SELECT s.digest FROM manifest s WHERE ` + inRepository("s.repository_id") + ` AND s.id = $3)`

var accessoryListing = db.Listing{
	Fields: `a.id, ` + subjectID + `, a.accessory_of, a.digest, a.accessory_type, a.size, a.pushed_at`,
	From:   "manifest a",
	Columns: map[string]db.Column{
		"id":                      {Expr: "a.id", Kind: db.Int},
		"artifact_id":             {Expr: "a.id", Kind: db.Int},
		"subject_artifact_id":     {Expr: subjectID, Kind: db.Int},
		"subject_artifact_digest": {Expr: "a.accessory_of", Kind: db.Text, Lower: true},
		"digest":                  {Expr: "a.digest", Kind: db.Text, Lower: true},
		"type":                    {Expr: "a.accessory_type", Kind: db.Text},
		"size":                    {Expr: "a.size", Kind: db.Int},
		"creation_time":           {Expr: "a.pushed_at", Kind: db.Timestamp},
	},
	Tie: "a.id",
}

// AccessoryKey reports whether ListAccessories can filter and sort by key.
func AccessoryKey(key string) bool { return accessoryListing.Has(key) }

// ListAccessories returns a page of an artifact's accessories, oldest first, and how many match.
func (s *Service) ListAccessories(ctx context.Context, ref Ref, artifactID int64, list db.List) (rows []Accessory, total int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, accessoryListing, accessoriesOf,
			[]any{ref.ProjectID, ref.Name, artifactID}, list, scanAccessory)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list accessories of artifact %d: %w", artifactID, err)
	}
	for i := range rows {
		rows[i].SubjectRepository = ref.FullName()
	}
	return rows, total, nil
}
