package identity

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what an old Harbor hashed with: such a hash is replaced when its owner comes
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/secret"
)

// foreignPrefix begins the hashes that came with accounts of another registry, and no others.
const foreignPrefix = "$pbkdf2-"

// maxIterations bounds what such a hash can make the server spend.
const maxIterations = 2_000_000

// ForeignHash is PBKDF2, by which Harbor hashes passwords and secrets. It is good until its owner comes with the password, when Haven
// hashes that in its own way.
type ForeignHash struct {
	Algorithm  string // sha1 or sha256
	Iterations int    // 1 to 2,000,000
	Salt       string // as it goes into the function
	Digest     []byte // 16 to 64 bytes
}

// String writes it as rows hold it: $pbkdf2-ALGORITHM$i=ITERATIONS$SALT$DIGEST.
func (f ForeignHash) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("%s%s$i=%d$%s$%s", foreignPrefix, f.Algorithm, f.Iterations, enc.EncodeToString([]byte(f.Salt)), enc.EncodeToString(f.Digest))
}

// valid reports whether it is one that a log-in can be checked against.
func (f ForeignHash) valid() bool {
	return hashes(f.Algorithm) != nil && f.Iterations > 0 && f.Iterations <= maxIterations && len(f.Digest) >= 16 && len(f.Digest) <= 64
}

func hashes(algorithm string) func() hash.Hash {
	switch algorithm {
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	}
	return nil
}

func (f ForeignHash) compute(password secret.Text) ([]byte, error) {
	return pbkdf2.Key(hashes(f.Algorithm), password.Reveal(), []byte(f.Salt), f.Iterations, len(f.Digest))
}

func isForeign(stored string) bool { return strings.HasPrefix(stored, foreignPrefix) }

func parseForeign(stored string) (f ForeignHash, err error) {
	parts := strings.Split(strings.TrimPrefix(stored, foreignPrefix), "$")
	if len(parts) != 4 {
		return f, errHashFormat
	}
	f.Algorithm = parts[0]
	if _, err := fmt.Sscanf(parts[1], "i=%d", &f.Iterations); err != nil {
		return f, errHashFormat
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[2])
	digest, err2 := base64.RawStdEncoding.DecodeString(parts[3])
	f.Salt, f.Digest = string(salt), digest
	if err1 != nil || err2 != nil || !f.valid() {
		return f, errHashFormat
	}
	return f, nil
}

// foreignKinds are what foreign hashes there are, without salts and digests: a few, however many hashes.
const foreignKinds = `SELECT DISTINCT substr(hash, 1, 24) FROM account_password WHERE hash LIKE '$pbkdf2-%'
	UNION SELECT DISTINCT substr(hash, 1, 24) FROM robot_secret WHERE hash LIKE '$pbkdf2-%'`

// foreignWork knows how much work the dearest foreign hash is that is left. Every log-in that fails does as much, whoever it was
// for, so that the time tells nobody which names exist (S19).
type foreignWork struct {
	mu         sync.Mutex
	iterations int
	until      time.Time // when it is looked up again; zero: it wasn't yet
}

const (
	foreignFresh = time.Minute
	// foreignGone is how long none is believed to be there: they come by an adoption only, which no server runs beside.
	foreignGone = 24 * time.Hour
)

// left returns the iterations of the dearest foreign hash, 0 for none.
func (w *foreignWork) left(ctx context.Context, d *db.DB, now time.Time) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Before(w.until) {
		return w.iterations, nil
	}
	kinds, err := db.Collect(ctx, d.Auto(), db.ScanString, foreignKinds)
	if err != nil {
		return 0, fmt.Errorf("look for hashes of another registry: %w", err)
	}
	w.iterations, w.until = 0, now.Add(foreignFresh)
	for _, kind := range kinds {
		_, after, _ := strings.Cut(kind, "$i=")
		iterations, _, _ := strings.Cut(after, "$")
		n, _ := strconv.Atoi(iterations) // 0 for what no log-in can be checked against either
		w.iterations = max(w.iterations, min(n, maxIterations))
	}
	if w.iterations == 0 {
		w.until = now.Add(foreignGone)
	}
	return w.iterations, nil
}

// waste does the work that a failed check of stored has spared. Call it in a slot.
func (h *hasher) waste(password secret.Text, stored string, iterations int) error {
	if isForeign(stored) {
		f, err := parseForeign(stored)
		if err != nil {
			return err
		}
		iterations -= f.Iterations
		if _, err := h.matches(password, h.dummy); err != nil {
			return err
		}
	}
	if iterations <= 0 {
		return nil
	}
	_, err := ForeignHash{Algorithm: "sha256", Iterations: iterations, Salt: "of nobody", Digest: make([]byte, 16)}.compute(password)
	return err
}

const (
	accountRehash = `UPDATE account_password SET hash = $1 WHERE account_id = $2 AND hash = $3`
	robotRehash   = `UPDATE robot_secret SET hash = $1 WHERE robot_id = $2 AND hash = $3`
)

// rehash replaces a foreign hash by one of ours: its owner is here with the password. Call it in a slot.
func (s *Service) rehash(ctx context.Context, h holder, password secret.Text) error {
	statement, id := accountRehash, h.principal.ID
	if h.robot.ID != 0 {
		statement, id = robotRehash, h.robot.ID
	}
	own := s.hasher.compute(password)
	err := s.db.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, statement, own, id, h.hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("hash the password of %s anew: %w", h.subject, err)
	}
	return nil
}
