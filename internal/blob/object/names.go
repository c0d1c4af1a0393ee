package object

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/blob"
)

const (
	blobsDir   = "blobs/"
	uploadsDir = "uploads/"
	recordsDir = "records/"
	checksDir  = "checks/"
)

// checkID accepts upload ids: 16 to 64 bytes of lower-case hexadecimal with dashes inside.
func checkID(id string) error {
	if len(id) < 16 || len(id) > 64 || id[0] == '-' {
		return fmt.Errorf("upload id of %d bytes: %w", len(id), blob.ErrNameInvalid)
	}
	for i := range len(id) {
		if !isHex(id[i]) && id[i] != '-' {
			return fmt.Errorf("upload id: %w", blob.ErrNameInvalid)
		}
	}
	return nil
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// NewNonce returns 16 random hexadecimal digits.
func NewNonce() string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// checkLocation accepts ID and ID.NONCE.
func checkLocation(location string) error {
	id, nonce, small := strings.Cut(location, ".")
	if err := checkID(id); err != nil {
		return fmt.Errorf("location: %w", err)
	}
	if small && !isNonce(nonce) {
		return fmt.Errorf("location: %w", blob.ErrNameInvalid)
	}
	return nil
}

func isNonce(s string) bool {
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return len(s) == 16
}

// idOf returns the id of the upload that a key below dir belongs to.
func idOf(dir, key string) (id string, ok bool) {
	name, ok := strings.CutPrefix(key, dir)
	if !ok || checkLocation(name) != nil {
		return "", false
	}
	id, _, _ = strings.Cut(name, ".")
	return id, true
}
