package registry

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
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

// holding is a blob in a repository.
type holding struct {
	idle    time.Duration // since when nothing names it, -1 while something does
	counted bool          // in the quota
}

// modelRepository is what one repository holds.
type modelRepository struct {
	exists    bool
	blobs     map[oci.Digest]holding
	manifests map[oci.Digest]document
	tags      map[string]oci.Digest
}

func newModelRepository() *modelRepository {
	return &modelRepository{blobs: map[oci.Digest]holding{}, manifests: map[oci.Digest]document{}, tags: map[string]oci.Digest{}}
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

func (m *modelRepository) clone() *modelRepository {
	return &modelRepository{m.exists, maps.Clone(m.blobs), maps.Clone(m.manifests), maps.Clone(m.tags)}
}

func (m *modelRepository) names(b oci.Digest) bool {
	for _, doc := range m.manifests {
		if slices.Contains(doc.blobs(), b) {
			return true
		}
	}
	return false
}

// add is a push or a mount.
func (m *modelRepository) add(b oci.Digest, now time.Duration) {
	if !m.names(b) {
		m.blobs[b] = holding{now, true}
	}
}

// release lets go of what nothing names any more.
func (m *modelRepository) release(now time.Duration) {
	for b, h := range m.blobs {
		if h.idle < 0 && !m.names(b) {
			m.blobs[b] = holding{now, false}
		}
	}
}

// reclaim ends what was idle for the grace.
func (m *modelRepository) reclaim(now time.Duration) {
	maps.DeleteFunc(m.blobs, func(_ oci.Digest, h holding) bool { return h.idle >= 0 && now-h.idle >= DefaultReclaimAfter })
}

func (m *modelRepository) put(d document, tag string, damaged map[oci.Digest]bool) error {
	for _, b := range d.blobs() {
		if _, ok := m.blobs[b]; !ok || damaged[b] {
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
	for _, b := range d.blobs() {
		m.blobs[b] = holding{-1, true}
	}
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
			to.blobs[b] = holding{-1, true}
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
	rt      *rapid.T
	refs    []Ref
	model   map[string]*modelRepository
	damaged map[oci.Digest]bool // bytes in the store that a scrub found wrong
	limits  map[int64]int64     // by project; none: no limit
	trash   map[int64]trashed   // by id
}

// trashed is what one deletion took.
type trashed struct {
	ref       Ref
	tag       string // alone, when that is what was deleted
	manifests map[oci.Digest]document
	tags      map[string]oci.Digest
	until     time.Duration
	charged   int64
}

func TestRegistryIsAsTheModel(t *testing.T) {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		project := int64(2)
		rapid.Check(t, func(rt *rapid.T) {
			f.clear()
			w := world{fixture: f, universe: newUniverse(), rt: rt, model: map[string]*modelRepository{}, damaged: map[oci.Digest]bool{}, limits: map[int64]int64{}, trash: map[int64]trashed{}}
			rules := Rules{KeepDeleted: rapid.SampledFrom([]time.Duration{0, 2 * DefaultReclaimAfter, 2 * DefaultReclaimAfter}).Draw(rt, "keep")}
			rules.CountDeleted = rapid.Bool().Draw(rt, "count")
			w.rules.latest.Store(&rules)
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
			w.end()
		})
	})
}

// clear forgets what another run left, perhaps a failed one.
func (f *fixture) clear() {
	f.t.Helper()
	for _, table := range []string{"trash", "tag_history", "tag", "manifest_child", "manifest_blob", "manifest", "manifest_content", "repository_blob", "upload", "blob",
		"discarded", "repository", "project_usage"} {
		f.exec(`DELETE FROM ` + table)
	}
	f.dir = f.t.TempDir()
	f.reopen()
}

// end deletes everything, and nothing is left of it.
func (w world) end() {
	for _, ref := range w.refs {
		if w.model[ref.FullName()].exists {
			w.same("drop at the end", w.DeleteRepository(ctx, pusher, ref), nil)
		}
	}
	w.clock.skip(DefaultUploadLifetime) // longer than anything is kept
	w.ageUploads()
	w.reclaimAll()
	w.pass()
	w.pass()
	blobs, uploads := w.files()
	rows := w.count(`SELECT (SELECT COUNT(*) FROM repository) + (SELECT COUNT(*) FROM blob) + (SELECT COUNT(*) FROM repository_blob) + (SELECT COUNT(*) FROM upload) +
		(SELECT COUNT(*) FROM trash)`)
	if blobs+uploads != 0 || rows != 0 {
		w.rt.Fatalf("in the end %d blobs, %d uploads and %d rows are left", blobs, uploads, rows)
	}
}

// now is the time that has passed; within a step none does.
func (w world) now() time.Duration { return time.Duration(w.clock.skipped.Load()) }

// usage is the sum over the project's repositories: blobs once, manifests each time.
func (w world) usage(projectID int64) (total int64) {
	counted := map[oci.Digest]bool{}
	for _, ref := range w.refs {
		if ref.ProjectID != projectID {
			continue
		}
		m := w.model[ref.FullName()]
		for d := range m.manifests {
			total += m.manifests[d].descriptor().Size
		}
		for b, h := range m.blobs {
			counted[b] = counted[b] || h.counted
		}
	}
	for _, content := range w.blobs {
		if counted[oci.SHA256Of(content)] {
			total += int64(len(content))
		}
	}
	for _, e := range w.trash {
		if e.ref.ProjectID == projectID {
			total += e.charged
		}
	}
	return total
}

// kept notes a deletion from what the repository was before it, or m's tag.
func (w world) kept(ref Ref, was *modelRepository, before int64, tag string) {
	rules := w.rules.current()
	if rules.KeepDeleted == 0 {
		return
	}
	rows, err := w.Trash(ctx, ref.ProjectID, TrashFilter{Size: 1})
	w.ok(err)
	if len(rows) == 0 {
		w.rt.Fatal("a deletion can't be undone")
	}
	m := w.model[ref.FullName()]
	e := trashed{ref: ref, tag: tag, manifests: map[oci.Digest]document{}, tags: map[string]oci.Digest{}, until: w.now() + rules.KeepDeleted}
	for d, doc := range was.manifests {
		if _, stays := m.manifests[d]; !stays {
			e.manifests[d] = doc
		}
	}
	for name, d := range was.tags {
		if _, stays := m.tags[name]; !stays {
			e.tags[name] = d
		}
	}
	if rules.CountDeleted && tag == "" {
		e.charged = before - w.usage(ref.ProjectID)
	}
	if _, twice := w.trash[rows[0].ID]; twice || rows[0].Repository != ref.Name || rows[0].Counted != e.charged {
		w.rt.Fatalf("the last deletion is %+v, the model says %+v", rows[0], e)
	}
	w.trash[rows[0].ID] = e
}

// undo undoes some deletion.
func (w world) undo() {
	if len(w.trash) == 0 {
		return
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(w.trash))).Draw(w.rt, "deletion")
	e := w.trash[id]
	_, err := w.Undelete(ctx, pusher, e.ref, id, "")
	if w.now() >= e.until {
		w.same("undo", err, fault.NotFound)
		return
	}
	m := w.model[e.ref.FullName()]
	was, before := m.clone(), w.usage(e.ref.ProjectID)
	delete(w.trash, id)
	want := m.undo(e)
	limit, limited := w.limits[e.ref.ProjectID]
	if after := w.usage(e.ref.ProjectID); want == nil && limited && after > before && after > limit {
		want = ErrQuota
	}
	if want != nil {
		*m, w.trash[id] = *was, e
		if errors.Is(err, ErrQuota) && limited { // both refuse; the registry looks at the quota first
			want = ErrQuota
		}
	}
	w.same("undo", err, want)
}

