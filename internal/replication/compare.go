package replication

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// comparison holds a repository of the source against the one of the destination that it belongs into.
type comparison struct {
	*Service
	policy     Policy
	chosen     selection
	src, dst   side
	repository string // of the source
	name       string // of the destination
	note       func(string, ...any)
	there      bool // the source has the repository

	related   map[oci.Digest][]oci.Descriptor // what has a subject in the source's repository, where that was told in one go
	inOneGo   bool
	signature map[oci.Digest][]string // Cosign's tags of the source, by their subjects; nil: to be asked for
}

// headsAtOnce is how many small questions one comparison asks a registry at a time.
const headsAtOnce = 16

// state is a tag on both sides. "" is where it isn't there.
type state struct {
	tag      string
	src, dst oci.Digest
}

// whole compares everything that is chosen of the repository.
func (c *comparison) whole(ctx context.Context) (changes, error) {
	ch := changes{same: map[string]oci.Digest{}}
	var theirs, ours map[string]oci.Digest
	var lists errgroup.Group
	lists.Go(func() (err error) {
		if theirs, c.there, err = c.src.tags(ctx, c.note, c.repository); err != nil {
			return fmt.Errorf("list the tags of %s at the source: %w", c.repository, err)
		}
		return c.relate(ctx)
	})
	lists.Go(func() error {
		tags, there, err := c.dst.tags(ctx, c.note, c.name)
		if err != nil {
			return fmt.Errorf("list the tags of %s at the destination: %w", c.name, err)
		}
		ours, ch.fresh = tags, !there
		return nil
	})
	if err := lists.Wait(); err != nil {
		return ch, err
	}
	c.signature = map[oci.Digest][]string{}
	var states []state
	for _, tag := range slices.Sorted(maps.Keys(theirs)) {
		switch subject, listing := belongsTo(tag); {
		case listing:
		case subject != "":
			c.signature[subject] = append(c.signature[subject], tag)
		case c.chosen.tag(tag):
			states = append(states, state{tag: tag, src: theirs[tag], dst: ours[tag]})
		}
	}
	states, err := c.complete(ctx, states, func(tag string) bool { _, listed := ours[tag]; return listed })
	if err != nil {
		return ch, err
	}
	c.sort(states, &ch)
	if err := c.withoutTags(ctx, &ch); err != nil {
		return ch, err
	}
	if err := c.companions(ctx, &ch, theirs, ours); err != nil {
		return ch, err
	}
	if c.policy.Deletion {
		return ch, c.lost(ctx, &ch, theirs, ours)
	}
	return ch, nil
}

