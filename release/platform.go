package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
)

// platform is one that Haven is built for, with the names that packages give its processor.
type platform struct {
	os, arch string // Go's
	deb, rpm string
}

var known = []platform{{"linux", "amd64", "amd64", "x86_64"}, {"linux", "arm64", "arm64", "aarch64"}}

func (p platform) String() string { return p.os + "/" + p.arch }

func (p platform) oci() *oci.Platform {
	return &oci.Platform{OS: p.os, Architecture: p.arch}
}

// parsePlatforms reads OS/ARCH, several separated by commas.
func parsePlatforms(text string) (all []platform, err error) {
	for name := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(known, func(p platform) bool { return p.String() == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("-platforms: %q, expected some of %v", name, known)
		}
		if slices.Contains(all, known[i]) {
			return nil, fmt.Errorf("-platforms: %s stands there twice", name)
		}
		all = append(all, known[i])
	}
	return all, nil
}
