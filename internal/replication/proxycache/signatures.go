package proxycache

import (
	"context"
	"fmt"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// LookAgain fetches what says who signed an image that the gate refuses: that may have happened since the image came. It reports
// whether the gate is to be asked again. Upstream is asked so once in a while, and has as long as for what a tag means.
func (s *Service) LookAgain(ctx context.Context, ref registry.Ref, d oci.Digest) (bool, error) {
	p, err := s.Policy(ctx, ref.ProjectID)
	if err != nil || p.Freshness == Offline {
		return false, err
	}
	key := signaturesOf(ref, d)
	if s.gone.has(key) {
		return false, nil
	}
	flight := s.wholes.join(s, key, func(ctx context.Context) (struct{}, error) {
		s.bringSignatures(ctx, question{policy: p, ref: ref}, d)
		return struct{}{}, nil
	})
	_, err = flight.wait(ctx, s.Patience)
	return err == nil, ctx.Err()
}

func signaturesOf(ref registry.Ref, d oci.Digest) string {
	return fmt.Sprintf("signatures %d/%s@%s", ref.ProjectID, ref.Name, d)
}

// maxSignatures bounds what is fetched of an image's signatures.
const maxSignatures = 32

// bringSignatures fetches what says who signed an image. What can't be fetched isn't there: the gate decides by the rest.
func (s *Service) bringSignatures(ctx context.Context, q question, d oci.Digest) {
	defer s.gone.add(signaturesOf(q.ref, d))
	u, err := s.Endpoints.Upstream(ctx, q.policy.RegistryID)
	if err != nil {
		s.log.WarnContext(ctx, "signatures are not fetched", "digest", d, "error", err)
		return
	}
	q.tag, q.head = d.ReferrersTag()+".sig", false
	known, err := s.tagRow(ctx, q.ref, q.tag)
	q.seen = known.checkedAt
	if err != nil {
		s.log.WarnContext(ctx, "signatures are not fetched", "digest", d, "error", err)
		return
	}
	if t, err := s.check(ctx, q, known, false, firstTime); err == nil && t.Digest != "" {
		s.bringSignature(ctx, q, t.Descriptor)
	}
	found, err := u.Referrers(ctx, q.ref.Name, d)
	s.heed(ctx, q.policy.RegistryID, err)
	if err != nil {
		return
	}
	q.tag = ""
	for _, r := range found[:min(len(found), maxSignatures)] {
		s.bringSignature(ctx, q, r)
	}
}

// bringSignature fetches one. An index is none, and may name what is just being fetched, which would wait for itself.
func (s *Service) bringSignature(ctx context.Context, q question, d oci.Descriptor) {
	q.policy.Signed = false // of a signature nobody asks who signed it
	h, err := s.bringManifest(ctx, &q, d)
	if err == nil && (h.waiting == nil || !oci.IsIndexType(h.waiting.mediaType)) {
		err = s.completeHolding(ctx, q, h)
	}
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "a signature is not fetched", "repository", q.ref.FullName(), "digest", d.Digest, "error", err)
	}
}
