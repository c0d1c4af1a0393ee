package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// ErrContent is returned for the content of a record that is torn or not ours.
var ErrContent = errors.New("not the content of a record")

// ManifestContent is what a manifest's record says. It is one line, "haven-manifest 1 MICROSECONDS MEDIATYPE",
// and then the exact bytes.
type ManifestContent struct {
	MediaType string
	PushedAt  time.Time
	Bytes     []byte
}

const manifestHead = "haven-manifest 1 "

func (m ManifestContent) encode() []byte {
	head := manifestHead + strconv.FormatInt(db.Micros(m.PushedAt), 10) + " " + m.MediaType + "\n"
	return append(append(make([]byte, 0, len(head)+len(m.Bytes)), head...), m.Bytes...)
}

// ParseManifest reads the record of the manifest d. Bytes with another digest are ErrContent.
func ParseManifest(d oci.Digest, content []byte) (m ManifestContent, err error) {
	head, rest, ok := bytes.Cut(content, []byte("\n"))
	line, ours := strings.CutPrefix(string(head[:min(len(head), 512)]), manifestHead)
	at, mediaType, named := strings.Cut(line, " ")
	pushed, err := strconv.ParseInt(at, 10, 64)
	if !ok || !ours || !named || err != nil {
		return m, fmt.Errorf("manifest %s: %w", d, ErrContent)
	}
	if !d.Matches(rest) {
		return m, fmt.Errorf("manifest %s: other bytes: %w", d, ErrContent)
	}
	return ManifestContent{MediaType: mediaType, PushedAt: db.Time(pushed), Bytes: rest}, nil
}

// TagContent is what a tag's record says, as JSON.
type TagContent struct {
	Digest   oci.Digest `json:"digest"`
	PushedAt time.Time  `json:"pushed_at"`
}

// ParseTag reads the record of a tag, or returns ErrContent.
func ParseTag(content []byte) (t TagContent, err error) {
	if err := json.Unmarshal(content, &t); err != nil {
		return t, fmt.Errorf("tag: %w: %w", ErrContent, err)
	}
	if t.Digest, err = oci.ParseDigest(string(t.Digest)); err != nil {
		return t, fmt.Errorf("tag: %w: %w", ErrContent, err)
	}
	return t, nil
}

// ProjectContent is what a project's record says, as JSON.
type ProjectContent struct {
	Name         string            `json:"name"`
	Public       bool              `json:"public"`
	Owner        string            `json:"owner"`         // username
	StorageLimit int64             `json:"storage_limit"` // bytes, -1 for none
	Metadata     map[string]string `json:"metadata,omitempty"`
	Allowlist    json.RawMessage   `json:"allowlist,omitempty"`         // JSON array of CVE ids
	AllowlistEnd int64             `json:"allowlist_expires,omitempty"` // microseconds since 1970, 0: never
	CreatedAt    time.Time         `json:"created_at"`
}

// ParseProject reads the record of a project, or returns ErrContent.
func ParseProject(content []byte) (p ProjectContent, err error) {
	if err := json.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("project: %w: %w", ErrContent, err)
	}
	return p, nil
}
