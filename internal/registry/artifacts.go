package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

const artifactFields = `m.id, m.repository_id, m.digest, m.media_type, m.config_media_type, m.artifact_type, m.type,
		m.size, m.content_size, m.accessory_of, m.accessory_type, m.pushed_at, m.pulled_at`

// artifactListing lists one repository; projectListing a whole project, whose deleted repositories hold no
// manifests.
var (
	artifactListing = db.Listing{
		Fields:  artifactFields + ", ''",
		From:    "manifest m",
		Columns: artifactColumns,
		Default: "m.pushed_at DESC",
		Tie:     "m.id DESC",
		Total:   "SELECT artifact_count FROM repository WHERE id = $1",
	}
	projectListing = db.Listing{
		Fields:  artifactFields + ", ''", // a name would be looked up for each row that a page skips
		From:    "manifest m",
		Columns: artifactColumns,
		Default: "m.pushed_at DESC",
		Tie:     "m.id DESC",
		Total:   "SELECT CAST(COALESCE(SUM(artifact_count), 0) AS BIGINT) FROM repository WHERE NOT hidden AND project_id = $1",
	}
)

var artifactColumns = map[string]db.Column{
	"id":                  {Expr: "m.id", Kind: db.Int},
	"repository_id":       {Expr: "m.repository_id", Kind: db.Int},
	"digest":              {Expr: "m.digest", Kind: db.Text, Lower: true},
	"type":                {Expr: "m.type", Kind: db.Text},
	"media_type":          {Expr: "m.config_media_type", Kind: db.Text},
	"manifest_media_type": {Expr: "m.media_type", Kind: db.Text},
	"artifact_type":       {Expr: "m.artifact_type", Kind: db.Text},
	"size":                {Expr: "m.size", Kind: db.Int},
	"push_time":           {Expr: "m.pushed_at", Kind: db.Timestamp},
	"pull_time":           {Expr: "m.pulled_at", Kind: db.Timestamp},
	// To sort by: the first of an artifact's tags, which an index gives. The filter of this name is conditions.tags.
	"tags": {Expr: "COALESCE((SELECT MIN(t.name) FROM tag t WHERE t.manifest_id = m.id), '')", Kind: db.Text},
}

// ArtifactKey reports whether ListArtifacts can filter or sort by key. It can't sort by labels, signed and base.
func ArtifactKey(key string) bool {
	return key == "base" || key == "signed" || key == "labels" || artifactListing.Has(key)
}

func scanArtifact(r db.Row) (a Artifact, err error) {
	err = r.Scan(&a.ID, &a.RepositoryID, &a.Digest, &a.MediaType, &a.ConfigMediaType, &a.ArtifactType, &a.Type,
		&a.Size, &a.ContentSize, &a.SubjectDigest, &a.AccessoryType, db.ScanTime(&a.PushedAt), db.ScanTime(&a.PulledAt), &a.Repository)
	return a, err
}

// GetArtifact returns an artifact by tag or digest, accessories and children of an index too, or
// ErrManifestUnknown.
func (s *Service) GetArtifact(ctx context.Context, ref Ref, r oci.Reference, with With) (Artifact, error) {
	from := manifestByTag
	if r.IsDigest() {
		from = manifestByDigest
	}
	var found []Artifact
	err := s.db.Read(ctx, func(tx db.Tx) (err error) {
		found, err = db.Collect(ctx, tx, scanArtifact, "SELECT "+artifactFields+", r.name"+from, ref.ProjectID, ref.Name, r.String())
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrManifestUnknown
		}
		return embed(ctx, tx, ref, found, with)
	})
	if err != nil {
		return Artifact{}, fmt.Errorf("get artifact %s: %w", r, err)
	}
	return found[0], nil
}

