package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/trust/evidence"
)

const (
	// maxPieces bounds what is kept of one manifest's signatures; all of them are looked at.
	maxPieces = 50
	// maxBlob is the size of the largest blob that is read, in bytes.
	maxBlob = 4 << 20
	// incomplete is how long it is believed that a blob isn't there.
	incomplete = time.Minute
	// checkLimit is how long one manifest's signatures may take. Real ones take milliseconds.
	checkLimit = 30 * time.Second
)

// Check is what a manifest that carries signatures or attestations is worth by a policy.
type Check struct {
	Digest    oci.Digest
	Pieces    []evidence.Piece // without predicates; at most 50
	CheckedAt time.Time        // zero: nobody has looked yet

	satisfies []int // leaves of the policy's rule
	until     time.Time
}

// check finds out what the manifest d of a repository says about subject. An error says that it couldn't be found out.
func (s *Service) check(ctx context.Context, in registry.Ref, r *rules, subject oci.Descriptor, d oci.Digest) (Check, error) {
	c := Check{Digest: d, CheckedAt: s.clock()}
	ref, err := oci.ParseReference(string(d))
	if err != nil {
		return c, err
	}
	m, err := s.contents.Manifest(ctx, in, ref)
	if err != nil {
		return c, err
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Content)
	if err != nil {
		return c, err // it was parsed when it came
	}
	read := func(ctx context.Context, blob oci.Descriptor) ([]byte, error) {
		return s.contents.ReadBlob(ctx, in, blob.Digest, maxBlob)
	}
	limited, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	pieces, err := r.verifier.Pieces(limited, subject, parsed, read, c.CheckedAt)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		c.Pieces = []evidence.Piece{{State: evidence.Invalid, Reason: "it takes too long to check"}}
		return c, nil
	}
	if errors.Is(err, registry.ErrBlobUnknown) { // it is damaged, and a push may heal it
		c.Pieces = []evidence.Piece{{State: evidence.Invalid, Reason: "a blob of it is missing: push the signature again"}}
		c.until = c.CheckedAt.Add(incomplete)
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("check what %s says about %s: %w", d, subject.Digest, err)
	}
	c.satisfies = r.verifier.Satisfies(pieces)
	for _, p := range pieces {
		c.until = evidence.Earlier(c.until, p.Until)
	}
	c.Pieces = shown(pieces)
	return c, nil
}

// shown are the pieces to keep: verified ones before others.
func shown(pieces []evidence.Piece) (kept []evidence.Piece) {
	for _, verified := range []bool{true, false} {
		for _, p := range pieces {
			if (p.State == evidence.Verified) == verified && len(kept) < maxPieces {
				p.Predicate = nil
				kept = append(kept, p)
			}
		}
	}
	return kept
}

const keepCheck = `INSERT INTO trust_check (digest, subject, policy, pieces, satisfies, valid_until, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (subject, policy, digest) DO UPDATE SET pieces = excluded.pieces, satisfies = excluded.satisfies,
		valid_until = excluded.valid_until, checked_at = excluded.checked_at`

func (s *Service) keep(ctx context.Context, tx db.Tx, r *rules, subject oci.Digest, c Check) error {
	pieces, err := json.Marshal(c.Pieces)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, keepCheck, c.Digest, subject, r.hash, string(pieces), numbers(c.satisfies), db.Micros(c.until), db.Micros(c.CheckedAt))
	return err
}

// numbers writes "0 2"; parseNumbers reads it.
func numbers(all []int) string {
	parts := make([]string, len(all))
	for i, n := range all {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, " ")
}

func parseNumbers(s string) (all []int, err error) {
	for field := range strings.FieldsSeq(s) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("numbers of rules %q: %w", s, err)
		}
		all = append(all, n)
	}
	return all, nil
}
