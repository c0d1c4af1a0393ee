package harbor

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/secret"
)

// sealedPrefix begins what Harbor encrypted with its secretkey.
const sealedPrefix = "<enc-v1>"

// Key is Harbor's secretkey.
type Key struct{ block cipher.Block }

// ReadKey reads the file secretkey of a Harbor: 16 bytes, or 24 or 32.
func ReadKey(file string) (Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Key{}, fmt.Errorf("secret-key: %w", err)
	}
	block, err := aes.NewCipher(bytes.TrimRight(text, "\r\n"))
	if err != nil {
		return Key{}, fmt.Errorf("secret-key: %s isn't Harbor's secretkey, which has 16 bytes (in its data folder: secret/keys/secretkey)", file)
	}
	return Key{block}, nil
}

// errKey: the encryption has no checksum, but what another key makes of a text is hardly ever text.
var errKey = errors.New("it can't be decrypted with this secret key")

// Open decrypts what Harbor stored: AES in CFB mode behind its initial vector, in base64. What isn't encrypted is returned as it is.
func (k Key) Open(stored string) (secret.Text, error) {
	sealed, ok := strings.CutPrefix(stored, sealedPrefix)
	if !ok {
		return secret.Text(stored), nil
	}
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(text) < aes.BlockSize {
		return "", errKey
	}
	iv, text := text[:aes.BlockSize], text[aes.BlockSize:]
	cipher.NewCFBDecrypter(k.block, iv).XORKeyStream(text, text) //nolint:staticcheck // it is what Harbor wrote
	if !utf8.Valid(text) {
		return "", errKey
	}
	return secret.Text(text), nil
}
