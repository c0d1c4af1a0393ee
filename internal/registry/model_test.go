package registry

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
)

// The model is the registry as one would explain it: maps, and rules written down directly.

// universe is the few documents and blobs that a run is about.
type universe struct {
	docs  []document
	blobs [][]byte
	kinds map[oci.Digest]document
}

func newUniverse() universe {
	u := universe{kinds: map[oci.Digest]document{}}
	blob := func(mediaType, content string) oci.Descriptor {
		u.blobs = append(u.blobs, []byte(content))
		return oci.Descriptor{MediaType: mediaType, Digest: oci.SHA256Of([]byte(content)), Size: int64(len(content))}
	}
	add := func(d document) oci.Descriptor {
		u.docs = append(u.docs, d)
		u.kinds[d.descriptor().Digest] = d
		return d.descriptor()
	}
	shared, empty := blob("application/vnd.oci.image.layer.v1.tar", "shared layer"), blob(oci.MediaTypeEmpty, "{}")
	image := func(seed string) oci.Descriptor {
		config := blob(oci.MediaTypeImageConfig, `{"os":"`+seed+`"}`)
		return add(document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, Config: &config, Layers: []oci.Descriptor{shared}})
	}
	about := func(subject oci.Descriptor, seed string) oci.Descriptor {
		return add(document{SchemaVersion: 2, MediaType: oci.MediaTypeImageManifest, ArtifactType: "text/" + seed, Config: &empty,
			Layers: []oci.Descriptor{empty}, Subject: &subject})
	}
	one, two, three := image("one"), image("two"), image("three")
	pair, other := add(index(one, two)), add(index(two, three))
	add(index(pair, three))
	about(one, "of-one")
	onPair := about(pair, "of-pair")
	about(onPair, "of-that")
	inIndex := about(two, "in-index")
	add(index(two, inIndex))
	_ = other
	return u
}

func (d document) children() []oci.Digest {
	var found []oci.Digest
	if d.Manifests != nil {
		for _, c := range *d.Manifests {
			found = append(found, c.Digest)
		}
	}
	return found
}

func (d document) blobs() []oci.Digest {
	var found []oci.Digest
	if d.Config != nil {
		found = append(found, d.Config.Digest)
	}
	for _, l := range d.Layers {
		found = append(found, l.Digest)
	}
	return found
}

func (d document) subject() oci.Digest {
	if d.Subject == nil {
		return ""
	}
	return d.Subject.Digest
}

// modelRepository is what one repository holds.
type modelRepository struct {
	exists    bool
	blobs     map[oci.Digest]bool
	manifests map[oci.Digest]document
	tags      map[string]oci.Digest
}

func newModelRepository() *modelRepository {
	return &modelRepository{blobs: map[oci.Digest]bool{}, manifests: map[oci.Digest]document{}, tags: map[string]oci.Digest{}}
}

func (m *modelRepository) tagged(d oci.Digest) bool {
	return slices.Contains(slices.Collect(maps.Values(m.tags)), d)
}

func (m *modelRepository) parents(d oci.Digest) []oci.Digest {
	var found []oci.Digest
	for p, doc := range m.manifests {
		if slices.Contains(doc.children(), d) {
			found = append(found, p)
		}
	}
	return found
}

func (m *modelRepository) put(d document, tag string) error {
	for _, b := range d.blobs() {
		if !m.blobs[b] {
			return ErrBlobUnknown
		}
	}
	for _, c := range d.children() {
		if _, ok := m.manifests[c]; !ok {
			return ErrBlobUnknown
		}
	}
	m.exists = true
	m.manifests[d.descriptor().Digest] = d
	if tag != "" {
		m.tags[tag] = d.descriptor().Digest
	}
	return nil
}

// remove takes root, and again and again what hangs on something taken, has nothing that needs it, and
// either has a subject that was taken or no tag.
func (m *modelRepository) remove(root oci.Digest) error {
	if _, ok := m.manifests[root]; !ok {
		return ErrManifestUnknown
	}
	if len(m.parents(root)) > 0 {
		return ErrReferenced
	}
	dead := map[oci.Digest]bool{root: true}
	for changed := true; changed; {
		changed = false
		for d, doc := range m.manifests {
			_, subjectThere := m.manifests[doc.subject()]
			hangs, needed := dead[doc.subject()], subjectThere && !dead[doc.subject()]
			for _, p := range m.parents(d) {
				hangs, needed = hangs || dead[p], needed || !dead[p]
			}
			if !dead[d] && hangs && !needed && (dead[doc.subject()] || !m.tagged(d)) {
				dead[d], changed = true, true
			}
		}
	}
	for d := range dead {
		delete(m.manifests, d)
	}
	maps.DeleteFunc(m.tags, func(_ string, d oci.Digest) bool { return dead[d] })
	return nil
}

