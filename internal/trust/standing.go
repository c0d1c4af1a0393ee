package trust

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

// Standing is how an artifact's signatures stand.
type Standing struct {
	Policy  bool   // there is a policy: Trusted goes by it
	Trusted bool   // what the policy demands is there
	Missing string // what it demands besides, in words for people
	// Cosign and Notation say that a signature of the format is attached, whoever made it.
	Cosign, Notation bool

	until time.Time // then it is to be found out again; zero: when something changes
}

type standingKey struct {
	policy     string
	manifestID int64
}

const (
	// maxAncestors bounds the indexes that are asked for an image's signature, and maxDepth how far they are up.
	maxAncestors = 20
	maxDepth     = 3
	// maxGood bounds the good signatures of one subject that are counted together.
	maxGood = 1000
	// maxAtOnce bounds the signatures that are checked at once.
	maxAtOnce = 32
	// defaultPatience is how long somebody who pulls waits for that.
	defaultPatience = 5 * time.Second
)

const (
	parentsOf = `SELECT p.id, p.digest, p.media_type, p.content_size FROM manifest_child mc JOIN manifest p ON p.id = mc.parent_id
		WHERE mc.child_id = $1 ORDER BY mc.parent_id LIMIT $2`
	isSigned = `SELECT EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = $1 AND m.accessory_of = $2 AND m.accessory_of <> '' AND m.accessory_type = 'signature.cosign'),
		EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = $1 AND m.accessory_of = $2 AND m.accessory_of <> '' AND m.accessory_type = 'signature.notation')`

	// What satisfies something, and is in the repository.
	goodChecks = `SELECT c.satisfies, c.valid_until FROM trust_check c
		WHERE c.subject = $1 AND c.policy = $2 AND c.satisfies <> '' AND (c.valid_until = 0 OR c.valid_until > $3)
			AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = $4 AND m.digest = c.digest)
		ORDER BY c.satisfies LIMIT $5`
	// What nobody has looked at by the policy; the last that came first.
	unchecked = `SELECT m.digest FROM manifest m
		WHERE m.repository_id = $1 AND m.accessory_of = $2 AND m.accessory_of <> '' AND m.accessory_type IN ('signature.cosign', 'signature.notation', 'subject.accessory')
			AND NOT EXISTS (SELECT 1 FROM trust_check c WHERE c.subject = $2 AND c.policy = $3 AND c.digest = m.digest AND (c.valid_until = 0 OR c.valid_until > $4))
		ORDER BY m.id DESC LIMIT $5`
	// Cosign's attestations of old lie under a tag, and are nobody's accessory.
	uncheckedTag = `SELECT m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id
		WHERE t.repository_id = $1 AND t.name = $2
			AND NOT EXISTS (SELECT 1 FROM trust_check c WHERE c.subject = $3 AND c.policy = $4 AND c.digest = m.digest AND (c.valid_until = 0 OR c.valid_until > $5))`
)

// attestationEnd is that of the tag where Cosign puts attestations about a digest, where it doesn't attach them.
const attestationEnd = ".att"

// node is a manifest that signatures may be about.
type node struct {
	id      int64
	subject oci.Descriptor
}

func scanNode(r db.Row) (n node, err error) {
	err = r.Scan(&n.id, &n.subject.Digest, &n.subject.MediaType, &n.subject.Size)
	return n, err
}

func nodeOf(m registry.Manifest) node {
	return node{m.ID, oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}}
}

// Standing says how the signatures of a manifest in a repository stand by the policy in force. Those of an index cover the
// images that it leads to. What nobody has looked at yet is looked at now, within bounds.
func (s *Service) Standing(ctx context.Context, in registry.Ref, m registry.Manifest) (Standing, error) {
	return s.StandingBy(ctx, in.ProjectID, in, m)
}

// StandingBy is Standing by the policy in force in another project, as one that the artifact is about to be copied to.
func (s *Service) StandingBy(ctx context.Context, projectID int64, in registry.Ref, m registry.Manifest) (Standing, error) {
	r, policed, err := s.rules(ctx, projectID)
	if err != nil {
		return Standing{}, err
	}
	version, exact := s.graph.Version()
	key := standingKey{r.hash, m.ID}
	if st, ok := s.standings.Get(version, key); ok && exact && (st.until.IsZero() || s.clock().Before(st.until)) {
		return st, nil
	}
	st, err := s.stand(ctx, in, m, r, policed)
	if err != nil {
		return st, fmt.Errorf("find out who signed %s: %w", m.Digest, err)
	}
	if exact {
		s.standings.Put(version, key, st, len(st.Missing))
	}
	return st, nil
}

