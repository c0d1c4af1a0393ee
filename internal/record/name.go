package record

import (
	"errors"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// Kind is what a record is about: the first part of its name.
type Kind string

// The kinds of records.
const (
	Project  Kind = "projects"
	Manifest Kind = "manifests"
)

// manifestsPart is no part of a repository's name, so that a repository below another one is no trouble.
const manifestsPart = "_m"

// ErrName is returned for a name that no record has.
var ErrName = errors.New("not the name of a record")

// Name says what a record is about. It is written as one of
//
//	projects/<project>
//	manifests/<project>/<repository>/_m/<algorithm>/<hex>
type Name struct {
	Kind       Kind
	Project    string
	Repository string     // without the project
	Digest     oci.Digest // of a manifest
}

// String is the name in the store.
func (n Name) String() string {
	path := string(n.Kind) + "/" + n.Project
	if n.Kind == Manifest {
		path += "/" + n.Repository + "/" + manifestsPart + "/" + string(n.Digest.Algorithm()) + "/" + n.Digest.Hex()
	}
	return path
}

// FullName is the repository as clients write it.
func (n Name) FullName() string { return n.Project + "/" + n.Repository }

// ParseName reads a name as String writes it, else it returns ErrName.
func ParseName(s string) (Name, error) {
	n, ok := parseName(s)
	if !ok {
		return Name{}, fmt.Errorf("%q: %w", s, ErrName)
	}
	return n, nil
}

func parseName(s string) (Name, bool) {
	kind, path, _ := strings.Cut(s, "/")
	n := Name{Kind: Kind(kind)}
	full := path
	var err error
	switch n.Kind {
	case Project:
		if strings.Contains(path, "/") {
			return n, false
		}
	case Manifest:
		var rest string
		full, rest, _ = strings.Cut(path, "/"+manifestsPart+"/")
		algorithm, encoded, _ := strings.Cut(rest, "/")
		if n.Digest, err = oci.ParseDigest(algorithm + ":" + encoded); err != nil {
			return n, false
		}
	default:
		return n, false
	}
	n.Project, n.Repository, err = oci.ParseRepository(full)
	return n, err == nil && (n.Repository == "") == (n.Kind == Project)
}
