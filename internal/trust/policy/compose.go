package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/havenregistry/haven/internal/fault"
)

// With returns the policy with those roots of the system's document that its identities name and it doesn't define itself:
// a project's own root of a name comes before the system's.
func (p Policy) With(system Policy) Policy {
	roots := make(map[string]Root, len(p.Roots))
	for name, root := range p.Roots {
		roots[name] = root
	}
	for _, signer := range p.Signers {
		for _, id := range signer.Identities {
			_, own := roots[id.Root]
			if root, ok := system.Roots[id.Root]; ok && !own {
				roots[id.Root] = root
			}
		}
	}
	if len(roots) > 0 {
		p.Roots = roots
	}
	return p
}

// Complete reports the first root that an identity names and nobody has defined, as a fault.Invalid. It is for a policy that
// has the system's roots (With).
func (p Policy) Complete() error {
	for i, signer := range p.Signers {
		for j, id := range signer.Identities {
			if _, ok := p.Roots[id.Root]; !ok {
				return fault.Invalidf("%s.root: there is no root %s, neither in the policy nor in the system's; add it to roots",
					at(at("signers", i)+".identities", j), quote(id.Root))
			}
		}
	}
	return nil
}

// Hash names a policy by its content: documents that differ in white space only, or in the order of fields that Policy has, are
// one. It is the SHA-256 of the canonical JSON, in hexadecimal.
func Hash(p Policy) string {
	canonical, err := json.Marshal(p)
	if err != nil {
		// A root that isn't JSON: no document that was parsed has one.
		canonical = fmt.Appendf(nil, "%#v", p)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}
