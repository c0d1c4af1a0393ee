package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	memberBlob = `SELECT b.id, b.digest, b.size, b.location
		FROM repository r
		JOIN repository_blob rb ON rb.repository_id = r.id
		JOIN blob b ON b.id = rb.blob_id
		WHERE r.project_id = $1 AND r.name = $2 AND b.digest = $3`
	insertBlob = `INSERT INTO blob (digest, size, location, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (digest) DO NOTHING RETURNING id`
	blobByDigest = `SELECT id FROM blob WHERE digest = $1`
	insertMember = `INSERT INTO repository_blob (repository_id, blob_id, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (repository_id, blob_id) DO NOTHING`
)

func scanBlob(r db.Row) (b Blob, err error) {
	err = r.Scan(&b.ID, &b.Digest, &b.Size, &b.Location)
	return b, err
}

// Blob returns a blob that is a member of the repository, else ErrBlobUnknown, wherever it may be
// otherwise.
func (s *Service) Blob(ctx context.Context, ref Ref, d oci.Digest) (Blob, error) {
	b, err := findBlob(ctx, s.db.Auto(), ref, d)
	if err != nil {
		return Blob{}, fmt.Errorf("get blob %s: %w", d, err)
	}
	return b, nil
}

func findBlob(ctx context.Context, tx db.Tx, ref Ref, d oci.Digest) (Blob, error) {
	b, err := db.Get(ctx, tx, scanBlob, memberBlob, ref.ProjectID, ref.Name, d)
	if errors.Is(err, db.ErrNotFound) {
		return Blob{}, ErrBlobUnknown
	}
	return b, err
}

// OpenBlob opens the bytes of a blob that Blob returned. Bytes that the store has lost are
// ErrBlobUnknown.
func (s *Service) OpenBlob(ctx context.Context, b Blob) (blob.Content, error) {
	content, err := s.blobs.Open(ctx, b.Location)
	if errors.Is(err, blob.ErrNotFound) {
		s.log.ErrorContext(ctx, "a blob is missing in the store", "digest", b.Digest, "location", b.Location)
		return nil, fmt.Errorf("open blob %s: %w: %w", b.Digest, ErrBlobUnknown, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", b.Digest, err)
	}
	return content, nil
}

// Mount makes a blob of the repository from a member of the repository to as well, copying nothing. The
// caller may read from. When from doesn't hold the blob it is ErrBlobUnknown, and nothing changes.
func (s *Service) Mount(ctx context.Context, to, from Ref, d oci.Digest) (Blob, error) {
	var b Blob
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		if b, err = findBlob(ctx, tx, from, d); err != nil {
			return err
		}
		now := s.now()
		repositoryID, err := ensureRepository(ctx, tx, to, now)
		if err != nil {
			return err
		}
		return addMember(ctx, tx, repositoryID, b.ID, now)
	})
	if err != nil {
		return Blob{}, fmt.Errorf("mount blob %s from %s: %w", d, from.FullName(), err)
	}
	return b, nil
}

const holdersOfBlob = `SELECT r.project_id, p.name, r.name FROM blob b
	JOIN repository_blob rb ON rb.blob_id = b.id JOIN repository r ON r.id = rb.repository_id JOIN project p ON p.id = r.project_id
	WHERE b.digest = $1 AND r.name NOT LIKE 'deleted:%' AND `

// Holders returns up to n repositories of the scope that hold the blob, for a client that wants it
// mounted from wherever it may read it.
func (s *Service) Holders(ctx context.Context, d oci.Digest, scope Scope, n int) ([]Ref, error) {
	where, args := scope.condition(1)
	refs, err := db.Collect(ctx, s.db.Auto(), scanRef, holdersOfBlob+where+" LIMIT "+strconv.Itoa(n), append([]any{d}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("look for blob %s: %w", d, err)
	}
	return refs, nil
}

func scanRef(r db.Row) (ref Ref, err error) {
	err = r.Scan(&ref.ProjectID, &ref.Project, &ref.Name)
	return ref, err
}

const (
	blobNamed = `SELECT EXISTS (SELECT 1 FROM manifest_blob mb JOIN manifest m ON m.id = mb.manifest_id
		WHERE mb.blob_id = $1 AND m.repository_id = $2)`
	deleteMember = `DELETE FROM repository_blob WHERE repository_id = $1 AND blob_id = $2`
)

// DeleteBlob ends the blob's membership in the repository; its bytes are reclaimed when no repository
// holds it. While a manifest of the repository names it, it is ErrReferenced.
func (s *Service) DeleteBlob(ctx context.Context, ref Ref, d oci.Digest) error {
	err := s.db.Write(ctx, func(tx db.Tx) error {
		b, err := findBlob(ctx, tx, ref, d)
		if err != nil {
			return err
		}
		repositoryID, err := findRepository(ctx, tx, ref)
		if err != nil {
			return err
		}
		named, err := db.Get(ctx, tx, db.ScanBool, blobNamed, b.ID, repositoryID)
		if err != nil {
			return err
		}
		if named {
			return ErrReferenced
		}
		_, err = tx.Exec(ctx, deleteMember, repositoryID, b.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete blob %s: %w", d, err)
	}
	return nil
}

// putBlob writes the blob's row and returns its id. A row that is there stays as it is.
func putBlob(ctx context.Context, tx db.Tx, b Blob, now int64) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, insertBlob, b.Digest, b.Size, b.Location, now)
	if errors.Is(err, db.ErrNotFound) {
		return db.Get(ctx, tx, db.ScanInt, blobByDigest, b.Digest)
	}
	return id, err
}

func addMember(ctx context.Context, tx db.Tx, repositoryID, blobID, now int64) error {
	_, err := tx.Exec(ctx, insertMember, repositoryID, blobID, now)
	return err
}