func (s *Service) stand(ctx context.Context, in registry.Ref, m registry.Manifest, r *rules, policed bool) (first Standing, err error) {
	level, asked := []node{nodeOf(m)}, 0
	for depth := 0; len(level) > 0 && depth < maxDepth; depth++ {
		var above []node
		for _, n := range level {
			st, err := s.standsBy(ctx, in, m.RepositoryID, n, r, policed)
			if err != nil {
				return st, err
			}
			if asked++; asked == 1 {
				first = st
			}
			first.Cosign, first.Notation = first.Cosign || st.Cosign, first.Notation || st.Notation
			if st.Trusted {
				st.Cosign, st.Notation = first.Cosign, first.Notation
				return st, nil
			}
			first.until = evidence.Earlier(first.until, st.until)
			parents, err := db.Collect(ctx, s.db.Auto(), scanNode, parentsOf, n.id, maxAncestors)
			if err != nil {
				return first, err
			}
			above = append(above, parents...)
		}
		level = above[:min(len(above), maxAncestors-asked)]
	}
	return first, nil
}

// standsBy is what the signatures of one manifest alone are worth.
func (s *Service) standsBy(ctx context.Context, in registry.Ref, repositoryID int64, n node, r *rules, policed bool) (st Standing, err error) {
	if st, err = db.Get(ctx, s.db.Auto(), scanSigned, isSigned, repositoryID, n.subject.Digest); err != nil {
		return st, err
	}
	st.Policy = policed
	if !policed {
		return st, nil
	}
	if r.broken != "" {
		st.Missing = "the trust policy can't be applied, so it trusts nobody: " + r.broken
		return st, nil
	}
	satisfied, until, err := s.good(ctx, repositoryID, n.subject.Digest, r)
	if err != nil {
		return st, err
	}
	st.until = until
	if st.Trusted, _ = r.verifier.Decide(satisfied); st.Trusted {
		return st, nil
	}
	checks, more, err := s.catchUp(ctx, in, repositoryID, n.subject, r, s.patience)
	if err != nil {
		return st, err
	}
	// A job may have looked at what is good after it was listed, and before what nobody has looked at was.
	if satisfied, until, err = s.good(ctx, repositoryID, n.subject.Digest, r); err != nil {
		return st, err
	}
	st.until = evidence.Earlier(st.until, until)
	for _, c := range checks {
		for _, leaf := range c.satisfies {
			satisfied[leaf] = true
		}
		st.until = evidence.Earlier(st.until, c.until)
	}
	st.Trusted, st.Missing = r.verifier.Decide(satisfied)
	if more && !st.Trusted {
		st.Missing += "; not all of its signatures were looked at yet: try again in a while"
		st.until = s.clock()
	}
	return st, nil
}

func scanSigned(r db.Row) (st Standing, err error) {
	err = r.Scan(&st.Cosign, &st.Notation)
	return st, err
}

type goodCheck struct {
	satisfies string
	until     time.Time
}

func scanGood(r db.Row) (g goodCheck, err error) {
	err = r.Scan(&g.satisfies, db.ScanTime(&g.until))
	return g, err
}

// good are the leaves that signatures satisfy which were looked at before.
func (s *Service) good(ctx context.Context, repositoryID int64, subject oci.Digest, r *rules) (satisfied map[int]bool, until time.Time, err error) {
	all, err := db.Collect(ctx, s.db.Auto(), scanGood, goodChecks, subject, r.hash, db.Micros(s.clock()), repositoryID, maxGood)
	if err != nil {
		return nil, until, err
	}
	satisfied = map[int]bool{}
	for _, g := range all {
		leaves, err := parseNumbers(g.satisfies)
		if err != nil {
			return nil, until, err
		}
		for _, leaf := range leaves {
			satisfied[leaf] = true
		}
		until = evidence.Earlier(until, g.until)
	}
	return satisfied, until, nil
}

// catchUp checks what nobody has looked at yet, the last that came first. more is set when that was too much for now, or for the
// time that there is.
func (s *Service) catchUp(ctx context.Context, in registry.Ref, repositoryID int64, subject oci.Descriptor, r *rules, limit time.Duration) (checks []Check, more bool, err error) {
	now := db.Micros(s.clock())
	waiting, err := db.Collect(ctx, s.db.Auto(), db.ScanString, unchecked, repositoryID, subject.Digest, r.hash, now, maxAtOnce+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(waiting) > maxAtOnce; more {
		waiting = waiting[:maxAtOnce]
	}
	tagged, err := db.Collect(ctx, s.db.Auto(), db.ScanString, uncheckedTag, repositoryID, subject.Digest.ReferrersTag()+attestationEnd, subject.Digest, r.hash, now)
	if err != nil {
		return nil, false, err
	}
	checking, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, digest := range append(tagged, waiting...) {
		c, err := s.check(checking, in, r, subject, oci.Digest(digest))
		if err != nil && checking.Err() != nil && ctx.Err() == nil {
			more = true
			break
		}
		if err != nil {
			return nil, false, err
		}
		checks = append(checks, c)
	}
	if len(checks) == 0 {
		return nil, more, nil
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for _, c := range checks {
			if err := s.keep(ctx, tx, r, subject.Digest, c); err != nil {
				return err
			}
		}
		return nil
	})
	return checks, more, err
}
