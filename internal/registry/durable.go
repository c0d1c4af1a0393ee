package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// A small blob that is pushed isn't synced: it survives the end of the process, and its row says that it isn't
// durable. The manifest that names it first has all its blobs synced, in one wait for the disk that concurrent
// pushes share, and makes them durable in its own transaction.
//
// After the loss of power such a row may have survived without its bytes, or with torn ones. So a blob that
// isn't durable and was pushed before this process began is read and compared with its digest before anybody
// is told that it is there. When it isn't right it is damaged: clients push it again.
//
// Where other processes share the database each of them would have to know when the others began; there every
// blob is synced when it is pushed.

// deferredMost is the size of the largest blob, in bytes, whose sync is left to its manifest: reading as much
// again is no work.
const deferredMost = 1 << 20

// defers reports whether a blob of this size becomes durable with its manifest.
func (s *Service) defers(size int64) bool { return s.db.Exclusive() && size <= deferredMost }

// loose is a blob's row as it was read, to be made durable.
type loose struct {
	Blob
	createdAt int64 // changes when the row gets other bytes
}

func scanLoose(r db.Row) (v loose, err error) {
	err = r.Scan(&v.ID, &v.Digest, &v.Size, &v.Location, &v.Durable, &v.createdAt)
	return v, err
}

const (
	looseFields = `SELECT b.id, b.digest, b.size, b.location, b.durable, b.created_at FROM `
	looseByID   = looseFields + `blob b WHERE b.id = $1 AND NOT b.durable AND NOT b.damaged AND NOT b.deleting`
	newestBlob  = `SELECT COALESCE(MAX(id), 0) FROM blob`
)

var (
	heldAmong = inQuery{looseFields + `repository r
		JOIN repository_blob rb ON rb.repository_id = r.id
		JOIN blob b ON b.id = rb.blob_id
		WHERE r.project_id = $1 AND r.name = $2 AND NOT b.damaged AND b.digest IN `, ""}
	makeDurable = inQuery{`UPDATE blob SET durable = TRUE WHERE NOT durable AND id IN `, ` AND created_at IN `}
)

// inherited knows which blobs were there when this process began. The zero value is ready.
type inherited struct {
	mu    sync.Mutex
	known bool
	last  int64 // their greatest id; ids only grow
}

// inheritedBlob reports whether the blob was pushed before this process pushed one.
func (s *Service) inheritedBlob(ctx context.Context, id int64) (bool, error) {
	i := &s.inherited
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.known {
		last, err := db.Get(ctx, s.db.Auto(), db.ScanInt, newestBlob)
		if err != nil {
			return false, fmt.Errorf("look for the newest blob: %w", err)
		}
		i.known, i.last = true, last
	}
	return id <= i.last, nil
}

// doubtError says that the bytes of a blob may not have survived the loss of power.
type doubtError struct{ id int64 }

func (e *doubtError) Error() string { return fmt.Sprintf("the bytes of blob %d are in doubt", e.id) }

// doubt returns a *doubtError when the blob is to be read before anybody is told of it.
func (s *Service) doubt(ctx context.Context, b Blob) error {
	if b.Durable {
		return nil
	}
	old, err := s.inheritedBlob(ctx, b.ID)
	if err == nil && old {
		err = &doubtError{b.ID}
	}
	return err
}

// settled runs f, and again for each blob that it finds in doubt, when that is settled.
func (s *Service) settled(ctx context.Context, f func() error) error {
	for {
		err := f()
		var doubt *doubtError
		if !errors.As(err, &doubt) {
			return err
		}
		if err := s.settle(ctx, doubt.id); err != nil {
			return err
		}
	}
}

