package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// Bounds of one page of referrers. The specification limits an index to the size of a manifest.
const (
	MaxReferrers       = 1000
	maxReferrersWeight = 3 << 20 // bytes of annotations
)

const referrersOf = `SELECT m.id, m.media_type, m.digest, m.content_size, m.artifact_type, c.annotations
	FROM manifest m JOIN manifest_content c ON c.digest = m.digest
	WHERE m.repository_id = (SELECT r.id FROM repository r WHERE r.project_id = $1 AND r.name = $2)
		AND m.subject = $3 AND m.subject <> '' AND m.id > $4 AND ($5 = '' OR m.artifact_type = $5)
	ORDER BY m.id LIMIT $6`

var errPageFull = errors.New("page is full")

// Referrers returns up to n manifests (at most MaxReferrers) whose subject is the digest, in the order
// they were first pushed, behind the id after, and the id to go on from, 0 at the end. An artifactType
// keeps those of this type only. An unknown subject has no referrers.
func (s *Service) Referrers(ctx context.Context, ref Ref, subject oci.Digest, artifactType string, after int64, n int) (page []Referrer, next int64, err error) {
	n = max(min(n, MaxReferrers), 1)
	weight := 0
	_, err = db.Collect(ctx, s.db.Auto(), func(r db.Row) (struct{}, error) {
		referrer, size, err := scanReferrer(r)
		if err != nil {
			return struct{}{}, err
		}
		if weight += size; len(page) == n || len(page) > 0 && weight > maxReferrersWeight {
			next = page[len(page)-1].ID
			return struct{}{}, errPageFull
		}
		page = append(page, referrer)
		return struct{}{}, nil
	}, referrersOf, ref.ProjectID, ref.Name, subject, after, artifactType, n+1)
	if err != nil && !errors.Is(err, errPageFull) {
		return nil, 0, fmt.Errorf("list referrers of %s: %w", subject, err)
	}
	return page, next, nil
}

// scanReferrer also returns the bytes of its annotations.
func scanReferrer(r db.Row) (f Referrer, size int, err error) {
	var annotations string
	if err := r.Scan(&f.ID, &f.MediaType, &f.Digest, &f.Size, &f.ArtifactType, &annotations); err != nil {
		return f, 0, err
	}
	f.Annotations, err = decodeMap(annotations)
	return f, len(annotations), err
}

// decodeMap reads the annotations of a row, nil when there are none.
func decodeMap(text string) (map[string]string, error) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	var found map[string]string
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return nil, fmt.Errorf("decode annotations: %w", err)
	}
	return found, nil
}
