package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/havenregistry/haven/internal/fault"
)

const (
	// longestToken is in bytes. Those of GitHub have 1.5 KiB, those of pods 1 KiB.
	longestToken = 16 << 10
	// skew is how much the clocks of an issuer and ours may differ.
	skew = 30 * time.Second
)

// algorithms is what issuers sign with: never none, never a shared secret.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
}

var errToken = errors.New("the token can't be used")

func unusable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errToken, fmt.Sprintf(format, args...))
}

// unverified is a token whose signature wasn't checked. Only which keys to check it with may follow from it.
type unverified struct {
	parsed *jwt.JSONWebToken
	issuer string
	keyID  string
	by     jose.SignatureAlgorithm
}

func parse(token string) (unverified, error) {
	if len(token) > longestToken {
		return unverified{}, unusable("it has more than %d bytes", longestToken)
	}
	parsed, err := jwt.ParseSigned(token, algorithms())
	if err != nil || len(parsed.Headers) != 1 {
		return unverified{}, unusable("it is no JWT with one signature of an allowed algorithm")
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if err := parsed.UnsafeClaimsWithoutVerification(&c); err != nil || c.Issuer == "" {
		return unverified{}, unusable("it names no issuer")
	}
	head := parsed.Headers[0]
	return unverified{parsed, c.Issuer, head.KeyID, jose.SignatureAlgorithm(head.Algorithm)}, nil
}

// verify returns the claims when a key of the set made the signature. errUnknownKey: none of them has the id.
func (u unverified) verify(set jose.JSONWebKeySet) (map[string]any, error) {
	key, err := u.choose(set)
	if err != nil {
		return nil, err
	}
	var payload json.RawMessage
	if err := u.parsed.Claims(key.Key, &payload); err != nil {
		return nil, unusable("its signature is wrong")
	}
	return decodeClaims(payload)
}

var errUnknownKey = fmt.Errorf("%w: none of the issuer's keys has its key id", errToken)

// choose finds the key that the token names, or the only one when it names none.
func (u unverified) choose(set jose.JSONWebKeySet) (jose.JSONWebKey, error) {
	found := set.Keys
	if u.keyID != "" {
		found = set.Key(u.keyID)
	}
	if len(found) == 0 {
		return jose.JSONWebKey{}, errUnknownKey
	}
	if len(found) > 1 {
		return jose.JSONWebKey{}, unusable("more than one of the issuer's keys could have signed it")
	}
	if alg := found[0].Algorithm; alg != "" && alg != string(u.by) {
		return jose.JSONWebKey{}, unusable("its key is for %s", alg)
	}
	return found[0], nil
}

// Claims decodes a claims object as that of a token is.
func Claims(object []byte) (map[string]any, error) {
	claims, err := decodeClaims(object)
	if err != nil {
		return nil, fault.Invalidf("the claims are no JSON object")
	}
	return claims, nil
}

// decodeClaims decodes a claims object. Whole numbers become int64, so that big ids stay what they are.
func decodeClaims(payload []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil || claims == nil {
		return nil, unusable("its claims are no JSON object")
	}
	return numbers(claims).(map[string]any), nil
}

// numbers turns each json.Number within v into an int64 or a float64, as conditions see them.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return math.NaN()
		}
		return f
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	}
	return v
}

// identifies checks the claims that each policy demands, whatever its condition says.
func (p Policy) identifies(claims map[string]any, now time.Time) error {
	if claims["iss"] != any(p.Issuer) {
		return unusable("its issuer is %v, not %s", claims["iss"], p.Issuer)
	}
	if !slices.Contains(audiences(claims), p.Audience) {
		return unusable("its audience is %v, not %s", claims["aud"], p.Audience)
	}
	if subject, ok := claims["sub"].(string); !ok || subject == "" {
		return unusable("it names no subject")
	}
	return inLife(claims, now)
}

func audiences(claims map[string]any) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var all []string
		for _, v := range aud {
			if s, ok := v.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

func inLife(claims map[string]any, now time.Time) error {
	expires, ok := timeOf(claims["exp"])
	if !ok {
		return unusable("it doesn't say when it expires")
	}
	if !now.Before(expires.Add(skew)) {
		return unusable("it expired at %s", expires.Format(time.RFC3339))
	}
	for _, name := range []string{"nbf", "iat"} {
		if claims[name] == nil {
			continue
		}
		if at, ok := timeOf(claims[name]); !ok || now.Add(skew).Before(at) {
			return unusable("its %s is in the future", name)
		}
	}
	return nil
}

// timeOf reads seconds since 1970. What is beyond the year 9999 is no time.
func timeOf(claim any) (time.Time, bool) {
	var seconds float64
	switch v := claim.(type) {
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	default:
		return time.Time{}, false
	}
	if !(seconds >= 0 && seconds < 253402300800) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}
