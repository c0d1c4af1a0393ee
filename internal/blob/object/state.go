package object

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/havenregistry/haven/internal/blob"
)

// state is this package's account of an upload, which travels in blob.Upload.State.
type state struct {
	// Multipart is the provider's id of the multipart upload, and Parts how many of its
	// parts count, with Bytes in all.
	Multipart string `json:"m,omitempty"`
	Parts     int    `json:"n,omitempty"`
	Bytes     int64  `json:"b,omitempty"`
	// Sum covers number, size and entity tag of each of them: 10,000 tags don't fit here.
	Sum []byte `json:"c,omitempty"`
	// Last is the entity tag of the last one.
	Last string `json:"l,omitempty"`

	// Rest is the key of the object with the RestSize bytes behind the parts. Without parts
	// it is the whole upload, and becomes the blob as it is.
	Rest     string `json:"r,omitempty"`
	RestSize int64  `json:"s,omitempty"`

	// Old is the key of the Rest that this state has replaced. It goes when this state
	// turns out to have been acknowledged.
	Old string `json:"o,omitempty"`
	// Again says that there was more than one append, so that objects and multipart
	// uploads may lie about that no state knows.
	Again bool `json:"a,omitempty"`
}

// parse reads the state of an upload and compares it with the size that was acknowledged.
func parse(u blob.Upload) (state, error) {
	var st state
	if len(u.State) == 0 {
		if u.Size > 0 {
			return st, blob.ErrUploadUnknown
		}
	} else if err := json.Unmarshal(u.State, &st); err != nil {
		return st, fmt.Errorf("state of the upload: %w", err)
	}
	if u.Size != st.size() {
		return st, &blob.OffsetError{Offset: u.Size, Held: st.size()}
	}
	return st, nil
}

// exists is false for an upload that nothing was ever written to.
func (st *state) exists() bool { return st.Parts > 0 || st.Rest != "" }

func (st *state) size() int64 { return st.Bytes + st.RestSize }

// upload is the form in which the caller keeps the state.
func (st *state) upload(id string) (blob.Upload, error) {
	text, err := json.Marshal(st)
	if err == nil && len(text) > blob.MaxState {
		err = fmt.Errorf("the state of the upload has %d bytes, %d are allowed", len(text), blob.MaxState)
	}
	return blob.Upload{ID: id, Size: st.size(), State: text}, err
}

// add counts the next part.
func (st *state) add(p Part) {
	st.Parts++
	st.Bytes += p.Size
	st.Last = p.ETag
	st.Sum = sumWith(st.Sum, p)
}

func sumWith(sum []byte, p Part) []byte {
	text := slices.Clone(sum)
	text = binary.BigEndian.AppendUint64(text, uint64(p.Number))
	text = binary.BigEndian.AppendUint64(text, uint64(p.Size))
	next := sha256.Sum256(append(text, p.ETag...))
	return next[:]
}

// choose picks the parts that count from those that a bucket lists, which may hold newer ones
// that were never acknowledged and, with some providers, several of the same number. It starts
// from the last one, as each may name the one before it.
func (st *state) choose(listed []Part) ([]Part, error) {
	byNumber := map[int][]Part{}
	for _, p := range listed {
		byNumber[p.Number] = append(byNumber[p.Number], p)
	}
	chosen := make([]Part, st.Parts)
	want := st.Last
	for n := st.Parts; n > 0; n-- {
		i := slices.IndexFunc(byNumber[n], func(p Part) bool { return want == "" || p.ETag == want })
		if i < 0 {
			return nil, fmt.Errorf("part %d: %w", n, errChanged)
		}
		chosen[n-1] = byNumber[n][i]
		want = byNumber[n][i].Previous
	}
	var sum []byte
	for _, p := range chosen {
		sum = sumWith(sum, p)
	}
	if !slices.Equal(sum, st.Sum) {
		return nil, errChanged
	}
	return chosen, nil
}
