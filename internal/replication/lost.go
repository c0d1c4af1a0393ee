package replication

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// lost adds what the policy once brought over and the source has no more. What has become another one at the destination is not the policy's.
func (c *comparison) lost(ctx context.Context, ch *changes, theirs, ours map[string]oci.Digest) error {
	recorded, err := c.allCopied(ctx, c.policy.ID, c.repository)
	if err != nil {
		return err
	}
	for _, tag := range slices.Sorted(maps.Keys(recorded)) {
		if _, there := theirs[tag]; there {
			continue
		}
		if c.there { // a list that changes while it is read may leave something out
			_, there, err := c.src.find(ctx, c.note, c.repository, oci.TagReference(tag))
			if err != nil {
				return err
			}
			if there {
				continue
			}
		}
		if err := c.lose(ctx, ch, tag, recorded[tag], true); err != nil {
			return err
		}
	}
	return nil
}

// lose has a tag deleted that the source has no more. known says that r is what the policy brought there, or found alike.
func (c *comparison) lose(ctx context.Context, ch *changes, tag string, r copied, known bool) error {
	found, there, err := c.dst.find(ctx, c.note, c.name, oci.TagReference(tag))
	ours := known
	if subject, _ := belongsTo(tag); err == nil && there && !known {
		ours = subject != "" // Cosign's tags aren't written down
		if !ours {
			_, ours, err = c.src.find(ctx, c.note, c.repository, oci.DigestReference(found.Digest))
		}
	}
	switch {
	case err != nil:
		return err
	case !there:
	case !ours:
		ch.skip("%s:%s is gone, and stays at the destination: it isn't known to be from here", c.repository, tag)
	case known && (string(found.Digest) != r.digest || r.destination != c.name):
		ch.skip("%s:%s is gone, and stays at the destination: it is another one there", c.repository, tag)
	default:
		ch.deletions = append(ch.deletions, deletion{tag: tag, digest: found.Digest})
		return nil
	}
	ch.forget = append(ch.forget, tag)
	return nil
}

// namedLost has a manifest deleted that is gone at the source and had no tag there.
func (c *comparison) namedLost(ctx context.Context, ch *changes, d oci.Digest) error {
	if !c.policy.Deletion {
		return nil
	}
	m, err := calmly(ctx, c.note, func() (remote.Manifest, error) { return c.dst.Manifest(ctx, c.name, oci.DigestReference(d)) })
	if errors.Is(err, remote.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	parsed, err := oci.ParseManifest(m.MediaType, m.Bytes)
	ch.deletions = append(ch.deletions, deletion{digest: d, referrer: err == nil && parsed.Subject != nil})
	return nil
}
