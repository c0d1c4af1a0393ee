package signing

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
)

const (
	// The private parts are no column of what lists keys.
	keyList = `SELECT id, format, public_key, certificates, fingerprint, private_key IS NOT NULL, elsewhere, created_at FROM signing_key ORDER BY format, id DESC`
	// Of two who make a first key at once, one finds the other's.
	keyInsert = `INSERT INTO signing_key (format, public_key, certificates, fingerprint, private_key, elsewhere, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (format) WHERE private_key IS NOT NULL DO NOTHING RETURNING id`
	keyRetire    = `UPDATE signing_key SET private_key = NULL WHERE format = $1 AND private_key IS NOT NULL`
	keyCurrent   = `SELECT id, private_key, elsewhere, public_key, certificates FROM signing_key WHERE format = $1 AND private_key IS NOT NULL`
	keySigns     = `SELECT EXISTS (SELECT 1 FROM signing_key WHERE format = $1 AND private_key IS NOT NULL AND elsewhere AND public_key = $2)`
	wantedByAny  = `SELECT project_id, formats FROM signing_policy WHERE enabled ORDER BY project_id`
	keyIsCurrent = `SELECT EXISTS (SELECT 1 FROM signing_key WHERE format = $1 AND private_key IS NOT NULL)`
)

func scanKey(r db.Row) (k Key, err error) {
	var certificates string
	err = r.Scan(&k.ID, &k.Format, &k.Public, &certificates, &k.Fingerprint, &k.Current, &k.Elsewhere, db.ScanTime(&k.CreatedAt))
	if _, rest := pem.Decode([]byte(certificates)); certificates != "" {
		k.Certificate = string(rest)
	}
	return k, err
}

type sealedKey struct {
	id           int64
	sealed       []byte
	elsewhere    bool
	public       string
	certificates string
}

func scanSealed(r db.Row) (k sealedKey, err error) {
	err = r.Scan(&k.id, &k.sealed, &k.elsewhere, &k.public, &k.certificates)
	return k, err
}

// Keys returns the public parts of all keys, by format, the newest first. The first call ever makes the first keys.
func (s *Service) Keys(ctx context.Context) ([]Key, error) {
	for _, format := range []Format{Cosign, Notation} {
		if err := s.ensureKey(ctx, format); err != nil {
			return nil, err
		}
	}
	keys, err := db.Collect(ctx, s.db.Auto(), scanKey, keyList)
	if err != nil {
		return nil, fmt.Errorf("list the signing keys: %w", err)
	}
	return keys, nil
}

// ensureKey makes the first key of a format, unless there is one.
func (s *Service) ensureKey(ctx context.Context, format Format) error {
	there, err := db.Get(ctx, s.db.Auto(), db.ScanBool, keyIsCurrent, format)
	if err != nil {
		return fmt.Errorf("look for a signing key: %w", err)
	}
	if there {
		return nil
	}
	made, err := s.makeKey(ctx, format)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		_, err := s.insertKey(ctx, tx, made)
		if errors.Is(err, db.ErrNotFound) {
			return nil // somebody else's is there
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("make the first signing key for %s: %w", format, err)
	}
	s.log.InfoContext(ctx, "there is a first signing key", "format", format)
	return nil
}

// insertKey is db.ErrNotFound where another key of the format signs.
func (s *Service) insertKey(ctx context.Context, tx db.Tx, k newKey) (id int64, err error) {
	return db.Get(ctx, tx, db.ScanInt, keyInsert, k.Format, k.Public, k.certificates, k.Fingerprint, s.box.Seal(k.private), k.Elsewhere, db.Micros(k.CreatedAt))
}

// signer returns the key that signs now, for a format of keys. A key that another secret key sealed is secret.ErrSealed.
func (s *Service) signer(ctx context.Context, format Format) (*signer, error) {
	if err := s.ensureKey(ctx, format); err != nil {
		return nil, err
	}
	k, err := db.Get(ctx, s.db.Auto(), scanSealed, keyCurrent, format)
	if err != nil {
		return nil, fmt.Errorf("read the signing key for %s: %w", format, err)
	}
	if k.elsewhere {
		return s.elsewhere(ctx, k.id, format, k.public, k.certificates)
	}
	private, err := s.box.Open(k.sealed)
	if err != nil {
		return nil, fmt.Errorf("open signing key %d: %w", k.id, err)
	}
	return openSigner(k.id, private, k.certificates)
}

// Rotate has another key sign from now on, of the format cosign or notation: the signing program's, where there is one. What was signed stays signed by the former one, whose
// private part is gone; what has passed gets a signature by the new one too, in every project that wants it.
func (s *Service) Rotate(ctx context.Context, by authz.Principal, format string) (Key, error) {
	if f := Format(format); f != Cosign && f != Notation {
		return Key{}, fault.Invalidf("%q is no format of keys: it is cosign or notation", clip(format))
	}
	made, err := s.makeKey(ctx, Format(format))
	if err != nil {
		return Key{}, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) (err error) {
		if made.Elsewhere {
			same, err := db.Get(ctx, tx, db.ScanBool, keySigns, made.Format, made.Public)
			if err != nil {
				return err
			}
			if same {
				return fault.Conflictf("the signing program has the key that signs already: give it another one first")
			}
		}
		if _, err := tx.Exec(ctx, keyRetire, made.Format); err != nil {
			return err
		}
		if made.ID, err = s.insertKey(ctx, tx, made); err != nil {
			return err
		}
		if err := s.signAnew(ctx, tx, by, made.Format); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{
			Kind: event.UpdateConfiguration, At: s.clock(), By: by.Name, Resource: "signing key",
			Description: "make another key for signatures of " + format + ": " + made.Fingerprint, Success: true,
		})
	})
	if err != nil {
		return Key{}, fmt.Errorf("make another signing key for %s: %w", format, err)
	}
	s.log.InfoContext(ctx, "another key signs", "format", format, "fingerprint", made.Fingerprint, "by", by.Name)
	return made.Key, nil
}

type wanting struct {
	projectID int64
	formats   []Format
}

func scanWanting(r db.Row) (w wanting, err error) {
	var formats string
	err = r.Scan(&w.projectID, &formats)
	w.formats = formatsOf(formats)
	return w, err
}

// signAnew begins to sign with a new key what lies in the projects that want it.
func (s *Service) signAnew(ctx context.Context, tx db.Tx, by authz.Principal, key Format) error {
	all, err := db.Collect(ctx, tx, scanWanting, wantedByAny)
	if err != nil {
		return err
	}
	var projects []int64
	for _, w := range all {
		for _, f := range w.formats {
			if f.key() == key {
				projects = append(projects, w.projectID)
				break
			}
		}
	}
	if len(projects) == 0 {
		return nil
	}
	return s.beginWalk(ctx, tx, by, job.System, projects...)
}
