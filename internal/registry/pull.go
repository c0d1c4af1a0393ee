package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Each of these is one statement: it is all that a pull asks of the database, and only of what isn't known.
const (
	manifestByTag = ` FROM repository r
		JOIN tag t ON t.repository_id = r.id AND t.name = $3
		JOIN manifest m ON m.id = t.manifest_id
		JOIN manifest_content c ON c.digest = m.digest
		WHERE r.project_id = $1 AND r.name = $2`
	manifestByDigest = ` FROM repository r
		JOIN manifest m ON m.repository_id = r.id AND m.digest = $3
		JOIN manifest_content c ON c.digest = m.digest
		WHERE r.project_id = $1 AND r.name = $2`

	// The answer says by itself whether the gate is to be asked: a pull that isn't gated pays no statement for it.
	gated = `(SELECT p.gated FROM project p WHERE p.id = r.project_id)`

	manifestWithContent = `SELECT m.id, m.repository_id, m.digest, m.media_type, m.content_size, ` + gated + `, c.content`
	manifestWithout     = `SELECT m.id, m.repository_id, m.digest, m.media_type, m.content_size, ` + gated + `, NULL`
	// A client that asks for the head of a manifest mostly wants all of it next, if that is remembered (maxKnownContent).
	manifestToKnow = `SELECT m.id, m.repository_id, m.digest, m.media_type, m.content_size, ` + gated + `,
		CASE WHEN m.content_size <= 65536 THEN c.content END`
)

func scanManifest(r db.Row) (m Manifest, err error) {
	err = r.Scan(&m.ID, &m.RepositoryID, &m.Digest, &m.MediaType, &m.Size, &m.Gated, &m.Content)
	return m, err
}

// Manifest returns a manifest with its exact bytes, which nobody may change, or ErrManifestUnknown.
func (s *Service) Manifest(ctx context.Context, ref Ref, r oci.Reference) (Manifest, error) {
	return s.manifest(ctx, manifestWithContent, ref, r)
}

// ManifestInfo is Manifest without the bytes.
func (s *Service) ManifestInfo(ctx context.Context, ref Ref, r oci.Reference) (Manifest, error) {
	fields := manifestWithout
	if s.db.Exclusive() {
		fields = manifestToKnow
	}
	m, err := s.manifest(ctx, fields, ref, r)
	m.Content = nil
	return m, err
}

func (s *Service) manifest(ctx context.Context, fields string, ref Ref, r oci.Reference) (m Manifest, err error) {
	ctx, span := trace.Start(ctx, "find manifest")
	defer func() {
		if errors.Is(err, ErrManifestUnknown) {
			span.End(nil) // an answer as any other
			return
		}
		span.End(err)
	}()
	at := s.known.now()
	if m, ok := s.known.manifest(at, ref, r); ok {
		return m, nil
	}
	query := fields + manifestByTag
	if r.IsDigest() {
		query = fields + manifestByDigest
	}
	m, err = db.Get(ctx, s.db.Auto(), scanManifest, query, ref.ProjectID, ref.Name, r.String())
	if errors.Is(err, db.ErrNotFound) {
		err = ErrManifestUnknown
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("get manifest %s: %w", r, err)
	}
	m.Tag = r.Tag()
	s.known.learnManifest(at, ref, m)
	return m, nil
}

// MaxNames is how many names Tags and Catalog return at most.
const MaxNames = 10_000

const (
	visibleRepository = `SELECT id FROM repository WHERE project_id = $1 AND name = $2 AND NOT hidden`
	tagsAfter         = `SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3`
)

// Tags returns up to n tags behind last in byte order, and whether more follow. A negative n means as
// many as there are, up to MaxNames. It returns ErrRepositoryUnknown when no manifest was ever pushed.
func (s *Service) Tags(ctx context.Context, ref Ref, last string, n int) (names []string, more bool, err error) {
	n = nameLimit(n)
	err = s.db.Read(ctx, func(tx db.Tx) error {
		id, err := findVisible(ctx, tx, ref)
		if err != nil {
			return err
		}
		names, err = db.Collect(ctx, tx, db.ScanString, tagsAfter, id, last, n+1)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list tags of %s: %w", ref.FullName(), err)
	}
	names, more = cut(names, n)
	return names, more, nil
}

func findVisible(ctx context.Context, tx db.Tx, ref Ref) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, visibleRepository, ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) {
		return 0, ErrRepositoryUnknown
	}
	return id, err
}

func nameLimit(n int) int {
	if n < 0 {
		return MaxNames
	}
	return min(n, MaxNames)
}

// cut keeps the first n of what was read to see whether there are more than n.
func cut[T any](rows []T, n int) ([]T, bool) {
	if len(rows) > n {
		return rows[:n], true
	}
	return rows, false
}
