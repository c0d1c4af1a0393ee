package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/telemetry/trace"
)

// Rows of uploads, and of blobs that no manifest names yet, only have to survive the end of the process:
// after the loss of power a client sends the blob again. The manifest's own commit makes them durable.

const (
	// checkpoint is how many bytes of one request are appended before they are acknowledged in the
	// database. A stream that breaks off with the server loses no more.
	checkpoint = 256 << 20
	// settleTime is how long writing down what has happened may go on after the client has left.
	settleTime = 30 * time.Second
)

const (
	insertUpload = `INSERT INTO upload (id, repository_id, size, sha256_state, digest, created_at, updated_at)
		SELECT $1, id, 0, $4, $5, $6, $6 FROM repository WHERE project_id = $2 AND name = $3 RETURNING repository_id`
	intendDigest = `UPDATE upload SET digest = $3 WHERE id = $1 AND writer = $2`
)

// StartUpload begins an upload into the repository, which comes into being when it is absent (hidden,
// until a manifest arrives). In a project above its limit it is a *QuotaError.
func (s *Service) StartUpload(ctx context.Context, ref Ref) (Upload, error) {
	if err := s.CheckQuota(ctx, ref, "", 0); err != nil {
		return Upload{}, fmt.Errorf("start upload: %w", err)
	}
	return s.startUpload(ctx, ref, "")
}

// startUpload notes what the upload will be committed as, when that is known.
func (s *Service) startUpload(ctx context.Context, ref Ref, d oci.Digest) (Upload, error) {
	row, ok := uploadRow{}, false
	var err error
	if s.needsNoRow(d) {
		row, ok, err = s.startUnwritten(ctx, ref)
	}
	if err == nil && !ok {
		row, err = s.insertUpload(ctx, ref, d)
	}
	if err != nil {
		return Upload{}, fmt.Errorf("start upload: %w", err)
	}
	if s.db.Exclusive() {
		s.recents.put(ref, row)
	}
	return Upload{ID: row.ID}, nil
}

func (s *Service) insertUpload(ctx context.Context, ref Ref, d oci.Digest) (uploadRow, error) {
	row, err := s.emptyUpload(uuid.NewString(), home{})
	if err != nil {
		return row, err
	}
	row.intended, row.unwritten = d, false
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := s.now()
		insert := func() (err error) {
			row.repositoryID, err = db.Get(ctx, tx, db.ScanInt, insertUpload, row.ID, ref.ProjectID, ref.Name, row.hash, d, now)
			return err
		}
		err := insert()
		if !errors.Is(err, db.ErrNotFound) {
			return err
		}
		if _, err := ensureRepository(ctx, tx, ref, now); err != nil {
			return err
		}
		return insert()
	})
	version, _ := s.projects.Version()
	row.limited = !s.unlimited.has(ref.ProjectID, version)
	return row, err
}

// GetUpload returns an upload of this repository with the bytes acknowledged so far, or
// ErrUploadUnknown.
func (s *Service) GetUpload(ctx context.Context, ref Ref, id string) (Upload, error) {
	row, err := s.findUpload(ctx, ref, id)
	if errors.Is(err, ErrUploadUnknown) {
		row.Size, err = s.sizeWithout(ctx, ref, id)
	}
	if err != nil {
		return Upload{}, fmt.Errorf("get upload %s: %w", id, err)
	}
	return Upload{ID: id, Size: row.Size}, nil
}

// Append writes r to the upload at offset, which must be the number of bytes acknowledged (else it is a
// *RangeError, and changes nothing); -1 means wherever that is. It returns the upload with all bytes
// acknowledged, in O(1) memory. One request at a time writes an upload: ErrUploadBusy.
//
// When r or ctx fails, the bytes that arrived are kept and acknowledged: the upload comes with the
// error. OCI distribution-spec 1.1, "Pushing a blob in chunks".
func (s *Service) Append(ctx context.Context, ref Ref, id string, offset int64, r io.Reader) (Upload, error) {
	h, err := s.hold(ctx, ref, id, "")
	if err != nil {
		return Upload{}, fmt.Errorf("append to upload %s: %w", id, err)
	}
	defer h.release()
	if offset >= 0 && offset != h.Size {
		return Upload{ID: id, Size: h.Size}, &RangeError{Held: h.Size}
	}
	for {
		part := &io.LimitedReader{R: r, N: checkpoint}
		err := s.appendPart(ctx, h, part)
		if err != nil {
			return Upload{ID: id, Size: h.Size}, fmt.Errorf("append to upload %s: %w", id, err)
		}
		if part.N > 0 {
			if s.db.Exclusive() {
				s.recents.put(ref, h.uploadRow)
			}
			return Upload{ID: id, Size: h.Size}, nil
		}
	}
}

