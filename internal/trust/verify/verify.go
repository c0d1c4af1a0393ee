// Package verify is a trust policy made ready for use: the verifiers of all formats, and the program that decides by what they
// find. It is the same wherever signatures come from, the registry's own store or another registry.
package verify

import (
	"context"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/cosign"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/notation"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// Verifier judges by one policy. It may be used by several goroutines.
type Verifier struct {
	*policy.Program
	cosign   *cosign.Verifier
	notation *notation.Verifier
}

// New prepares a policy. An error is a fault.Invalid that names the field.
func New(p policy.Policy) (v *Verifier, err error) {
	v = &Verifier{}
	if v.Program, err = policy.Compile(p); err != nil {
		return nil, err
	}
	if v.cosign, err = cosign.New(p); err != nil {
		return nil, err
	}
	if v.notation, err = notation.New(p); err != nil {
		return nil, err
	}
	return v, nil
}

// Pieces judges what the manifest m says about the subject, at the time now; a manifest in none of the formats says nothing.
// read returns the whole content of a blob of m. An error is one of reading, and of the end of ctx.
func (v *Verifier) Pieces(ctx context.Context, subject oci.Descriptor, m *oci.Manifest,
	read func(ctx context.Context, d oci.Descriptor) ([]byte, error), now time.Time) ([]evidence.Piece, error) {
	switch {
	case cosign.Reads(m):
		return v.cosign.Pieces(ctx, subject, m, read, now)
	case notation.Reads(m):
		return v.notation.Pieces(ctx, subject, m, read, now)
	}
	return nil, nil
}

// IsSignature says whether manifests of an artifact type carry signatures or attestations in one of the formats. Others
// may too: their layers tell.
func IsSignature(artifactType string) bool {
	return cosign.IsSignature(artifactType) || artifactType == notation.ArtifactType
}
