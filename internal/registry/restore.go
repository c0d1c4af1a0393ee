package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// What rebuild puts back into an empty database. Nothing here makes events, asks for quotas or needs to be done
// once only; nobody else may use the database meanwhile. FinishRestore comes last.

// RestoredManifest is a manifest that was in a repository.
type RestoredManifest struct {
	Ref       Ref
	Digest    oci.Digest
	MediaType string // "" where only the document tells
	Content   []byte
	PushedAt  time.Time
	PulledAt  time.Time // zero: never, or unknown
}

// Restored is what became of a RestoredManifest.
type Restored struct {
	// Err says why it is not there: *oci.ManifestError, ErrDigestMismatch, or a *MissingError with the children
	// that are not there (yet).
	Err error
	// Missing are the blobs that the store lacks. The manifest is there; pushing the blobs again completes it.
	Missing []oci.Digest
}

const restoreBlob = `INSERT INTO blob (digest, size, location, created_at) VALUES ($1, $2, $3, $4)
	ON CONFLICT (digest) DO UPDATE SET size = excluded.size, location = excluded.location, damaged = FALSE WHERE blob.damaged`

// RestoreBlobs writes the rows of bytes that were found in the store. Those that nothing names by
// FinishRestore are forgotten again.
func (s *Service) RestoreBlobs(ctx context.Context, blobs []Blob) error {
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for _, b := range blobs {
			if _, err := tx.Exec(ctx, restoreBlob, b.Digest, b.Size, b.Location, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore %d blobs: %w", len(blobs), err)
	}
	return nil
}

const (
	heldAt   = `SELECT b.id FROM blob b WHERE b.location = $1 AND EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = b.id)`
	forgetAt = `DELETE FROM blob WHERE location = $1`
)

// RestoreBlobAs is RestoreBlobs for bytes that were restored under another digest before. It reports false when
// something needs them under that one: bytes of two rows would be deleted with the first.
func (s *Service) RestoreBlobAs(ctx context.Context, b Blob) (restored bool, err error) {
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		held, err := db.Collect(ctx, tx, db.ScanInt, heldAt, b.Location)
		if restored = err == nil && len(held) == 0; !restored {
			return err
		}
		if _, err := tx.Exec(ctx, forgetAt, b.Location); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, restoreBlob, b.Digest, b.Size, b.Location, s.now())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("restore blob %s: %w", b.Digest, err)
	}
	return restored, nil
}

