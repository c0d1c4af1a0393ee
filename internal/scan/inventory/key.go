package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Key is short, and the same for equal Subjects only: a SHA-256 of all fields, in lower-case hexadecimal.
func (s Subject) Key() string {
	h := sha256.New()
	for _, field := range []string{
		string(s.Class), s.Scope, s.Name, s.Version, s.Release, strconv.Itoa(s.Epoch), s.Arch,
		s.SrcName, s.SrcVersion, s.SrcRelease, strconv.Itoa(s.SrcEpoch), s.Modularity, s.Stream, s.Supplier,
		s.ContentSets, s.NVR, strconv.FormatBool(s.ThirdParty),
	} {
		// The length in front keeps fields apart that hold anything.
		h.Write(strconv.AppendInt(nil, int64(len(field)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}