// settle makes a blob durable, or damaged.
func (s *Service) settle(ctx context.Context, id int64) error {
	b, err := db.Get(ctx, s.db.Auto(), scanLoose, looseByID, id)
	if errors.Is(err, db.ErrNotFound) {
		return nil // somebody else was here
	}
	if err != nil {
		return fmt.Errorf("look up blob %d: %w", id, err)
	}
	sound, err := s.sound(ctx, b.Blob)
	if err != nil {
		return err
	}
	if !sound {
		s.log.WarnContext(ctx, "a blob that no manifest names didn't survive the loss of power; clients push it again", "digest", b.Digest)
		_, err := s.MarkDamaged(ctx, StoredBlob{ID: b.ID, Digest: b.Digest, Location: b.Location})
		return err
	}
	if err := s.blobs.Sync(ctx, b.Location); err != nil {
		return fmt.Errorf("sync blob %s: %w", b.Digest, err)
	}
	return s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := makeAllDurable(ctx, tx, []loose{b})
		return err
	})
}

// sound reads a small blob and reports whether its bytes have its digest.
func (s *Service) sound(ctx context.Context, b Blob) (bool, error) {
	content, err := s.blobs.Open(ctx, b.Location)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("check blob %s: %w", b.Digest, err)
	}
	defer content.Close()
	sum := b.Digest.NewHash()
	n, err := io.Copy(sum, contextReader{ctx, io.LimitReader(content, b.Size+1)})
	if err != nil {
		return false, fmt.Errorf("check blob %s: %w", b.Digest, err)
	}
	return n == b.Size && oci.FromHash(b.Digest.Algorithm(), sum) == b.Digest, nil
}

// errUnsynced: a blob is named that wasn't there, or had other bytes, when the others were synced.
var errUnsynced = errors.New("a blob was pushed meanwhile")

// maxSyncs is how often a manifest's blobs are looked at before it is refused because others keep pushing them.
const maxSyncs = 10

// syncNamed returns the blobs that the manifest names and the repository holds, by digest. What of them is not
// durable yet survives the loss of power now; the manifest's transaction has to say so (keep).
func (s *Service) syncNamed(ctx context.Context, ref Ref, p pushed) (map[oci.Digest]loose, error) {
	held := map[oci.Digest]loose{}
	err := s.settled(ctx, func() error {
		rows, err := collectIn(ctx, s.db.Auto(), scanLoose, heldAmong, []any{ref.ProjectID, ref.Name},
			append(digests(p.Blobs()), digests(p.ForeignBlobs())...))
		if err != nil {
			return err
		}
		clear(held)
		for _, b := range rows {
			if err := s.doubt(ctx, b.Blob); err != nil {
				return err
			}
			held[b.Digest] = b
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up its blobs: %w", err)
	}
	var locations []string
	for _, b := range held {
		if !b.Durable {
			locations = append(locations, b.Location)
		}
	}
	if len(locations) == 0 {
		return held, nil
	}
	if err := s.blobs.Sync(ctx, locations...); err != nil {
		return nil, fmt.Errorf("sync its blobs: %w", err)
	}
	return held, nil
}

// keep notes that the members are durable. Those that syncNamed didn't sync as they are now are errUnsynced.
func keep(ctx context.Context, tx db.Tx, members []member, synced map[oci.Digest]loose) error {
	var fresh []loose
	for _, m := range members {
		if m.Durable {
			continue
		}
		b, ok := synced[m.Digest]
		if !ok || b.ID != m.ID {
			return errUnsynced
		}
		fresh = append(fresh, b)
	}
	if len(fresh) == 0 {
		return nil
	}
	n, err := makeAllDurable(ctx, tx, fresh)
	if err == nil && n != len(fresh) {
		return errUnsynced
	}
	return err
}

// makeAllDurable sets the rows that are as they were read, and returns how many.
func makeAllDurable(ctx context.Context, tx db.Tx, blobs []loose) (changed int, err error) {
	for set := range sets(blobs) {
		ids, times := make([]int64, len(set)), make([]int64, len(set))
		for i, b := range set {
			ids[i], times[i] = b.ID, b.createdAt
		}
		idMarks, args := db.In(0, ids)
		timeMarks, more := db.In(len(args), times)
		n, err := tx.Exec(ctx, makeDurable.with(idMarks)+"("+timeMarks+")", append(args, more...)...)
		if err != nil {
			return 0, err
		}
		changed += int(n)
	}
	return changed, nil
}
