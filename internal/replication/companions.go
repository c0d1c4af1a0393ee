package replication

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Cosign's tags end like this. The tag without an end stands for the list of referrers.
func cosignEnds() []string { return []string{".sig", ".att", ".sbom"} }

// belongsTo is the digest that a tag is made of; "" for one that stands for itself. listing says that it is the list of referrers.
func belongsTo(tag string) (subject oci.Digest, listing bool) {
	if !strings.HasPrefix(tag, "sha") {
		return "", false
	}
	for _, end := range cosignEnds() {
		if d := oci.TaggedDigest(tag, end); d != "" {
			return d, false
		}
	}
	d := oci.TaggedDigest(tag, "")
	return d, d != ""
}

// relate reads what has a subject in the source's repository, where it tells that in one go.
func (c *comparison) relate(ctx context.Context) error {
	s, ok := c.src.Registry.(subjects)
	if !ok {
		return nil
	}
	c.related, c.inOneGo = map[oci.Digest][]oci.Descriptor{}, true
	err := s.Subjects(ctx, c.repository, func(subject oci.Digest, referrer oci.Descriptor) error {
		c.related[subject] = append(c.related[subject], referrer)
		return nil
	})
	if errors.Is(err, remote.ErrNotFound) {
		return nil
	}
	return err
}

// referrersOf are what refers to a manifest of the source.
func (c *comparison) referrersOf(ctx context.Context, subject oci.Digest) ([]oci.Descriptor, error) {
	if c.inOneGo {
		return c.related[subject], nil
	}
	found, err := calmly(ctx, c.note, func() ([]oci.Descriptor, error) { return c.src.Referrers(ctx, c.repository, subject) })
	if errors.Is(err, remote.ErrNotFound) || errors.Is(err, remote.ErrUnsupported) {
		return nil, nil
	}
	return found, err
}

// companions adds what is said about artifacts that the destination has: what refers to them, and Cosign's tags. What is copied
// brings its own along.
func (c *comparison) companions(ctx context.Context, ch *changes, theirs, ours map[string]oci.Digest) error {
	if ch.fresh {
		return nil
	}
	there := map[oci.Digest]bool{} // at the destination
	for _, d := range ch.same {
		there[d] = true
	}
	copied := map[oci.Digest]bool{}
	for _, a := range ch.artifacts {
		copied[a.digest] = true
	}
	if err := c.unlisted(ctx, ch, there, copied); err != nil {
		return err
	}
	var states []state
	for _, subject := range slices.Sorted(maps.Keys(c.signature)) {
		for _, tag := range c.signature[subject] {
			if !copied[subject] {
				states = append(states, state{tag: tag, src: theirs[tag], dst: ours[tag]})
			}
		}
	}
	states, err := c.complete(ctx, states, func(tag string) bool { _, listed := ours[tag]; return listed })
	if err != nil {
		return err
	}
	states = slices.DeleteFunc(states, func(st state) bool { return st.src == st.dst })
	signs := make([]bool, len(states))
	err = each(ctx, states, func(ctx context.Context, i int, st state) error {
		subject, _ := belongsTo(st.tag)
		if signs[i] = there[subject]; signs[i] {
			return nil
		}
		missing, err := c.lacks(ctx, subject)
		signs[i] = !missing
		return err
	})
	for i, st := range states {
		if subject, _ := belongsTo(st.tag); signs[i] {
			ch.tags = append(ch.tags, signatureTag{st.tag, subject, st.src})
		}
	}
	return err
}

// unlisted adds referrers that the destination lacks of what it has. there are some of which it is known that it has them.
func (c *comparison) unlisted(ctx context.Context, ch *changes, there, copied map[oci.Digest]bool) error {
	var mu sync.Mutex
	subjects := slices.Sorted(maps.Keys(there))
	if c.inOneGo {
		subjects = slices.Sorted(maps.Keys(c.related))
	}
	return each(ctx, subjects, func(ctx context.Context, _ int, subject oci.Digest) error {
		if copied[subject] {
			return nil
		}
		found, err := c.referrersOf(ctx, subject)
		if err != nil {
			return err
		}
		var missing []oci.Digest
		for _, f := range found {
			lacks, err := c.lacks(ctx, f.Digest)
			if err != nil {
				return err
			}
			if lacks {
				missing = append(missing, f.Digest)
			}
		}
		if len(missing) > 0 && !there[subject] {
			if lacks, err := c.lacks(ctx, subject); err != nil || lacks {
				return err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		ch.referrers = append(ch.referrers, missing...)
		return nil
	})
}

// signaturesOf are Cosign's tags of a manifest at the source.
func (c *comparison) signaturesOf(ctx context.Context, subject oci.Digest) (found []signatureTag, err error) {
	names := c.signature[subject]
	if c.signature == nil {
		for _, end := range cosignEnds() {
			names = append(names, subject.ReferrersTag()+end)
		}
	}
	for _, name := range names {
		d, there, err := c.src.find(ctx, c.note, c.repository, oci.TagReference(name))
		if err != nil {
			return nil, err
		}
		if there {
			found = append(found, signatureTag{name, subject, d.Digest})
		}
	}
	return found, nil
}