// RestoreManifests puts manifests back, in this order, and returns what became of each.
func (s *Service) RestoreManifests(ctx context.Context, manifests []RestoredManifest) ([]Restored, error) {
	results := make([]Restored, len(manifests))
	parsed := make([]pushed, len(manifests))
	for i, m := range manifests {
		parsed[i], results[i].Err = s.parseRestored(ctx, m)
	}
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for i, m := range manifests {
			if parsed[i].Manifest == nil {
				continue
			}
			var err error
			results[i].Missing, err = s.restoreManifest(ctx, tx, m, parsed[i])
			var missing *MissingError
			if results[i].Err = nil; errors.As(err, &missing) {
				results[i].Err = missing
			} else if err != nil {
				return fmt.Errorf("%s@%s: %w", m.Ref.FullName(), m.Digest, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("restore manifests: %w", err)
	}
	return results, nil
}

func (s *Service) parseRestored(ctx context.Context, r RestoredManifest) (pushed, error) {
	if !r.Digest.Matches(r.Content) {
		return pushed{}, ErrDigestMismatch
	}
	m, err := oci.ParseManifest(r.MediaType, r.Content)
	if err != nil {
		return pushed{}, err
	}
	p := pushed{Manifest: m, digest: r.Digest, content: r.Content, artifactType: m.EffectiveArtifactType()}
	p.accessoryOf, p.accessoryAs = accessory(m, p.digest, nil)
	text, err := db.Get(ctx, s.db.Auto(), db.ScanString, knownAttributes, p.digest)
	if err == nil {
		p.attributes = json.RawMessage(text)
	} else {
		p.attributes = attributes(m, s.restoredConfig(ctx, m))
	}
	return p, nil
}

// restoredConfig is readConfig for a blob that no repository holds yet.
func (s *Service) restoredConfig(ctx context.Context, m *oci.Manifest) []byte {
	if m.Config == nil || m.Config.Size > maxConfig || m.Config.MediaType == oci.MediaTypeEmpty {
		return nil
	}
	b, err := db.Get(ctx, s.db.Auto(), scanStored, blobByDigest, m.Config.Digest)
	if err != nil || b.damaged || b.Size > maxConfig {
		return nil
	}
	content, err := s.readBlob(ctx, b.Blob)
	if err != nil {
		s.log.WarnContext(ctx, "reading the configuration of an artifact", "digest", b.Digest, "error", err)
		return nil
	}
	return content
}

var (
	blobsAmong   = inQuery{`SELECT id, digest, size, location, durable, damaged, 0, TRUE FROM blob WHERE digest IN `, ""}
	restoreHolds = inQuery{`INSERT INTO repository_blob (repository_id, blob_id, project_id, created_at, idle_since, counted)
		SELECT $1, b.id, r.project_id, $2, 0, TRUE FROM blob b JOIN repository r ON r.id = $1 WHERE b.id IN `,
		` ON CONFLICT (repository_id, blob_id) DO NOTHING`}
)

// lostBlob is a row without bytes anywhere: damaged, at no location.
const lostBlob = `INSERT INTO blob (digest, size, location, created_at, damaged) VALUES ($1, $2, '', $3, TRUE)
	ON CONFLICT (digest) DO NOTHING`

// restoreManifest returns the blobs whose bytes are not there, or a *MissingError for children, and changes
// nothing then.
func (s *Service) restoreManifest(ctx context.Context, tx db.Tx, r RestoredManifest, p pushed) ([]oci.Digest, error) {
	at := db.Micros(r.PushedAt)
	repositoryID, err := ensureRepository(ctx, tx, r.Ref, at)
	if err != nil {
		return nil, err
	}
	children, err := p.restoredChildren(ctx, tx, repositoryID)
	if err != nil {
		return nil, err
	}
	blobs, missing, err := p.restoredBlobs(ctx, tx, s.now())
	if err != nil {
		return nil, err
	}
	held := make([]int64, len(blobs))
	for i, b := range blobs {
		held[i] = b.ID
	}
	if err := execIn(ctx, tx, restoreHolds, []any{repositoryID, at}, held); err != nil {
		return nil, err
	}
	id, fresh, err := p.insert(ctx, tx, repositoryID, blobs, children, at)
	if err != nil {
		return nil, err
	}
	if !r.PulledAt.IsZero() {
		if _, err := tx.Exec(ctx, stampPulled, id, db.Micros(r.PulledAt), db.Micros(r.PulledAt)); err != nil {
			return nil, err
		}
	}
	var affected []int64
	if !fresh {
		affected = append(affected, id)
	}
	for _, c := range children {
		affected = append(affected, c.id)
	}
	return missing, p.show(ctx, tx, repositoryID, fresh, affected, at)
}

func (p pushed) restoredChildren(ctx context.Context, tx db.Tx, repositoryID int64) ([]child, error) {
	below := digestsOf(p.Children())
	children, err := collectIn(ctx, tx, scanChild, manifestsAmong, []any{repositoryID}, below)
	if err != nil {
		return nil, err
	}
	present := map[oci.Digest]bool{}
	for _, c := range children {
		present[c.digest] = true
	}
	var missing []oci.Digest
	for _, d := range below {
		if !present[d] {
			missing = append(missing, d)
		}
	}
	if missing != nil {
		return nil, &MissingError{Digests: missing}
	}
	return children, nil
}

// restoredBlobs returns the blobs that the manifest names, and those of them whose bytes are lost. Foreign
// layers count where their bytes happen to be there.
func (p pushed) restoredBlobs(ctx context.Context, tx db.Tx, now int64) (blobs []member, missing []oci.Digest, err error) {
	must := p.Blobs()
	for _, d := range must {
		if _, err := tx.Exec(ctx, lostBlob, d.Digest, d.Size, now); err != nil {
			return nil, nil, err
		}
	}
	blobs, err = collectIn(ctx, tx, scanMember, blobsAmong, nil, append(digestsOf(must), digestsOf(p.ForeignBlobs())...))
	for _, b := range blobs {
		if b.damaged {
			missing = append(missing, b.Digest)
		}
	}
	return blobs, missing, err
}

func digestsOf(descriptors []oci.Descriptor) []oci.Digest {
	all := make([]oci.Digest, len(descriptors))
	for i, d := range descriptors {
		all[i] = d.Digest
	}
	return all
}

// RestoredTag is a tag that was in a repository.
type RestoredTag struct {
	Ref      Ref
	Name     string
	Digest   oci.Digest
	PushedAt time.Time
	PulledAt time.Time // zero: never, or unknown
}

// RestoreTags puts tags back and reports of each whether its manifest was there. Of two that claim the same name
// the one pushed later counts.
func (s *Service) RestoreTags(ctx context.Context, tags []RestoredTag) ([]bool, error) {
	found := make([]bool, len(tags))
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for i, t := range tags {
			var err error
			if found[i], err = restoreTag(ctx, tx, t); err != nil {
				return fmt.Errorf("%s:%s: %w", t.Ref.FullName(), t.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("restore tags: %w", err)
	}
	return found, nil
}

func restoreTag(ctx context.Context, tx db.Tx, t RestoredTag) (bool, error) {
	repositoryID, err := findRepository(ctx, tx, t.Ref)
	if errors.Is(err, ErrRepositoryUnknown) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	id, err := db.Get(ctx, tx, db.ScanInt, manifestID, repositoryID, t.Digest)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if strings.HasSuffix(t.Name, ".sig") {
		if err := restoreSignature(ctx, tx, id, t); err != nil {
			return false, err
		}
	}
	at := db.Micros(t.PushedAt)
	later, err := db.Collect(ctx, tx, db.ScanInt, laterTag, repositoryID, t.Name, at)
	if err != nil || len(later) > 0 {
		return err == nil, err
	}
	before, err := moveTag(ctx, tx, repositoryID, t.Name, pointing{manifestID: id, digest: t.Digest}, at)
	if err != nil {
		return false, err
	}
	if !t.PulledAt.IsZero() {
		if _, err := tx.Exec(ctx, stampTagPull, repositoryID, t.Name, db.Micros(t.PulledAt), id); err != nil {
			return false, err
		}
	}
	affected := []int64{id}
	if before.manifestID != 0 && before.manifestID != id {
		affected = append(affected, before.manifestID)
	}
	return true, relist(ctx, tx, affected)
}

// RestoredRepository is what is known of a repository besides what it holds.
type RestoredRepository struct {
	Ref         Ref
	Description string // cut off at MaxDescription
	Pulls       int64
	CreatedAt   time.Time
}

const describeRestored = `UPDATE repository SET description = $3, pull_count = $4, created_at = $5 WHERE project_id = $1 AND name = $2 AND NOT hidden`

// RestoreRepositories tells repositories that were restored what is known of them, and returns how many that are; those that aren't there are
// passed over.
func (s *Service) RestoreRepositories(ctx context.Context, repositories []RestoredRepository) (there int64, err error) {
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		there = 0
		for _, r := range repositories {
			description := strings.ToValidUTF8(r.Description[:min(len(r.Description), MaxDescription)], "")
			n, err := tx.Exec(ctx, describeRestored, r.Ref.ProjectID, r.Ref.Name, description, r.Pulls, db.Micros(r.CreatedAt))
			if err != nil {
				return fmt.Errorf("%s: %w", r.Ref.FullName(), err)
			}
			there += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("restore repositories: %w", err)
	}
	return there, nil
}

const laterTag = `SELECT id FROM tag WHERE repository_id = $1 AND name = $2 AND pushed_at > $3`

const typedContent = `SELECT m.media_type, c.content FROM manifest m JOIN manifest_content c ON c.digest = m.digest WHERE m.id = $1`

func scanTyped(r db.Row) (m Manifest, err error) {
	err = r.Scan(&m.MediaType, &m.Content)
	return m, err
}

// restoreSignature makes a manifest Cosign's by its tag.
func restoreSignature(ctx context.Context, tx db.Tx, id int64, t RestoredTag) error {
	found, err := db.Get(ctx, tx, scanTyped, typedContent, id)
	if err != nil {
		return err
	}
	m, err := oci.ParseManifest(found.MediaType, found.Content)
	if err != nil { // as it was when it was pushed
		return nil
	}
	of, as := accessory(m, t.Digest, []string{t.Name})
	if of == "" {
		return nil
	}
	_, err = tx.Exec(ctx, becomeAccessory, id, of, as)
	return err
}

const (
	forgetUnnamed = `DELETE FROM blob WHERE id IN (SELECT b.id FROM blob b
		WHERE NOT EXISTS (SELECT 1 FROM repository_blob rb WHERE rb.blob_id = b.id) ORDER BY b.id LIMIT 10000) RETURNING size`
	forgetUsage  = `DELETE FROM project_usage`
	recountUsage = `INSERT INTO project_usage (project_id, shard, bytes) SELECT p.id, 0, CAST(
		COALESCE((SELECT SUM(b.size) FROM blob b WHERE b.id IN (
			SELECT rb.blob_id FROM repository_blob rb WHERE rb.project_id = p.id AND rb.counted)), 0) +
		COALESCE((SELECT SUM(m.content_size) FROM manifest m WHERE m.project_id = p.id), 0) AS BIGINT) FROM project p`
)

// FinishRestore forgets the blobs that no manifest names, whose bytes stay where they are, and counts what the
// projects hold. It returns how many blobs and bytes it forgot. All that was restored is durable then.
func (s *Service) FinishRestore(ctx context.Context) (count, bytes int64, err error) {
	for {
		var sizes []int64
		err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			sizes, err = db.Collect(ctx, tx, db.ScanInt, forgetUnnamed)
			return err
		})
		if err != nil {
			return 0, 0, fmt.Errorf("forget blobs that nothing names: %w", err)
		}
		if len(sizes) == 0 {
			break
		}
		count += int64(len(sizes))
		bytes += sum(sizes...)
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if _, err := tx.Exec(ctx, forgetUsage); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, recountUsage)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count what projects hold: %w", err)
	}
	return count, bytes, nil
}
