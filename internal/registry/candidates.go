package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// ErrChanged: an artifact isn't what somebody saw who wanted it deleted.
var ErrChanged = errors.New("the artifact has changed meanwhile")

// Candidate is an artifact as far as rules need to know it that decide what stays: one that listings show. Times are in
// microseconds, as the database has them.
type Candidate struct {
	ID       int64
	Digest   oci.Digest
	Type     string
	Tags     []string
	PushedAt int64 // the artifact, or a tag of it, whichever was last
	UsedAt   int64 // by whatever tag; 0: nobody ever used it
	// Fixed: a rule forbids to delete one of the tags.
	Fixed bool

	made int64 // when the artifact itself was pushed, for paging
}

const (
	candidatesOf = `SELECT m.id, m.digest, m.type, m.pushed_at, m.used_at FROM manifest m
		WHERE m.listed AND m.repository_id = $1 AND (m.pushed_at, m.id) > ($2, $3) ORDER BY m.pushed_at, m.id LIMIT $4`
	nodeByID = nodeFields + ` FROM manifest m` + withSubject + ` WHERE m.id = $1 AND m.repository_id = $2`
)

var (
	candidatesByID = inQuery{`SELECT m.id, m.digest, m.type, m.pushed_at, m.used_at FROM manifest m WHERE m.id IN `, ` ORDER BY m.id DESC`}
	candidateTags  = inQuery{`SELECT manifest_id, name, pushed_at FROM tag WHERE manifest_id IN `, ` ORDER BY manifest_id, name`}
	aboveOf        = inQuery{`SELECT c.child_id, p.id, p.listed, COALESCE(s.id, 0), COALESCE(s.listed, FALSE), p.accessory_of <> '' FROM manifest_child c JOIN manifest p ON p.id = c.parent_id
		LEFT JOIN manifest s ON s.repository_id = p.repository_id AND s.digest = p.accessory_of AND p.accessory_of <> '' WHERE c.child_id IN `, ""}
)

func scanCandidate(r db.Row) (c Candidate, err error) {
	err = r.Scan(&c.ID, &c.Digest, &c.Type, &c.made, &c.UsedAt)
	c.PushedAt = c.made
	return c, err
}

type candidateTag struct {
	id, pushed int64
	name       string
}

func scanCandidateTag(r db.Row) (t candidateTag, err error) {
	err = r.Scan(&t.id, &t.name, &t.pushed)
	return t, err
}

// addTags brings the tags to candidates.
func (s *Service) addTags(ctx context.Context, tx db.Tx, ref Ref, rows []Candidate) error {
	ids, at := make([]int64, len(rows)), make(map[int64]*Candidate, len(rows))
	for i := range rows {
		ids[i], at[rows[i].ID] = rows[i].ID, &rows[i]
	}
	tags, err := collectIn(ctx, tx, scanCandidateTag, candidateTags, nil, ids)
	if err != nil {
		return err
	}
	protected, err := s.fixed.Protecting(ctx, tx, ref.ProjectID, ref.Name)
	if err != nil {
		return err
	}
	for _, t := range tags {
		c := at[t.id]
		c.Tags, c.PushedAt = append(c.Tags, t.name), max(c.PushedAt, t.pushed)
		c.Fixed = c.Fixed || protected.MayDelete(t.name) != nil
	}
	return nil
}

// Candidates hands out a repository's artifacts in pages, the oldest first. A repository that isn't there has none.
func (s *Service) Candidates(ctx context.Context, ref Ref, yield func([]Candidate) error) error {
	made, id := int64(-1), int64(0)
	for {
		var rows []Candidate
		err := s.db.Read(ctx, func(tx db.Tx) error {
			repository, err := findVisible(ctx, tx, ref)
			if errors.Is(err, ErrRepositoryUnknown) {
				rows = nil
				return nil
			}
			if err != nil {
				return err
			}
			if rows, err = db.Collect(ctx, tx, scanCandidate, candidatesOf, repository, made, id, setSize); err != nil {
				return err
			}
			return s.addTags(ctx, tx, ref, rows)
		})
		if err != nil {
			return fmt.Errorf("read the artifacts of %s: %w", ref.FullName(), err)
		}
		if len(rows) == 0 {
			return nil
		}
		made, id = rows[len(rows)-1].made, rows[len(rows)-1].ID
		if err := yield(rows); err != nil {
			return err
		}
	}
}

// CandidatesByID returns those that are there of some candidates of a repository, in the descending order of their ids: what
// contains others comes before them.
func (s *Service) CandidatesByID(ctx context.Context, ref Ref, ids []int64) (rows []Candidate, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		if rows, err = collectIn(ctx, tx, scanCandidate, candidatesByID, nil, ids); err != nil {
			return err
		}
		return s.addTags(ctx, tx, ref, rows)
	})
	return rows, err
}

// Above is what a manifest is a part or an accessory of.
type Above struct {
	ID     int64
	Listed bool // it is a candidate itself
}

type above struct {
	child, parent     int64
	listed, accessory bool
	subject           int64
	subjectListed     bool
}

func scanAbove(r db.Row) (v above, err error) {
	err = r.Scan(&v.child, &v.parent, &v.listed, &v.subject, &v.subjectListed, &v.accessory)
	return v, err
}

// WhatIsAbove returns for each of the manifests that are parts of others what these are, and what is above them in turn. An
// accessory that is a part of nothing stands and falls with its subject; one without a subject with nothing, and is there
// as its own Above.
func (s *Service) WhatIsAbove(ctx context.Context, ids []int64) (map[int64][]Above, error) {
	all, seen := map[int64][]Above{}, map[int64]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	err := s.db.Read(ctx, func(tx db.Tx) error {
		for next := ids; len(next) > 0; {
			rows, err := collectIn(ctx, tx, scanAbove, aboveOf, nil, next)
			if err != nil {
				return err
			}
			next = nil
			for _, r := range rows {
				all[r.child] = append(all[r.child], Above{r.parent, r.listed})
				if seen[r.parent] {
					continue
				}
				seen[r.parent] = true
				next = append(next, r.parent)
				switch {
				case r.accessory && r.subject == 0:
					all[r.parent] = append(all[r.parent], Above{r.parent, false})
				case r.accessory:
					all[r.parent] = append(all[r.parent], Above{r.subject, r.subjectListed})
					if !seen[r.subject] {
						seen[r.subject] = true
						next = append(next, r.subject)
					}
				}
			}
		}
		return nil
	})
	return all, err
}

// Artifact deletes an artifact that somebody saw as c: one that was pushed, tagged or used since is
// ErrChanged. Whatever it returns but an error of the database, nothing of this artifact has changed then. Errors else are
// DeleteArtifact's.
func (d *Deletion) Artifact(ctx context.Context, tx db.Tx, c Candidate) error {
	s := d.registry
	repository, err := findVisible(ctx, tx, d.ref)
	if err != nil {
		return err
	}
	root, err := db.Get(ctx, tx, scanNode, nodeByID, c.ID, repository)
	if errors.Is(err, db.ErrNotFound) {
		return ErrManifestUnknown
	}
	if err != nil {
		return err
	}
	now, err := collectIn(ctx, tx, scanCandidate, candidatesByID, nil, []int64{c.ID})
	if err != nil {
		return err
	}
	if err := s.addTags(ctx, tx, d.ref, now); err != nil {
		return err
	}
	if n := now[0]; n.PushedAt != c.PushedAt || n.UsedAt != c.UsedAt || len(n.Tags) != len(c.Tags) {
		return ErrChanged
	}
	tx.AfterCommit(s.wake)
	_, err = d.graph(ctx, tx, root)
	return err
}