// ListArtifacts returns a page of a repository's artifacts, last pushed first, and how many match; of
// the whole project when in has no name. Accessories are left out, and so are children of an index,
// unless they are tagged. The number of statements is the same for all pages up to setSize.
//
// Besides its columns it filters by tags (* for any, nil for none, a name or part of one), by labels (ids,
// all of which the artifact carries), by signed (true when a signature is attached, whoever made it) and by base (* shows the children of indexes as well).
func (s *Service) ListArtifacts(ctx context.Context, in Ref, filter ArtifactFilter, with With, list db.List) (rows []Artifact, total int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		listing, c := projectListing, conditions{tx: tx}
		if in.Name != "" {
			id, err := findVisible(ctx, tx, in)
			if errors.Is(err, ErrRepositoryUnknown) {
				return nil
			}
			if err != nil {
				return err
			}
			listing, c.repositoryID = artifactListing, id
			c.add("m.repository_id = $", id)
		} else {
			c.add("m.project_id = $", in.ProjectID)
		}
		if list.Filters = c.special(ctx, list.Filters); c.err != nil {
			return c.err
		}
		c.latest(filter, list.Filters)
		if c.narrowed() {
			listing.Total = ""
		}
		rows, total, err = db.Page(ctx, tx, listing, c.sql(), c.args, list, scanArtifact)
		if err != nil {
			return err
		}
		return embed(ctx, tx, in, rows, with)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list artifacts: %w", err)
	}
	return rows, total, nil
}

// conditions collects parts of a WHERE clause.
type conditions struct {
	tx           db.Tx
	repositoryID int64 // 0: a whole project
	parts        []string
	args         []any
	base         bool // children of indexes are wanted too
	err          error
}

// add appends a condition that ends in "$", with the value for it.
func (c *conditions) add(text string, value any) {
	c.args = append(c.args, value)
	c.parts = append(c.parts, text+strconv.Itoa(len(c.args)))
}

func (c *conditions) sql() string {
	shown := "m.listed"
	if c.base {
		shown = "m.accessory_of = ''"
	}
	return strings.Join(append([]string{shown}, c.parts...), " AND ")
}

// narrowed reports whether there is more than the one condition that says where.
func (c *conditions) narrowed() bool { return c.base || len(c.parts) > 1 }

// special takes out the filters that are no columns.
func (c *conditions) special(ctx context.Context, filters []db.Filter) (rest []db.Filter) {
	for _, f := range filters {
		switch f.Key {
		case "base":
			c.base = c.base || f.Op == db.Equal && f.Values[0] == "*"
		case "tags":
			c.tags(ctx, f)
		case "labels":
			c.labels(f)
		case "signed":
			c.signed(f)
		case "digest":
			if f.Op != db.Contains || c.repositoryID == 0 || f.Values[0] == "" {
				rest = append(rest, f)
				continue
			}
			c.digestHolds(f.Values[0])
		default:
			rest = append(rest, f)
		}
	}
	return rest
}

// labels keeps the artifacts that carry every one of the labels with these ids. Package label owns the rows.
func (c *conditions) labels(f db.Filter) {
	for _, text := range f.Values[:min(len(f.Values), setSize)] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			c.err = fmt.Errorf("%w: labels=%q, expected the ids of labels", db.ErrFilter, text)
			return
		}
		c.add("EXISTS (SELECT 1 FROM artifact_label al WHERE al.manifest_id = m.id AND al.label_id = $", id)
		c.parts[len(c.parts)-1] += ")"
	}
}

// signatureOf is by the index of what belongs to an artifact.
const signatureOf = `EXISTS (SELECT 1 FROM manifest x WHERE x.repository_id = m.repository_id AND x.accessory_of = m.digest
		AND x.accessory_of <> '' AND x.accessory_type IN ('` + AccessoryCosign + `', '` + AccessoryNotation + `'))`

// signed keeps the artifacts that somebody has attached a signature to, or those that nobody has.
func (c *conditions) signed(f db.Filter) {
	switch f.Values[0] {
	case "true":
		c.parts = append(c.parts, signatureOf)
	case "false":
		c.parts = append(c.parts, "NOT "+signatureOf)
	default:
		c.err = fmt.Errorf("%w: signed=%q, expected true or false", db.ErrFilter, f.Values[0])
	}
}