func (m *modelRepository) copyTo(to *modelRepository, root oci.Digest) error {
	doc, ok := m.manifests[root]
	if !ok {
		return ErrManifestUnknown
	}
	if doc.Subject != nil {
		return ErrIsAccessory
	}
	family := map[oci.Digest]bool{root: true}
	for changed := true; changed; {
		changed = false
		for d, doc := range m.manifests {
			hangs := family[doc.subject()]
			for _, p := range m.parents(d) {
				hangs = hangs || family[p]
			}
			if hangs && !family[d] {
				family[d], changed = true, true
			}
		}
	}
	to.exists = true
	for d := range family {
		to.manifests[d] = m.manifests[d]
		for _, b := range m.manifests[d].blobs() {
			to.blobs[b] = true
		}
	}
	for tag, d := range m.tags {
		if d == root || family[d] && m.manifests[d].Subject != nil {
			to.tags[tag] = d
		}
	}
	return nil
}

func (m *modelRepository) listed() []oci.Digest {
	found := []oci.Digest{}
	for d, doc := range m.manifests {
		if doc.Subject == nil && (m.tagged(d) || len(m.parents(d)) == 0) {
			found = append(found, d)
		}
	}
	slices.Sort(found)
	return found
}

// world is a run: the registry and its model side by side.
type world struct {
	fixture
	universe
	rt    *rapid.T
	refs  []Ref
	model map[string]*modelRepository
}

func TestRegistryIsAsTheModel(t *testing.T) {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		project := int64(2)
		rapid.Check(t, func(rt *rapid.T) {
			w := world{fixture: f, universe: newUniverse(), rt: rt, model: map[string]*modelRepository{}}
			for range 2 { // projects of their own for each run
				project++
				f.exec(`INSERT INTO project (id, name, owner_id, created_at, updated_at) VALUES ($1, $2, 1, 0, 0)`, project, fmt.Sprint("p", project))
			}
			for _, ref := range []Ref{{project, fmt.Sprint("p", project), "a"}, {project, fmt.Sprint("p", project), "b/c"}, {project - 1, fmt.Sprint("p", project-1), "a"}} {
				w.refs = append(w.refs, ref)
				w.model[ref.FullName()] = newModelRepository()
			}
			for range rapid.IntRange(5, 40).Draw(rt, "steps") {
				w.step()
				w.compare()
			}
		})
	})
}

func (w world) repository(label string) (Ref, *modelRepository) {
	// Mostly the first, or too little would meet there.
	ref := w.refs[rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2}).Draw(w.rt, label)]
	return ref, w.model[ref.FullName()]
}

// likely mostly picks a manifest that is there and is no child, so that something comes of it.
func (w world) likely(m *modelRepository, d oci.Digest) oci.Digest {
	var roots []oci.Digest
	for d, doc := range m.manifests {
		if len(m.parents(d)) == 0 && (doc.Subject == nil || len(m.manifests) == 1) {
			roots = append(roots, d)
		}
	}
	if len(roots) == 0 || rapid.IntRange(0, 4).Draw(w.rt, "anything") == 0 {
		return d
	}
	slices.Sort(roots)
	return rapid.SampledFrom(roots).Draw(w.rt, "root")
}

// same checks that registry and model refuse alike.
func (w world) same(what string, got, want error) {
	if !errors.Is(got, want) || want == nil && got != nil {
		w.rt.Fatalf("%s: %v, the model says %v", what, got, want)
	}
}

func (w world) step() {
	ref, m := w.repository("repository")
	doc := rapid.SampledFrom(w.docs).Draw(w.rt, "document")
	d := doc.descriptor().Digest
	tag := rapid.SampledFrom([]string{"", "", "v1", "v2", "latest"}).Draw(w.rt, "tag")
	content := rapid.SampledFrom(w.blobs).Draw(w.rt, "blob")
	b := oci.SHA256Of(content)
	switch action := rapid.SampledFrom([]string{"scene", "scene", "scene", "scene", "scene", "push", "mount", "untag", "delete", "delete", "delete", "unlink", "copy", "drop"}).Draw(w.rt, "action"); action {
	case "scene":
		w.prepare(ref, m, doc)
		_, err := w.put(ref, doc, tag)
		w.same("push of what is prepared", err, m.put(doc, tag))
	case "push":
		_, err := w.put(ref, doc, tag)
		w.same("push", err, m.put(doc, tag))
	case "mount":
		from, source := w.repository("from")
		_, err := w.Mount(ctx, ref, from, b)
		if !source.blobs[b] {
			w.same("mount", err, ErrBlobUnknown)
			return
		}
		w.same("mount", err, nil)
		m.blobs[b] = true
	case "untag":
		err := w.DeleteTag(ctx, pusher, ref, "v1")
		if _, ok := m.tags["v1"]; !ok {
			w.same("untag", err, ErrTagUnknown)
			return
		}
		w.same("untag", err, nil)
		delete(m.tags, "v1")
	case "delete":
		d = w.likely(m, d)
		w.same("delete", w.DeleteManifest(ctx, pusher, ref, d), m.remove(d))
	case "unlink":
		w.same("unlink", w.DeleteBlob(ctx, ref, b), m.unlink(b))
	case "copy":
		to, target := w.repository("to")
		d = w.likely(m, d)
		err := w.Copy(ctx, pusher, to, ref, oci.DigestReference(d))
		w.same("copy", err, m.copyTo(target, d))
	case "drop":
		err := w.DeleteRepository(ctx, pusher, ref)
		if !m.exists {
			w.same("drop", err, ErrRepositoryUnknown)
			return
		}
		w.same("drop", err, nil)
		*m = *newModelRepository()
	}
}

