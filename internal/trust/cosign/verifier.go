package cosign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// Verifier judges by one policy. Its methods may be called at once.
type Verifier struct {
	signers    []string // names, in the document's order
	keys       []*publicKey
	anchors    []*anchor // by name
	identities []identity
}

// New prepares what the policy's keys, identities and roots verify. It is an error of a client when one of them isn't right; the
// message leads to it, as signers[1].keys[0].
func New(p policy.Policy) (*Verifier, error) {
	v := new(Verifier)
	for _, name := range slices.Sorted(maps.Keys(p.Roots)) {
		a, err := newAnchor("roots."+shown(name), name, p.Roots[name])
		if err != nil {
			return nil, fault.Invalidf("%v", err)
		}
		v.anchors = append(v.anchors, a)
	}
	for i, s := range p.Signers {
		if err := v.add(s); err != nil {
			return nil, fault.Invalidf("signers[%d].%v", i, err)
		}
	}
	return v, nil
}

func (v *Verifier) add(s policy.Signer) error {
	v.signers = append(v.signers, s.Name)
	for i, pem := range s.Keys {
		key, err := parseKey(pem)
		if err != nil {
			return fmt.Errorf("keys[%d] %w", i, err)
		}
		same := slices.IndexFunc(v.keys, func(k *publicKey) bool { return k.by == key.by })
		if same < 0 {
			v.keys, same = append(v.keys, key), len(v.keys)
		}
		v.keys[same].signers = append(v.keys[same].signers, s.Name)
	}
	for i, one := range s.Identities {
		if !slices.ContainsFunc(v.anchors, func(a *anchor) bool { return a.name == one.Root }) {
			return fmt.Errorf("identities[%d].root is %q, and the document has no such root", i, shown(one.Root))
		}
		id, err := newIdentity(s.Name, one)
		if err != nil {
			return fmt.Errorf("identities[%d].%w", i, err)
		}
		v.identities = append(v.identities, id)
	}
	return nil
}

// Media types of Cosign's formats.
const (
	simpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json"
	envelopeType      = "application/vnd.dsse.envelope.v1+json"
	signatureType     = "application/vnd.dev.cosign.artifact.sig.v1+json" // of a referrer with layers of the first type
)

// Reads says whether a manifest is in one of Cosign's formats, by media types alone.
func Reads(m *oci.Manifest) bool {
	if m.IsIndex() {
		return false
	}
	return IsSignature(m.EffectiveArtifactType()) || slices.ContainsFunc(m.Layers, func(d oci.Descriptor) bool { return isRead(d.MediaType) })
}

// IsSignature says whether an artifact type is one of Cosign's for what holds signatures or attestations.
func IsSignature(artifactType string) bool {
	return artifactType == signatureType || isBundle(artifactType)
}

func isBundle(mediaType string) bool { return strings.HasPrefix(mediaType, bundleType) }

func isRead(mediaType string) bool {
	return mediaType == simpleSigningType || mediaType == envelopeType || isBundle(mediaType)
}

// Bounds of one manifest.
const (
	mostLayers = 1000
	mostLayer  = 4 << 20   // bytes
	mostRead   = 128 << 20 // bytes of all layers
)

// Pieces judges all that a manifest in one of Cosign's formats says about the subject. read reads a blob of the same repository. An error is
// one of reading; whatever is wrong with what was read is a piece that says so. At most 1,000 layers are looked at, of 4 MiB each
// and 128 MiB together.
func (v *Verifier) Pieces(ctx context.Context, subject oci.Descriptor, m *oci.Manifest,
	read func(ctx context.Context, d oci.Descriptor) ([]byte, error), now time.Time) ([]evidence.Piece, error) {
	var pieces []evidence.Piece
	left := int64(mostRead)
	for _, layer := range m.Layers {
		if !isRead(layer.MediaType) {
			continue
		}
		if len(pieces) == mostLayers {
			return append(pieces, wrong("the manifest has more than %d signatures; the rest isn't looked at", mostLayers)), nil
		}
		if layer.Size > mostLayer {
			pieces = append(pieces, wrong("it is larger than %d bytes, and isn't read", mostLayer))
			continue
		}
		if left -= layer.Size; left < 0 {
			return append(pieces, wrong("the manifest's signatures are larger than %d bytes; the rest isn't looked at", mostRead)), nil
		}
		document, err := read(ctx, layer)
		if err != nil {
			return nil, fmt.Errorf("read the signature %s: %w", layer.Digest, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		pieces = append(pieces, v.piece(subject, layer, document, now))
	}
	return pieces, nil
}

func wrong(format string, args ...any) evidence.Piece {
	return evidence.Piece{Format: evidence.Cosign, State: evidence.Invalid, Reason: fmt.Sprintf(format, args...)}
}

// piece judges one layer.
func (v *Verifier) piece(subject, layer oci.Descriptor, document []byte, now time.Time) (p evidence.Piece) {
	// Certificates, entries of logs and timestamps are read by libraries, some of which take pointers for given that a
	// document has left out. Where one falls over, nothing was verified, and the process has others to serve.
	defer func() {
		if r := recover(); r != nil {
			p = wrong("it can't be read: %s", shown(fmt.Sprint(r)))
		}
	}()
	if int64(len(document)) != layer.Size || !layer.Digest.Matches(document) {
		return wrong("what is stored hasn't the digest %s", layer.Digest)
	}
	c, err := readClaim(subject, layer, document)
	if err != nil {
		p = wrong("%s", shown(err.Error()))
		if errors.Is(err, errLater) {
			p.State = evidence.Unverified
		}
		if c != nil {
			p.PredicateType, p.By = c.predicateType, c.claimedBy()
		}
		return p
	}
	return v.judge(c, now)
}

func readClaim(subject, layer oci.Descriptor, document []byte) (*claim, error) {
	switch layer.MediaType {
	case simpleSigningType:
		return simpleSigning(layer, document, subject.Digest)
	case envelopeType:
		return attestation(layer, document, subject.Digest)
	}
	return readBundle(document, subject.Digest)
}
