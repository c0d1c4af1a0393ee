package blob_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
	"pgregory.net/rapid"
)

// A hasher that is marshalled and restored between any chunks gives the digest of the
// whole.
func TestHasherAcrossChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 200), 0, 8).Draw(t, "chunks")
		var all []byte
		h := blob.NewHasher()
		for _, chunk := range chunks {
			all = append(all, chunk...)
			if _, err := io.Copy(io.Discard, h.Reader(bytes.NewReader(chunk))); err != nil {
				t.Fatal(err)
			}
			state, err := h.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			h = blob.NewHasher()
			if err := h.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
		}
		if h.Size() != int64(len(all)) || h.Digest() != oci.SHA256Of(all) {
			t.Fatalf("got %d bytes, %s; want %d, %s", h.Size(), h.Digest(), len(all), oci.SHA256Of(all))
		}
	})
}

func TestHasherRefusesForeignState(t *testing.T) {
	h := blob.NewHasher()
	h.Write([]byte("abc"))
	good, err := h.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	want := h.Digest()
	for name, state := range map[string][]byte{
		"empty":         nil,
		"other version": append([]byte{9}, good[1:]...),
		"cut":           good[:len(good)-1],
		"longer":        append(bytes.Clone(good), 0),
		"no sha256":     append(bytes.Clone(good[:9]), "nonsense"...),
		"negative size": append([]byte{1, 0xff}, good[2:]...),
	} {
		t.Run(name, func(t *testing.T) {
			if err := h.UnmarshalBinary(state); !errors.Is(err, blob.ErrHasherState) {
				t.Errorf("got %v, want ErrHasherState", err)
			}
			if h.Digest() != want || h.Size() != 3 {
				t.Error("a refused state changed the hasher")
			}
		})
	}
}
