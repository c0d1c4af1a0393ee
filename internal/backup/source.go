package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
)

// Source is a registry that somebody takes along, beside its servers.
type Source struct {
	DB       *db.DB
	Blobs    blob.Store
	Registry *registry.Service
	Box      *secret.Box
}

// check refuses a key that isn't the database's: what it seals could be read by nobody.
func (s Source) check(ctx context.Context, tx db.Tx) error {
	sealed, err := identity.Sealed(ctx, tx)
	if err != nil {
		return fmt.Errorf("look whether the secret key fits: %w", err)
	}
	if err := s.Box.Fits(sealed); err != nil {
		return errors.New("secret_key_file: it doesn't hold the key of this database; name the file that haven serve uses")
	}
	return nil
}

// moment is what was so when a snapshot was taken.
type moment struct {
	at       time.Time
	schema   int64
	editions []vulndb.Carried
}

// snapshot gives a sink all rows of one moment that go along. show is told of each.
func (s Source) snapshot(ctx context.Context, clock func() time.Time, show func(n int64), to rowSink) (m moment, err error) {
	if _, err := s.DB.Schema(ctx); err != nil {
		return m, err
	}
	err = s.DB.Read(ctx, func(tx db.Tx) (err error) {
		if m.schema, err = tx.SchemaVersion(ctx); err != nil {
			return err
		}
		if err := (db.Schema{Current: m.schema, Target: db.Newest()}).Exact(); err != nil {
			return err
		}
		if err := s.check(ctx, tx); err != nil {
			return err
		}
		m.at = clock().UTC()
		if m.editions, err = vulndb.Carry(ctx, tx); err != nil {
			return err
		}
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if _, stays := left[t.Name]; stays {
				continue
			}
			if err := give(ctx, tx, t, show, to); err != nil {
				return err
			}
		}
		return nil
	})
	return m, err
}

// give gives the sink a table. Blobs come in the order in which lists are.
func give(ctx context.Context, tx db.Tx, t db.Table, show func(n int64), to rowSink) error {
	h := head{table: t.Name}
	for _, c := range t.Columns {
		h.columns = append(h.columns, c.Name)
	}
	if t.Counter != "" {
		var err error
		if h.counter, err = tx.Counted(ctx, t); err != nil {
			return err
		}
	}
	if err := to.begin(ctx, h); err != nil {
		return err
	}
	by := ""
	if t.Name == blobTable {
		by = "digest"
	}
	err := tx.Rows(ctx, t, only[t.Name], by, func(row []any) error {
		show(1)
		return to.add(ctx, row)
	})
	if err != nil {
		return err
	}
	return to.end(ctx)
}

// open opens a blob where it was at the snapshot, or where it is by now: a damaged one may have been pushed again.
func (s Source) open(d oci.Digest, location string) opener {
	return func(ctx context.Context) (blob.Content, error) {
		if location != "" {
			content, err := s.Blobs.Open(ctx, location)
			if !errors.Is(err, blob.ErrNotFound) {
				return content, err
			}
		}
		now, err := s.Registry.StoredBlob(ctx, d)
		if errors.Is(err, db.ErrNotFound) || err == nil && now.Location == "" {
			return nil, blob.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		return s.Blobs.Open(ctx, now.Location)
	}
}
