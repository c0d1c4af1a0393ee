package backup

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// format is the number of the format that this package writes; it reads no later one.
const format = 1

// Description is what a backup is.
type Description struct {
	Format     int       `json:"format"`
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"` // of the snapshot
	FinishedAt time.Time `json:"finished_at"`
	Version    string    `json:"version"`  // of the program
	Database   string    `json:"database"` // which one it was, for people
	Schema     int64     `json:"schema"`   // number of its last migration
	KeyCheck   []byte    `json:"key_check"`
	SecretKey  *Piece    `json:"secret_key,omitempty"` // the key file, where it is in the backup
	Tables     []Rows    `json:"tables"`               // in an order in which they can be filled
	Blobs      Blobs     `json:"blobs"`
	Editions   []Edition `json:"vulndb,omitempty"`
}

// Piece is a record of a backup.
type Piece struct {
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Rows is the rows of a table.
type Rows struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Count   int64    `json:"rows"`
	Counter int64    `json:"counter,omitempty"` // the greatest id that was ever given
	Pieces  []Piece  `json:"pieces,omitempty"`
}

// Blobs is which blobs there are.
type Blobs struct {
	Count       int64   `json:"count"`
	Bytes       int64   `json:"bytes"`
	Copied      int64   `json:"copied"` // the others had been in the target
	CopiedBytes int64   `json:"copied_bytes"`
	Missing     int64   `json:"missing,omitempty"` // of Count, those that the store had lost
	Lists       []Piece `json:"lists"`
}

// Edition is an edition of the vulnerability database.
type Edition struct {
	Location string  `json:"location"`
	Records  []Named `json:"records"`
}

// Named is a Piece with the name of its record in a registry's store and in the target, which is the same.
type Named struct {
	Name string `json:"name"`
	Piece
}

// RowCount is how many rows there are in all.
func (d Description) RowCount() (n int64) {
	for _, t := range d.Tables {
		n += t.Count
	}
	return n
}

// newID names a backup. Later ones are greater.
func newID(now time.Time) string {
	var random [3]byte
	rand.Read(random[:]) // never fails
	return now.UTC().Format("20060102T150405.000Z") + "-" + hex.EncodeToString(random[:])
}

// ErrNewer: a backup was made by a later program.
var ErrNewer = errors.New("the backup was made by a newer version of Haven: use that version")

func parseDescription(text []byte) (d Description, err error) {
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%w: its description can't be read: %w", ErrDamaged, err)
	}
	if d.Format > format {
		return d, fmt.Errorf("%w (it has the format %d, this one knows %d)", ErrNewer, d.Format, format)
	}
	return d, nil
}

// keyCheck is sealed into each backup, so that a restore knows before it begins whether the key is the right one.
const keyCheck = "haven backup"

// ErrKey: the secret key isn't the backup's.
var ErrKey = errors.New("the secret key file doesn't hold the key of the registry that was backed up: put a copy of that registry's file (its secret_key_file, by default DATA_DIR/secret-key) there, and try again")

// opensWith is ErrKey where the key of the box isn't the backup's.
func (d Description) opensWith(box *secret.Box) error {
	plain, err := box.Open(d.KeyCheck)
	if err != nil || string(plain) != keyCheck {
		return ErrKey
	}
	return nil
}

// columnsOf are the places of columns in the rows of a table.
func (t Rows) columnsOf(names ...string) ([]int, error) {
	at := make([]int, len(names))
	for i, name := range names {
		if at[i] = slices.Index(t.Columns, name); at[i] < 0 {
			return nil, fmt.Errorf("%w: the table %s has no column %s, but %s", ErrDamaged, t.Table, name, strings.Join(t.Columns, ", "))
		}
	}
	return at, nil
}