const (
	hasTag = "EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id"
	// Without the letters that are looked for a name gets shorter. Unlike other keys this looks at case, as
	// Harbor does.
	nameHolds = "replace(t.name, $%d, '') <> t.name"
)

var taggedAs = inQuery{"SELECT manifest_id FROM tag WHERE repository_id = $1 AND name IN ", ""}

func (c *conditions) tags(ctx context.Context, f db.Filter) {
	switch {
	case f.Op == db.Equal && f.Values[0] == "*":
		c.parts = append(c.parts, "m.tagged")
	case f.Op == db.Equal && f.Values[0] == "nil":
		c.parts = append(c.parts, "NOT m.tagged")
	case f.Op == db.Contains && c.repositoryID != 0:
		c.args = append(c.args, c.repositoryID, f.Values[0])
		c.parts = append(c.parts, fmt.Sprintf("m.id IN (SELECT t.manifest_id FROM tag t WHERE t.repository_id = $%d AND "+nameHolds+")", len(c.args)-1, len(c.args)))
	case f.Op == db.Contains:
		c.args = append(c.args, f.Values[0])
		c.parts = append(c.parts, fmt.Sprintf(hasTag+" AND "+nameHolds+")", len(c.args)))
	case f.Op == db.Equal, f.Op == db.AnyOf:
		c.tagged(ctx, f.Values[:min(len(f.Values), setSize)])
	}
}

// digestHolds keeps the artifacts with these letters in their digest. All digests of the repository are read,
// but off the index that keeps them apart, and no rows; they have small letters only.
func (c *conditions) digestHolds(letters string) {
	c.args = append(c.args, c.repositoryID, strings.ToLower(letters))
	c.parts = append(c.parts, fmt.Sprintf(digestsHolding, len(c.args)-1, len(c.args)))
}

const digestsHolding = "m.id IN (SELECT x.id FROM manifest x WHERE x.repository_id = $%d AND replace(x.digest, $%d, '') <> x.digest)"

// tagged keeps the artifacts with one of the tags. In a repository they are looked up before, so that no
// other artifact is read.
func (c *conditions) tagged(ctx context.Context, names []string) {
	if c.repositoryID == 0 {
		marks, args := db.In(len(c.args), names)
		c.parts, c.args = append(c.parts, hasTag+" AND t.name IN ("+marks+"))"), append(c.args, args...)
		return
	}
	ids, err := collectIn(ctx, c.tx, db.ScanInt, taggedAs, []any{c.repositoryID}, names)
	if err != nil {
		c.err = err
		return
	}
	marks, args := db.In(len(c.args), ids)
	c.parts, c.args = append(c.parts, "m.id IN ("+marks+")"), append(c.args, args...)
}

// latest keeps the artifact of each repository that was pushed last, among those of its type.
func (c *conditions) latest(filter ArtifactFilter, filters []db.Filter) {
	if !filter.LatestInRepository {
		return
	}
	same := ""
	for _, f := range filters {
		switch f.Key {
		case "media_type":
			same += " AND n.config_media_type = m.config_media_type"
		case "artifact_type":
			same += " AND n.artifact_type = m.artifact_type"
		}
	}
	c.parts = append(c.parts, `NOT EXISTS (SELECT 1 FROM manifest n WHERE n.repository_id = m.repository_id AND n.listed
		AND (n.pushed_at, n.id) > (m.pushed_at, m.id)`+same+`)`)
}

// maxListed is the longest annotations or attributes that a listing shows, in bytes; longer ones are
// left empty there, or a page could grow without bound.
const maxListed = 128 << 10

var contentsOf = inQuery{`SELECT digest,
		CASE WHEN length(annotations) > ` + strconv.Itoa(maxListed) + ` THEN '{}' ELSE annotations END,
		CASE WHEN length(extra_attrs) > ` + strconv.Itoa(maxListed) + ` THEN '{}' ELSE extra_attrs END
	FROM manifest_content WHERE digest IN `, ""}

