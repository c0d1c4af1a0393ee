package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

const metadataValue = `SELECT value FROM project_metadata WHERE project_id = $1 AND name = $2`

// ScannerOf returns the uuid of the scanner that the project chose; "" when it chose none.
func (s *Service) ScannerOf(ctx context.Context, id int64) (string, error) {
	uuid, err := db.Get(ctx, s.db.Auto(), db.ScanString, metadataValue, id, ScannerUUID)
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up the scanner of project %d: %w", id, err)
	}
	return uuid, nil
}

// SetScanner notes which scanner the project chose. The caller knows that it exists.
func (s *Service) SetScanner(ctx context.Context, by authz.Principal, id int64, uuid string) error {
	err := s.change(ctx, by, id, func(tx db.Tx, _ Project) error {
		return putMetadata(ctx, tx, id, map[string]string{ScannerUUID: uuid})
	})
	if err != nil {
		return fmt.Errorf("set the scanner of project %d: %w", id, err)
	}
	return nil
}
