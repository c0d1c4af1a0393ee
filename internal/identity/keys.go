package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/havenregistry/haven/internal/db"
)

// tokenPurpose names the rows of sealed_key that hold keys of docker tokens.
const tokenPurpose = "token"

// keysAgain is how soon the keys are read again for a token that names an unknown one: another replica
// may have made a new key.
const keysAgain = time.Second

// signingKeys are the HMAC keys of docker tokens: the newest signs, all verify. Nobody but Haven reads its
// tokens, so a key that others could verify with would only make each of them forty times as dear.
type signingKeys struct {
	mu     sync.Mutex
	readAt time.Time
	signer jose.Signer
	byID   map[string][]byte
}

const (
	keySelect = `SELECT kid, sealed FROM sealed_key WHERE purpose = $1 ORDER BY created_at DESC, kid`
	keyInsert = `INSERT INTO sealed_key (purpose, kid, sealed, created_at) VALUES ($1, $2, $3, $4)`
)

type sealedKey struct {
	kid    string
	sealed []byte
}

func scanSealedKey(r db.Row) (k sealedKey, err error) {
	err = r.Scan(&k.kid, &k.sealed)
	return k, err
}

// OpenKeys reads the keys of docker tokens, and makes the first one. secret.ErrSealed means that another
// secret key sealed them: what this process would issue and seal, the other replicas couldn't open.
func (s *Service) OpenKeys(ctx context.Context) error {
	_, err := s.signer(ctx)
	return err
}

// signer returns what signs new tokens; the first call ever makes the key.
func (s *Service) signer(ctx context.Context) (jose.Signer, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.signer == nil {
		if err := s.loadKeys(ctx); err != nil {
			return nil, err
		}
	}
	return k.signer, nil
}

// tokenKey returns the key named kid, nil when there is none.
func (s *Service) tokenKey(ctx context.Context, kid string) ([]byte, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID[kid] == nil && s.clock().Sub(k.readAt) >= keysAgain {
		if err := s.loadKeys(ctx); err != nil {
			return nil, err
		}
	}
	return k.byID[kid], nil
}

// loadKeys needs the lock.
func (s *Service) loadKeys(ctx context.Context) error {
	rows, err := db.Collect(ctx, s.db.Auto(), scanSealedKey, keySelect, tokenPurpose)
	if err == nil && len(rows) == 0 {
		rows, err = s.makeKey(ctx)
	}
	if err != nil {
		return fmt.Errorf("load the keys of tokens: %w", err)
	}
	byID := map[string][]byte{}
	var newest jose.Signer
	for _, row := range rows {
		key, err := s.box.Open(row.sealed)
		if err != nil {
			return fmt.Errorf("open token key %s: %w", row.kid, err)
		}
		byID[row.kid] = key
		if newest != nil {
			continue
		}
		newest, err = jose.NewSigner(jose.SigningKey{Algorithm: tokenAlgorithm, Key: key},
			(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", row.kid))
		if err != nil {
			return fmt.Errorf("sign with token key %s: %w", row.kid, err)
		}
	}
	s.keys.byID, s.keys.signer, s.keys.readAt = byID, newest, s.clock()
	return nil
}

// makeKey makes the first key, unless another replica did meanwhile.
func (s *Service) makeKey(ctx context.Context) ([]sealedKey, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	id := make([]byte, 10)
	rand.Read(id)
	made := sealedKey{kid: hex.EncodeToString(id), sealed: s.box.Seal(key)}
	var rows []sealedKey
	err := s.db.Write(ctx, func(tx db.Tx) error {
		var err error
		if rows, err = db.Collect(ctx, tx, scanSealedKey, keySelect, tokenPurpose); err != nil || len(rows) > 0 {
			return err
		}
		rows = []sealedKey{made}
		_, err = tx.Exec(ctx, keyInsert, tokenPurpose, made.kid, made.sealed, db.Micros(s.clock()))
		return err
	})
	return rows, err
}

// sealedKeys are values that the key of the database has sealed.
const sealedKeys = `SELECT sealed FROM sealed_key`

// Sealed returns the keys that the database keeps sealed, and makes none: whoever can open these has the right secret key.
func Sealed(ctx context.Context, tx db.Tx) ([][]byte, error) {
	all, err := db.Collect(ctx, tx, db.ScanBytes, sealedKeys)
	if err != nil {
		return nil, fmt.Errorf("look up what is sealed: %w", err)
	}
	return all, nil
}
