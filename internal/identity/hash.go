package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/havenregistry/haven/internal/secret"
	"golang.org/x/crypto/argon2"
)

// Parameters of new hashes: OWASP's second recommendation for argon2id. Rows say their own, so these
// may grow.
const (
	hashMemory  = 19 * 1024 // KiB
	hashTime    = 2
	hashThreads = 1
	saltSize    = 16
	digestSize  = 32
)

// Bounds for the parameters of a stored hash: a row can't make the server spend more than this.
const (
	maxHashMemory = 1024 * 1024 // KiB
	maxHashTime   = 32
)

var errHashFormat = errors.New("password hash: unknown format")

// hasher computes argon2id with a bounded number at a time, as each takes 19 MiB.
type hasher struct {
	slots chan struct{}
	// dummy is a hash that nothing matches. Unknown names are checked against it, at the usual cost.
	dummy string
}

func newHasher() *hasher {
	h := &hasher{slots: make(chan struct{}, min(max(runtime.GOMAXPROCS(0), 2), 16))}
	var random [saltSize + digestSize]byte
	rand.Read(random[:]) // never fails
	h.dummy = phc{hashMemory, hashTime, hashThreads, random[:saltSize], random[saltSize:]}.String()
	return h
}

// inSlot runs f when fewer than the bound run.
func (h *hasher) inSlot(ctx context.Context, f func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash returns the PHC string of a new hash.
func (h *hasher) hash(ctx context.Context, password secret.Text) (string, error) {
	var text string
	err := h.inSlot(ctx, func() error { text = h.compute(password); return nil })
	return text, err
}

// compute is hash for who is in a slot already.
func (h *hasher) compute(password secret.Text) string {
	p := phc{memory: hashMemory, time: hashTime, threads: hashThreads, salt: make([]byte, saltSize)}
	rand.Read(p.salt) // never fails
	p.digest = p.compute(password, digestSize)
	return p.String()
}

// matches compares in constant time. Call it in a slot.
func (h *hasher) matches(password secret.Text, stored string) (bool, error) {
	if isForeign(stored) {
		f, err := parseForeign(stored)
		if err != nil {
			return false, err
		}
		digest, err := f.compute(password)
		return err == nil && subtle.ConstantTimeCompare(digest, f.Digest) == 1, err
	}
	p, err := parsePHC(stored)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(p.compute(password, len(p.digest)), p.digest) == 1, nil
}

// phc is an argon2id hash, written $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$DIGEST.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, digest []byte
}

func (p phc) compute(password secret.Text, size int) []byte {
	return argon2.IDKey([]byte(password.Reveal()), p.salt, p.time, p.memory, p.threads, uint32(size))
}

func (p phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		enc.EncodeToString(p.salt), enc.EncodeToString(p.digest))
}

func parsePHC(s string) (phc, error) {
	var p phc
	var version int
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, errHashFormat
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, errHashFormat
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, errHashFormat
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	p.digest, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(p.digest) < 16 || len(p.digest) > 64 ||
		p.memory > maxHashMemory || p.time < 1 || p.time > maxHashTime || p.threads < 1 {
		return p, errHashFormat
	}
	return p, nil
}
