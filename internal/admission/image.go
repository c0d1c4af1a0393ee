package admission

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

const (
	dockerHub = "docker.io"
	// maxImage bounds what is looked at of a reference: name, tag and digest of the greatest lengths.
	maxImage = 1024
	// hostBytes are those of a registry's name. Upper case is refused: who compares and who connects could take the
	// name for different ones.
	hostBytes = "abcdefghijklmnopqrstuvwxyz0123456789-"
)

// image is a reference that says all: a container runtime pulls exactly this.
type image struct {
	written string // as in the object
	host    string // with its port, where one is written
	path    string
	tag     string // "" where there is none
	digest  oci.Digest
}

// parseImage reads a reference by Docker's rules, as container runtimes do: what has no host is Docker Hub's, and what
// has one part there is in library/.
func parseImage(written string) (image, error) {
	img := image{written: written}
	if written == "" {
		return img, errors.New("there is no image")
	}
	if len(written) > maxImage {
		return img, fmt.Errorf("%.64q…: longer than %d bytes", written, maxImage)
	}
	rest, digest, hasDigest := strings.Cut(written, "@")
	if hasDigest {
		var err error
		if img.digest, err = oci.ParseDigest(digest); err != nil {
			return img, fmt.Errorf("%q: %w", written, err)
		}
	}
	img.host, rest = splitHost(rest)
	img.path = rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		img.path = rest[:i]
		var err error
		if img.tag, err = oci.ParseTag(rest[i+1:]); err != nil {
			return img, fmt.Errorf("%q: %w", written, err)
		}
	}
	if isHex(written) && len(written) == 64 {
		return img, fmt.Errorf("%q: this is an image's id, not its name", written)
	}
	if !isHost(img.host) {
		return img, fmt.Errorf("%q: %q is no registry's address in lower case", written, img.host)
	}
	if _, _, err := oci.ParseRepository(img.path); err != nil {
		return img, fmt.Errorf("%q: %w", written, err)
	}
	return img, nil
}

// splitHost takes the first part as a registry's address when it looks like one.
func splitHost(name string) (host, rest string) {
	first, rest, found := strings.Cut(name, "/")
	isAddress := found && (first == "localhost" || strings.ContainsAny(first, ".:") || strings.ToLower(first) != first)
	if !isAddress {
		first, rest = dockerHub, name
	}
	if first == "index."+dockerHub {
		first = dockerHub
	}
	if first == dockerHub && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	return first, rest
}

// name is the repository with its registry: what prefixes are held against.
func (i image) name() string { return i.host + "/" + i.path }

// which is what says which image of the repository it is: with a digest a tag says nothing.
func (i image) which() string {
	switch {
	case i.digest != "":
		return "@" + i.digest.String()
	case i.tag != "":
		return ":" + i.tag
	}
	return ":latest"
}

// whole is which, with the tag in front of a digest: it may say which index leads to the image.
func (i image) whole() string {
	if i.digest != "" && i.tag != "" {
		return ":" + i.tag + i.which()
	}
	return i.which()
}

// pinned is the reference as it was written with the digest added.
func (i image) pinned(d oci.Digest) string { return i.written + "@" + d.String() }

// isHost accepts a name, an IPv4 address or an IPv6 address in brackets, and a port.
func isHost(s string) bool {
	if inside, found := strings.CutPrefix(s, "["); found {
		address, port, closed := strings.Cut(inside, "]")
		a, err := netip.ParseAddr(address)
		return closed && err == nil && a.Is6() && a.Zone() == "" && (port == "" || port[0] == ':' && isPort(port[1:]))
	}
	name, port, hasPort := strings.Cut(s, ":")
	if hasPort && !isPort(port) {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] == '-' || part[len(part)-1] == '-' {
			return false
		}
		if strings.Trim(part, hostBytes) != "" {
			return false
		}
	}
	return true
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
