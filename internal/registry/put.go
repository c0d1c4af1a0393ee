package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// pushed is a manifest on its way into a repository.
type pushed struct {
	*oci.Manifest
	digest       oci.Digest
	content      []byte
	tags         []string // none when it is pushed by digest alone
	attributes   json.RawMessage
	accessoryOf  oci.Digest
	accessoryAs  string
	artifactType string
	held         map[oci.Digest]loose // blobs that it names, synced
	over         *oci.Digest          // what the one tag must point to, "" for nothing; nil: whatever it does
}

// PutManifest stores the manifest under the reference. Everything it names must be in the repository:
// blobs and children that are not give one *MissingError with all of them. The bytes must be a valid
// manifest (*oci.ManifestError) and have the digest of a reference by digest (ErrDigestMismatch).
//
// tags are further tags that the manifest gets. A tag that points elsewhere moves; what it pointed to stays. A manifest that is already there keeps
// its push time, as in Harbor. The subject need not exist. What would exceed the project's limit is a *QuotaError. When PutManifest returns, the manifest and
// everything it names survive the loss of power.
func (s *Service) PutManifest(ctx context.Context, by authz.Principal, ref Ref, r oci.Reference, mediaType string, content []byte, tags ...string) (Put, error) {
	return s.put(ctx, by, ref, r, mediaType, content, tags, nil)
}

// PutManifestOver is PutManifest by a tag that must still be where the caller saw it: at the manifest was, or "" for
// nowhere. Where it has moved since it is ErrTagMoved, and nothing changes. So who adds to what lies under a tag drops nothing
// that came between reading and writing.
func (s *Service) PutManifestOver(ctx context.Context, by authz.Principal, ref Ref, tag string, was oci.Digest, mediaType string, content []byte) (Put, error) {
	return s.put(ctx, by, ref, oci.TagReference(tag), mediaType, content, nil, &was)
}

func (s *Service) put(ctx context.Context, by authz.Principal, ref Ref, r oci.Reference, mediaType string, content []byte, tags []string, over *oci.Digest) (put Put, err error) {
	ctx, span := trace.Start(ctx, "put manifest")
	defer func() { span.End(err) }()
	m, err := oci.ParseManifest(mediaType, content)
	if err != nil {
		return Put{}, fmt.Errorf("put manifest %s: %w", r, err)
	}
	p := pushed{Manifest: m, digest: r.Digest(), content: content, tags: tags, artifactType: m.EffectiveArtifactType(), over: over}
	if !r.IsDigest() {
		p.digest, p.tags = oci.SHA256Of(content), append([]string{r.Tag()}, tags...)
	} else if !p.digest.Matches(content) {
		return Put{}, fmt.Errorf("put manifest %s: %w", r, ErrDigestMismatch)
	}
	p.accessoryOf, p.accessoryAs = accessory(m, p.digest, p.tags)
	put = Put{Digest: p.digest}
	if m.Subject != nil {
		put.Subject = m.Subject.Digest
	}
	for try := 1; ; try++ {
		put.ID, err = s.tryPut(ctx, by, ref, p)
		if err == nil {
			return put, nil
		}
		if !errors.Is(err, errUnsynced) || try == maxSyncs {
			return Put{}, fmt.Errorf("put manifest %s: %w", r, s.refused(ctx, by.Name, ref, err))
		}
	}
}

// tryPut syncs the blobs, and then writes the manifest. What is pushed is mostly pulled next: its blobs are known.
func (s *Service) tryPut(ctx context.Context, by authz.Principal, ref Ref, p pushed) (id int64, err error) {
	at := s.known.now()
	if p.held, err = s.syncNamed(ctx, ref, p); err != nil {
		return 0, err
	}
	if p.attributes, err = s.attributesOf(ctx, p); err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		tx.AfterCommit(s.wake)
		id, err = s.putManifest(ctx, tx, by, ref, p)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, b := range p.held {
		s.known.learnBlob(at, ref, b.Blob)
	}
	return id, nil
}

const knownAttributes = `SELECT extra_attrs FROM manifest_content WHERE digest = $1`

// attributesOf reads the configuration, outside of the transaction; a manifest that some repository
// has was read before.
func (s *Service) attributesOf(ctx context.Context, p pushed) (json.RawMessage, error) {
	text, err := db.Get(ctx, s.db.Auto(), db.ScanString, knownAttributes, p.digest)
	if errors.Is(err, db.ErrNotFound) {
		return attributes(p.Manifest, s.readConfig(ctx, p)), nil
	}
	return json.RawMessage(text), err
}

