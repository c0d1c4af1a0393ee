package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/oci"
)

// ErrContent is returned for the content of a record that is torn or not ours.
var ErrContent = errors.New("not the content of a record")

// ManifestContent is what a manifest's record says: a head in lines, the exact bytes behind it. What is longer
// than a record may be is packed by gzip. The head is
//
//	haven-manifest 1 MICROSECONDS MEDIATYPE
//	TAG MICROSECONDS                         for each tag that points to it
//	= CHECKSUM                               CRC-32 (Castagnoli) of the lines above
type ManifestContent struct {
	MediaType string
	PushedAt  time.Time
	Tags      []TagContent // in the order of their names
	Bytes     []byte
}

// TagContent is a tag that points to the manifest.
type TagContent struct {
	Name     string
	PushedAt time.Time
}

const (
	manifestHead = "haven-manifest 1 "
	headEnd      = "= "
	// maxRecord is what blob.Records takes, maxUnpacked what it is at most unpacked.
	maxRecord   = 4 << 20
	maxUnpacked = 256 << 20
)

func (m ManifestContent) encode() ([]byte, error) {
	head := fmt.Appendf(make([]byte, 0, 128+len(m.Tags)*48+len(m.Bytes)), "%s%d %s\n", manifestHead, db.Micros(m.PushedAt), m.MediaType)
	for _, t := range m.Tags {
		head = fmt.Appendf(head, "%s %d\n", t.Name, db.Micros(t.PushedAt))
	}
	text := append(fmt.Appendf(head, "%s%08x\n", headEnd, checksum(head)), m.Bytes...)
	if len(text) <= maxRecord {
		return text, nil
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(text)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func checksum(text []byte) uint32 { return crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) }

// ParseManifest reads the record of the manifest d. Bytes with another digest, or a head that is torn, are
// ErrContent.
func ParseManifest(d oci.Digest, content []byte) (m ManifestContent, err error) {
	if m, err = parseManifest(content); err == nil && !d.Matches(m.Bytes) {
		err = errors.New("other bytes")
	}
	if err != nil {
		return m, fmt.Errorf("record of manifest %s: %w: %w", d, ErrContent, err)
	}
	return m, nil
}

func parseManifest(content []byte) (m ManifestContent, err error) {
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		if content, err = unpack(content); err != nil {
			return m, err
		}
	}
	rest := content
	line := func() string {
		text, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		return string(text)
	}
	first, ours := strings.CutPrefix(line(), manifestHead)
	at, mediaType, named := strings.Cut(first, " ")
	if !ours || !named {
		return m, errors.New("no head")
	}
	m.MediaType = mediaType
	if m.PushedAt, err = parseMicros(at); err != nil {
		return m, err
	}
	for {
		read := len(content) - len(rest)
		text := line()
		if sum, last := strings.CutPrefix(text, headEnd); last {
			if sum != fmt.Sprintf("%08x", checksum(content[:read])) {
				return m, errors.New("the head's checksum is wrong")
			}
			m.Bytes = rest
			return m, nil
		}
		name, at, _ := strings.Cut(text, " ")
		t := TagContent{Name: name}
		if _, err := oci.ParseTag(name); err != nil {
			return m, err
		}
		if t.PushedAt, err = parseMicros(at); err != nil {
			return m, err
		}
		m.Tags = append(m.Tags, t)
	}
}

func parseMicros(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return db.Time(n), err
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxUnpacked))
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
	Cache        *CacheContent     `json:"cache,omitempty"` // of which registry elsewhere it is a cache, and how
}

// CacheContent is the registry elsewhere that a project is a cache of, without its credentials, and what Haven's own API says of the
// cache.
type CacheContent struct {
	Registry        string `json:"registry"`
	Kind            string `json:"kind"`
	URL             string `json:"url"`
	Insecure        bool   `json:"insecure"`
	CACertificate   string `json:"ca_certificate,omitempty"`
	Freshness       string `json:"freshness,omitempty"` // "": nothing was said
	MaxAge          int64  `json:"max_age"`             // seconds
	MinimumAge      int64  `json:"minimum_age"`         // seconds
	ScanBeforeServe bool   `json:"scan_before_serve"`
	KeepDays        int64  `json:"keep_days"`
}

// ParseProject reads the record of a project, or returns ErrContent.
func ParseProject(content []byte) (p ProjectContent, err error) {
	if err := json.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("project: %w: %w", ErrContent, err)
	}
	return p, nil
}
