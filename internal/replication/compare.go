package replication

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/gate"
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

	related   map[oci.Digest][]oci.Descriptor // what has a subject in the source's repository, where that was told in one go
	inOneGo   bool
	signature map[oci.Digest][]string // Cosign's tags of the source, by their subjects; nil: to be asked for
}

// changes is what has to happen at the destination.
type changes struct {
	artifacts []artifact
	tags      []signatureTag        // of artifacts that are there
	referrers []oci.Digest          // of artifacts that are there
	deletions []deletion            // what the source has lost
	skipped   []string              // what is left alone, and why
	unchanged int                   // tags and artifacts that are as they should be
	same      map[string]oci.Digest // tags that are alike on both sides
	forget    []string              // tags that the policy isn't responsible for any more
	unsure    bool                  // it isn't known whether the destination has such a repository
	fresh     bool                  // the destination has no such repository
}

// artifact is one that the destination lacks, or has under other tags.
type artifact struct {
	digest oci.Digest
	tags   []string // none: it has no tag
	why    string
}

// signatureTag is one of Cosign's tags, which are made of the digest of what is signed.
type signatureTag struct {
	name    string
	subject oci.Digest
	digest  oci.Digest // what it leads to at the source
}

type deletion struct {
	tag      string // "": the manifest
	digest   oci.Digest
	referrer bool // it says something about another one, so that no tag need lead to it
}

// count is how many things there are to do.
func (c changes) count() int {
	return len(c.artifacts) + len(c.tags) + len(c.referrers) + len(c.deletions)
}

// items is how many tags and artifacts that concerns: what Harbor counts.
func (c changes) items() (n int) {
	for _, a := range c.artifacts {
		n += max(len(a.tags), 1)
	}
	return n + len(c.tags) + len(c.referrers) + len(c.deletions)
}

const (
	// headsAtOnce is how many small questions one comparison asks a registry at a time.
	headsAtOnce = 16
	// maxSkipped bounds the words on what was left alone.
	maxSkipped = 1000
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
		if theirs, _, err = c.src.tags(ctx, c.note, c.repository); err != nil {
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
	if err := c.companions(ctx, &ch, states, theirs, ours); err != nil {
		return ch, err
	}
	if c.policy.Deletion {
		return ch, c.lost(ctx, &ch, theirs, ours)
	}
	return ch, nil
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

// each does something for all of many things, some at a time.
func each[T any](ctx context.Context, all []T, do func(ctx context.Context, i int, v T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(headsAtOnce)
	for i, v := range all {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return do(ctx, i, v) })
	}
	return g.Wait()
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
		wanted, err := c.labelled(ctx, ref)
		if err != nil || !wanted {
			return err
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

func (ch *changes) skip(format string, args ...any) {
	if len(ch.skipped) < maxSkipped {
		ch.skipped = append(ch.skipped, fmt.Sprintf(format, args...))
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

// companions adds what is said about artifacts that the destination has: what refers to them, and Cosign's tags. What is copied
// brings its own along.
func (c *comparison) companions(ctx context.Context, ch *changes, states []state, theirs, ours map[string]oci.Digest) error {
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
	for _, subject := range slices.Sorted(maps.Keys(c.signature)) {
		if copied[subject] {
			continue
		}
		for _, tag := range c.signature[subject] {
			st, err := c.complete(ctx, []state{{tag: tag, src: theirs[tag], dst: ours[tag]}}, func(tag string) bool { _, listed := ours[tag]; return listed })
			if err != nil {
				return err
			}
			if len(st) == 0 || st[0].src == st[0].dst {
				continue
			}
			if known, asked := there[subject]; !asked {
				if _, known, err = c.dst.find(ctx, c.note, c.name, oci.DigestReference(subject)); err != nil {
					return err
				}
				there[subject] = known
			} else if !known {
				continue
			}
			if there[subject] {
				ch.tags = append(ch.tags, signatureTag{tag, subject, st[0].src})
			}
		}
	}
	return nil
}

// unlisted adds referrers that the destination lacks of what it has.
func (c *comparison) unlisted(ctx context.Context, ch *changes, there, copied map[oci.Digest]bool) error {
	if ch.fresh {
		return nil
	}
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
		for _, f := range found {
			missing, err := c.lacks(ctx, f.Digest)
			if err != nil || !missing {
				if err != nil {
					return err
				}
				continue
			}
			mu.Lock()
			known := there[subject]
			mu.Unlock()
			if !known {
				missing, err := c.lacks(ctx, subject)
				if err != nil {
					return err
				}
				if missing {
					return nil
				}
			}
			mu.Lock()
			ch.referrers = append(ch.referrers, f.Digest)
			mu.Unlock()
		}
		return nil
	})
}

func (c *comparison) lacks(ctx context.Context, d oci.Digest) (bool, error) {
	_, there, err := c.dst.find(ctx, c.note, c.name, oci.DigestReference(d))
	return !there, err
}

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
		if err := c.lose(ctx, ch, tag, recorded[tag], true); err != nil {
			return err
		}
	}
	return nil
}

// lose has a tag deleted that the source has no more.
func (c *comparison) lose(ctx context.Context, ch *changes, tag string, r copied, known bool) error {
	found, there, err := c.dst.find(ctx, c.note, c.name, oci.TagReference(tag))
	switch {
	case err != nil:
		return err
	case !there:
	case known && (string(found.Digest) != r.digest || r.destination != c.name):
		ch.skip("%s:%s is gone, and stays at the destination: it is another one there", c.repository, tag)
	default:
		ch.deletions = append(ch.deletions, deletion{tag: tag, digest: found.Digest})
		return nil
	}
	ch.forget = append(ch.forget, tag)
	return nil
}

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