// appendPart appends and acknowledges what r yields. h.Size is what was acknowledged, in any case.
func (s *Service) appendPart(ctx context.Context, h *held, r io.Reader) error {
	if all, err := s.keepAll(ctx, h, r); all || err != nil {
		return err
	}
	grown, err := s.blobs.Append(ctx, h.Upload, h.hasher.Reader(r))
	if err = uploadError(err); grown.Size == h.Size {
		return err
	}
	if h.hasher.Size() != grown.Size {
		return errors.Join(err, fmt.Errorf("hashed %d bytes, wrote %d", h.hasher.Size(), grown.Size))
	}
	if ackErr := s.acknowledge(ctx, h, grown); ackErr != nil {
		return errors.Join(err, ackErr)
	}
	h.Upload = grown
	return err
}

// uploadError adds this package's sentinel to an error of the store. When the store has lost bytes that
// were acknowledged, there is nothing to go on with.
func uploadError(err error) error {
	switch {
	case errors.Is(err, blob.ErrOffset), errors.Is(err, blob.ErrUploadUnknown):
		return fmt.Errorf("%w: %w", ErrUploadUnknown, err)
	case errors.Is(err, blob.ErrUploadBusy):
		return fmt.Errorf("%w: %w", ErrUploadBusy, err)
	}
	return err
}

// acknowledge writes down what the upload holds, even when the client has left.
func (s *Service) acknowledge(ctx context.Context, h *held, grown blob.Upload) error {
	state, err := h.hasher.MarshalBinary()
	if err != nil {
		return err
	}
	h.hash = state
	if h.staysUnwritten(grown) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	err = s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if h.unwritten {
			_, err := tx.Exec(ctx, writeUpload, h.ID, h.repositoryID, grown.Size, state, grown.State, s.now())
			return err
		}
		n, err := tx.Exec(ctx, acknowledge, h.ID, h.writer, grown.Size, state, grown.State, s.now())
		if err == nil && n == 0 {
			return ErrUploadUnknown
		}
		return err
	})
	h.unwritten = h.unwritten && err != nil
	return err
}

// CommitUpload makes the upload the blob d, a member of the repository, and ends the upload. When it
// returns, the blob survives the end of the process; after the loss of power it is whole or unknown. Bytes with another digest are ErrDigestMismatch, and
// the upload is gone; so it is when the project's limit refuses the blob (*QuotaError). It can be repeated
// after any other error.
func (s *Service) CommitUpload(ctx context.Context, ref Ref, id string, d oci.Digest) (Blob, error) {
	h, err := s.hold(ctx, ref, id, d)
	if err != nil {
		return Blob{}, fmt.Errorf("commit upload %s: %w", id, err)
	}
	defer h.release()
	b, err := s.commit(ctx, ref, h, d)
	if err != nil {
		return Blob{}, fmt.Errorf("commit upload %s as %s: %w", id, d, s.refused(ctx, "", ref, err))
	}
	return b, nil
}

// commit verifies the bytes, makes them durable, unless the manifest shall, and then known, in this order.
func (s *Service) commit(ctx context.Context, ref Ref, h *held, d oci.Digest) (b Blob, err error) {
	ctx, span := trace.Start(ctx, "commit blob")
	span.Count("haven.size", h.Size)
	defer func() { span.End(err) }()
	if h.kept != nil && !packable(h, d) {
		if err := s.unkeep(ctx, h); err != nil {
			return Blob{}, err
		}
	}
	switch ok, err := s.verify(ctx, h, d); {
	case err != nil:
		return Blob{}, err
	case !ok:
		return Blob{}, errors.Join(ErrDigestMismatch, s.drop(ctx, h))
	}
	if h.limited {
		if err := s.CheckQuota(ctx, ref, d, h.Size); errors.Is(err, ErrQuota) {
			return Blob{}, errors.Join(err, s.drop(ctx, h))
		} else if err != nil {
			return Blob{}, err
		}
	}
	if err := s.intend(ctx, h, d); err != nil {
		return Blob{}, err
	}
	leave, err := s.digests.commit(ctx, d)
	if err != nil {
		return Blob{}, err
	}
	defer leave()
	if err := s.awaitDeath(ctx, h, d); err != nil {
		return Blob{}, err
	}
	b = Blob{Digest: d, Size: h.Size, Durable: !s.defers(h.Size)}
	if b.Location, err = s.place(ctx, h, d); err != nil {
		return Blob{}, uploadError(err)
	}
	if b.Durable {
		err = s.blobs.Sync(ctx, b.Location)
	} else {
		_, err = s.inheritedBlob(ctx, 0) // that it is no older one is known from now on
	}
	if err != nil {
		return Blob{}, uploadError(err)
	}
	placed := b.Location
	b, err = s.enrol(ctx, ref.ProjectID, h, b)
	return b, s.finish(ctx, h, placed, err)
}