// undo brings back what isn't there; tags that name something else stay.
func (m *modelRepository) undo(e trashed) error {
	if e.tag != "" {
		d := e.tags[e.tag]
		if _, there := m.manifests[d]; !there || m.tags[e.tag] != "" {
			return fault.Conflict
		}
		m.tags[e.tag] = d
		return nil
	}
	fresh := map[oci.Digest]document{}
	for d, doc := range e.manifests {
		if _, there := m.manifests[d]; !there {
			fresh[d] = doc
		}
	}
	maps.Copy(m.manifests, fresh)
	for _, doc := range fresh {
		for _, c := range doc.children() {
			if _, there := m.manifests[c]; !there {
				return fault.Conflict
			}
		}
		for _, b := range doc.blobs() {
			m.blobs[b] = holding{-1, true}
		}
	}
	for name, d := range e.tags {
		if m.tags[name] == "" {
			m.tags[name] = d
		}
	}
	m.exists = true
	return nil
}

// within does something to the repository in the model, unless the project's limit forbids it.
func (w world) within(ref Ref, do func(m *modelRepository) error) error {
	m := w.model[ref.FullName()]
	was, before := m.clone(), w.usage(ref.ProjectID)
	if err := do(m); err != nil {
		return err
	}
	limit, limited := w.limits[ref.ProjectID]
	if after := w.usage(ref.ProjectID); limited && after > before && after > limit {
		*m = *was
		return ErrQuota
	}
	return nil
}

