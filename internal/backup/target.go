package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/blob"
)

var (
	// ErrDamaged: a backup isn't what was written.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrNoBackup: there is none.
	ErrNoBackup = errors.New("there is no backup")
)

const (
	backupsDir  = "backups/"
	description = "/backup.json"
	keyRecord   = "/secret-key"
	listsDir    = "/blobs"
	rowsDir     = "/rows/"
	vulndbDir   = "vulndb/"
)

// Target is where backups are.
type Target struct{ blob.Store }

// put writes a record so that it survives the loss of power.
func (t Target) put(ctx context.Context, name string, content []byte) (Piece, error) {
	sum := sha256.Sum256(content)
	p := Piece{Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	err := t.PutRecord(ctx, name, content)
	if syncer, ok := t.Store.(blob.RecordSyncer); ok && err == nil {
		err = syncer.SyncRecords(ctx, name)
	}
	if err != nil {
		return p, fmt.Errorf("write to the target: %w", err)
	}
	return p, nil
}

// get reads a record of a backup, or is ErrDamaged.
func (t Target) get(ctx context.Context, name string, p Piece) ([]byte, error) {
	content, err := t.ReadRecord(ctx, name)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, name)
	}
	if err != nil {
		return nil, fmt.Errorf("read from the target: %w", err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, fmt.Errorf("%w: %s has other bytes than were written", ErrDamaged, name)
	}
	return content, nil
}

// contents is what lies in a target.
type contents struct {
	finished   []string            // ids of backups, the earliest first
	unfinished []string            // of those that were never finished, or are being written
	records    map[string][]string // by the id of the backup
	editions   []string            // records of the vulnerability database
}

func (t Target) contents(ctx context.Context) (contents, error) {
	c := contents{records: map[string][]string{}}
	err := t.EachRecord(ctx, func(name string) error {
		rest, ours := strings.CutPrefix(name, backupsDir)
		id, _, _ := strings.Cut(rest, "/")
		switch {
		case ours:
			c.records[id] = append(c.records[id], name)
		case strings.HasPrefix(name, vulndbDir):
			c.editions = append(c.editions, name)
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("list the target: %w", err)
	}
	for id, names := range c.records {
		if slices.Contains(names, backupsDir+id+description) {
			c.finished = append(c.finished, id)
		} else {
			c.unfinished = append(c.unfinished, id)
		}
	}
	slices.Sort(c.finished)
	slices.Sort(c.unfinished)
	return c, nil
}

// List returns the backups, the earliest first.
func (t Target) List(ctx context.Context) ([]Description, error) {
	c, err := t.contents(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Description, 0, len(c.finished))
	for _, id := range c.finished {
		d, err := t.describe(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (t Target) describe(ctx context.Context, id string) (Description, error) {
	text, err := t.ReadRecord(ctx, backupsDir+id+description)
	if errors.Is(err, blob.ErrNotFound) {
		return Description{}, fmt.Errorf("%w %s", ErrNoBackup, id)
	}
	if err != nil {
		return Description{}, fmt.Errorf("read from the target: %w", err)
	}
	d, err := parseDescription(text)
	if err == nil && d.ID != id {
		err = fmt.Errorf("%w: %s describes another one", ErrDamaged, id)
	}
	if err != nil {
		return Description{}, fmt.Errorf("backup %s: %w", id, err)
	}
	return d, nil
}

// Find returns a backup, the last one where id is "".
func (t Target) Find(ctx context.Context, id string) (Description, error) {
	if id != "" {
		if blob.CheckRecordName(backupsDir+id) != nil || strings.Contains(id, "/") {
			return Description{}, fmt.Errorf("%w %q", ErrNoBackup, id)
		}
		return t.describe(ctx, id)
	}
	c, err := t.contents(ctx)
	if err != nil {
		return Description{}, err
	}
	if len(c.finished) == 0 {
		return Description{}, fmt.Errorf("%w in the target; is its address right?", ErrNoBackup)
	}
	return t.describe(ctx, c.finished[len(c.finished)-1])
}

// Key returns the key file that is in the backup, which has one.
func (t Target) Key(ctx context.Context, d Description) ([]byte, error) {
	return t.get(ctx, backupsDir+d.ID+keyRecord, *d.SecretKey)
}

// finish makes the backup be there.
func (t Target) finish(ctx context.Context, d Description) error {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return fmt.Errorf("encode the description of the backup: %w", err)
	}
	_, err = t.put(ctx, backupsDir+d.ID+description, text)
	return err
}

// pieceName is the record of a piece, from 1.
func pieceName(dir string, n int) string { return path.Join(dir, fmt.Sprintf("%05d", n)) }
