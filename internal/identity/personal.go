package identity

import (
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

// PersonalToken is a personal access token: a password for programs that may do a part of what its owner may.
type PersonalToken struct {
	ID, AccountID int64
	Name          string
	Hint          string    // the token's last characters
	ExpiresAt     time.Time // zero: never
	CreatedAt     time.Time
	UsedAt        time.Time // last, within minutes; zero: never
	Limits        []Limit
}

// Limit is one thing that a token lets its owner do, with the name of the project if it is about one.
type Limit struct {
	authz.Grant
	Project string
}

// NewPersonalToken is what it takes to make a token. The caller has checked that the owner sees the
// projects of the limits.
type NewPersonalToken struct {
	Name      string
	ExpiresAt time.Time // zero: never
	Limits    []authz.Grant
}

// MadeToken is a new token with its text, which nobody can read later.
type MadeToken struct {
	PersonalToken
	Secret secret.Text
}

const (
	// maxTokens bounds the tokens of one account.
	maxTokens = 100
	// maxTokenName is in characters.
	maxTokenName = 100
	// maxLimits bounds the entries of one token.
	maxLimits = 500
	// hintSize is how many characters of a token its owner tells it by.
	hintSize = 4
	// deadTokensFor is how long an expired token is still listed, so that its owner sees what happened.
	deadTokensFor = 30 * 24 * time.Hour
)

// The form of a token: hvn_, 256 random bits and a CRC-32 of what stands before it, both in base 62. By
// prefix and checksum a scanner finds tokens in places where they shouldn't be, and nothing else.
const (
	tokenPrefix   = "hvn_"
	randomDigits  = 43
	checkDigits   = 6
	tokenLength   = len(tokenPrefix) + randomDigits + checkDigits
	base62        = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	everythingWay = "resource * with action *"
)

func newPersonalText() secret.Text {
	var random [32]byte
	rand.Read(random[:]) // never fails
	body := tokenPrefix + digits(new(big.Int).SetBytes(random[:]), randomDigits)
	return secret.Text(body + checksum(body))
}

func checksum(body string) string {
	return digits(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), checkDigits)
}

// digits writes n with so many digits.
func digits(n *big.Int, count int) string {
	out, digit := make([]byte, count), new(big.Int)
	base := big.NewInt(int64(len(base62)))
	n = new(big.Int).Set(n)
	for i := count - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}

// isPersonalText reports whether text has the form of a personal token. No password of a person has it by chance.
func isPersonalText(text secret.Text) bool {
	t := text.Reveal()
	if len(t) != tokenLength || !strings.HasPrefix(t, tokenPrefix) {
		return false
	}
	body := t[:tokenLength-checkDigits]
	return checksum(body) == t[tokenLength-checkDigits:]
}

func (n NewPersonalToken) validate(now time.Time) error {
	if size := utf8.RuneCountInString(n.Name); size < 1 || size > maxTokenName || !printable(n.Name) || strings.TrimSpace(n.Name) != n.Name {
		return fault.Invalidf("the name must be 1 to %d characters, without control characters and spaces around it", maxTokenName)
	}
	if !n.ExpiresAt.IsZero() && (expired(n.ExpiresAt, now) || n.ExpiresAt.After(latest)) {
		return fault.Invalidf("expires_at must be in the future")
	}
	if len(n.Limits) < 1 || len(n.Limits) > maxLimits {
		return fault.Invalidf("permissions must name 1 to %d rights", maxLimits)
	}
	for _, g := range n.Limits {
		kind := levelProject
		if g.Scope == authz.System {
			kind = levelSystem
		}
		if g.Deny || !authz.PersonalMayHold(kind, g.Permission) {
			return fault.Invalidf("no such right for %s: %s:%s; for all rights: %s", kind, g.Resource, g.Action, everythingWay)
		}
	}
	return nil
}

// distinct is the limits, each once.
func distinct(limits []authz.Grant) []authz.Grant {
	var out []authz.Grant
	for _, g := range limits {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}
