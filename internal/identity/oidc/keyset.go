package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// algorithms that the provider may sign with. None of them works with a secret that we share.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

const (
	// keysEvery is how often unknown keys may make us ask for the set again: anybody can send a token that
	// names one.
	keysEvery = 10 * time.Second
	// keysFor is how long a set is believed without asking.
	keysFor = time.Hour
	// maxKeys bounds a set.
	maxKeys = 100
)

var errSignature = errors.New("no key of the provider has signed this")

// keySet is the provider's public keys. It implements oidc.KeySet.
type keySet struct {
	client *http.Client
	url    string
	clock  func() time.Time

	mu      sync.Mutex // guards what follows, and lets one caller at a time ask
	keys    []jose.JSONWebKey
	keysAt  time.Time
	askedAt time.Time // also in vain
}

// VerifySignature returns the payload of a token that one of the keys has signed.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSigned(token, algorithms())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errSignature
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	if now.Sub(s.keysAt) < keysFor {
		if payload, ok := verifyWith(s.keys, signed); ok {
			return payload, nil
		}
	}
	if now.Sub(s.askedAt) < keysEvery {
		return nil, errSignature
	}
	s.askedAt = now
	keys, err := s.fetch(ctx)
	if err != nil {
		return nil, err
	}
	s.keys, s.keysAt = keys, now
	if payload, ok := verifyWith(keys, signed); ok {
		return payload, nil
	}
	return nil, errSignature
}

func verifyWith(keys []jose.JSONWebKey, signed *jose.JSONWebSignature) ([]byte, bool) {
	header := signed.Signatures[0].Header
	for _, key := range keys {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := signed.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// fetch reads the set. Keys that aren't for signing, or of a kind we don't know, are left out.
func (s *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := getJSON(ctx, s.client, s.url, &set); err != nil {
		return nil, fmt.Errorf("read the provider's keys: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.IsPublic() && key.Use != "enc" {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
