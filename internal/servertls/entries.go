package servertls

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/acme/autocert"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	getEntry  = `SELECT sealed FROM acme_entry WHERE name = $1`
	putEntry  = `INSERT INTO acme_entry (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed`
	dropEntry = `DELETE FROM acme_entry WHERE name = $1`
)

// entries keeps what ACME is about in the database, sealed. prefix sets apart what other directories have given. It implements autocert.Cache.
type entries struct {
	db     *db.DB
	box    *secret.Box
	prefix string
}

// Get implements autocert.Cache.
func (e entries) Get(ctx context.Context, name string) ([]byte, error) {
	sealed, err := db.Get(ctx, e.db.Auto(), db.ScanBytes, getEntry, e.prefix+name)
	if errors.Is(err, db.ErrNotFound) {
		return nil, autocert.ErrCacheMiss
	}
	if err != nil {
		return nil, fmt.Errorf("read what ACME keeps: %w", err)
	}
	plain, err := e.box.Open(sealed)
	if err != nil {
		return nil, autocert.ErrCacheMiss // of a key that is gone: it is got anew
	}
	return plain, nil
}

// Put implements autocert.Cache.
func (e entries) Put(ctx context.Context, name string, plain []byte) error {
	return e.write(ctx, putEntry, e.prefix+name, e.box.Seal(plain))
}

// Delete implements autocert.Cache.
func (e entries) Delete(ctx context.Context, name string) error {
	return e.write(ctx, dropEntry, e.prefix+name)
}

func (e entries) write(ctx context.Context, statement string, args ...any) error {
	err := e.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, statement, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep what ACME needs: %w", err)
	}
	return nil
}