type shownContent struct {
	digest                  oci.Digest
	annotations, extraAttrs string
}

func scanShown(r db.Row) (c shownContent, err error) {
	err = r.Scan(&c.digest, &c.annotations, &c.extraAttrs)
	return c, err
}

// embed fills in what stands in other tables, in one statement each for all rows.
func embed(ctx context.Context, tx db.Tx, in Ref, rows []Artifact, with With) error {
	if len(rows) == 0 {
		return nil
	}
	if in.Name == "" {
		if err := embedRepositories(ctx, tx, rows); err != nil {
			return err
		}
	}
	byID := make(map[int64]*Artifact, len(rows))
	ids, contents := make([]int64, len(rows)), make([]oci.Digest, len(rows))
	for i := range rows {
		a := &rows[i]
		a.ProjectID = in.ProjectID
		if a.Repository == "" {
			a.Repository = in.Name
		}
		a.Repository = in.Project + "/" + a.Repository
		byID[a.ID], ids[i], contents[i] = a, a.ID, a.Digest
	}
	if err := embedContents(ctx, tx, rows, contents); err != nil {
		return err
	}
	references, err := collectIn(ctx, tx, scanReference, referencesOf, nil, ids)
	if err != nil {
		return err
	}
	for _, v := range references {
		byID[v.ParentID].References = append(byID[v.ParentID].References, v)
	}
	if with.Tags {
		if err := embedTags(ctx, tx, byID, ids); err != nil {
			return err
		}
	}
	if with.Accessories {
		return embedAccessories(ctx, tx, byID, ids)
	}
	return nil
}

var namesOf = inQuery{`SELECT id, name FROM repository WHERE id IN `, ""}

type named struct {
	id   int64
	name string
}

func scanNamed(r db.Row) (n named, err error) {
	err = r.Scan(&n.id, &n.name)
	return n, err
}

func embedRepositories(ctx context.Context, tx db.Tx, rows []Artifact) error {
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].RepositoryID
	}
	found, err := collectIn(ctx, tx, scanNamed, namesOf, nil, ids)
	if err != nil {
		return err
	}
	names := make(map[int64]string, len(found))
	for _, n := range found {
		names[n.id] = n.name
	}
	for i := range rows {
		rows[i].Repository = names[rows[i].RepositoryID]
	}
	return nil
}

func embedContents(ctx context.Context, tx db.Tx, rows []Artifact, digests []oci.Digest) error {
	found, err := collectIn(ctx, tx, scanShown, contentsOf, nil, digests)
	if err != nil {
		return err
	}
	byDigest := make(map[oci.Digest]shownContent, len(found))
	for _, c := range found {
		byDigest[c.digest] = c
	}
	for i := range rows {
		c := byDigest[rows[i].Digest]
		if rows[i].Annotations, err = decodeMap(c.annotations); err != nil {
			return err
		}
		rows[i].ExtraAttrs = json.RawMessage(c.extraAttrs)
	}
	return nil
}

func embedTags(ctx context.Context, tx db.Tx, byID map[int64]*Artifact, ids []int64) error {
	tags, err := collectIn(ctx, tx, scanTag, newestTags, nil, ids)
	if err != nil {
		return err
	}
	for _, t := range tags {
		byID[t.ArtifactID].Tags = append(byID[t.ArtifactID].Tags, t)
	}
	return nil
}

func embedAccessories(ctx context.Context, tx db.Tx, byID map[int64]*Artifact, ids []int64) error {
	accessories, err := collectIn(ctx, tx, scanAccessory, firstAccessories, nil, ids)
	if err != nil {
		return err
	}
	for _, v := range accessories {
		subject := byID[v.SubjectID]
		v.SubjectRepository = subject.Repository
		subject.Accessories = append(subject.Accessories, v)
	}
	return nil
}
