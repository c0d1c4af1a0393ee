package signing

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	nx509 "github.com/notaryproject/notation-core-go/x509"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
)

func publicKey(t testing.TB, text string) *ecdsa.PublicKey {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		t.Fatalf("no public key: %q", text)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		t.Fatalf("%T is no key on P-256", key)
	}
	return public
}

func certificates(t testing.TB, text string) (all []*x509.Certificate) {
	t.Helper()
	for rest := []byte(text); len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("no PEM: %q", text)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func TestFirstKeys(t *testing.T) {
	each(t, func(w world) {
		keys, err := w.Keys(ctx)
		w.ok(err)
		if len(keys) != 2 || keys[0].Format != Cosign || keys[1].Format != Notation || !keys[0].Current || !keys[1].Current {
			w.Fatalf("keys = %+v", keys)
		}
		block, _ := pem.Decode([]byte(keys[0].Public))
		if publicKey(w, keys[0].Public); keys[0].Fingerprint != fingerprint(block.Bytes) || keys[0].Certificate != "" || !keys[0].CreatedAt.Equal(noon) {
			w.Errorf("Cosign's = %+v", keys[0])
		}
		authority := certificates(w, keys[1].Certificate)
		if len(authority) != 1 || !authority[0].IsCA || keys[1].Fingerprint != fingerprint(authority[0].Raw) {
			w.Errorf("Notation's = %+v", keys[1])
		}
		again, err := w.Keys(ctx)
		w.ok(err)
		if fmt.Sprint(again) != fmt.Sprint(keys) {
			w.Errorf("the second call says %+v, the first %+v", again, keys)
		}
	})
}

// at is a service that makes keys at a moment, and has nothing else.
func at(now time.Time) *Service { return &Service{clock: func() time.Time { return now }} }

func TestNotationTakesTheCertificates(t *testing.T) {
	k, err := at(noon).makeKey(ctx, Notation)
	if err != nil {
		t.Fatal(err)
	}
	chain := certificates(t, k.certificates)
	late := noon.AddDate(keyLife, 0, 0)
	if err := nx509.ValidateCodeSigningCertChain(chain, &late); err != nil {
		t.Error(err)
	}
	if !publicKey(t, k.Public).Equal(chain[0].PublicKey) {
		t.Error("the certificate is for another key")
	}
	later := late.AddDate(0, 0, 1)
	if err := nx509.ValidateCodeSigningCertChain(chain, &later); err == nil {
		t.Error("the certificates never end")
	}
	for _, field := range []string{"C=ZZ", "ST=Haven", "O=Haven"} {
		if !strings.Contains(chain[0].Subject.String(), field) {
			t.Errorf("subject %s lacks %s, which Notation's trust policies want", chain[0].Subject, field)
		}
	}
}

func TestPrivateKeysAreSealed(t *testing.T) {
	each(t, func(w world) {
		w.key(Cosign)
		for _, format := range []Format{Cosign, Notation} {
			row, err := db.Get(ctx, w.db.Auto(), scanSealed, keyCurrent, format)
			w.ok(err)
			box, err := secret.OpenBox(w.keyFile)
			w.ok(err)
			opened, err := box.Open(row.sealed)
			w.ok(err)
			parsed, err := x509.ParsePKCS8PrivateKey(opened)
			w.ok(err)
			key, ok := parsed.(*ecdsa.PrivateKey)
			if !ok {
				w.Fatalf("the private key is a %T", parsed)
			}
			plain, err := key.Bytes()
			w.ok(err)
			if bytes.Contains(row.sealed, plain) {
				w.Errorf("the row of %s holds the private key", format)
			}
		}
		// A process with another secret key signs nothing, and makes no key of its own.
		w.keyFile = filepath.Join(w.TempDir(), "another.key")
		w.restart("")
		if _, err := w.signer(ctx, Cosign); !errors.Is(err, secret.ErrSealed) {
			w.Errorf("with another secret key: %v", err)
		}
		if n := w.count(`SELECT COUNT(*) FROM signing_key`); n != 2 {
			w.Errorf("there are %d keys, want 2", n)
		}
	})
}

func TestRotate(t *testing.T) {
	each(t, func(w world) {
		first := w.key(Cosign)
		second, err := w.Rotate(ctx, pusher, "cosign")
		w.ok(err)
		keys, err := w.Keys(ctx)
		w.ok(err)
		if len(keys) != 3 || keys[0].ID != second.ID || !keys[0].Current || keys[1].ID != first.ID || keys[1].Current || keys[1].Public != first.Public {
			w.Errorf("keys = %+v", keys)
		}
		if n := w.count(`SELECT COUNT(*) FROM signing_key WHERE private_key IS NOT NULL`); n != 2 {
			w.Errorf("%d private keys are kept, want that of each format", n)
		}
		if s, err := w.signer(ctx, Cosign); err != nil || s.id != second.ID || !s.public.Equal(publicKey(w, second.Public)) {
			w.Errorf("signs: %+v, %v", s, err)
		}
		if n := w.count(`SELECT COUNT(*) FROM event WHERE kind = 'update_configuration' AND body LIKE $1`, "%"+second.Fingerprint+"%"); n != 1 {
			w.Errorf("%d events tell of the key, want 1", n)
		}
		for _, format := range []string{"", "cosign-bundle", "pgp"} {
			if _, err := w.Rotate(ctx, pusher, format); !errors.Is(err, fault.Invalid) {
				w.Errorf("%q: %v, want fault.Invalid", format, err)
			}
		}
	})
}

// Replicas that need the first key at once agree on one.
func TestFirstKeyIsMadeOnce(t *testing.T) {
	each(t, func(w world) {
		var wait sync.WaitGroup
		found := make([]string, 8)
		for i := range found {
			wait.Go(func() {
				s, err := w.signer(ctx, Cosign)
				if err != nil {
					w.Error(err)
					return
				}
				found[i] = s.hint
			})
		}
		wait.Wait()
		for _, hint := range found {
			if hint != found[0] {
				w.Errorf("found %q", found)
			}
		}
	})
}

// The same bytes are signed in the same way each time.
func TestSignaturesAreDeterministic(t *testing.T) {
	k, err := at(noon).makeKey(ctx, Cosign)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSigner(1, k.private, "")
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := s.sign([]byte("text"))
	two, err2 := s.sign([]byte("text"))
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(one, two) {
		t.Errorf("%x and %x, %v", one, two, err)
	}
}