func (w world) pushBlob(ref Ref, content []byte) {
	d := oci.SHA256Of(content)
	_, err := w.PutBlob(ctx, ref, d, bytes.NewReader(content))
	w.same("push of a blob", err, w.within(ref, func(m *modelRepository) error {
		m.add(d, w.now())
		return nil
	}))
	if err == nil {
		delete(w.damaged, d)
	}
}

func (w world) pushManifest(ref Ref, doc document, tag string) {
	_, err := w.put(ref, doc, tag)
	w.same("push of a manifest", err, w.within(ref, func(m *modelRepository) error { return m.put(doc, tag, w.damaged) }))
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
	switch action := rapid.SampledFrom(actions).Draw(w.rt, "action"); action {
	case "scene":
		w.prepare(ref, doc)
		w.pushManifest(ref, doc, tag)
	case "push":
		w.pushManifest(ref, doc, tag)
	case "blob":
		w.pushBlob(ref, content)
	case "begin":
		u, err := w.StartUpload(ctx, ref)
		if errors.Is(err, ErrQuota) {
			return
		}
		w.ok(err)
		_, err = w.Append(ctx, ref, u.ID, 0, bytes.NewReader(content))
		w.ok(err)
	case "mount":
		from, source := w.repository("from")
		_, err := w.Mount(ctx, ref, from, b)
		w.same("mount", err, w.within(ref, func(m *modelRepository) error {
			if _, ok := source.blobs[b]; !ok || w.damaged[b] {
				return ErrBlobUnknown
			}
			m.add(b, w.now())
			return nil
		}))
	case "head":
		h, ok := m.blobs[b]
		if _, err := w.StatBlob(ctx, ref, b); (err == nil) != (ok && !w.damaged[b]) {
			w.rt.Fatalf("head: %v, the model says %v", err, ok)
		}
		if ok && !w.damaged[b] && h.idle >= 0 && w.now()-h.idle > DefaultReclaimAfter/4 {
			m.blobs[b] = holding{w.now(), h.counted}
		}
	case "time":
		w.clock.skip(rapid.SampledFrom([]time.Duration{DefaultReclaimAfter / 2, DefaultReclaimAfter}).Draw(w.rt, "passing"))
	case "reclaim":
		w.reclaimAll()
		for _, m := range w.model {
			m.reclaim(w.now())
		}
		maps.DeleteFunc(w.trash, func(_ int64, e trashed) bool { return w.now() >= e.until })
	case "damage":
		if w.count(`SELECT COUNT(*) FROM blob WHERE digest = $1`, b) > 0 {
			w.exec(`UPDATE blob SET damaged = TRUE WHERE digest = $1`, b)
			w.damaged[b] = true
		}
	case "limit":
		w.limits[ref.ProjectID] = w.usage(ref.ProjectID) + rapid.SampledFrom([]int64{0, 20, 400}).Draw(w.rt, "room")
		w.exec(`UPDATE project SET storage_limit = $1 WHERE id = $2`, w.limits[ref.ProjectID], ref.ProjectID)
	case "no limit":
		delete(w.limits, ref.ProjectID)
		w.exec(`UPDATE project SET storage_limit = -1 WHERE id = $1`, ref.ProjectID)
	case "untag":
		was, before := m.clone(), w.usage(ref.ProjectID)
		err := w.DeleteTag(ctx, pusher, ref, "v1")
		if _, ok := m.tags["v1"]; !ok {
			w.same("untag", err, ErrTagUnknown)
			return
		}
		w.same("untag", err, nil)
		delete(m.tags, "v1")
		w.kept(ref, was, before, "v1")
	case "delete":
		d = w.likely(m, d)
		was, before := m.clone(), w.usage(ref.ProjectID)
		want := m.remove(d)
		w.same("delete", w.DeleteManifest(ctx, pusher, ref, d), want)
		if m.release(w.now()); want == nil {
			w.kept(ref, was, before, "")
		}
	case "unlink":
		w.same("unlink", w.DeleteBlob(ctx, ref, b), m.unlink(b))
	case "copy":
		to, _ := w.repository("to")
		d = w.likely(m, d)
		err := w.Copy(ctx, pusher, to, ref, oci.DigestReference(d))
		w.same("copy", err, w.within(to, func(target *modelRepository) error { return m.copyTo(target, d) }))
	case "drop":
		was, before := m.clone(), w.usage(ref.ProjectID)
		err := w.DeleteRepository(ctx, pusher, ref)
		if !m.exists {
			w.same("drop", err, ErrRepositoryUnknown)
			return
		}
		w.same("drop", err, nil)
		*m = *newModelRepository()
		w.kept(ref, was, before, "")
	case "undo":
		w.undo()
	}
}

