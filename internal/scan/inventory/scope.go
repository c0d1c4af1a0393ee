package inventory

import (
	"regexp"
	"strconv"
	"strings"
)

// Scope says by whose advisories the packages of an operating system are judged: family and release, as far as
// advisories tell releases apart. Debian 12.1 and 12.5 share a scope.
func (o OS) Scope() string {
	if o.Family == "" {
		return ""
	}
	release, _, _ := strings.Cut(o.Name, " ")
	switch o.Family {
	case "debian", "redhat", "centos", "alma", "rocky", "oracle":
		release = parts(release, 1)
	case "alpine", "azurelinux", "cbl-mariner":
		release = parts(release, 2)
	case "amazon":
		if release = parts(release, 1); release != "2" && release != "2022" && release != "2023" {
			release = "1" // dates were the releases then
		}
	case "ubuntu":
		if o.Extended {
			release += "-ESM"
		}
	}
	return o.Family + " " + release
}

// parts keeps the first n numbers of a release.
func parts(release string, n int) string {
	at := 0
	for i := range n {
		next := strings.IndexByte(release[at:], '.')
		if next < 0 {
			return release
		}
		at += next
		if i < n-1 {
			at++
		}
	}
	return release[:at]
}

// SplitScope returns family and release of an OSPackage's Scope.
func SplitScope(scope string) (family, release string) {
	family, release, _ = strings.Cut(scope, " ")
	return family, release
}

// VersionOf is a version as package managers write it: epoch, version and release.
func VersionOf(epoch int, version, release string) string {
	if release != "" {
		version += "-" + release
	}
	if epoch != 0 {
		version = strconv.Itoa(epoch) + ":" + version
	}
	return version
}

// Installed is the version of the package as its package manager writes it.
func (s Subject) Installed() string { return VersionOf(s.Epoch, s.Version, s.Release) }

// Those who rebuild packages of a distribution, and publish advisories of their own for them.
const (
	RootIO    = "root.io"
	Seal      = "seal"
	RapidFort = "rapidfort"
)

var (
	rootIODebian = regexp.MustCompile(`\.root\.io`)
	rootIOAlpine = regexp.MustCompile(`-r\d007\d`)
)

// supplier says who rebuilt the packages of an image, by its packages. One of them tells it for all.
func supplier(os OS, packages []Package) string {
	for i := range packages {
		p := &packages[i]
		switch os.Family {
		case "debian", "ubuntu":
			if rootIODebian.MatchString(p.Installed()) {
				return RootIO
			}
		case "alpine":
			if rootIOAlpine.MatchString(p.Installed()) {
				return RootIO
			}
		}
	}
	switch os.Family {
	case "alpine", "cbl-mariner", "centos", "redhat", "debian", "oracle", "ubuntu":
		for i := range packages {
			if sealed(packages[i].Name) || sealed(packages[i].SrcName) {
				return Seal
			}
		}
	}
	return ""
}

func sealed(name string) bool { return len(name) >= 5 && strings.EqualFold(name[:5], "seal-") }
