package registry

import (
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// A pull reads the same few rows as the pull before it. Where no other process serves the database they are
// remembered, each with the version of the tables that it was read at, which was asked for before: what changed while
// it was read is not believed. Any statement that writes to these tables ends all of it when it is committed, before
// its caller hears of that; but for those below, which add what wasn't there, or touch nothing that is remembered. A
// statement that somebody will think of is none of them. So a push costs those nothing who pull other images.
//
// What isn't there is never remembered, nor who may read what.

// harmless are the statements that make no difference to blobs of a repository and to manifests by their digest.
var harmless = []string{
	insertRepository, touchRepository, describeRepository, countPulls, countArtifacts,
	insertMember, insertFirst, renewMember, pinMembers.before, releaseMembers.before, emptyMembers, copyMembers.before,
	insertBlob, makeDurable.before, condemnUnheld.before,
	insertManifest, copyManifests.before, becomeAccessory, showAs.before, stampPulled,
	insertContent,
}

// WatchGraph watches what says which manifests belong together: children, accessories and tags. Who pulled what, and when,
// makes no difference.
func WatchGraph(d *db.DB) *db.Watch {
	return d.WatchBut([]string{insertRepository, touchRepository, describeRepository, countPulls, countArtifacts, stampPulled, stampTagPull},
		"repository", "manifest", "manifest_child", "tag", "project")
}

// Bounds of what is remembered, in bytes of memory.
const (
	maxKnownBlobs     = 8 << 20
	maxKnownManifests = 16 << 20
	maxKnownTags      = 4 << 20
	// maxKnownContent is the size of the largest manifest that is remembered.
	maxKnownContent = 64 << 10
)

// known is what pulls read.
type known struct {
	held, pointed *db.Watch // of blobs and manifests, and of tags
	blobs         *db.Memo[place, Blob]
	manifests     *db.Memo[place, Manifest]
	tags          *db.Memo[place, oci.Digest]
}

func newKnown(d *db.DB) known {
	return known{
		held:      d.WatchBut(harmless, "repository", "repository_blob", "blob", "manifest", "manifest_content", "project"),
		pointed:   d.WatchBut(append([]string{stampTagPull}, harmless...), "repository", "tag"),
		blobs:     db.NewMemo[place, Blob](maxKnownBlobs),
		manifests: db.NewMemo[place, Manifest](maxKnownManifests),
		tags:      db.NewMemo[place, oci.Digest](maxKnownTags),
	}
}

// place is a name in a repository: the digest of a blob or manifest, or a tag.
type place struct {
	projectID        int64
	repository, name string
}

func placeOf(ref Ref, name string) place { return place{ref.ProjectID, ref.Name, name} }

// kept is the place for a Memo: a part of a request's path would keep all of it.
func (p place) kept() place {
	p.repository, p.name = strings.Clone(p.repository), strings.Clone(p.name)
	return p
}

// now is the version of the tables, before anything is looked up; the zero value is one at which nothing is known.
func (k *known) now() (v knownAt) {
	held, ok := k.held.Version()
	pointed, _ := k.pointed.Version()
	return knownAt{ok, held, pointed}
}

// knownAt is a version of the tables; ok: what was read then may be remembered.
type knownAt struct {
	ok            bool
	held, pointed int64
}

func (k *known) blob(at knownAt, ref Ref, d oci.Digest) (Blob, bool) {
	if !at.ok {
		return Blob{}, false
	}
	return k.blobs.Get(at.held, placeOf(ref, string(d)))
}

func (k *known) learnBlob(at knownAt, ref Ref, b Blob) {
	if at.ok {
		k.blobs.Put(at.held, placeOf(ref, string(b.Digest)).kept(), b, len(ref.Name)+2*len(b.Digest)+len(b.Location))
	}
}

// manifest returns a manifest with its bytes.
func (k *known) manifest(at knownAt, ref Ref, r oci.Reference) (Manifest, bool) {
	if !at.ok {
		return Manifest{}, false
	}
	d := r.Digest()
	if !r.IsDigest() {
		var ok bool
		if d, ok = k.tags.Get(at.pointed, placeOf(ref, r.Tag())); !ok {
			return Manifest{}, false
		}
	}
	m, ok := k.manifests.Get(at.held, placeOf(ref, string(d)))
	m.Tag = r.Tag()
	return m, ok
}

// learnManifest remembers a manifest that was read with its bytes.
func (k *known) learnManifest(at knownAt, ref Ref, m Manifest) {
	if !at.ok || m.Content == nil || len(m.Content) > maxKnownContent {
		return
	}
	if m.Tag != "" {
		k.tags.Put(at.pointed, placeOf(ref, m.Tag).kept(), m.Digest, len(ref.Name)+len(m.Tag)+len(m.Digest))
	}
	m.Tag = ""
	k.manifests.Put(at.held, placeOf(ref, string(m.Digest)).kept(), m, len(ref.Name)+2*len(m.Digest)+len(m.MediaType)+len(m.Content))
}