// place gives the bytes the place where they stay.
func (s *Service) place(ctx context.Context, h *held, d oci.Digest) (location string, err error) {
	if h.kept != nil {
		return s.pack(ctx, h)
	}
	if h.Size == 0 { // nothing was ever appended
		if h.Upload, err = s.blobs.Append(ctx, h.Upload, strings.NewReader("")); err != nil {
			return "", err
		}
	}
	if h.unwritten {
		return s.resumer.Place(ctx, h.Upload, d)
	}
	return s.blobs.Commit(ctx, h.Upload, d)
}

// finish ends what is left of an upload whose bytes were placed and, if err says no other, enrolled.
func (s *Service) finish(ctx context.Context, h *held, placed string, err error) error {
	switch ended := err == nil || errors.Is(err, ErrQuota) || errors.Is(err, ErrRepositoryUnknown); {
	case !ended && h.kept != nil:
		s.unnamed.add(placed)
	case !ended:
	case h.kept != nil:
		s.letGo(h)
	case h.unwritten:
		return errors.Join(err, s.resumer.Cancel(context.WithoutCancel(ctx), h.Upload))
	}
	return err
}

// verify reports whether the upload's bytes have the digest. The sha256 was computed as they came; for
// sha512 they are read once more.
func (s *Service) verify(ctx context.Context, h *held, d oci.Digest) (bool, error) {
	if d.Algorithm() == oci.SHA256 {
		return h.hasher.Digest() == d, nil
	}
	if h.Size == 0 { // the store may know nothing of it
		return oci.FromHash(d.Algorithm(), d.NewHash()) == d, nil
	}
	r, err := s.blobs.ReadUpload(ctx, h.Upload)
	if errors.Is(err, blob.ErrUploadUnknown) && h.intended == d {
		return true, nil // a commit that was cut off verified it, and took the bytes
	}
	if err != nil {
		return false, uploadError(err)
	}
	defer r.Close()
	sum := d.NewHash()
	if _, err := io.Copy(sum, contextReader{ctx, r}); err != nil {
		return false, err
	}
	return oci.FromHash(d.Algorithm(), sum) == d, nil
}

// intend writes the digest into the row, which an upload may get for that, where the row doesn't tell it, so that bytes which a crash
// leaves in the store before their blob has a row are found again (leftovers). A claim has done it.
func (s *Service) intend(ctx context.Context, h *held, d oci.Digest) error {
	if d.Algorithm() == oci.SHA256 || h.intended == d {
		return nil
	}
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		if h.unwritten {
			if _, err := tx.Exec(ctx, writeUpload, h.ID, h.repositoryID, h.Size, h.hash, h.State, s.now()); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, intendDigest, h.ID, h.writer, d)
		return err
	})
	h.unwritten = h.unwritten && err != nil
	return err
}

// contextReader stops reading when ctx is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// enrol writes blob and membership, and ends the upload, in one transaction. When the repository may not have
// the blob, because of the project's limit or its own end, the blob has a row all the same, and is condemned.
func (s *Service) enrol(ctx context.Context, projectID int64, h *held, placed Blob) (b Blob, _ error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	var refused error
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		now := s.now()
		known, fresh, err := putBlob(ctx, tx, placed, s.placedByDigest(placed), now)
		if err != nil {
			return err
		}
		if fresh {
			refused = s.addFirst(ctx, tx, projectID, h.repositoryID, known, now)
		} else {
			refused = s.addMember(ctx, tx, h.repositoryID, known, now)
		}
		if errors.Is(refused, ErrQuota) || errors.Is(refused, ErrRepositoryUnknown) {
			err = condemn(ctx, tx, now, known.ID)
		} else {
			err, refused = refused, nil
		}
		if err != nil {
			return err
		}
		b = known
		if h.unwritten {
			return nil
		}
		n, err := tx.Exec(ctx, endUpload, h.ID, h.writer)
		if err == nil && n == 0 {
			return ErrUploadUnknown
		}
		return err
	})
	return b, errors.Join(err, refused)
}

