package trivy

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
)

// bitnamiBill is a bill as Bitnami puts it beside a component: SPDX as JSON, with paths from the component's folder on.
const bitnamiBill = `{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"SPDX document for Elasticsearch 8.9.1",
	"documentNamespace":"https://example.com/elasticsearch","creationInfo":{"creators":["Organization: Example, Inc."],"created":"2023-08-30T23:06:14Z"},
	"packages":[
		{"SPDXID":"SPDXRef-elasticsearch","name":"elasticsearch","versionInfo":"8.9.1-2","downloadLocation":"NOASSERTION","licenseConcluded":"Elastic-2.0","licenseDeclared":"Elastic-2.0",
			"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/elasticsearch@8.9.1-2?arch=arm64"}]},
		{"SPDXID":"SPDXRef-Package-1","name":"co.elastic.apm:apm-agent","versionInfo":"1.36.0","downloadLocation":"NOASSERTION","licenseConcluded":"NONE","licenseDeclared":"NONE",
			"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:maven/co.elastic.apm/apm-agent@1.36.0"}]},
		{"SPDXID":"SPDXRef-App","name":"modules/apm/elastic-apm-agent-1.36.0.jar","downloadLocation":"NOASSERTION","sourceInfo":"","licenseConcluded":"NONE","licenseDeclared":"NONE"}],
	"files":[{"SPDXID":"SPDXRef-File-6","fileName":"modules/apm/elastic-apm-agent-1.36.0.jar","checksums":[{"algorithm":"SHA1","checksumValue":"d9e2b5d7a2e1a3b0c3f4a5b6c7d8e9f0a1b2c3d4"}],"copyrightText":""}],
	"relationships":[
		{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"SPDXRef-elasticsearch","relationshipType":"DESCRIBES"},
		{"spdxElementId":"SPDXRef-elasticsearch","relatedSpdxElement":"SPDXRef-Package-1","relationshipType":"CONTAINS"},
		{"spdxElementId":"SPDXRef-Package-1","relatedSpdxElement":"SPDXRef-File-6","relationshipType":"CONTAINS"}]}`

// appBill is a bill that somebody else's tool wrote of an application and of the base that it was built on.
const appBill = `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"bom-ref":"root","type":"application","name":"app"}},"components":[
	{"bom-ref":"1","type":"library","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"},
	{"bom-ref":"2","type":"library","name":"golang.org/x/crypto","version":"v0.0.1","purl":"pkg:golang/golang.org/x/crypto@v0.0.1"},
	{"bom-ref":"3","type":"library","name":"libssl3","version":"3.0.9-1","purl":"pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12"},
	{"bom-ref":"4","type":"library","name":"without a purl","version":"1"},
	{"bom-ref":"5","type":"library","group":"@types","name":"node","version":"18.0.0","purl":"pkg:npm/%40types/node@18.0.0"}]}`

const taggedBill = `SPDXVersion: SPDX-2.2
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: app
DocumentNamespace: https://example.com/app
Creator: Tool: example
Created: 2023-01-01T00:00:00Z

PackageName: atomist
SPDXID: SPDXRef-Package-1
PackageVersion: 1.2.3
PackageDownloadLocation: NOASSERTION
FilesAnalyzed: false
PackageLicenseConcluded: NOASSERTION
PackageLicenseDeclared: MIT
PackageCopyrightText: NOASSERTION
ExternalRef: PACKAGE-MANAGER purl pkg:pypi/atomist@1.2.3
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-1
`

