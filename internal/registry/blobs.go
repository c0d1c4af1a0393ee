package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	memberBlob = `SELECT b.id, b.digest, b.size, b.location, b.durable, b.damaged, rb.idle_since, rb.counted
		FROM repository r
		JOIN repository_blob rb ON rb.repository_id = r.id
		JOIN blob b ON b.id = rb.blob_id
		WHERE r.project_id = $1 AND r.name = $2 AND b.digest = $3`
	insertBlob = `INSERT INTO blob (digest, size, location, created_at, durable) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (digest) DO NOTHING RETURNING id`
	blobByDigest = `SELECT id, digest, size, location, durable, damaged, deleting, condemned_at FROM blob WHERE digest = $1`
	renewBlob    = `UPDATE blob SET size = $2, location = $3, durable = $4, created_at = $5, damaged = FALSE, deleting = FALSE, condemned_at = 0
		WHERE id = $1`
	discard = `INSERT INTO discarded (location, discarded_at) VALUES ($1, $2) ON CONFLICT (location) DO NOTHING`
)

// member is a blob with what its membership in a repository says.
type member struct {
	Blob
	damaged   bool
	idleSince int64
	counted   bool // here; in PutManifest anywhere in the project
}

func scanBlob(r db.Row) (b Blob, err error) {
	err = r.Scan(&b.ID, &b.Digest, &b.Size, &b.Location)
	return b, err
}

func scanMember(r db.Row) (m member, err error) {
	err = r.Scan(&m.ID, &m.Digest, &m.Size, &m.Location, &m.Durable, &m.damaged, &m.idleSince, &m.counted)
	return m, err
}

// Blob returns a blob that is a member of the repository, else ErrBlobUnknown, wherever it may be
// otherwise. It is for reading, and promises nothing for later: StatBlob does.
func (s *Service) Blob(ctx context.Context, ref Ref, d oci.Digest) (Blob, error) {
	at := s.known.now()
	if b, ok := s.known.blob(at, ref, d); ok {
		return b, nil
	}
	var m member
	err := s.settled(ctx, func() (err error) {
		m, err = s.findMember(ctx, s.db.Auto(), ref, d)
		return err
	})
	if err != nil {
		return Blob{}, fmt.Errorf("get blob %s: %w", d, err)
	}
	s.known.learnBlob(at, ref, m.Blob)
	return m.Blob, nil
}

// StatBlob is Blob for a client that asks whether it has to push the blob: a manifest may name it for the
// grace to come.
func (s *Service) StatBlob(ctx context.Context, ref Ref, d oci.Digest) (b Blob, err error) {
	err = s.settled(ctx, func() error {
		b, err = s.statBlob(ctx, ref, d)
		return err
	})
	if err != nil {
		return Blob{}, fmt.Errorf("stat blob %s: %w", d, err)
	}
	return b, nil
}

func (s *Service) statBlob(ctx context.Context, ref Ref, d oci.Digest) (Blob, error) {
	m, err := s.findMember(ctx, s.db.Auto(), ref, d)
	if err != nil || !s.staleAt(m.idleSince) {
		return m.Blob, err
	}
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		if m, err = s.findMember(ctx, tx, ref, d); err != nil {
			return err
		}
		repositoryID, err := findRepository(ctx, tx, ref)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, renewMember, repositoryID, m.ID, s.now())
		return err
	})
	return m.Blob, err
}

// staleAt reports whether a membership that is idle since then has used up so much of its grace that
// telling a client of it renews it. Most tellings write nothing.
func (s *Service) staleAt(idleSince int64) bool {
	return idleSince > 0 && s.now()-idleSince > s.reclaimAfter.Microseconds()/4
}

// findMember returns ErrBlobUnknown for a blob whose bytes are damaged, too: a push heals it. Callers are
// settled.
func (s *Service) findMember(ctx context.Context, tx db.Tx, ref Ref, d oci.Digest) (member, error) {
	m, err := db.Get(ctx, tx, scanMember, memberBlob, ref.ProjectID, ref.Name, d)
	if errors.Is(err, db.ErrNotFound) {
		return member{}, ErrBlobUnknown
	}
	if err == nil && m.damaged {
		s.log.WarnContext(ctx, "a blob is asked for whose bytes are damaged; pushing it again heals it", "digest", d, "repository", ref.FullName())
		return member{}, ErrBlobUnknown
	}
	if err == nil {
		err = s.doubt(ctx, m.Blob)
	}
	return m, err
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

// ReadBlob returns a small blob of a repository whole. One of more than most bytes is a fault.Invalid.
func (s *Service) ReadBlob(ctx context.Context, ref Ref, d oci.Digest, most int64) ([]byte, error) {
	b, err := s.Blob(ctx, ref, d)
	if err != nil {
		return nil, err
	}
	if b.Size > most {
		return nil, fault.Invalidf("blob %s has %d bytes, at most %d are read", d, b.Size, most)
	}
	return s.readBlob(ctx, b)
}

// Mount makes a blob of the repository from a member of the repository to as well, copying nothing. The
// caller may read from. When from doesn't hold the blob it is ErrBlobUnknown, when the project would exceed its
// limit a *QuotaError, and nothing changes.
func (s *Service) Mount(ctx context.Context, to, from Ref, d oci.Digest) (Blob, error) {
	var b member
	err := s.settled(ctx, func() error {
		return s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
			if b, err = s.findMember(ctx, tx, from, d); err != nil {
				return err
			}
			now := s.now()
			repositoryID, err := ensureRepository(ctx, tx, to, now)
			if err != nil {
				return err
			}
			return s.addMember(ctx, tx, repositoryID, b.Blob, now)
		})
	})
	if err != nil {
		return Blob{}, fmt.Errorf("mount blob %s from %s: %w", d, from.FullName(), s.refused(ctx, "", to, err))
	}
	return b.Blob, nil
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
	blobNamed    = `SELECT EXISTS (SELECT 1 FROM manifest_blob WHERE blob_id = $1 AND repository_id = $2)`
	deleteMember = `DELETE FROM repository_blob WHERE repository_id = $1 AND blob_id = $2`
)