func (s *Service) putManifest(ctx context.Context, tx db.Tx, by authz.Principal, ref Ref, p pushed) (int64, error) {
	now := s.now()
	repositoryID, err := ensureRepository(ctx, tx, ref, now)
	if err != nil {
		return 0, err
	}
	if err := p.unmoved(ctx, tx, repositoryID); err != nil {
		return 0, err
	}
	blobs, children, err := p.named(ctx, tx, repositoryID)
	if err != nil {
		return 0, err
	}
	if err := keep(ctx, tx, blobs, p.held); err != nil {
		return 0, err
	}
	grown, err := pin(ctx, tx, repositoryID, blobs)
	if err != nil {
		return 0, err
	}
	id, fresh, err := p.insert(ctx, tx, repositoryID, blobs, children, now)
	if err != nil {
		return 0, err
	}
	if fresh {
		grown += int64(len(p.content))
	}
	if err := s.charge(ctx, tx, ref.ProjectID, grown); err != nil {
		return 0, err
	}
	var affected []int64 // but for a fresh one
	if !fresh {
		affected = append(affected, id)
	}
	for _, c := range children {
		affected = append(affected, c.id)
	}
	for _, tag := range p.tags {
		before, err := moveTag(ctx, tx, repositoryID, tag, pointing{id, p.digest, by.Name}, now)
		if err != nil {
			return 0, err
		}
		if before.manifestID == 0 || before.manifestID == id {
			continue
		}
		if err := s.mayMove(ctx, tx, ref, tag, before.rules); err != nil {
			return 0, err
		}
		affected = append(affected, before.manifestID)
	}
	if err := p.show(ctx, tx, repositoryID, fresh, affected, now); err != nil {
		return 0, err
	}
	if len(p.tags) == 0 {
		return id, s.appendPushed(ctx, tx, by, ref, p.digest, "")
	}
	for _, tag := range p.tags {
		if err := s.appendPushed(ctx, tx, by, ref, p.digest, tag); err != nil {
			return 0, err
		}
	}
	return id, nil
}

const taggedManifest = `SELECT m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id WHERE t.repository_id = $1 AND t.name = $2`

// unmoved is ErrTagMoved where the tag isn't where it must be.
func (p pushed) unmoved(ctx context.Context, tx db.Tx, repositoryID int64) error {
	if p.over == nil {
		return nil
	}
	is, err := db.Get(ctx, tx, db.ScanString, taggedManifest, repositoryID, p.tags[0])
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if oci.Digest(is) != *p.over {
		return ErrTagMoved
	}
	return nil
}

// show notes in the repository that p was written, fresh or not, and brings the other manifests that this
// concerns up to date.
func (p pushed) show(ctx context.Context, tx db.Tx, repositoryID int64, fresh bool, others []int64, now int64) error {
	more, err := relistUncounted(ctx, tx, others)
	if err != nil {
		return err
	}
	if listed, _ := shownFirst(p); fresh && listed {
		more[repositoryID]++
	}
	return growRepository(ctx, tx, repositoryID, now, more[repositoryID])
}

// child is a manifest of the repository that an index names.
type child struct {
	id     int64
	digest oci.Digest
	size   int64
}

func scanChild(r db.Row) (c child, err error) {
	err = r.Scan(&c.id, &c.digest, &c.size)
	return c, err
}

var (
	membersAmong = inQuery{`SELECT b.id, b.digest, b.size, b.location, b.durable, b.damaged, rb.idle_since,
			CASE WHEN rb.counted THEN TRUE ELSE EXISTS (SELECT 1 FROM repository_blob o
				WHERE o.project_id = rb.project_id AND o.blob_id = rb.blob_id AND o.counted) END
		FROM blob b JOIN repository_blob rb ON rb.blob_id = b.id AND rb.repository_id = $1 WHERE b.digest IN `, ""}
	manifestsAmong = inQuery{`SELECT id, digest, size FROM manifest WHERE repository_id = $1 AND digest IN `, ""}
)

// named returns what the manifest names and the repository holds: blobs, foreign ones that are there
// among them, and children. What is missing gives a *MissingError, a blob of another size than the
// manifest says fault.Invalid.
func (p pushed) named(ctx context.Context, tx db.Tx, repositoryID int64) ([]member, []child, error) {
	must, may, below := p.Blobs(), p.ForeignBlobs(), p.Children()
	blobs, err := collectIn(ctx, tx, scanMember, membersAmong, []any{repositoryID}, append(digests(must), digests(may)...))
	if err != nil {
		return nil, nil, err
	}
	children, err := collectIn(ctx, tx, scanChild, manifestsAmong, []any{repositoryID}, digests(below))
	if err != nil {
		return nil, nil, err
	}
	blobs = slices.DeleteFunc(blobs, func(m member) bool { return m.damaged }) // to be pushed again
	held := make(map[oci.Digest]int64, len(blobs))
	for _, b := range blobs {
		held[b.Digest] = b.Size
	}
	present := make(map[oci.Digest]bool, len(children))
	for _, c := range children {
		present[c.digest] = true
	}
	var missing []oci.Digest
	for _, d := range must {
		size, ok := held[d.Digest]
		if !ok {
			missing = append(missing, d.Digest)
		} else if size != d.Size {
			return nil, nil, fault.Invalidf("%s has %d bytes, the manifest says %d", d.Digest, size, d.Size)
		}
	}
	for _, d := range below {
		if !present[d.Digest] {
			missing = append(missing, d.Digest)
		}
	}
	if len(missing) > 0 {
		return nil, nil, &MissingError{Digests: missing}
	}
	return blobs, children, nil
}

