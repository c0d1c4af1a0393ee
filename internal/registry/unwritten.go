package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// Most uploads are small, and over within milliseconds: their rows would be a third of what a push writes.
// Where this process is alone with database and store (blob.Resumer), an upload has a row only when it is large,
// or its repository is new. Until then the store alone knows what it holds, and its id which repository it goes
// to; a process that starts anew reads what there is. What it finds may be more than was acknowledged.

// unwrittenMost is how many bytes an upload may hold without a row. After a crash so many are read again.
const unwrittenMost = 1 << 20

const (
	homeOfUpload = `SELECT r.id, p.storage_limit >= 0 FROM repository r JOIN project p ON p.id = r.project_id
		WHERE r.project_id = $1 AND r.name = $2 AND NOT r.hidden`
	writeUpload = `INSERT INTO upload (id, repository_id, size, sha256_state, store_state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6)`
)

// home is where an upload goes.
type home struct {
	repositoryID int64
	limited      bool
}

func scanHome(r db.Row) (h home, err error) {
	err = r.Scan(&h.repositoryID, &h.limited)
	return h, err
}

// unwrittenID is the id of an upload without a row: it tells the repository.
func unwrittenID(repositoryID int64) string {
	return uuid.NewString() + "-" + strconv.FormatInt(repositoryID, 16)
}

// repositoryOf reads an unwrittenID. ok is false for other ids.
func repositoryOf(id string) (repositoryID int64, ok bool) {
	const named = len("01234567-89ab-cdef-0123-456789abcdef")
	if len(id) <= named+1 || id[named] != '-' {
		return 0, false
	}
	repositoryID, err := strconv.ParseInt(id[named+1:], 16, 64)
	return repositoryID, err == nil
}

// startUnwritten begins an upload without a row. ok is false where it needs one.
func (s *Service) startUnwritten(ctx context.Context, ref Ref) (row uploadRow, ok bool, err error) {
	at, err := s.homeOf(ctx, ref)
	if errors.Is(err, db.ErrNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, err
	}
	row, err = s.emptyUpload(unwrittenID(at.repositoryID), at)
	if err == nil && s.packer != nil && s.packer.Packs() && s.recents.mayKeep() {
		row.kept = &kept{since: s.clock()}
		return row, true, nil
	}
	if err == nil {
		row.Upload, err = s.resumer.Begin(ctx, row.ID, nil)
	}
	return row, err == nil, err
}

// homeOf reads where uploads into ref go, unless that was read before; db.ErrNotFound where they need rows.
func (s *Service) homeOf(ctx context.Context, ref Ref) (home, error) {
	version, exact := s.projects.Version()
	at, deletion, ok := s.homes.get(ref, version)
	if ok && exact {
		return at, nil
	}
	at, err := db.Get(ctx, s.db.Auto(), scanHome, homeOfUpload, ref.ProjectID, ref.Name)
	if err == nil && exact {
		s.homes.put(ref, version, deletion, at)
	}
	return at, err
}

func (s *Service) emptyUpload(id string, at home) (uploadRow, error) {
	state, err := blob.NewHasher().MarshalBinary()
	return uploadRow{Upload: blob.Upload{ID: id}, repositoryID: at.repositoryID, limited: at.limited, hash: state, unwritten: true}, err
}

// resume is what the store holds of an upload into ref that has no row and that this process has forgotten, or
// never knew. The caller holds it.
func (s *Service) resume(ctx context.Context, ref Ref, id string) (uploadRow, error) {
	repositoryID, ok := repositoryOf(id)
	if s.resumer == nil || !ok {
		return uploadRow{}, ErrUploadUnknown
	}
	at, err := db.Get(ctx, s.db.Auto(), scanHome, homeOfUpload, ref.ProjectID, ref.Name)
	if errors.Is(err, db.ErrNotFound) || err == nil && at.repositoryID != repositoryID {
		return uploadRow{}, ErrUploadUnknown
	}
	if err != nil {
		return uploadRow{}, err
	}
	return s.resumeInto(ctx, id, at)
}

func (s *Service) resumeInto(ctx context.Context, id string, at home) (uploadRow, error) {
	row, err := s.emptyUpload(id, at)
	if err != nil {
		return row, err
	}
	held, err := s.resumer.Resume(ctx, id)
	if err != nil {
		return row, uploadError(err)
	}
	if held.Size == 0 {
		return row, nil
	}
	r, err := s.resumer.ReadUpload(ctx, held)
	if err != nil {
		return row, uploadError(err)
	}
	defer r.Close()
	hasher := blob.NewHasher()
	if _, err := io.Copy(io.Discard, hasher.Reader(contextReader{ctx, r})); err != nil {
		return row, fmt.Errorf("read what upload %s holds: %w", id, err)
	}
	if hasher.Size() != held.Size {
		return row, ErrUploadUnknown // it was cut off meanwhile
	}
	row.Upload = held
	row.hash, err = hasher.MarshalBinary()
	return row, err
}

// sizeWithout is the size of an upload that has no row.
func (s *Service) sizeWithout(ctx context.Context, ref Ref, id string) (int64, error) {
	if row, ok := s.recents.peek(ref, id); ok {
		return row.Size, nil
	}
	row, err := s.resume(ctx, ref, id)
	return row.Size, err
}

// staysUnwritten reports whether an upload that has grown needs no row yet.
func (h *held) staysUnwritten(grown blob.Upload) bool {
	return h.unwritten && grown.Size <= unwrittenMost
}

// needsNoRow reports whether an upload that is to become d may go without one: a crash leaves bytes that only
// their SHA-256 names.
func (s *Service) needsNoRow(d oci.Digest) bool {
	return s.resumer != nil && (d == "" || d.Algorithm() == oci.SHA256)
}