// DeleteBlob ends the blob's membership in the repository; its bytes are reclaimed when no repository
// holds it. While a manifest of the repository names it, it is ErrReferenced.
func (s *Service) DeleteBlob(ctx context.Context, ref Ref, d oci.Digest) error {
	err := s.db.Write(ctx, func(tx db.Tx) error { return s.deleteBlob(ctx, tx, ref, d) })
	if err != nil {
		return fmt.Errorf("delete blob %s: %w", d, err)
	}
	return nil
}

func (s *Service) deleteBlob(ctx context.Context, tx db.Tx, ref Ref, d oci.Digest) error {
	m, err := db.Get(ctx, tx, scanMember, memberBlob, ref.ProjectID, ref.Name, d)
	if errors.Is(err, db.ErrNotFound) {
		return ErrBlobUnknown
	}
	if err != nil {
		return err
	}
	repositoryID, err := findRepository(ctx, tx, ref)
	if err != nil {
		return err
	}
	named, err := db.Get(ctx, tx, db.ScanBool, blobNamed, m.ID, repositoryID)
	if err != nil {
		return err
	}
	if named {
		return ErrReferenced
	}
	if _, err := tx.Exec(ctx, deleteMember, repositoryID, m.ID); err != nil {
		return err
	}
	if err := condemn(ctx, tx, s.now(), m.ID); err != nil || !m.counted {
		return err
	}
	freed, err := collectIn(ctx, tx, db.ScanInt, uncountedSize, []any{ref.ProjectID}, []int64{m.ID})
	if err != nil {
		return err
	}
	return s.charge(ctx, tx, ref.ProjectID, -sum(freed...))
}

// stored is a blob's row.
type stored struct {
	Blob
	damaged, deleting bool
	condemnedAt       int64
}

func scanStored(r db.Row) (v stored, err error) {
	err = r.Scan(&v.ID, &v.Digest, &v.Size, &v.Location, &v.Durable, &v.damaged, &v.deleting, &v.condemnedAt)
	return v, err
}

// putBlob writes the row of bytes that were just committed, and returns it and whether it is a new one. When
// there are bytes of this digest already they stay, unless they are damaged or going to be deleted, or the new ones are
// durable where the digest says (byDigest): such a place should be nobody's to discard. The bytes that nobody needs are
// discarded. Somebody must become the blob's holder in the same transaction, or condemn it again.
func putBlob(ctx context.Context, tx db.Tx, b Blob, byDigest bool, now int64) (known Blob, fresh bool, err error) {
	id, err := db.Get(ctx, tx, db.ScanInt, insertBlob, b.Digest, b.Size, b.Location, now, b.Durable)
	if !errors.Is(err, db.ErrNotFound) {
		b.ID = id
		return b, true, err
	}
	old, err := db.Get(ctx, tx, scanStored, blobByDigest, b.Digest)
	if err != nil {
		return Blob{}, false, err
	}
	b.ID = old.ID
	needless := old.Location
	better := byDigest && b.Durable && old.Location != b.Location
	if !better && !old.damaged && !old.deleting {
		if needless, b.Location = b.Location, old.Location; needless != b.Location {
			b.Durable = old.Durable
		}
		// Else the bytes that came are in their place: durable as far as they are.
	}
	if needless != b.Location && needless != "" { // a blob that was lost with a store lies nowhere
		if _, err := tx.Exec(ctx, discard, needless, now); err != nil {
			return Blob{}, false, err
		}
	}
	if !old.damaged && !old.deleting && old.condemnedAt == 0 && old.Durable == b.Durable && old.Location == b.Location {
		return b, false, nil
	}
	_, err = tx.Exec(ctx, renewBlob, b.ID, b.Size, b.Location, b.Durable, now)
	return b, false, err
}