// complete asks for what the listings didn't tell. What is gone meanwhile, or doesn't carry the labels, is left out.
func (c *comparison) complete(ctx context.Context, states []state, listed func(tag string) bool) ([]state, error) {
	keep := make([]bool, len(states))
	err := each(ctx, states, func(ctx context.Context, i int, st state) error {
		ref := oci.TagReference(st.tag)
		if st.src == "" {
			found, there, err := c.src.find(ctx, c.note, c.repository, ref)
			if err != nil || !there {
				return err
			}
			st.src = found.Digest
		}
		if subject, _ := belongsTo(st.tag); subject == "" { // what is said about something carries no labels of its own
			if wanted, err := c.labelled(ctx, ref); err != nil || !wanted {
				return err
			}
		}
		if st.dst == "" && listed(st.tag) {
			found, _, err := c.dst.find(ctx, c.note, c.name, ref)
			if err != nil {
				return err
			}
			st.dst = found.Digest
		}
		states[i], keep[i] = st, true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compare the tags of %s with those of %s: %w", c.repository, c.name, err)
	}
	var kept []state
	for i, st := range states {
		if keep[i] {
			kept = append(kept, st)
		}
	}
	return kept, nil
}

// labelled reports whether the labels of something are those that are chosen. A source that knows no labels has nothing that carries one.
func (c *comparison) labelled(ctx context.Context, ref oci.Reference) (bool, error) {
	if len(c.chosen.labels) == 0 {
		return true, nil
	}
	l, ok := c.src.Registry.(remote.Labelled)
	if !ok {
		return c.chosen.labelled(nil), nil
	}
	has, err := calmly(ctx, c.note, func() ([]string, error) { return l.Labels(ctx, c.repository, ref) })
	if errors.Is(err, remote.ErrNotFound) {
		return false, nil
	}
	return err == nil && c.chosen.labelled(has), err
}

// sort says what is to be done with each tag.
func (c *comparison) sort(states []state, ch *changes) {
	at := map[oci.Digest]int{}
	for _, st := range states {
		switch {
		case st.src == st.dst:
			ch.unchanged++
			ch.same[st.tag] = st.src
			continue
		case st.dst != "" && !c.policy.Override:
			ch.skip("%s:%s is another one at the destination (%s, and here %s), and the policy doesn't override", c.repository, st.tag, st.dst, st.src)
			continue
		}
		why := "the destination lacks it"
		if st.dst != "" {
			why = "the tag leads to " + string(st.dst) + " at the destination"
		}
		if i, known := at[st.src]; known {
			ch.artifacts[i].tags = append(ch.artifacts[i].tags, st.tag)
			continue
		}
		at[st.src] = len(ch.artifacts)
		ch.artifacts = append(ch.artifacts, artifact{digest: st.src, tags: []string{st.tag}, why: why})
	}
}

// withoutTags adds the artifacts that have no tag, where the filters choose such and the source tells them.
func (c *comparison) withoutTags(ctx context.Context, ch *changes) error {
	u, ok := c.src.Registry.(untagged)
	if !ok || !c.chosen.tag("") {
		return nil
	}
	var found []oci.Descriptor
	err := u.Untagged(ctx, c.repository, func(d oci.Descriptor) error {
		if len(found) >= maxTags {
			return errTooMany
		}
		found = append(found, d)
		return nil
	})
	if err != nil && !errors.Is(err, remote.ErrNotFound) {
		return err
	}
	missing, err := c.missing(ctx, ch.fresh, digests(found))
	if err != nil {
		return err
	}
	ch.unchanged += len(found) - len(missing)
	for _, d := range missing {
		if wanted, err := c.labelled(ctx, oci.DigestReference(d)); err != nil || !wanted {
			if err != nil {
				return err
			}
			continue
		}
		ch.artifacts = append(ch.artifacts, artifact{digest: d, why: "the destination lacks it"})
	}
	return nil
}

func digests(all []oci.Descriptor) []oci.Digest {
	ds := make([]oci.Digest, len(all))
	for i, d := range all {
		ds[i] = d.Digest
	}
	return ds
}

// missing are the manifests that the destination lacks, in their order.
func (c *comparison) missing(ctx context.Context, fresh bool, all []oci.Digest) ([]oci.Digest, error) {
	if fresh {
		return all, nil
	}
	lacks := make([]bool, len(all))
	err := each(ctx, all, func(ctx context.Context, i int, d oci.Digest) error {
		_, there, err := c.dst.find(ctx, c.note, c.name, oci.DigestReference(d))
		lacks[i] = !there
		return err
	})
	var missing []oci.Digest
	for i, d := range all {
		if lacks[i] {
			missing = append(missing, d)
		}
	}
	return missing, err
}

func (c *comparison) lacks(ctx context.Context, d oci.Digest) (bool, error) {
	_, there, err := c.dst.find(ctx, c.note, c.name, oci.DigestReference(d))
	return !there, err
}

// each does something for all of many things, some at a time. nil says that all of it was done.
func each[T any](ctx context.Context, all []T, do func(ctx context.Context, i int, v T) error) error {
	return eachOf(ctx, headsAtOnce, all, do)
}

func eachOf[T any](ctx context.Context, atOnce int, all []T, do func(ctx context.Context, i int, v T) error) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, v := range all {
		if within.Err() != nil {
			break
		}
		g.Go(func() error { return do(within, i, v) })
	}
	return cmp.Or(g.Wait(), context.Cause(ctx))
}
