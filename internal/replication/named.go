package replication

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/gate"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// named compares only some tags, and manifests that are written as @digest. Events name them.
func (c *comparison) named(ctx context.Context, only []string) (changes, error) {
	ch := changes{same: map[string]oci.Digest{}}
	recorded := map[string]copied{}
	if c.policy.Deletion {
		var err error
		if recorded, err = c.allCopied(ctx, c.policy.ID, c.repository); err != nil {
			return ch, err
		}
	}
	var states []state
	for _, tag := range only {
		if d, ok := strings.CutPrefix(tag, "@"); ok {
			if err := c.namedDigest(ctx, &ch, oci.Digest(d)); err != nil {
				return ch, err
			}
			continue
		}
		subject, listing := belongsTo(tag)
		if listing || subject == "" && !c.chosen.tag(tag) {
			continue
		}
		theirs, there, err := c.src.find(ctx, c.note, c.repository, oci.TagReference(tag))
		if err != nil {
			return ch, err
		}
		r, known := recorded[tag]
		switch {
		case !there && c.policy.Deletion:
			err = c.lose(ctx, &ch, tag, r, known)
		case !there:
		case subject != "":
			err = c.namedSignature(ctx, &ch, signatureTag{tag, subject, theirs.Digest})
		default:
			states = append(states, state{tag: tag, src: theirs.Digest})
		}
		if err != nil {
			return ch, err
		}
	}
	states, err := c.complete(ctx, states, func(string) bool { return true })
	if err != nil {
		return ch, err
	}
	c.sort(states, &ch)
	ch.unsure = !slices.ContainsFunc(states, func(st state) bool { return st.dst != "" })
	for _, d := range ch.same {
		tags, err := c.signaturesOf(ctx, d)
		if err != nil {
			return ch, err
		}
		for _, t := range tags {
			if err := c.namedSignature(ctx, &ch, t); err != nil {
				return ch, err
			}
		}
	}
	there := map[oci.Digest]bool{}
	for _, d := range ch.same {
		there[d] = true
	}
	return ch, c.unlisted(ctx, &ch, there, map[oci.Digest]bool{})
}

// namedSignature adds one of Cosign's tags, where the destination has what is signed.
func (c *comparison) namedSignature(ctx context.Context, ch *changes, t signatureTag) error {
	for _, known := range ch.tags {
		if known.name == t.name {
			return nil
		}
	}
	ours, _, err := c.dst.find(ctx, c.note, c.name, oci.TagReference(t.name))
	if err != nil || ours.Digest == t.digest {
		return err
	}
	missing, err := c.lacks(ctx, t.subject)
	if err == nil && !missing {
		ch.tags = append(ch.tags, t)
	}
	return err
}

// namedDigest adds a manifest that was pushed without a tag, where it says something about one that the destination has. Others come with what
// leads to them.
func (c *comparison) namedDigest(ctx context.Context, ch *changes, d oci.Digest) error {
	ref := oci.DigestReference(d)
	m, err := calmly(ctx, c.note, func() (remote.Manifest, error) { return c.src.Manifest(ctx, c.repository, ref) })
	if errors.Is(err, remote.ErrNotFound) {
		return c.namedLost(ctx, ch, d)
	}
	if _, refused := gate.Refused(err); refused {
		return nil // and so is what it is about
	}
	if err != nil {
		return err
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Bytes)
	if err != nil || parsed.Subject == nil {
		return nil //nolint:nilerr // what can't be read says nothing about others
	}
	for _, needed := range []struct {
		digest oci.Digest
		there  bool
	}{{d, false}, {parsed.Subject.Digest, true}} {
		missing, err := c.lacks(ctx, needed.digest)
		if err != nil || missing == needed.there {
			return err
		}
	}
	ch.referrers = append(ch.referrers, d)
	return nil
}
