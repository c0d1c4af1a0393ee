package vulndb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/db"
)

// chunk is how many bytes of an archive a record holds: as many as it may.
const chunk = 4 << 20

// row is an edition with where its bytes lie.
type row struct {
	Edition
	location string
	chunks   int
}

const (
	columns = `id, location, chunks, digest, size, version, updated_at, next_update, imported_at, source`
	// newest are the edition in force and the one before.
	newest = `SELECT ` + columns + ` FROM vulndb_edition WHERE ready ORDER BY imported_at DESC, id DESC LIMIT 2`
	begin  = `INSERT INTO vulndb_edition (location, chunks, digest, size, version, updated_at, next_update, imported_at, source)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`
	finish = `UPDATE vulndb_edition SET ready = TRUE, imported_at = $1 WHERE id = $2`
	// outdated are those that neither are in force nor were before, and imports that never ended.
	outdated = `SELECT ` + columns + ` FROM vulndb_edition WHERE NOT ready AND imported_at < $1
		OR ready AND id NOT IN (SELECT id FROM vulndb_edition WHERE ready ORDER BY imported_at DESC, id DESC LIMIT 2)`
	forget = `DELETE FROM vulndb_edition WHERE id = $1`
)

func scanRow(r db.Row) (e row, err error) {
	var updated, next, imported int64
	err = r.Scan(&e.ID, &e.location, &e.chunks, &e.Digest, &e.Size, &e.Version, &updated, &next, &imported, &e.Source)
	e.UpdatedAt, e.ImportedAt = time.UnixMicro(updated).UTC(), time.UnixMicro(imported).UTC()
	if next != 0 {
		e.NextUpdate = time.UnixMicro(next).UTC()
	}
	return e, err
}

func record(location string, n int) string { return fmt.Sprintf("vulndb/%s/%05d", location, n) }

// upload writes an archive into the store.
func (s *Service) upload(ctx context.Context, archive string, e row) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, chunk)
	for n := range e.chunks {
		size, err := io.ReadFull(f, b)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if err := s.records.PutRecord(ctx, record(e.location, n), b[:size]); err != nil {
			return fmt.Errorf("store the database: %w", err)
		}
	}
	return nil
}

// fetch writes an edition's archive to a file, and compares its digest.
func (s *Service) fetch(ctx context.Context, e row, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	err = func() error {
		for n := range e.chunks {
			b, err := s.records.ReadRecord(ctx, record(e.location, n))
			if err != nil {
				return fmt.Errorf("fetch the database from the store: %w", err)
			}
			if _, err := io.Copy(io.MultiWriter(f, h), bytes.NewReader(b)); err != nil {
				return err
			}
		}
		return nil
	}()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != e.Digest {
		return fmt.Errorf("the database in the store is damaged: it has the digest %s, expected %s", got, e.Digest)
	}
	return nil
}

// unfinished is when an import that hasn't ended is given up.
const unfinished = 24 * time.Hour

// tidy removes what outdated editions hold in the store: the bytes first, so that a row tells of those that are left.
func (s *Service) tidy(ctx context.Context) error {
	old, err := db.Collect(ctx, s.db.Auto(), scanRow, outdated, s.clock().Add(-unfinished).UnixMicro())
	if err != nil {
		return fmt.Errorf("look for outdated databases: %w", err)
	}
	for _, e := range old {
		for n := range e.chunks {
			if err := s.records.DeleteRecord(ctx, record(e.location, n)); err != nil {
				return fmt.Errorf("delete an outdated database: %w", err)
			}
		}
		err := s.db.Write(ctx, func(tx db.Tx) error {
			_, err := tx.Exec(ctx, forget, e.ID)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget an outdated database: %w", err)
		}
	}
	return nil
}
