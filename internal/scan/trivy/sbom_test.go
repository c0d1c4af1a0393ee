package trivy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/package-url/packageurl-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdxlib"

	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/internal/scan/trivy"
)

// schemas is the folder with CycloneDX's published schemas, which come with its module for Go, and SPDX's list of licences
// among them.
func schemas(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "schema")
}

func schemaFile(t testing.TB, name string) any {
	t.Helper()
	f, err := os.Open(filepath.Join(schemas(t), name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	v, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inventories are of images that people build, and of what nobody would.
func inventories(t *testing.T) map[string]inventory.Inventory {
	t.Helper()
	all := map[string]inventory.Inventory{"nothing": {}, "only a system": {OS: inventory.OS{Family: "alpine", Name: "3.19.1"}}}
	for _, name := range []string{"debian", "app", "stale"} {
		all[name] = readImage(t, scantest.MakeImage(t, name))
	}
	library := func(scope, name, version, path string, licenses ...string) inventory.Package {
		return inventory.Package{Subject: inventory.Subject{Class: inventory.Library, Scope: scope, Name: name, Version: version}, Path: path, Licenses: licenses, Layer: "sha256:" + strings.Repeat("b", 64)}
	}
	odd := inventory.Inventory{Packages: []inventory.Package{
		library("node-pkg", "same", "1.0.0", "a/package.json", "MIT"), library("node-pkg", "same", "1.0.0", "b/package.json", "MIT"),
		library("node-pkg", "same", "1.0.0", "b/package.json", "MIT"), // twice at one place
		library("jar", "org.example:thing", "2", "app.jar", "Apache 2", "GPL-2.0-only"), library("jar", "org.example:thing", "2", "other.jar"),
		library("gobinary", "stdlib", "v1.21.0", "bin/app"), library("gobinary", "example.com/mod", "", "bin/app", "No licence that anybody knows"),
		library("node-pkg", "naïve-“name”\n<&>", "1.0.0-β", "päth/with space/package.json", "MIT OR Apache-2.0"),
		library("node-pkg", "@scope/name", "1.0.0", "c/package.json"), library("nobody-knows", "x", "1", "x"),
	}}
	all["odd"] = odd
	return all
}

func document(format string) trivy.Document {
	return trivy.Document{Format: format, Name: "registry.example.com/library/app", Digest: "sha256:" + strings.Repeat("a", 64), Tags: []string{"registry.example.com/library/app:v1"},
		Arch: "amd64", Created: time.Date(2026, 11, 1, 2, 3, 4, 567, time.UTC), Version: "1.0.0"}
}

func bill(t *testing.T, of inventory.Inventory, format string) []byte {
	t.Helper()
	text, err := trivy.SBOM(t.Context(), of, document(format))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// CycloneDX documents keep to the schema that is published with the specification, and what they refer to is there.
func TestCycloneDXIsValid(t *testing.T) {
	compiled := map[string]*jsonschema.Schema{}
	schema := func(version string) *jsonschema.Schema {
		if compiled[version] == nil {
			c := jsonschema.NewCompiler()
			const at = "http://cyclonedx.org/schema/"
			for url, file := range map[string]string{"spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json", "bom.json": "bom-" + version + ".schema.json"} {
				if err := c.AddResource(at+url, schemaFile(t, file)); err != nil {
					t.Fatal(err)
				}
			}
			// The names of algorithms, which version 1.7 refers to, don't come with the module. No document of ours has any.
			names, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"definitions":{"algorithmFamiliesEnum":false,"ellipticCurvesEnum":false}}`))
			if err == nil {
				err = c.AddResource(at+"cryptography-defs.schema.json", names)
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Compile(at + "bom.json")
			if err != nil {
				t.Fatal(err)
			}
			compiled[version] = s
		}
		return compiled[version]
	}
	for name, of := range inventories(t) {
		t.Run(name, func(t *testing.T) {
			text := bill(t, of, "cyclonedx")
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			var doc struct {
				SpecVersion, SerialNumber string
				Metadata                  struct {
					Timestamp time.Time
					Component struct {
						Ref string `json:"bom-ref"`
					}
				}
				Components []struct {
					Ref, Name, PURL string
					BOMRef          string `json:"bom-ref"`
				}
				Dependencies []struct {
					Ref       string
					DependsOn []string
				}
			}
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			if err := schema(doc.SpecVersion).Validate(v); err != nil {
				t.Errorf("CycloneDX %s: %v", doc.SpecVersion, err)
			}
			if doc.SerialNumber == "" || doc.Metadata.Timestamp.IsZero() || doc.Metadata.Component.Ref == "" {
				t.Errorf("%+v", doc)
			}
			refs := map[string]bool{doc.Metadata.Component.Ref: true}
			for _, c := range doc.Components {
				if c.BOMRef == "" || refs[c.BOMRef] || c.Name == "" {
					t.Errorf("the component %q has the reference %q, which is empty or another's", c.Name, c.BOMRef)
				}
				refs[c.BOMRef] = true
				if c.PURL != "" {
					checkPURL(t, c.PURL)
				}
			}
			for _, d := range doc.Dependencies {
				for _, ref := range append(d.DependsOn, d.Ref) {
					if !refs[ref] {
						t.Errorf("a dependency names %q, which is nowhere", ref)
					}
				}
			}
			if distinct := distinctPackages(of); len(doc.Components) < distinct {
				t.Errorf("%d components of %d packages", len(doc.Components), distinct)
			}
		})
	}
}

func checkPURL(t *testing.T, text string) {
	t.Helper()
	if p, err := packageurl.FromString(text); err != nil || p.Type == "" || p.Name == "" {
		t.Errorf("%q is no package URL: %v", text, err)
	}
}

func distinctPackages(of inventory.Inventory) int {
	seen := map[string]bool{}
	for _, p := range of.Packages {
		seen[p.Key()+p.Path] = true
	}
	return len(seen)
}

// What SPDX 2.3 demands: clause 6 of the document, 7 of packages, 11 of relationships, annex D of licences.
var (
	spdxID       = regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`)
	spdxTime     = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	spdxCreator  = regexp.MustCompile(`^(Person|Organization|Tool): .+$`)
	spdxSupplier = regexp.MustCompile(`^(NOASSERTION|(Person|Organization): .+)$`)
	spdxPurposes = []string{"", "APPLICATION", "FRAMEWORK", "LIBRARY", "CONTAINER", "OPERATING-SYSTEM", "DEVICE", "FIRMWARE", "SOURCE", "ARCHIVE", "FILE", "INSTALL", "OTHER"}
)

func TestSPDXIsValid(t *testing.T) {
	var licences struct{ Enum []string }
	text, err := os.ReadFile(filepath.Join(schemas(t), "spdx.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &licences); err != nil || len(licences.Enum) < 400 {
		t.Fatalf("%d licences, %v", len(licences.Enum), err)
	}
	for name, of := range inventories(t) {
		t.Run(name, func(t *testing.T) {
			text := bill(t, of, "spdx-json")
			doc, err := spdxjson.Read(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := spdxlib.ValidateDocument(doc); err != nil {
				t.Error(err)
			}
			checkSPDXHead(t, text)
			ids := map[string]bool{"DOCUMENT": true}
			for _, p := range doc.Packages {
				id := string(p.PackageSPDXIdentifier)
				if !spdxID.MatchString("SPDXRef-"+id) || ids[id] {
					t.Errorf("%s: the id %q is not valid, or another's", p.PackageName, id)
				}
				ids[id] = true
				checkSPDXPackage(t, p, licences.Enum)
			}
			parents := map[string]string{}
			for _, r := range doc.Relationships {
				a, b := string(r.RefA.ElementRefID), string(r.RefB.ElementRefID)
				if !ids[a] || !ids[b] || r.Relationship != "DESCRIBES" && r.Relationship != "CONTAINS" || (r.Relationship == "DESCRIBES") != (a == "DOCUMENT") {
					t.Errorf("%s %s %s", a, r.Relationship, b)
				}
				parents[b] = a
			}
			for id := range ids {
				for at, n := id, 0; at != "DOCUMENT"; at, n = parents[at], n+1 {
					if at == "" || n > 3 {
						t.Errorf("nothing leads from the document to %s", id)
						break
					}
				}
			}
			if distinct := distinctPackages(of); len(doc.Packages) < distinct+1 {
				t.Errorf("%d packages of %d", len(doc.Packages), distinct)
			}
		})
	}
}

func checkSPDXHead(t *testing.T, text []byte) {
	t.Helper()
	var head struct {
		SPDXVersion, DataLicense, SPDXID, Name, DocumentNamespace string
		CreationInfo                                              struct {
			Created  string
			Creators []string
		}
	}
	if err := json.Unmarshal(text, &head); err != nil {
		t.Fatal(err)
	}
	switch {
	case head.SPDXVersion != "SPDX-2.3", head.DataLicense != "CC0-1.0", head.SPDXID != "SPDXRef-DOCUMENT", head.Name == "",
		!strings.HasPrefix(head.DocumentNamespace, "https://"), strings.Contains(head.DocumentNamespace, "#"),
		!spdxTime.MatchString(head.CreationInfo.Created), len(head.CreationInfo.Creators) == 0,
		slices.ContainsFunc(head.CreationInfo.Creators, func(c string) bool { return !spdxCreator.MatchString(c) }):
		t.Errorf("%+v", head)
	}
}

func checkSPDXPackage(t *testing.T, p *spdx.Package, licences []string) {
	t.Helper()
	supplier := "NOASSERTION"
	if p.PackageSupplier != nil && p.PackageSupplier.SupplierType != "" {
		supplier = p.PackageSupplier.SupplierType + ": " + p.PackageSupplier.Supplier
	}
	switch {
	case p.PackageName == "", p.PackageDownloadLocation == "", !spdxSupplier.MatchString(supplier), p.PackageCopyrightText == "",
		!slices.Contains(spdxPurposes, p.PrimaryPackagePurpose):
		t.Errorf("%+v", p)
	case p.FilesAnalyzed && p.PackageVerificationCode == nil: // clause 7.9
		t.Errorf("%s: its files were analysed, and there is no code of them", p.PackageName)
	}
	for _, expression := range []string{p.PackageLicenseConcluded, p.PackageLicenseDeclared} {
		if expression == "NOASSERTION" || expression == "NONE" {
			continue
		}
		for word := range strings.FieldsSeq(strings.NewReplacer("(", " ", ")", " ").Replace(expression)) {
			if word != "AND" && word != "OR" && word != "WITH" && !slices.Contains(licences, strings.TrimSuffix(word, "+")) {
				t.Errorf("%s: %q is no expression of licences: %s", p.PackageName, expression, word)
			}
		}
	}
	for _, r := range p.PackageExternalReferences {
		if r.Category != "PACKAGE-MANAGER" || r.RefType != "purl" {
			t.Errorf("%s: %+v", p.PackageName, r)
		}
		checkPURL(t, r.Locator)
	}
	for _, c := range p.PackageChecksums {
		if fmt.Sprint(c.Algorithm) != "SHA256" || len(c.Value) != 64 {
			t.Errorf("%s: %+v", p.PackageName, c)
		}
	}
}
