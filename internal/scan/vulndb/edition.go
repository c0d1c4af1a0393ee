package vulndb

import (
	"context"
	"errors"
	"time"
)

// ErrNone is returned while no edition of the database was ever imported.
var ErrNone = errors.New("no vulnerability database")

// Edition is one state of the vulnerability database, as somebody published it.
type Edition struct {
	ID         int64
	Digest     string // of the archive that every replica gets it by
	Size       int64  // of the archive, in bytes
	Version    int    // of the schema
	UpdatedAt  time.Time
	NextUpdate time.Time // zero: not said
	ImportedAt time.Time
	Source     string // where it came from, without credentials; "upload" when somebody sent it
	// Dir is the folder on this machine with trivy.db and metadata.json. It stays until the edition after the next
	// is current.
	Dir string
}

// Store gives the edition that packages are judged by.
type Store interface {
	// Current returns the edition in force, unpacked on this machine, or ErrNone.
	Current(ctx context.Context) (Edition, error)
}

// Metadata is what a database says of itself.
type Metadata struct {
	Version    int
	UpdatedAt  time.Time
	NextUpdate time.Time
}
