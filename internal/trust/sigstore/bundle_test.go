package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

func newKey(t *testing.T) (Key, *ecdsa.PublicKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hint, err := HintOf(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return Key{Hint: hint, Sign: func(text []byte) ([]byte, error) {
		sum := sha256.Sum256(text)
		return private.Sign(nil, sum[:], crypto.SHA256)
	}}, &private.PublicKey
}

func verified(public *ecdsa.PublicKey, text, signature []byte) bool {
	sum := sha256.Sum256(text)
	return ecdsa.VerifyASN1(public, sum[:], signature)
}

func TestSignature(t *testing.T) {
	key, public := newKey(t)
	of := oci.SHA256Of([]byte("a manifest"))
	text, err := Signature(of, key)
	if err != nil {
		t.Fatal(err)
	}
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.MediaType != MediaType || b.VerificationMaterial.PublicKey.Hint != key.Hint || b.Message != nil {
		t.Errorf("%s", text)
	}
	want := `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + of.Hex() + `"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`
	if string(b.Envelope.Payload) != want {
		t.Errorf("the statement is %s", b.Envelope.Payload)
	}
	signed := append([]byte("DSSEv1 28 application/vnd.in-toto+json 213 "), want...)
	if len(want) != 213 || !verified(public, signed, b.Envelope.Signatures[0].Sig) {
		t.Errorf("the signature of %d bytes isn't the key's", len(want))
	}
	if again, err := Signature(of, key); err != nil || !bytes.Equal(text, again) {
		t.Error("the same signature has other bytes")
	}
}

func TestText(t *testing.T) {
	key, public := newKey(t)
	text, err := Text([]byte("sums\n"), key)
	if err != nil {
		t.Fatal(err)
	}
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("sums\n"))
	if b.Envelope != nil || b.Message.Digest.Algorithm != "SHA2_256" || !bytes.Equal(b.Message.Digest.Digest, sum[:]) || !verified(public, []byte("sums\n"), b.Message.Signature) {
		t.Errorf("%s", text)
	}
}

func TestKeyThatFails(t *testing.T) {
	gone := errors.New("the module is gone")
	key := Key{Sign: func([]byte) ([]byte, error) { return nil, gone }}
	if _, err := Signature(oci.SHA256Of(nil), key); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	if _, err := Text(nil, key); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	if _, err := Statement(oci.SHA256Of(nil), "x", func() {}, key); err == nil || !strings.Contains(err.Error(), "statement of x") {
		t.Errorf("%v", err)
	}
	if _, err := HintOf("no key"); err == nil {
		t.Error("a text is a key")
	}
}