func TestBillsInImages(t *testing.T) {
	attested := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://cyclonedx.org/bom","predicate":%s}`, appBill)
	enveloped := fmt.Sprintf(`{"payloadType":"application/vnd.in-toto+json","payload":%q,"signatures":[]}`, base64.StdEncoding.EncodeToString([]byte(attested)))
	bundled := fmt.Sprintf(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":%s}`, enveloped)
	appPackages := func(bill string) []string {
		return []string{
			bill + "  libssl3 3.0.9-1 of libssl3 3.0.9-1", bill + " gobinary golang.org/x/crypto v0.0.1",
			bill + " node-pkg @types/node 18.0.0", bill + " node-pkg lodash 4.17.20",
		}
	}
	for name, c := range map[string]struct {
		file   scantest.File
		want   []string
		unread string
	}{
		"Bitnami": {file: text("opt/bitnami/elasticsearch/.spdx-elasticsearch.spdx", bitnamiBill), want: []string{
			"opt/bitnami/elasticsearch/.spdx-elasticsearch.spdx bitnami elasticsearch 8.9.1-2 in opt/bitnami/elasticsearch",
			"opt/bitnami/elasticsearch/.spdx-elasticsearch.spdx jar co.elastic.apm:apm-agent 1.36.0 in opt/bitnami/elasticsearch/modules/apm/elastic-apm-agent-1.36.0.jar",
		}},
		"CycloneDX":          {file: text("app/sbom.cdx.json", appBill), want: appPackages("app/sbom.cdx.json")},
		"another name":       {file: text("app/sbom.cdx", appBill), want: appPackages("app/sbom.cdx")},
		"attested":           {file: text("a.cdx.json", attested), want: appPackages("a.cdx.json")},
		"in an envelope":     {file: text("a.cdx.json", enveloped), want: appPackages("a.cdx.json")},
		"in a bundle":        {file: text("a.cdx.json", bundled), want: appPackages("a.cdx.json")},
		"tags and values":    {file: text("a.spdx", taggedBill), want: []string{"a.spdx python-pkg atomist 1.2.3"}},
		"what Haven writes":  {file: text("a.spdx.json", havens(t)), want: []string{"a.spdx.json  bash 5.2-1 of bash 5.2-1", "a.spdx.json node-pkg lodash 4.17.20"}},
		"of a Python wheel":  {file: text("x.dist-info/sboms/a.cdx.json", appBill)},
		"no bill":            {file: text("molecule.cdx", "VjCD0100\x04\x03\x02\x01")},
		"JSON, and no bill":  {file: text("a.spdx.json", `{"hello":"world"}`)},
		"wrapped too deep":   {file: text("a.cdx.json", strings.Repeat(`{"predicate":`, 9)+appBill+strings.Repeat("}", 9))},
		"a list":             {file: text("a.spdx.json", strings.Repeat("[", 100_000))},
		"damaged":            {file: text("a.cdx.json", `{"bomFormat":"CycloneDX","specVersion":"1.5","components":"none"}`), unread: "a.cdx.json: "},
		"damaged tags":       {file: text("a.spdx", "SPDXVersion SPDX-2.3\nnonsense"), unread: "a.spdx: "},
		"two systems in one": {file: text("a.cdx.json", strings.Replace(appBill, "pkg:npm/lodash@4.17.20", "pkg:apk/alpine/lodash@4.17.20", 1)), unread: "a.cdx.json: it lists packages of more"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := read(t, Usual, c.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, found(l)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := strings.Join(l.Unread, "; "); !strings.HasPrefix(got, c.unread) || (got == "") != (c.unread == "") {
				t.Errorf("unread: %q", got)
			}
			for range 5 { // Trivy's decoder has no order
				again, err := read(t, Usual, c.file)
				if err != nil || !cmp.Equal(l, again) {
					t.Fatalf("read again it is another layer: %v", err)
				}
			}
		})
	}
	small := Usual
	small.Memory = 100
	if l, err := read(t, small, text("a.cdx.json", appBill)); err != nil || len(l.Unread) != 1 || !strings.Contains(l.Unread[0], "too large") {
		t.Errorf("too large: %v, %v", l.Unread, err)
	}
}

// The packages of a bill's operating system are judged as those of the image, once.
func TestBillOfASystem(t *testing.T) {
	l, err := read(t, Usual, text("etc/debian_version", "12.5\n"), text("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"), text("app/sbom.cdx.json", appBill),
		text("var/lib/dpkg/status", "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.9-1\n"))
	if err != nil {
		t.Fatal(err)
	}
	found := inventory.Merge([]inventory.Layer{l})
	i := slices.IndexFunc(found.Packages, func(p inventory.Package) bool { return p.Name == "libssl3" && p.SrcName == "libssl3" })
	if i < 0 || found.Packages[i].Scope != "debian 12" || found.Packages[i].Class != inventory.OSPackage {
		t.Errorf("%+v", found.Packages)
	}
}

// havens is a bill that Haven itself wrote.
func havens(t *testing.T) string {
	t.Helper()
	bill, err := SBOM(t.Context(), someInventory(), Document{Format: "spdx-json", Name: "library/app", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	return string(bill)
}

func someInventory() inventory.Inventory {
	return inventory.Inventory{OS: inventory.OS{Family: "debian", Name: "12.5"}, Packages: []inventory.Package{
		{Subject: inventory.Subject{Class: inventory.OSPackage, Scope: "debian 12", Name: "bash", Version: "5.2", Release: "1", Arch: "amd64", SrcName: "bash", SrcVersion: "5.2", SrcRelease: "1"},
			Licenses: []string{"GPL-3.0-or-later"}, PURL: "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12.5"},
		{Subject: inventory.Subject{Class: inventory.Library, Scope: "node-pkg", Name: "lodash", Version: "4.17.20"}, Path: "app/node_modules/lodash/package.json",
			Licenses: []string{"MIT"}, PURL: "pkg:npm/lodash@4.17.20"},
	}}
}
