package registry

import (
	"context"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/immutable"
)

// What rules about tags forbid is asked for in the transaction that would do it, by package immutable. A push that makes a
// new tag, or finds it where it belongs, asks nothing.

var (
	// movedTags are the tags of the destination that a copy points elsewhere.
	movedTags = inQuery{`SELECT d.name FROM tag t JOIN tag d ON d.repository_id = $1 AND d.name = t.name
		JOIN manifest o ON o.id = t.manifest_id JOIN manifest n ON n.id = d.manifest_id AND n.digest <> o.digest WHERE t.manifest_id IN `, ""}
	namesAmong    = inQuery{`SELECT name FROM tag WHERE manifest_id IN `, " ORDER BY name"}
	namedSubjects = inQuery{`SELECT s.id FROM manifest m JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.accessory_of WHERE m.accessory_of <> '' AND m.id IN `, ""}
	parentIDsOf   = inQuery{`SELECT parent_id FROM manifest_child WHERE child_id IN `, ""}
)

// mayMove returns an *immutable.Refusal where a tag stays where it is, by the rules of this version.
func (s *Service) mayMove(ctx context.Context, tx db.Tx, ref Ref, tag string, version int64) error {
	p, err := s.fixed.ProtectingAt(ctx, tx, ref.ProjectID, ref.Name, version)
	if err != nil {
		return err
	}
	return p.MayMove(tag)
}

// mayMoveAll is mayMove for what a copy of manifests would move in the repository to, which is ref's.
func (s *Service) mayMoveAll(ctx context.Context, tx db.Tx, ref Ref, to int64, manifests []int64) error {
	p, err := s.fixed.Protecting(ctx, tx, ref.ProjectID, ref.Name)
	if err != nil || p == nil {
		return err
	}
	moved, err := collectIn(ctx, tx, db.ScanString, movedTags, []any{to}, manifests)
	if err != nil {
		return err
	}
	for _, tag := range moved {
		if err := p.MayMove(tag); err != nil {
			return err
		}
	}
	return nil
}

// mayDeleteTag returns an *immutable.Refusal where a tag stays.
func (s *Service) mayDeleteTag(ctx context.Context, tx db.Tx, ref Ref, tag string) error {
	p, err := s.fixed.Protecting(ctx, tx, ref.ProjectID, ref.Name)
	if err != nil {
		return err
	}
	return p.MayDelete(tag)
}

// mayDelete returns an *immutable.Refusal where a tag keeps root, or what would go with it. Where something of the repository
// is held, root stays too as a part or an accessory of that.
func (s *Service) mayDelete(ctx context.Context, tx db.Tx, ref Ref, root node, doomed []node) error {
	p, err := s.fixed.Protecting(ctx, tx, ref.ProjectID, ref.Name)
	if err != nil || p == nil {
		return err
	}
	tags, err := collectIn(ctx, tx, db.ScanString, namesAmong, nil, nodeIDs(doomed))
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := p.MayDelete(tag); err != nil {
			return err
		}
	}
	if !p.HoldsAny() {
		return nil
	}
	return heldAbove(ctx, tx, p, root.id)
}

// heldAbove returns an *immutable.Refusal where a manifest belongs, by whatever way, to one with a tag that is held.
func heldAbove(ctx context.Context, tx db.Tx, p *immutable.Protected, id int64) error {
	seen := map[int64]bool{id: true}
	for next := []int64{id}; len(next) > 0; {
		var above []int64
		for _, query := range []inQuery{namedSubjects, parentIDsOf} {
			ids, err := collectIn(ctx, tx, db.ScanInt, query, nil, next)
			if err != nil {
				return err
			}
			above = append(above, ids...)
		}
		next = nil
		for _, id := range above {
			if !seen[id] {
				seen[id] = true
				next = append(next, id)
			}
		}
		if len(seen) > maxGraph {
			return errGraph
		}
		tags, err := collectIn(ctx, tx, db.ScanString, namesAmong, nil, next)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			if err := p.Held(tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayEmpty returns an *immutable.Refusal where a tag of the repository may not go. The tags are read a page at a time.
func (s *Service) mayEmpty(ctx context.Context, tx db.Tx, ref Ref, id int64) error {
	p, err := s.fixed.Protecting(ctx, tx, ref.ProjectID, ref.Name)
	if err != nil || p == nil {
		return err
	}
	for last := ""; ; {
		tags, err := db.Collect(ctx, tx, db.ScanString, tagsAfter, id, last, setSize)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			if err := p.MayDelete(tag); err != nil {
				return err
			}
		}
		if len(tags) < setSize {
			return nil
		}
		last = tags[len(tags)-1]
	}
}
