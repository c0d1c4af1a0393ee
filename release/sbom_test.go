package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	written "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"
)

func TestSBOM(t *testing.T) {
	text := made(t, nil)["haven_1.2.3-rc.1_linux_amd64.spdx.json"]
	doc, err := written.Read(bytes.NewReader(text))
	must(t, err)
	must(t, spdxlib.ValidateDocument(doc))
	purls := map[string]*spdx.Package{}
	for _, p := range doc.Packages {
		purls[p.PackageExternalReferences[0].Locator] = p
	}
	for _, want := range []string{
		"pkg:golang/github.com/havenregistry/haven@v1.2.3-rc.1", "pkg:golang/stdlib@1.99.1", "pkg:golang/example.org/Big/module@v1.2.3", "pkg:golang/new.example.org@v1.1.0",
	} {
		if purls[want] == nil {
			t.Errorf("%s isn't there", want)
		}
	}
	var lock struct {
		Packages map[string]struct {
			Version      string
			Dependencies map[string]string
		}
	}
	r := &release{root: ".."}
	content, err := r.read("web/package-lock.json")
	must(t, err)
	must(t, json.Unmarshal(content, &lock))
	for name := range lock.Packages[""].Dependencies {
		p := purls["pkg:npm/"+strings.Replace(name, "@", "%40", 1)+"@"+lock.Packages["node_modules/"+name].Version]
		if p == nil || p.PackageLicenseDeclared == "NOASSERTION" || len(p.PackageChecksums) != 1 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for purl := range purls {
		if strings.Contains(purl, "vitest") {
			t.Errorf("%s is for tests", purl)
		}
	}
}

func TestPortalComponents(t *testing.T) {
	const sum = `"integrity": "sha512-AAAA"`
	all, err := portalComponents([]byte(`{"lockfileVersion": 3, "packages": {"": {"version": "0"}, "node_modules/a": {"version": "1", "license": "MIT", ` + sum + `},
		"node_modules/a/node_modules/@s/b": {"version": "2", "resolved": "https://example.org/b", ` + sum + `}, "node_modules/c": {"dev": true}, "node_modules/d": {"devOptional": true}}}`))
	must(t, err)
	if len(all) != 2 || all[0].purl != "pkg:npm/a@1" || all[0].licence != "MIT" || all[1].purl != "pkg:npm/%40s/b@2" || all[1].checksum.Value != "000000" {
		t.Errorf("%+v", all)
	}
	for _, bad := range []string{`{"lockfileVersion": 2}`, `[]`, `{"lockfileVersion": 3, "packages": {"node_modules/a": {"integrity": "sha1-AAAA"}}}`} {
		if _, err := portalComponents([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
