package trivy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/sbom/core"
	"github.com/aquasecurity/trivy/pkg/sbom/cyclonedx"
	bomio "github.com/aquasecurity/trivy/pkg/sbom/io"
	bomspdx "github.com/aquasecurity/trivy/pkg/sbom/spdx"
	"github.com/aquasecurity/trivy/pkg/types"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// bitnami is where Bitnami's images have a folder for each component, with a bill of materials in it.
const bitnami = "opt/bitnami/"

// isBill is whether a file is a bill of materials by its name. Those of Python's packages speak of what is in them, not
// of what is installed.
func isBill(name string) bool {
	if strings.Contains(name, ".dist-info/sboms/") {
		return false
	}
	for _, suffix := range []string{".spdx", ".spdx.json", ".cdx", ".cdx.json"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// billOfMaterials reads the bill of materials that lies in an image: who built it knows what no package manager does.
func billOfMaterials(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	// Each package takes kilobytes while a bill is decoded.
	if bytes.Count(text, []byte("purl")) > in.walk.limits.Listed {
		return fmt.Errorf("it lists more than %d packages", in.walk.limits.Listed)
	}
	bom, err := decodeBill(text)
	if err != nil {
		return err
	}
	var found types.SBOM
	if err := bomio.NewDecoder(bom).Decode(context.Background(), &found); err != nil {
		if strings.Contains(err.Error(), "multiple types of OS packages") { // and their names, in any order
			return errors.New("it lists packages of more than one operating system")
		}
		return err
	}
	for _, list := range found.Packages {
		if err := in.list("", inOrder(systemOf(list.Packages))); err != nil {
			return err
		}
	}
	byKind := map[ftypes.LangType][]inventory.Package{}
	var order []ftypes.LangType
	for _, app := range found.Applications {
		if byKind[app.Type] == nil {
			order = append(order, app.Type)
		}
		byKind[app.Type] = append(byKind[app.Type], librariesOf(in.path, &app)...)
	}
	for _, kind := range order {
		if err := in.list(kind, inOrder(byKind[kind])); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts packages: Trivy's decoder gives them in the order of identifiers that it makes up.
func inOrder(packages []inventory.Package) []inventory.Package {
	slices.SortFunc(packages, func(a, b inventory.Package) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Installed(), b.Installed()), cmp.Compare(a.PURL, b.PURL))
	})
	return packages
}

// statement is what is read of an attestation of in-toto, of the envelope around it, and of the bundle around that.
type statement struct {
	BOMFormat string `json:"bomFormat"`
	SPDXID    string `json:"SPDXID"`

	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
	Data          json.RawMessage `json:"Data"` // of a predicate by Cosign 1
	PayloadType   string          `json:"payloadType"`
	Payload       []byte          `json:"payload"`
	DSSEEnvelope  json.RawMessage `json:"dsseEnvelope"`
}

// wrapped is how deep a bill may lie in an attestation.
const wrapped = 4

// decodeBill reads the forms that Trivy reads. errUninteresting is of a file that is no bill of materials: others have such
// names too.
func decodeBill(text []byte) (*core.BOM, error) {
	for range wrapped {
		var s statement
		if err := json.Unmarshal(text, &s); err != nil {
			break
		}
		switch {
		case s.BOMFormat == "CycloneDX":
			bom := &cyclonedx.BOM{BOM: core.NewBOM(core.Options{GenerateBOMRef: true})}
			return bom.BOM, bom.UnmarshalJSON(text)
		case s.SPDXID == "SPDXRef-DOCUMENT":
			bom := &bomspdx.SPDX{BOM: core.NewBOM(core.Options{})}
			return bom.BOM, bom.UnmarshalJSON(text)
		case s.DSSEEnvelope != nil:
			text = s.DSSEEnvelope
		case s.PayloadType != "":
			text = s.Payload
		case s.Predicate != nil:
			text = s.Predicate
		case s.Data != nil:
			text = s.Data
		default:
			return nil, errUninteresting
		}
	}
	if bytes.HasPrefix(text, []byte("SPDX")) {
		bom := &bomspdx.SPDX{BOM: core.NewBOM(core.Options{})}
		return bom.BOM, bomspdx.NewTVDecoder(bytes.NewReader(text)).Decode(bom)
	}
	return nil, errUninteresting
}

// systemOf are packages of the operating system. By whose advisories they are judged says the image.
func systemOf(all ftypes.Packages) (packages []inventory.Package) {
	for i := range all {
		f := &all[i]
		p := inventory.Package{Licenses: plainLicenses(f.Licenses)}
		p.Class = inventory.OSPackage
		p.Name, p.Version, p.Release, p.Epoch, p.Arch = f.Name, f.Version, f.Release, f.Epoch, f.Arch
		p.SrcName, p.SrcVersion, p.SrcRelease, p.SrcEpoch = f.SrcName, f.SrcVersion, f.SrcRelease, f.SrcEpoch
		p.Modularity = f.Modularitylabel
		if f.Identifier.PURL != nil {
			p.PURL = f.Identifier.PURL.String()
		}
		if p.Name != "" && p.Version != "" {
			packages = append(packages, p)
		}
	}
	return packages
}

// librariesOf are the packages of an application, where the bill says that they lie: Bitnami says it from the component's
// folder on.
func librariesOf(bill string, app *ftypes.Application) []inventory.Package {
	at, component := app.FilePath, path.Dir(bill)
	inBitnami := strings.HasPrefix(bill, bitnami)
	switch {
	case inBitnami && app.Type == ftypes.Bitnami:
		at = component
	case at == "":
		at = bill
	}
	packages := asPackages(app.Type, at, app.Packages)
	for i := range packages {
		p := &packages[i]
		if inBitnami && app.Type != ftypes.Bitnami && p.Path != at {
			p.Path = path.Join(component, p.Path)
		}
	}
	return packages
}
