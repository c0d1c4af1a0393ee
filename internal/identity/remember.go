package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/maypok86/otter/v2"
)

const (
	// rememberFor is how long a checked password needs no second hashing.
	rememberFor = time.Minute
	// rememberMost bounds each kind of remembered result, about 100 bytes each.
	rememberMost = 10_000
)

// memory holds results of password checks under keys that say nothing without its random key. The
// stored hash and the epoch are part of the key: what changes is forgotten, on every replica at once.
type memory struct {
	key          [32]byte
	right, wrong *otter.Cache[verdictKey, time.Time]
	guests       *otter.Cache[verdictKey, guest] // whose password a provider found right
	clock        func() time.Time
}

type verdictKey [sha256.Size]byte

func newMemory(clock func() time.Time) *memory {
	m := &memory{
		right:  otter.Must(&otter.Options[verdictKey, time.Time]{MaximumSize: rememberMost}),
		wrong:  otter.Must(&otter.Options[verdictKey, time.Time]{MaximumSize: rememberMost}),
		guests: otter.Must(&otter.Options[verdictKey, guest]{MaximumSize: rememberMost}),
		clock:  clock,
	}
	rand.Read(m.key[:]) // never fails
	return m
}

func (m *memory) keyOf(name string, password secret.Text, hash string, epoch int64) verdictKey {
	mac := hmac.New(sha256.New, m.key[:])
	mac.Write([]byte(name))
	mac.Write([]byte{0})
	mac.Write([]byte(password.Reveal()))
	mac.Write([]byte{0})
	mac.Write([]byte(hash))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(epoch)))
	return verdictKey(mac.Sum(nil))
}

// guest is the account that a provider let in, as it was then.
type guest struct {
	id, epoch int64
	until     time.Time
}

func (m *memory) learnGuest(k verdictKey, p authz.Principal) {
	m.guests.Set(k, guest{p.ID, p.Epoch, m.clock().Add(rememberFor)})
}

func (m *memory) guest(k verdictKey) (id, epoch int64, ok bool) {
	g, ok := m.guests.GetIfPresent(k)
	return g.id, g.epoch, ok && m.clock().Before(g.until)
}

// isRight reports whether the same password passed within the last minute.
func (m *memory) isRight(k verdictKey) bool { return m.has(m.right, k) }

// isWrong reports whether the same password failed within the last minute.
func (m *memory) isWrong(k verdictKey) bool { return m.has(m.wrong, k) }

func (m *memory) has(c *otter.Cache[verdictKey, time.Time], k verdictKey) bool {
	until, ok := c.GetIfPresent(k)
	return ok && m.clock().Before(until)
}

func (m *memory) learn(k verdictKey, right bool) {
	until := m.clock().Add(rememberFor)
	if right {
		m.right.Set(k, until)
		return
	}
	m.wrong.Set(k, until)
}
