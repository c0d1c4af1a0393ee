package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// Space is what a part of a project takes, in bytes as its quota counts them: distinct blobs, and manifests.
type Space struct {
	Total int64
	Only  int64 // what the quota gets back when the part is deleted: nothing else in the project needs it
}

// Shared is what something else in the project needs too.
func (v Space) Shared() int64 { return v.Total - v.Only }

// ProjectSpace is a page of a project's repositories, and what the project takes.
type ProjectSpace struct {
	Used         int64 // as the quota says
	Limit        int64 // -1: none
	Repositories []RepositorySpace
	More         bool // there are further repositories
}

// RepositorySpace is what a repository takes.
type RepositorySpace struct {
	ID        int64
	Name      string
	Artifacts int64
	Space
	// Waiting are the bytes of blobs that no manifest of the repository names any more, or yet. They end here when nobody
	// names them within the grace. The quota counts them only while they are new.
	Waiting  int64
	Untagged UntaggedSpace
}

// UntaggedSpace is what would be given back when the artifacts without a tag were deleted.
type UntaggedSpace struct {
	Artifacts int64
	Bytes     int64 // of so many as were looked at
	Partial   bool  // not all were looked at: there are too many
}

// TagSpace is what the artifact takes that a tag names.
type TagSpace struct {
	Name   string
	Digest oci.Digest
	Tags   int64 // that the artifact has: it goes with all of them
	Space
}

const (
	// maxSpacePage is how many rows a page of the report has at most: each is a sum.
	maxSpacePage = 25
	// maxUntagged is how many artifacts without a tag one page looks at.
	maxUntagged = 2000
)

const (
	projectUse = `SELECT p.storage_limit, CAST(COALESCE((SELECT SUM(u.bytes) FROM project_usage u WHERE u.project_id = p.id), 0) AS BIGINT)
		FROM project p WHERE p.id = $1`
	repositoriesAfter = `SELECT id, name, artifact_count FROM repository WHERE project_id = $1 AND name > $2 AND NOT hidden ORDER BY name LIMIT $3`
	spaceTagsAfter    = `SELECT t.name, m.digest, m.id, (SELECT COUNT(*) FROM tag o WHERE o.manifest_id = m.id)
		FROM tag t JOIN manifest m ON m.id = t.manifest_id WHERE t.repository_id = $1 AND t.name > $2 ORDER BY t.name LIMIT $3`
)

var (
	blobSums = inQuery{`SELECT rb.repository_id, CAST(SUM(CASE WHEN rb.counted THEN b.size ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN rb.counted AND NOT EXISTS (SELECT 1 FROM repository_blob o WHERE o.project_id = rb.project_id
				AND o.blob_id = rb.blob_id AND o.counted AND o.repository_id <> rb.repository_id) THEN b.size ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN rb.idle_since > 0 THEN b.size ELSE 0 END) AS BIGINT)
		FROM repository_blob rb JOIN blob b ON b.id = rb.blob_id WHERE rb.repository_id IN `, ` GROUP BY rb.repository_id`}
	manifestSums = inQuery{`SELECT repository_id, CAST(SUM(content_size) AS BIGINT), SUM(CASE WHEN listed AND NOT tagged THEN 1 ELSE 0 END)
		FROM manifest WHERE repository_id IN `, ` GROUP BY repository_id`}
	untaggedRoots = inQuery{nodeFields + ` FROM manifest m` + withSubject + ` WHERE m.listed AND NOT m.tagged AND m.repository_id IN `,
		fmt.Sprintf(` ORDER BY m.repository_id, m.id LIMIT %d`, maxUntagged)}
	nodesByID = inQuery{nodeFields + ` FROM manifest m` + withSubject + ` WHERE m.id IN `, ""}
)

