package notation

import (
	"context"
	"fmt"
	"time"

	"github.com/notaryproject/notation-core-go/signature"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

const (
	// ArtifactType is what the manifest of a signature says that it is: as its artifact type, or as its config's media type.
	ArtifactType = "application/vnd.cncf.notary.signature"

	// longestEnvelope is in bytes. One with a chain of three RSA certificates and a time stamp has ten thousand.
	longestEnvelope = 4 << 20
)

// Verifier judges signatures by a policy. It may be used by several goroutines.
type Verifier struct {
	signers []signer
}

// New prepares the signers of a policy that have a trust store of Notation; a policy may have none. An error is a fault.Invalid
// that leads to the field.
func New(p policy.Policy) (*Verifier, error) {
	v := &Verifier{}
	for i, s := range p.Signers {
		if s.Notation == nil {
			continue
		}
		prepared, err := newSigner(fmt.Sprintf("signers[%d].notation", i), s.Name, *s.Notation)
		if err != nil {
			return nil, err
		}
		v.signers = append(v.signers, prepared)
	}
	return v, nil
}

// Reads says whether a manifest is one of Notation's signatures.
func Reads(m *oci.Manifest) bool {
	return m.ArtifactType == ArtifactType || m.Config != nil && m.Config.MediaType == ArtifactType
}

// Pieces says what the signature in m is worth for the subject, at the time now: always one piece. read returns the whole
// content of a descriptor; its errors, and the end of ctx, are the only ones. Whatever else is wrong is the piece's reason.
func (v *Verifier) Pieces(ctx context.Context, subject oci.Descriptor, m *oci.Manifest,
	read func(ctx context.Context, d oci.Descriptor) ([]byte, error), now time.Time) ([]evidence.Piece, error) {
	if len(m.Layers) != 1 {
		return invalid("a signature of Notation has exactly one layer, this has %d", len(m.Layers)), nil
	}
	layer := m.Layers[0]
	if !isEnvelope(layer.MediaType) {
		return invalid("its layer is of type %s, and neither an envelope of JWS nor of COSE", clean(layer.MediaType)), nil
	}
	if layer.Size > longestEnvelope {
		return invalid("its envelope of %d bytes is larger than %d", layer.Size, longestEnvelope), nil
	}
	raw, err := read(ctx, layer)
	if err != nil {
		return nil, fmt.Errorf("read the envelope %s: %w", layer.Digest, err)
	}
	if len(raw) > longestEnvelope {
		return invalid("its envelope of %d bytes is larger than %d", len(raw), longestEnvelope), nil
	}
	piece := v.judge(ctx, subject, layer.MediaType, raw, now)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("judge the envelope %s: %w", layer.Digest, err)
	}
	return []evidence.Piece{piece}, nil
}

func invalid(format string, args ...any) []evidence.Piece {
	return []evidence.Piece{{Format: evidence.Notation, State: evidence.Invalid, Reason: fmt.Sprintf(format, args...)}}
}

// judge never fails: what can't be judged is Invalid.
func (v *Verifier) judge(ctx context.Context, subject oci.Descriptor, mediaType string, raw []byte, now time.Time) (piece evidence.Piece) {
	piece = evidence.Piece{Format: evidence.Notation, State: evidence.Invalid}
	defer func() {
		// A parser that gives up on what a stranger sent must not take the program with it, and has verified nothing.
		if p := recover(); p != nil {
			piece = evidence.Piece{Format: evidence.Notation, State: evidence.Invalid, Reason: "it can't be read: its envelope upsets the parser"}
		}
	}()
	e, err := open(mediaType, raw)
	if err != nil {
		piece.Reason = err.Error()
		return piece
	}
	piece.By = clean(e.leaf().Subject.String())
	if piece.Reason = e.refusal(subject, now); piece.Reason != "" {
		return piece
	}
	if e.info.SignedAttributes.SigningScheme != signature.SigningSchemeX509 {
		piece.State = evidence.Unverified
		piece.Reason = "it is of the scheme " + clean(string(e.info.SignedAttributes.SigningScheme)) + ", of which a policy can't name anybody"
		return piece
	}
	v.settle(ctx, e, subject, now, &piece)
	return piece
}

// settle asks each signer. One who verifies it is enough; else the reason is that of who came closest.
func (v *Verifier) settle(ctx context.Context, e *envelope, subject oci.Descriptor, now time.Time, piece *evidence.Piece) {
	worst := finding{state: evidence.Unverified, reason: "it is by nobody whose certificate, or authority, the policy names"}
	for _, s := range v.signers {
		if ctx.Err() != nil {
			return
		}
		f := s.judge(ctx, e, subject, now)
		switch {
		case f.state == evidence.Verified:
			piece.Signers = append(piece.Signers, s.name)
			piece.Until = evidence.Earlier(piece.Until, f.until)
			if piece.At.IsZero() {
				piece.At = f.at
			}
		case f.state == evidence.Invalid && worst.state != evidence.Invalid, f.closer && worst.state != evidence.Invalid && !worst.closer:
			worst = f
		}
	}
	if len(piece.Signers) > 0 {
		piece.State = evidence.Verified
		piece.Until = evidence.Earlier(piece.Until, e.info.SignedAttributes.Expiry)
		return
	}
	piece.State, piece.Reason, piece.Until = worst.state, worst.reason, worst.until
}
