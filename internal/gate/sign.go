package gate

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/registry"
)

// MaySign reports whether a manifest has passed its project's checks, so that Haven may say so by a signature, and else why not. Each
// image that it is or leads to was scanned wholly, whatever outcomes the project names for those that weren't; where the project
// refuses vulnerable images none of them is one; and with requireTrust the project's trust policy is fulfilled.
func (g *Gate) MaySign(ctx context.Context, in registry.Ref, m registry.Manifest, requireTrust bool) (ok bool, why string, err error) {
	p, err := g.Policy(ctx, in.ProjectID)
	if err != nil {
		return false, "", err
	}
	k, err := g.kind(ctx, in, m)
	if err != nil {
		return false, "", err
	}
	images, err := g.images(ctx, in, m, k, p)
	if err != nil {
		return false, "", err
	}
	if len(images) == 0 {
		return false, "no image in it can be run", nil
	}
	for _, i := range images {
		if i.State == Vulnerable && p.PreventVulnerable || i.State != Vulnerable && i.State != Clean {
			return false, fmt.Sprintf("image %s %s", i.Digest, i.trouble()), nil
		}
	}
	if !requireTrust {
		return true, "", nil
	}
	switch st, err := g.Trust.Standing(ctx, in, m); {
	case err != nil:
		return false, "", err
	case !st.Policy:
		return false, "the project has no trust policy that could be fulfilled", nil
	case !st.Trusted:
		return false, st.Missing, nil
	}
	return true, "", nil
}