// ProjectSpace returns what the repositories of a project take whose names are behind after, in their order; size is at
// most 25. The sums are those of one moment.
func (s *Service) ProjectSpace(ctx context.Context, projectID int64, after string, size int) (v ProjectSpace, err error) {
	size = min(max(size, 1), maxSpacePage)
	err = s.db.Read(ctx, func(tx db.Tx) (err error) {
		use, err := db.Get(ctx, tx, scanPair, projectUse, projectID)
		if err != nil {
			return err
		}
		v = ProjectSpace{Limit: use[0], Used: use[1]}
		v.Repositories, err = db.Collect(ctx, tx, func(r db.Row) (v RepositorySpace, err error) {
			err = r.Scan(&v.ID, &v.Name, &v.Artifacts)
			return v, err
		}, repositoriesAfter, projectID, after, size+1)
		if err != nil {
			return err
		}
		if v.More = len(v.Repositories) > size; v.More {
			v.Repositories = v.Repositories[:size]
		}
		return sumRepositories(ctx, tx, projectID, v.Repositories)
	})
	return v, wrap(err, "add up what repositories take")
}

// sumRepositories fills in the sums of a page.
func sumRepositories(ctx context.Context, tx db.Tx, projectID int64, page []RepositorySpace) error {
	if len(page) == 0 {
		return nil
	}
	ids, byID := make([]int64, len(page)), map[int64]*RepositorySpace{}
	for i := range page {
		ids[i], byID[page[i].ID] = page[i].ID, &page[i]
	}
	blobs, err := collectIn(ctx, tx, scanFour, blobSums, nil, ids)
	if err != nil {
		return err
	}
	for _, b := range blobs {
		r := byID[b[0]]
		r.Total, r.Only, r.Waiting = b[1], b[2], b[3]
	}
	manifests, err := collectIn(ctx, tx, scanThree, manifestSums, nil, ids)
	if err != nil {
		return err
	}
	for _, m := range manifests {
		r := byID[m[0]]
		r.Total += m[1]
		r.Only += m[1]
		r.Untagged.Artifacts = m[2]
	}
	return sumUntagged(ctx, tx, projectID, ids, byID)
}

// sumUntagged fills in what the artifacts without a tag would give back.
func sumUntagged(ctx context.Context, tx db.Tx, projectID int64, ids []int64, byID map[int64]*RepositorySpace) error {
	roots, err := collectIn(ctx, tx, scanNode, untaggedRoots, nil, ids)
	if err != nil {
		return err
	}
	of := map[int64][]int64{}
	for _, n := range roots {
		of[n.repositoryID] = append(of[n.repositoryID], n.id)
	}
	g, err := loadGraph(ctx, tx, roots)
	tooLarge := errors.Is(err, errGraph)
	if err != nil && !tooLarge {
		return err
	}
	for _, id := range ids {
		r := byID[id]
		r.Untagged.Partial = tooLarge && r.Untagged.Artifacts > 0 || int64(len(of[id])) < r.Untagged.Artifacts
		if tooLarge || len(of[id]) == 0 {
			continue
		}
		gone := g.toll(of[id])
		w, err := weigh(ctx, tx, projectID, id, gone)
		if err != nil {
			return err
		}
		r.Untagged.Bytes = w.space(gone, gone).Only
	}
	return nil
}

// RepositorySpace returns what the artifacts take that the tags of a repository behind after name, in the order of
// the names; size is at most 25. An unknown repository is ErrRepositoryUnknown.
func (s *Service) RepositorySpace(ctx context.Context, ref Ref, after string, size int) (page []TagSpace, more bool, err error) {
	size = min(max(size, 1), maxSpacePage)
	err = s.db.Read(ctx, func(tx db.Tx) error {
		repositoryID, err := findVisible(ctx, tx, ref)
		if err != nil {
			return err
		}
		var roots []int64
		page, err = db.Collect(ctx, tx, func(r db.Row) (v TagSpace, err error) {
			var id int64
			err = r.Scan(&v.Name, &v.Digest, &id, &v.Tags)
			roots = append(roots, id)
			return v, err
		}, spaceTagsAfter, repositoryID, after, size+1)
		if err != nil {
			return err
		}
		if more = len(page) > size; more {
			page, roots = page[:size], roots[:size]
		}
		return sumTags(ctx, tx, ref.ProjectID, repositoryID, page, roots)
	})
	return page, more, wrap(err, "add up what tags take")
}