// actions are what a step may be; what is there twice comes more often.
var actions = []string{"scene", "scene", "scene", "scene", "scene", "push", "blob", "begin", "mount", "mount", "head", "head", "head", "time", "time", "reclaim", "reclaim",
	"damage", "limit", "no limit", "no limit", "untag", "delete", "delete", "delete", "unlink", "copy", "drop", "undo", "undo", "undo"}

// prepare uploads and pushes what a document needs, so that pushes succeed often enough.
func (w world) prepare(ref Ref, doc document) {
	for _, content := range w.blobs {
		if d := oci.SHA256Of(content); slices.Contains(doc.blobs(), d) {
			w.pushBlob(ref, content)
		}
	}
	for _, c := range doc.children() {
		w.prepare(ref, w.kinds[c])
		w.pushManifest(ref, w.kinds[c], "")
	}
}

func (m *modelRepository) unlink(b oci.Digest) error {
	if _, ok := m.blobs[b]; !ok {
		return ErrBlobUnknown
	}
	if m.names(b) {
		return ErrReferenced
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
		w.compareBlobs(ref, m)
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
	if n := w.count(`SELECT COUNT(*) FROM manifest m JOIN repository r ON r.id = m.repository_id WHERE m.project_id <> CASE WHEN r.name LIKE 'deleted:%' THEN 0 ELSE r.project_id END
		OR m.tagged <> EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)`); n != 0 {
		w.rt.Fatalf("%d manifests say another project than their repository, or that they are tagged and are not", n)
	}
	const lastNaming = `FROM tag_history h WHERE h.id = (SELECT MAX(l.id) FROM tag_history l WHERE l.repository_id = h.repository_id AND l.name = h.name)`
	if n := w.count(`SELECT COUNT(*) FROM tag t JOIN manifest m ON m.id = t.manifest_id JOIN repository r ON r.id = t.repository_id AND NOT r.hidden
		WHERE NOT EXISTS (SELECT 1 ` + lastNaming + ` AND h.repository_id = t.repository_id AND h.name = t.name AND h.digest = m.digest)`); n != 0 {
		w.rt.Fatalf("%d tags don't name what their history says", n)
	}
	if n := w.count(`SELECT COUNT(*) ` + lastNaming + ` AND h.digest <> '' AND EXISTS (SELECT 1 FROM repository r WHERE r.id = h.repository_id AND NOT r.hidden) AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = h.repository_id AND t.name = h.name)`); n != 0 {
		w.rt.Fatalf("%d tags are gone and their history doesn't say so", n)
	}
	found, err := w.VerifyUsage(ctx)
	w.ok(err)
	if len(found) > 0 {
		w.rt.Fatal(found)
	}
	for _, ref := range w.refs[1:] {
		if got, want := w.used(ref.ProjectID), w.usage(ref.ProjectID); got != want {
			w.rt.Fatalf("%s holds %d bytes, the model says %d", ref.Project, got, want)
		}
	}
}

// compareBlobs reads the bytes of all that the repository says it holds.
func (w world) compareBlobs(ref Ref, m *modelRepository) {
	for _, content := range w.blobs {
		d := oci.SHA256Of(content)
		_, want := m.blobs[d]
		b, err := w.Blob(ctx, ref, d)
		if (err == nil) != (want && !w.damaged[d]) {
			w.rt.Fatalf("%s has blob %s: %v, the model says %v", ref.FullName(), d, err, want)
		}
		if err != nil {
			continue
		}
		if got, err := w.readBlob(ctx, b); err != nil || !bytes.Equal(got, content) {
			w.rt.Fatalf("blob %s of %s reads %q, %v", d, ref.FullName(), got, err)
		}
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
