package secret

import (
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"strings"
)

// PasswordLength is the number of characters NewPassword makes: 190 bits.
const PasswordLength = 32

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// NewPassword returns a random password of letters and digits, with at least one lower case letter, one
// upper case letter and one digit. No shell or URL treats its characters in a special way.
func NewPassword() Text {
	for {
		p := randomString(PasswordLength, lower+upper+digits)
		if strings.ContainsAny(p, lower) && strings.ContainsAny(p, upper) && strings.ContainsAny(p, digits) {
			return Text(p)
		}
	}
}

// NewToken returns 32 random bytes in base64url without padding: 43 characters.
func NewToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func randomString(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // crypto/rand's reader never fails
		}
		b[i] = alphabet[k.Int64()]
	}
	return string(b)
}