func digests(descriptors []oci.Descriptor) []oci.Digest {
	all := make([]oci.Digest, len(descriptors))
	for i, d := range descriptors {
		all[i] = d.Digest
	}
	return all
}

const (
	insertContent = `INSERT INTO manifest_content (digest, content, annotations, extra_attrs) VALUES ($1, $2, $3, $4)
		ON CONFLICT (digest) DO NOTHING`
	insertManifest = `INSERT INTO manifest (repository_id, digest, media_type, config_media_type, artifact_type, type,
			size, content_size, subject, accessory_of, accessory_type, pushed_at, listed, tagged, project_id)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, project_id FROM repository WHERE id = $1
		ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id`
	manifestID = `SELECT id FROM manifest WHERE repository_id = $1 AND digest = $2`
	// A signature may be pushed by digest first and become Cosign's by its tag.
	becomeAccessory = `UPDATE manifest SET accessory_of = $2, accessory_type = $3 WHERE id = $1 AND accessory_of = ''`
	insertChild     = `INSERT INTO manifest_child (parent_id, position, child_id, platform, annotations, urls)
		VALUES ($1, $2, $3, $4, $5, $6)`
)

var insertBlobs = inQuery{`INSERT INTO manifest_blob (manifest_id, repository_id, blob_id) SELECT $1, $2, id FROM blob WHERE id IN `, ""}

// insert writes the manifest with its references, unless the repository has it already, and returns
// its id and whether it is fresh.
func (p pushed) insert(ctx context.Context, tx db.Tx, repositoryID int64, blobs []member, children []child, now int64) (id int64, fresh bool, err error) {
	annotations, err := json.Marshal(p.Annotations)
	if err != nil {
		return 0, false, err
	}
	if p.Annotations == nil {
		annotations = emptyObject
	}
	if _, err := tx.Exec(ctx, insertContent, p.digest, p.content, string(annotations), string(p.attributes)); err != nil {
		return 0, false, err
	}
	subject := oci.Digest("")
	if p.Subject != nil {
		subject = p.Subject.Digest
	}
	listed, tagged := shownFirst(p)
	id, err = db.Get(ctx, tx, db.ScanInt, insertManifest, repositoryID, p.digest, p.MediaType, configMediaType(p.Manifest), p.artifactType,
		artifactKind(p.Manifest), p.size(children), len(p.content), subject, p.accessoryOf, p.accessoryAs, now, listed, tagged)
	if errors.Is(err, db.ErrNotFound) {
		id, err = p.known(ctx, tx, repositoryID)
		return id, false, err
	}
	if err != nil {
		return 0, false, err
	}
	ids := make([]int64, len(blobs))
	for i, b := range blobs {
		ids[i] = b.ID
	}
	if err := execIn(ctx, tx, insertBlobs, []any{id, repositoryID}, ids); err != nil {
		return 0, false, err
	}
	return id, true, p.insertChildren(ctx, tx, id, children)
}

// known returns the id of the manifest that is there already.
func (p pushed) known(ctx context.Context, tx db.Tx, repositoryID int64) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, manifestID, repositoryID, p.digest)
	if err != nil || p.accessoryOf == "" {
		return id, err
	}
	_, err = tx.Exec(ctx, becomeAccessory, id, p.accessoryOf, p.accessoryAs)
	return id, err
}

// insertChildren writes the index's entries in its order; one manifest may stand for several platforms.
func (p pushed) insertChildren(ctx context.Context, tx db.Tx, parentID int64, children []child) error {
	ids := make(map[oci.Digest]int64, len(children))
	for _, c := range children {
		ids[c.digest] = c.id
	}
	for i, d := range p.Manifests {
		if !oci.IsManifestType(d.MediaType) {
			continue
		}
		platform, err := optionalJSON(d.Platform, d.Platform != nil)
		if err != nil {
			return err
		}
		annotations, err := optionalJSON(d.Annotations, len(d.Annotations) > 0)
		if err != nil {
			return err
		}
		urls, err := optionalJSON(d.URLs, len(d.URLs) > 0)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertChild, parentID, i, ids[d.Digest], platform, annotations, urls); err != nil {
			return err
		}
	}
	return nil
}

// optionalJSON encodes v, or returns "" when there is nothing to say.
func optionalJSON(v any, given bool) (string, error) {
	if !given {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// size is what users see as the artifact's size: the manifest with configuration and layers, or the
// index with its children.
func (p pushed) size(children []child) int64 {
	sizes := []int64{int64(len(p.content))}
	if p.Config != nil {
		sizes = append(sizes, p.Config.Size)
	}
	for _, d := range p.Layers {
		sizes = append(sizes, d.Size)
	}
	for _, c := range children {
		sizes = append(sizes, c.size)
	}
	return sum(sizes...)
}
