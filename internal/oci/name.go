package oci

import (
	"errors"
	"fmt"
	"strings"
)

// MaxRepositoryLength is the longest repository name, in bytes. The specification
// leaves it open and notes that many clients limit host and name to 255 together.
const MaxRepositoryLength = 255

// MaxTagLength is the longest tag, in bytes.
const MaxTagLength = 128

var (
	// ErrNameInvalid is returned for a repository name outside the grammar.
	ErrNameInvalid = errors.New("invalid repository name")
	// ErrTagInvalid is returned for a tag outside the grammar.
	ErrTagInvalid = errors.New("invalid tag")
)

// ParseRepository checks a repository's full name and splits it at the first slash
// into the project's name and the rest, which may hold more slashes. A name without a
// slash is all project: rest is then "", and the caller decides what that means.
//
// The grammar is the distribution specification's: path parts of
// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* joined by single slashes, at most
// MaxRepositoryLength bytes. Anything else is ErrNameInvalid.
func ParseRepository(name string) (project, rest string, err error) {
	if len(name) > MaxRepositoryLength {
		return "", "", fmt.Errorf("%w: %d bytes, at most %d", ErrNameInvalid, len(name), MaxRepositoryLength)
	}
	for part := range strings.SplitSeq(name, "/") {
		if !isPathPart(part) {
			return "", "", fmt.Errorf("%w: path part %q must be lower-case letters and digits, joined by one of . _ __ or dashes",
				ErrNameInvalid, shorten(part))
		}
	}
	project, rest, _ = strings.Cut(name, "/")
	return project, rest, nil
}

// isPathPart matches [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*.
func isPathPart(s string) bool {
	if s == "" || !isLowerAlphanumeric(s[0]) || !isLowerAlphanumeric(s[len(s)-1]) {
		return false
	}
	for i := 0; i < len(s); {
		if isLowerAlphanumeric(s[i]) {
			i++
			continue
		}
		start := i
		for i < len(s) && !isLowerAlphanumeric(s[i]) {
			i++
		}
		if !isSeparator(s[start:i]) {
			return false
		}
	}
	return true
}

// isSeparator matches \.|_|__|-+.
func isSeparator(s string) bool {
	switch s {
	case ".", "_", "__":
		return true
	}
	return strings.Trim(s, "-") == ""
}

// ParseTag checks a tag: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}. Anything else is
// ErrTagInvalid.
func ParseTag(s string) (string, error) {
	if s == "" || len(s) > MaxTagLength {
		return "", fmt.Errorf("%w: %d bytes, want 1 to %d", ErrTagInvalid, len(s), MaxTagLength)
	}
	for i := range len(s) {
		if !isTagByte(s[i], i == 0) {
			return "", fmt.Errorf("%w %q: letters, digits and _ . - only, beginning with none of . and -",
				ErrTagInvalid, shorten(s))
		}
	}
	return s, nil
}

func isTagByte(c byte, first bool) bool {
	if isLowerAlphanumeric(c) || c >= 'A' && c <= 'Z' || c == '_' {
		return true
	}
	return !first && (c == '.' || c == '-')
}

// Reference points to a manifest of a repository, by tag or by digest. The zero value
// points to nothing.
type Reference struct {
	tag    string
	digest Digest
}

// ParseReference reads the last part of a manifest's URL. A string with a colon is a
// digest (ErrDigestInvalid, ErrDigestUnsupported), any other a tag (ErrTagInvalid).
func ParseReference(s string) (Reference, error) {
	if strings.Contains(s, ":") {
		d, err := ParseDigest(s)
		return Reference{digest: d}, err
	}
	tag, err := ParseTag(s)
	return Reference{tag: tag}, err
}

// TagReference makes a reference of a parsed tag.
func TagReference(tag string) Reference { return Reference{tag: tag} }

// DigestReference makes a reference of a parsed digest.
func DigestReference(d Digest) Reference { return Reference{digest: d} }

// IsDigest says whether the reference is a digest.
func (r Reference) IsDigest() bool { return r.digest != "" }

// Digest returns the digest, "" for a tag.
func (r Reference) Digest() Digest { return r.digest }

// Tag returns the tag, "" for a digest.
func (r Reference) Tag() string { return r.tag }

// String returns the tag or the digest, as it stands in a URL.
func (r Reference) String() string {
	if r.IsDigest() {
		return string(r.digest)
	}
	return r.tag
}

// ReferrersTag returns the tag under which clients keep the list of a manifest's
// referrers on registries without the referrers API: the digest with a dash for the
// colon, both parts cut to the specification's lengths (32 and 64).
// OCI distribution-spec 1.1, "Referrers Tag Schema".
func (d Digest) ReferrersTag() string {
	encoded := d.Hex()
	return string(d.Algorithm()) + "-" + encoded[:min(len(encoded), 64)]
}

// TaggedDigest is what a tag is about that is the ReferrersTag of a digest and an end, as Cosign's .sig and .att; "" when
// it is another tag.
func TaggedDigest(tag, end string) Digest {
	name, ok := strings.CutSuffix(tag, end)
	if !ok {
		return ""
	}
	algorithm, encoded, _ := strings.Cut(name, "-")
	d, err := ParseDigest(algorithm + ":" + encoded)
	if err != nil {
		return ""
	}
	return d
}