// prepare uploads and pushes what a document needs, so that pushes succeed often enough.
func (w world) prepare(ref Ref, m *modelRepository, doc document) {
	for _, content := range w.blobs {
		if d := oci.SHA256Of(content); slices.Contains(doc.blobs(), d) {
			w.blob(ref, "", content)
			m.blobs[d] = true
		}
	}
	for _, c := range doc.children() {
		w.prepare(ref, m, w.kinds[c])
		_, err := w.put(ref, w.kinds[c], "")
		w.same("push of a child", err, m.put(w.kinds[c], ""))
	}
}

func (m *modelRepository) unlink(b oci.Digest) error {
	if !m.blobs[b] {
		return ErrBlobUnknown
	}
	for _, doc := range m.manifests {
		if slices.Contains(doc.blobs(), b) {
			return ErrReferenced
		}
	}
	delete(m.blobs, b)
	return nil
}

// compare asks the registry everything that the model knows.
func (w world) compare() {
	for _, ref := range w.refs {
		m := w.model[ref.FullName()]
		for _, doc := range w.docs {
			d := doc.descriptor()
			if _, want := m.manifests[d.Digest]; w.there(ref, d) != want {
				w.rt.Fatalf("%s has %s: %v, the model says %v", ref.FullName(), d.Digest, !want, want)
			}
		}
		for _, content := range w.blobs {
			d := oci.SHA256Of(content)
			if _, err := w.Blob(ctx, ref, d); (err == nil) != m.blobs[d] {
				w.rt.Fatalf("%s has blob %s: %v, the model says %v", ref.FullName(), d, err, m.blobs[d])
			}
		}
		w.compareNames(ref, m)
		w.compareReferrers(ref, m)
	}
	if n := w.count(`SELECT COUNT(*) FROM manifest_content c WHERE NOT EXISTS (SELECT 1 FROM manifest m WHERE m.digest = c.digest)`); n != 0 {
		w.rt.Fatalf("%d contents without a manifest", n)
	}
	if n := w.count(`SELECT COUNT(*) FROM repository r
		WHERE r.artifact_count <> (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = r.id AND m.listed)`); n != 0 {
		w.rt.Fatalf("%d repositories with a wrong number of artifacts", n)
	}
	if n := w.count(`SELECT COUNT(*) FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE m.project_id <> r.project_id`); n != 0 {
		w.rt.Fatalf("%d manifests say another project than their repository", n)
	}
}

func (w world) compareNames(ref Ref, m *modelRepository) {
	tags, _, err := w.Tags(ctx, ref, "", -1)
	if !m.exists {
		w.same("tags", err, ErrRepositoryUnknown)
	} else if want := slices.Sorted(maps.Keys(m.tags)); err != nil || !slices.Equal(tags, want) {
		w.rt.Fatalf("tags of %s: %q, %v; the model says %q", ref.FullName(), tags, err, want)
	}
	for tag, want := range m.tags {
		if got, err := w.ManifestInfo(ctx, ref, oci.TagReference(tag)); err != nil || got.Digest != want {
			w.rt.Fatalf("%s:%s is %s, %v; the model says %s", ref.FullName(), tag, got.Digest, err, want)
		}
	}
	got := w.list(ref, ArtifactFilter{}, db.List{})
	slices.Sort(got)
	if want := m.listed(); !slices.Equal(got, want) {
		w.rt.Fatalf("%s lists %v, the model says %v", ref.FullName(), got, want)
	}
}

func (w world) compareReferrers(ref Ref, m *modelRepository) {
	for _, doc := range w.docs {
		subject := doc.descriptor().Digest
		page, _, err := w.Referrers(ctx, ref, subject, "", 0, 100)
		w.ok(err)
		got, want := []oci.Digest{}, []oci.Digest{}
		for _, r := range page {
			got = append(got, r.Digest)
		}
		for d, doc := range m.manifests {
			if doc.subject() == subject {
				want = append(want, d)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			w.rt.Fatalf("referrers of %s in %s: %v, the model says %v", subject, ref.FullName(), got, want)
		}
	}
}
