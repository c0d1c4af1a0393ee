package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
)

// locked is a package in the lock of npm.
type locked struct {
	Version     string `json:"version"`
	Resolved    string `json:"resolved"`
	Integrity   string `json:"integrity"`
	License     string `json:"license"`
	Dev         bool   `json:"dev"`
	DevOptional bool   `json:"devOptional"`
}

// portalComponents are the packages of npm that browsers get: those in the lock (version 3) that aren't there for building and testing alone.
func portalComponents(lock []byte) (all []component, err error) {
	var l struct {
		Version  int               `json:"lockfileVersion"`
		Packages map[string]locked `json:"packages"`
	}
	if err := json.Unmarshal(lock, &l); err != nil {
		return nil, err
	}
	if l.Version != 3 {
		return nil, fmt.Errorf("its lockfileVersion is %d, expected 3", l.Version)
	}
	for _, at := range slices.Sorted(maps.Keys(l.Packages)) {
		p := l.Packages[at]
		// It may lie within another's folder: node_modules/a/node_modules/@scope/b.
		const modules = "node_modules/"
		start := strings.LastIndex(at, modules)
		if start < 0 || p.Dev || p.DevOptional {
			continue
		}
		name := at[start+len(modules):]
		sum, err := integrity(p.Integrity)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		scope, rest, scoped := strings.Cut(name, "/")
		if !scoped {
			scope, rest = "", name
		}
		all = append(all, component{
			name: name, version: p.Version, purl: packageurl.NewPackageURL(packageurl.TypeNPM, scope, rest, p.Version, nil, "").String(),
			from: p.Resolved, licence: p.License, checksum: sum, at: at,
		})
	}
	return all, nil
}

// integrity reads sha512-BASE64.
func integrity(text string) (*common.Checksum, error) {
	encoded, ok := strings.CutPrefix(text, "sha512-")
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil {
		return nil, errors.New("its integrity is no SHA-512")
	}
	return &common.Checksum{Algorithm: common.SHA512, Value: hex.EncodeToString(sum)}, nil
}
