package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
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

// signingKeys are the P-256 keys of docker tokens: the newest signs, all verify.
type signingKeys struct {
	mu     sync.Mutex
	readAt time.Time
	signer jose.Signer
	public map[string]*ecdsa.PublicKey // by key id
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

// publicKey returns the key named kid, nil when there is none.
func (s *Service) publicKey(ctx context.Context, kid string) (*ecdsa.PublicKey, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.public[kid] == nil && s.clock().Sub(k.readAt) >= keysAgain {
		if err := s.loadKeys(ctx); err != nil {
			return nil, err
		}
	}
	return k.public[kid], nil
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
	public := map[string]*ecdsa.PublicKey{}
	var newest jose.Signer
	for _, row := range rows {
		private, err := s.openKey(row)
		if err != nil {
			return fmt.Errorf("open token key %s: %w", row.kid, err)
		}
		public[row.kid] = &private.PublicKey
		if newest == nil {
			newest, err = jose.NewSigner(jose.SigningKey{Algorithm: tokenAlgorithm, Key: jose.JSONWebKey{Key: private, KeyID: row.kid}},
				(&jose.SignerOptions{}).WithType("JWT"))
			if err != nil {
				return fmt.Errorf("sign with token key %s: %w", row.kid, err)
			}
		}
	}
	s.keys.public, s.keys.signer, s.keys.readAt = public, newest, s.clock()
	return nil
}

// makeKey makes the first key, unless another replica did meanwhile.
func (s *Service) makeKey(ctx context.Context) ([]sealedKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(public)
	made := sealedKey{kid: hex.EncodeToString(sum[:10]), sealed: s.box.Seal(der)}
	var rows []sealedKey
	err = s.db.Write(ctx, func(tx db.Tx) error {
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

func (s *Service) openKey(row sealedKey) (*ecdsa.PrivateKey, error) {
	der, err := s.box.Open(row.sealed)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, fmt.Errorf("expected a P-256 key")
	}
	return private, nil
}
