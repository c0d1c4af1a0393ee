package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/servertls"
)

// Keys of the Secret.
const (
	keyCert, keyKey         = "tls.crt", "tls.key"         // what servers show
	keyCA, keyCAKey         = "ca.crt", "ca.key"           // who signed it
	keyNextCA, keyNextCAKey = "next-ca.crt", "next-ca.key" // who will sign, believed already
	keyLastCA               = "last-ca.crt"                // who signed before, believed still
	keyChanged              = "changed"                    // when authorities last changed, RFC 3339
)

// state is what the Secret holds.
type state struct {
	cert, key []byte // PEM, of the server
	pair      *tls.Certificate
	ca        *authority
	next      *authority // nil but during a change
	last      *authority // nil but during a change
	changed   time.Time
}

// Terms say for whom certificates are made and for how long.
type Terms struct {
	Names         []string      // of the server; the first is the most specific
	Life          time.Duration // of a certificate
	AuthorityLife time.Duration
	// Settle is how long it takes until each API server knows a changed bundle and each replica the changed Secret.
	Settle time.Duration
}

// parse reads a Secret's content. An error means that it can't be used.
func parse(data map[string][]byte) (*state, error) {
	s := &state{cert: data[keyCert], key: data[keyKey]}
	var err error
	if s.ca, err = parseAuthority(data[keyCA], data[keyCAKey]); err != nil {
		return nil, fmt.Errorf("%s: %w", keyCA, err)
	}
	if s.ca.key == nil {
		return nil, fmt.Errorf("%s is missing", keyCAKey)
	}
	if s.pair, err = servertls.ParsePair(s.cert, s.key); err != nil {
		return nil, fmt.Errorf("%s: %w", keyCert, err)
	}
	if len(data[keyNextCA]) > 0 {
		if s.next, err = parseAuthority(data[keyNextCA], data[keyNextCAKey]); err != nil {
			return nil, fmt.Errorf("%s: %w", keyNextCA, err)
		}
		if s.next.key == nil {
			return nil, fmt.Errorf("%s is missing", keyNextCAKey)
		}
	}
	if len(data[keyLastCA]) > 0 {
		if s.last, err = parseAuthority(data[keyLastCA], nil); err != nil {
			return nil, fmt.Errorf("%s: %w", keyLastCA, err)
		}
	}
	if s.changed, err = time.Parse(time.RFC3339, string(data[keyChanged])); err != nil {
		return nil, fmt.Errorf("%s: %w", keyChanged, err)
	}
	return s, nil
}

// data is what parse reads.
func (s *state) data() (map[string][]byte, error) {
	key, err := encodeKey(s.ca.key)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{
		keyCert: s.cert, keyKey: s.key, keyCA: encodeCert(s.ca.cert.Raw), keyCAKey: key,
		keyChanged: []byte(s.changed.UTC().Format(time.RFC3339Nano)),
	}
	if s.next != nil {
		if key, err = encodeKey(s.next.key); err != nil {
			return nil, err
		}
		data[keyNextCA], data[keyNextCAKey] = encodeCert(s.next.cert.Raw), key
	}
	if s.last != nil {
		data[keyLastCA] = encodeCert(s.last.cert.Raw)
	}
	return data, nil
}

// bundle is the authorities to be believed, in PEM, always in the same order.
func (s *state) bundle() []byte {
	var certs [][]byte
	for _, a := range []*authority{s.last, s.ca, s.next} {
		if a != nil {
			certs = append(certs, encodeCert(a.cert.Raw))
		}
	}
	return bytes.Join(certs, nil)
}

// fresh is the first state, or the one after another that can't be used any more.
func fresh(t Terms, now time.Time) (*state, error) {
	ca, err := newAuthority(t.Names[0], now, t.AuthorityLife)
	if err != nil {
		return nil, err
	}
	s := &state{ca: ca, changed: now}
	return s, s.issue(t, now)
}

func (s *state) issue(t Terms, now time.Time) error {
	var err error
	if s.cert, s.key, err = s.ca.issue(t.Names, now, t.Life); err != nil {
		return err
	}
	s.pair, err = servertls.ParsePair(s.cert, s.key)
	return err
}

// advance returns the state after the next step that is due, if any, and says in words what it did, "" for nothing. stands
// says that the state's bundle stood in the webhook configurations before.
func (s state) advance(t Terms, now time.Time, stands bool) (*state, string, error) {
	settled := !now.Before(s.changed.Add(t.Settle))
	switch {
	case !now.Before(s.ca.cert.NotAfter):
		// Nobody was there to renew it: nothing that is shown is believed any more, so nothing gets worse at once.
		begun, err := fresh(t, now)
		return begun, "the authority had ended: there is a new one", err
	case due(s.pair.Leaf, now) || s.unfit(t.Names):
		return &s, "the certificate is made anew", s.issue(t, now)
	case s.next == nil && due(s.ca.cert, now):
		var err error
		s.next, err = newAuthority(t.Names[0], now, t.AuthorityLife)
		s.last, s.changed = nil, now
		return &s, "the coming authority is made", err
	case s.next != nil && settled && stands:
		s.last, s.ca, s.next, s.changed = s.ca, s.next, nil, now
		return &s, "the coming authority has taken over", s.issue(t, now)
	case s.last != nil && settled:
		s.last = nil
		return &s, "the last authority is believed no more", nil
	}
	return &s, "", nil
}

// unfit reports whether the certificate isn't for these names, or of another authority.
func (s *state) unfit(names []string) bool {
	leaf := s.pair.Leaf
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return true
		}
	}
	return leaf.CheckSignatureFrom(s.ca.cert) != nil
}

// believes reports whether a bundle has the authority that a certificate is of: what an API server would say.
func believes(bundle []byte, leaf *x509.Certificate, now time.Time) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		return errors.New("the bundle holds no certificate")
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now})
	return err
}

// check makes sure that what a state shows is believed, before it becomes true for all.
func (s *state) check(names []string, now time.Time) error {
	if s.unfit(names) {
		return fmt.Errorf("the certificate is not for %v", slices.Clone(names))
	}
	return believes(s.bundle(), s.pair.Leaf, now)
}
