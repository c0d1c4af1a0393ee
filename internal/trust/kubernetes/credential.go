package kubernetes

import (
	"fmt"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// credential is one way in which a signer is known.
type credential struct {
	path     string
	key      string
	identity *policy.Identity
	root     policy.Root // of the identity
	notation *policy.Notation
}

// known returns the credentials of a signer, or of all with "*": any of them will do.
func (w *writer) known(path, by string) ([]credential, error) {
	var list []credential
	for i, s := range w.policy.Signers {
		if by != "*" && by != s.Name {
			continue
		}
		at := fmt.Sprintf("signers[%d]", i)
		for j, key := range s.Keys {
			if countBlocks(key) != 1 {
				return nil, fault.Invalidf("%s.keys[%d]: want one public key in PEM", at, j)
			}
			list = append(list, credential{path: fmt.Sprintf("%s.keys[%d]", at, j), key: key})
		}
		for j, id := range s.Identities {
			c := credential{path: fmt.Sprintf("%s.identities[%d]", at, j), identity: &id}
			var err error
			if c.root, err = w.rootOf(c.path, id); err != nil {
				return nil, err
			}
			list = append(list, c)
		}
		if s.Notation != nil {
			list = append(list, credential{path: at + ".notation", notation: s.Notation})
		}
	}
	if len(list) == 0 {
		return nil, fault.Invalidf("%s: there is no signer %q", path, by)
	}
	return list, nil
}

// signsImage is the type of the statements in which Cosign 3 and Haven sign an image, in bundles.
const signsImage = "https://sigstore.dev/cosign/sign/v1"

// attesters returns those credentials that an attestation can be signed with: Notation signs artifacts only.
func (w *writer) attesters(path string, a policy.Attestation) ([]credential, error) {
	if a.PredicateType == signsImage {
		return nil, w.refuse(path+".predicate_type", "that a signature is no attestation, as the policy does")
	}
	all, err := w.known(path+".by", a.By)
	if err != nil {
		return nil, err
	}
	var list []credential
	for _, c := range all {
		if c.notation == nil {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil, fault.Invalidf("%s.by: %q has no keys or identities, which attestations are signed with", path, a.By)
	}
	return list, nil
}

func (w *writer) rootOf(path string, id policy.Identity) (policy.Root, error) {
	root, ok := w.policy.Roots[id.Root]
	switch {
	case w.kind == ImageValidatingPolicy:
		// It wants Sigstore's repository over the network, and believes the root from there whichever is given.
		return policy.Root{}, w.refuse(path, "which authority gives certificates: Kyverno believes that of the public Sigstore there; a %s can", ClusterPolicy)
	case w.kind == ClusterImagePolicy:
		return policy.Root{}, w.refuse(path, "which authority gives certificates by itself: it names an object TrustRoot of the cluster; a %s can", ClusterPolicy)
	case !ok:
		return policy.Root{}, fault.Invalidf("%s.root: there is no root %q", path, id.Root)
	case len(root.TrustedRoot) > 0:
		return policy.Root{}, w.refuse("roots."+id.Root+".trusted_root", "a whole trusted_root.json; give the root's parts: ca, log, ct_log, tsa")
	case countBlocks(root.Log) > 1 || countBlocks(root.CTLog) > 1:
		return policy.Root{}, w.refuse("roots."+id.Root, "that either of several logs will do")
	case id.Issuer == "" && id.IssuerRegexp == "":
		return policy.Root{}, w.refuse(path, "that a certificate has no issuer of identities, only that any will do")
	}
	return root, nil
}

// plainNotation refuses what Kyverno can't say of a trust store: it takes each name, and asks the authority over the network whether
// a certificate was revoked.
func (w *writer) plainNotation(c credential) error {
	n := c.notation
	switch {
	case len(n.Identities) != 1 || n.Identities[0] != "*":
		return w.refuse(c.path+".identities", "which subjects of a trust store count, only that all do (\"*\")")
	case n.CRLs != "" || n.Revocation == "enforce":
		return w.refuse(c.path+".crls", "revocation lists")
	}
	return nil
}
