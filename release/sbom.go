package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"
	spdx "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// component is something that the program holds.
type component struct {
	name, version string
	purl          string
	from          string // where it can be had; "" where nobody says
	licence       string // as its author declares it; "" where it isn't known
	checksum      *common.Checksum
	at            string // folder below web/ that npm put it in; "" for what isn't of npm
}

// sbom says what a program is made of, as SPDX 2.3 in JSON: modules of Go by what the linker wrote into it, and packages of npm by the portal's lock.
func (r *release) sbom(p program) ([]byte, error) {
	lock, err := r.read("web/package-lock.json")
	if err != nil {
		return nil, err
	}
	components, err := portalComponents(lock)
	if err != nil {
		return nil, fmt.Errorf("web/package-lock.json: %w", err)
	}
	components = append(goComponents(p.info), components...)
	sum := sha256.Sum256(p.content)
	name := fmt.Sprintf("haven_%s_%s_%s", r.version.release, p.platform.os, p.platform.arch)
	doc := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: name,
		DocumentNamespace: home + "/spdx/" + name + "/" + hex.EncodeToString(sum[:]),
		CreationInfo: &v2_3.CreationInfo{
			Created:  r.version.at.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Organization", Creator: vendor}, {CreatorType: "Tool", Creator: "haven-release-" + r.version.release}},
		},
	}
	own := describe("Haven", component{
		name: "haven", version: r.version.release, from: home, licence: "Apache-2.0",
		purl:     packageurl.NewPackageURL(packageurl.TypeGolang, "github.com/havenregistry", "haven", "v"+r.version.release, nil, "").String(),
		checksum: &common.Checksum{Algorithm: common.SHA256, Value: hex.EncodeToString(sum[:])},
	})
	own.PrimaryPackagePurpose, own.PackageFileName, own.PackageSourceInfo = "APPLICATION", "haven", "git commit "+r.version.commit
	doc.Packages = append(doc.Packages, own)
	relate := func(a common.ElementID, how string, b common.ElementID) {
		doc.Relationships = append(doc.Relationships, &v2_3.Relationship{
			RefA: common.DocElementID{ElementRefID: a}, Relationship: how, RefB: common.DocElementID{ElementRefID: b},
		})
	}
	relate("DOCUMENT", common.TypeRelationshipDescribe, "Haven")
	for i, c := range components {
		id := common.ElementID(fmt.Sprintf("Package-%d", i+1))
		doc.Packages = append(doc.Packages, describe(id, c))
		relate("Haven", common.TypeRelationshipContains, id)
	}
	var b bytes.Buffer
	if err := spdx.Write(doc, &b, spdx.Indent(" ")); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func describe(id common.ElementID, c component) *v2_3.Package {
	const unknown = "NOASSERTION"
	p := &v2_3.Package{
		PackageSPDXIdentifier: id, PackageName: c.name, PackageVersion: c.version, PackageDownloadLocation: cmp.Or(c.from, unknown), IsFilesAnalyzedTagPresent: true,
		PackageLicenseConcluded: unknown, PackageLicenseDeclared: cmp.Or(c.licence, unknown), PackageCopyrightText: unknown, PrimaryPackagePurpose: "LIBRARY",
		PackageExternalReferences: []*v2_3.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: c.purl}},
	}
	if c.checksum != nil {
		p.PackageChecksums = []common.Checksum{*c.checksum}
	}
	return p
}

// goComponents are Go's own library and the modules that are linked.
func goComponents(info *debug.BuildInfo) []component {
	version := strings.TrimPrefix(info.GoVersion, "go")
	all := []component{{
		name: "stdlib", version: version, from: "https://go.dev/dl/", licence: "BSD-3-Clause",
		purl: packageurl.NewPackageURL(packageurl.TypeGolang, "", "stdlib", version, nil, "").String(),
	}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		namespace, name := "", m.Path
		if at := strings.LastIndexByte(m.Path, '/'); at >= 0 {
			namespace, name = m.Path[:at], m.Path[at+1:]
		}
		all = append(all, component{
			name: m.Path, version: m.Version, purl: packageurl.NewPackageURL(packageurl.TypeGolang, namespace, name, m.Version, nil, "").String(),
			from: "https://proxy.golang.org/" + escapeModule(m.Path) + "/@v/" + escapeModule(m.Version) + ".zip",
		})
	}
	return all
}

// escapeModule spells a module's path as proxies do (golang.org/ref/mod, goproxy-protocol): capitals as ! and the small letter.
func escapeModule(text string) string {
	var b strings.Builder
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('!')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
