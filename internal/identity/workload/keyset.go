package workload

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// shortestRSA is in bits.
const shortestRSA = 2048

// parseKeySet reads a JWKS (RFC 7517) and keeps the public keys that sign with an allowed algorithm. Keys
// that aren't understood are left out, as the standard says; a set without any other is refused.
func parseKeySet(text []byte) (jose.JSONWebKeySet, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("it is no JSON Web Key Set")
	}
	if len(raw.Keys) > mostKeys {
		return jose.JSONWebKeySet{}, fmt.Errorf("it has more than %d keys", mostKeys)
	}
	var set jose.JSONWebKeySet
	for _, one := range raw.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(one, &key); err != nil || !usable(key) {
			continue
		}
		set.Keys = append(set.Keys, key)
	}
	if len(set.Keys) == 0 {
		return jose.JSONWebKeySet{}, fmt.Errorf("it has no public key for RS, ES or EdDSA signatures")
	}
	return set, nil
}

func usable(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || !key.Valid() {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= shortestRSA
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