// placedByDigest reports whether the bytes lie where their digest says.
func (s *Service) placedByDigest(b Blob) bool {
	finder, ok := s.blobs.(blob.Finder)
	if !ok {
		return false
	}
	_, ok = finder.Digest(b.Location)
	return ok
}

// CancelUpload drops the upload and its bytes, or returns ErrUploadUnknown.
func (s *Service) CancelUpload(ctx context.Context, ref Ref, id string) error {
	h, err := s.hold(ctx, ref, id, "")
	if err != nil {
		return fmt.Errorf("cancel upload %s: %w", id, err)
	}
	defer h.release()
	if err := s.drop(ctx, h); err != nil {
		return fmt.Errorf("cancel upload %s: %w", id, err)
	}
	return nil
}

// drop removes the upload: its trace last, so that whoever is killed meanwhile has left one to go on from. That is the
// row, or the bytes where there is none. What a commit that was cut off has put in the place of a blob becomes a
// condemned one, unless that is known.
func (s *Service) drop(ctx context.Context, h *held) error {
	if h.kept != nil {
		s.letGo(h)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if h.unwritten {
		if err := s.condemnLeftovers(ctx, h); err != nil {
			return err
		}
		return s.blobs.Cancel(ctx, h.Upload)
	}
	if err := s.blobs.Cancel(ctx, h.Upload); err != nil {
		return err
	}
	return s.condemnLeftovers(ctx, h)
}

// condemnLeftovers ends the upload's row, if it has one, and gives its leftovers rows.
func (s *Service) condemnLeftovers(ctx context.Context, h *held) error {
	left, err := s.leftovers(ctx, h)
	if err != nil || h.unwritten && len(left) == 0 {
		return err
	}
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		now := s.now()
		for _, b := range left {
			if err := condemnLeftover(ctx, tx, b, now); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, endUpload, h.ID, h.writer)
		return err
	})
}

// condemnLeftover gives bytes without a name a condemned blob. Where others of the same digest are known, elsewhere, they are
// discarded.
func condemnLeftover(ctx context.Context, tx db.Tx, b Blob, now int64) error {
	id, err := db.Get(ctx, tx, db.ScanInt, insertBlob, b.Digest, b.Size, b.Location, now, b.Durable)
	if err == nil {
		return condemn(ctx, tx, now, id)
	}
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	known, err := db.Get(ctx, tx, scanStored, blobByDigest, b.Digest)
	if err == nil && known.Location != b.Location {
		_, err = tx.Exec(ctx, discard, b.Location, now)
	}
	return err
}

// leftovers are the blobs that a commit of the upload may have placed before a crash. They have its digest:
// the one that it was to get, or that its bytes have.
func (s *Service) leftovers(ctx context.Context, h *held) (left []Blob, err error) {
	finder, ok := s.blobs.(blob.Finder)
	if !ok {
		return nil, nil // what a commit made had a place of its own, and went with the upload
	}
	for _, d := range []oci.Digest{h.intended, h.hasher.Digest()} {
		if d == "" {
			continue
		}
		location, size, err := finder.Find(ctx, d)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		left = append(left, Blob{Digest: d, Size: size, Location: location})
	}
	return left, nil
}

// PutBlob uploads r as the blob d in one go: what a POST with a digest does. On an error nothing of it
// can be seen. OCI distribution-spec 1.1, "Single POST".
func (s *Service) PutBlob(ctx context.Context, ref Ref, d oci.Digest, r io.Reader) (Blob, error) {
	u, err := s.startUpload(ctx, ref, d)
	if err != nil {
		return Blob{}, err
	}
	h, err := s.hold(ctx, ref, u.ID, d)
	if err != nil {
		return Blob{}, fmt.Errorf("put blob %s: %w", d, err)
	}
	defer h.release()
	if err := s.receive(ctx, h, r); err != nil {
		return Blob{}, fmt.Errorf("put blob %s: %w", d, errors.Join(err, s.drop(ctx, h)))
	}
	b, err := s.commit(ctx, ref, h, d)
	if err != nil {
		return Blob{}, fmt.Errorf("put blob %s: %w", d, err)
	}
	return b, nil
}

// receive takes all of r. The row, if there is one, says 0 bytes until the blob is there: after a crash there is nothing
// to resume.
func (s *Service) receive(ctx context.Context, h *held, r io.Reader) error {
	all, err := s.keepAll(ctx, h, r)
	if all || err != nil {
		return err
	}
	h.Upload, err = s.blobs.Append(ctx, h.Upload, h.hasher.Reader(r))
	return err
}
