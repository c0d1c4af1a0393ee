package blob

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/havenregistry/haven/internal/oci"
)

// hasherVersion is the first byte of a marshalled Hasher.
const hasherVersion = 1

// ErrHasherState is returned for bytes that MarshalBinary did not make.
var ErrHasherState = errors.New("invalid hasher state")

// Hasher computes the sha256 of an upload over all its appends. Its state can be kept
// between them, so that no byte is read twice. It is not for concurrent use.
type Hasher struct {
	sum  hash.Hash
	size int64
}

// NewHasher returns a hasher that has seen no bytes.
func NewHasher() *Hasher { return &Hasher{sum: sha256.New()} }

// Reader returns a reader of r that feeds the hasher with what is read.
func (h *Hasher) Reader(r io.Reader) io.Reader { return hashingReader{h: h, r: r} }

// Write feeds the hasher; it never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	h.size += int64(len(p))
	return h.sum.Write(p)
}

// Size is the number of bytes seen so far.
func (h *Hasher) Size() int64 { return h.size }

// Digest is the sha256 digest of the bytes seen so far.
func (h *Hasher) Digest() oci.Digest { return oci.FromHash(oci.SHA256, h.sum) }

// MarshalBinary returns the state, about 120 bytes.
func (h *Hasher) MarshalBinary() ([]byte, error) {
	state := binary.BigEndian.AppendUint64([]byte{hasherVersion}, uint64(h.size))
	state, err := h.sum.(encoding.BinaryAppender).AppendBinary(state)
	if err != nil {
		return nil, fmt.Errorf("marshal sha256 state: %w", err)
	}
	return state, nil
}

// UnmarshalBinary restores a state that MarshalBinary made; other bytes are
// ErrHasherState and leave the hasher as it was.
func (h *Hasher) UnmarshalBinary(state []byte) error {
	if len(state) < 9 || state[0] != hasherVersion {
		return ErrHasherState
	}
	size := int64(binary.BigEndian.Uint64(state[1:9]))
	sum := sha256.New()
	if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state[9:]); err != nil || size < 0 {
		return ErrHasherState
	}
	h.sum, h.size = sum, size
	return nil
}

type hashingReader struct {
	h *Hasher
	r io.Reader
}

func (r hashingReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.h.size += int64(n)
	r.h.sum.Write(p[:n])
	return n, err
}
