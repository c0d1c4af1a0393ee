package trust

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/registry"
)

// MaxListed is how many of an artifact's signatures Signatures returns at most.
const MaxListed = 100

const checksOf = `SELECT m.digest, COALESCE(c.pieces, ''), COALESCE(c.checked_at, 0)
	FROM manifest m LEFT JOIN trust_check c ON c.subject = $1 AND c.policy = $2 AND c.digest = m.digest
	WHERE m.repository_id = $3 AND m.accessory_of = $1 AND m.accessory_of <> '' AND m.accessory_type IN ('signature.cosign', 'signature.notation', 'subject.accessory')
	ORDER BY m.id DESC LIMIT $4`

// attestationsOf are those that Cosign put under a tag.
const attestationsOf = `SELECT m.digest, COALESCE(c.pieces, ''), COALESCE(c.checked_at, 0)
	FROM tag t JOIN manifest m ON m.id = t.manifest_id LEFT JOIN trust_check c ON c.subject = $1 AND c.policy = $2 AND c.digest = m.digest
	WHERE t.repository_id = $3 AND t.name = $4`

func scanCheck(r db.Row) (c Check, err error) {
	var pieces string
	if err := r.Scan(&c.Digest, &pieces, db.ScanTime(&c.CheckedAt)); err != nil || pieces == "" {
		return c, err
	}
	return c, json.Unmarshal([]byte(pieces), &c.Pieces)
}

// Signatures returns what was attached to a manifest that carries signatures or attestations, the last that came first, and what
// each is worth by the policy in force; one that nobody has looked at yet has no time. more is set when there are others.
func (s *Service) Signatures(ctx context.Context, in registry.Ref, m registry.Manifest) (checks []Check, more bool, err error) {
	r, _, err := s.rules(ctx, in.ProjectID)
	if err != nil {
		return nil, false, err
	}
	n := nodeOf(m)
	if r.broken == "" {
		if _, _, err := s.catchUp(ctx, in, m.RepositoryID, n.subject, r, s.patience); err != nil {
			return nil, false, fmt.Errorf("look at the signatures of %s: %w", m.Digest, err)
		}
	}
	all, err := db.Collect(ctx, s.db.Auto(), scanCheck, checksOf, m.Digest, r.hash, m.RepositoryID, MaxListed+1)
	if err != nil {
		return nil, false, fmt.Errorf("list the signatures of %s: %w", m.Digest, err)
	}
	if more = len(all) > MaxListed; more {
		all = all[:MaxListed]
	}
	tagged, err := db.Collect(ctx, s.db.Auto(), scanCheck, attestationsOf, m.Digest, r.hash, m.RepositoryID, m.Digest.ReferrersTag()+attestationEnd)
	if err != nil {
		return nil, false, fmt.Errorf("list the attestations of %s: %w", m.Digest, err)
	}
	for _, c := range append(tagged, all...) {
		if c.CheckedAt.IsZero() || len(c.Pieces) > 0 { // else it carries none
			checks = append(checks, c)
		}
	}
	return checks, more, nil
}