// sumTags fills in the sums of a page, of whose tags roots are the artifacts.
func sumTags(ctx context.Context, tx db.Tx, projectID, repositoryID int64, page []TagSpace, roots []int64) error {
	nodes, err := collectIn(ctx, tx, scanNode, nodesByID, nil, distinct(append([]int64{}, roots...)))
	if err != nil {
		return err
	}
	g, err := loadGraph(ctx, tx, nodes)
	if err != nil {
		return err
	}
	w, err := weigh(ctx, tx, projectID, repositoryID, g.all())
	if err != nil {
		return err
	}
	for i, root := range roots {
		page[i].Space = w.space(g.under(root), g.toll([]int64{root}))
	}
	return nil
}

var (
	blobsNamed   = inQuery{`SELECT manifest_id, blob_id FROM manifest_blob WHERE manifest_id IN `, ""}
	contentSizes = inQuery{`SELECT id, content_size FROM manifest WHERE id IN `, ""}
	// How many manifests of the repository name the blob, and whether it counts elsewhere in the project.
	blobNeeds = inQuery{`SELECT b.id, b.size, (SELECT COUNT(*) FROM manifest_blob mb WHERE mb.blob_id = b.id AND mb.repository_id = $1),
			CASE WHEN EXISTS (SELECT 1 FROM repository_blob o WHERE o.project_id = $2 AND o.blob_id = b.id AND o.counted AND o.repository_id <> $1) THEN 1 ELSE 0 END
		FROM blob b WHERE b.id IN `, ""}
)

// weights are the sizes of manifests of one repository and of their blobs.
type weights struct {
	contents map[int64]int64      // by manifest
	blobs    map[int64][]int64    // by manifest
	needs    map[int64]blobNeeded // by blob
}

type blobNeeded struct {
	size, namers int64
	elsewhere    bool
}

// weigh reads the weights of manifests of a repository.
func weigh(ctx context.Context, tx db.Tx, projectID, repositoryID int64, manifests map[int64]bool) (w weights, err error) {
	ids := make([]int64, 0, len(manifests))
	for id := range manifests {
		ids = append(ids, id)
	}
	w = weights{map[int64]int64{}, map[int64][]int64{}, map[int64]blobNeeded{}}
	contents, err := collectIn(ctx, tx, scanPair, contentSizes, nil, ids)
	if err != nil {
		return w, err
	}
	for _, c := range contents {
		w.contents[c[0]] = c[1]
	}
	named, err := collectIn(ctx, tx, scanPair, blobsNamed, nil, ids)
	if err != nil {
		return w, err
	}
	blobs := make([]int64, len(named))
	seen := map[[2]int64]bool{} // a set that is filled up names manifests twice
	for i, n := range named {
		if blobs[i] = n[1]; !seen[n] {
			seen[n] = true
			w.blobs[n[0]] = append(w.blobs[n[0]], n[1])
		}
	}
	needs, err := collectIn(ctx, tx, scanFour, blobNeeds, []any{repositoryID, projectID}, distinct(blobs))
	for _, n := range needs {
		w.needs[n[0]] = blobNeeded{n[1], n[2], n[3] == 1}
	}
	return w, err
}

// space is what manifests take together, some of which would be gone.
func (w weights) space(manifests, gone map[int64]bool) (v Space) {
	namers := map[int64]int64{} // that would be gone, by blob
	for id := range manifests {
		v.Total += w.contents[id]
		if gone[id] {
			v.Only += w.contents[id]
		}
		for _, b := range w.blobs[id] {
			if _, seen := namers[b]; !seen {
				v.Total += w.needs[b].size
				namers[b] = 0
			}
			if gone[id] {
				namers[b]++
			}
		}
	}
	for b, n := range namers {
		if need := w.needs[b]; n > 0 && n == need.namers && !need.elsewhere {
			v.Only += need.size
		}
	}
	return v
}

func scanThree(r db.Row) (v [3]int64, err error) {
	err = r.Scan(&v[0], &v[1], &v[2])
	return v, err
}

func scanFour(r db.Row) (v [4]int64, err error) {
	err = r.Scan(&v[0], &v[1], &v[2], &v[3])
	return v, err
}
