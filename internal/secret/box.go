package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrSealed: a value was sealed by a key that the key file doesn't hold, or was changed since.
var ErrSealed = errors.New("value can't be opened with the keys of the secret key file")

const (
	keySize   = 32
	keyIDSize = 4
	version   = 1
	overhead  = 1 + keyIDSize // before nonce and ciphertext
)

// Box seals small values with AES-256-GCM. A sealed value names its key, so that keys can rotate: the
// first key of the file seals, all of them open. It is safe for concurrent use.
type Box struct {
	seal   keyID
	newest []byte // the sealing key itself, for Derive
	byKey  map[keyID]cipher.AEAD
}

type keyID [keyIDSize]byte

// OpenBox reads the key file: a line of base64 for each key of 32 bytes, the newest first. A missing
// file is made with one random key, readable by its owner only; replicas that share the file agree on
// one key whoever comes first.
func OpenBox(path string) (*Box, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(path); err != nil {
			return nil, fmt.Errorf("make the secret key file: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret key file: %w", err)
	}
	b := &Box{byKey: map[keyID]cipher.AEAD{}}
	for i, line := range strings.Fields(string(text)) {
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("secret key file %s, key %d: expected base64 of %d bytes", path, i+1, keySize)
		}
		id, aead, err := newKey(key)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			b.seal, b.newest = id, key
		}
		b.byKey[id] = aead
	}
	if len(b.byKey) == 0 {
		return nil, fmt.Errorf("secret key file %s: no key in it", path)
	}
	return b, nil
}

// Fits is ErrSealed unless the box opens all of the values.
func (b *Box) Fits(sealed [][]byte) error {
	for _, value := range sealed {
		if _, err := b.Open(value); err != nil {
			return err
		}
	}
	return nil
}

func newKey(key []byte) (keyID, cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return keyID{}, nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return keyID{}, nil, err
	}
	sum := sha256.Sum256(append([]byte("haven key id\x00"), key...))
	return keyID(sum[:keyIDSize]), aead, nil
}

// createKeyFile writes the whole file under another name first: nobody ever reads half a key, and of
// two that start at once the first wins.
func createKeyFile(path string) error {
	var key [keySize]byte
	rand.Read(key[:])                                              // never fails
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Derive returns a key of 32 bytes for another purpose than sealing, the same on all replicas that share
// the key file (HKDF, RFC 5869). It changes when the newest key does.
func (b *Box) Derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, b.newest, nil, "haven "+purpose, keySize)
}

// Seal encrypts plain under the newest key. Equal values give different results.
func (b *Box) Seal(plain []byte) []byte {
	head := append([]byte{version}, b.seal[:]...)
	return b.byKey[b.seal].Seal(head, nil, plain, head) //nolint:gosec // this AEAD draws its own nonce
}

// Open returns what Seal was given, or ErrSealed.
func (b *Box) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < overhead || sealed[0] != version {
		return nil, ErrSealed
	}
	head, rest := sealed[:overhead:overhead], sealed[overhead:]
	aead := b.byKey[keyID(head[1:])]
	if aead == nil {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, nil, rest, head)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
