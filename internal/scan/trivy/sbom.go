package trivy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/dependency"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/sbom/cyclonedx"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/google/uuid"
	"github.com/package-url/packageurl-go"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Document says what bill of materials is wanted, and of which image.
type Document struct {
	Format  string    `json:"format"` // "cyclonedx" or "spdx-json"
	Name    string    `json:"name"`
	Digest  string    `json:"digest"`
	Tags    []string  `json:"tags,omitempty"`
	Arch    string    `json:"arch,omitempty"`
	Created time.Time `json:"created"`
	Version string    `json:"version"`
}

// reference names the image.
func (d Document) reference() string {
	if d.Digest == "" {
		return d.Name
	}
	return d.Name + "@" + d.Digest
}

// SBOM writes a bill of materials, as JSON. Equal arguments give equal bytes. It must not run twice at once in one
// process: identifiers come from a source of random numbers that the process has one of.
func SBOM(ctx context.Context, of inventory.Inventory, d Document) ([]byte, error) {
	seed := sha256.New()
	if err := json.NewEncoder(seed).Encode([]any{of, d}); err != nil {
		return nil, fmt.Errorf("seed the document's identifiers: %w", err)
	}
	uuid.SetRand(rand.NewChaCha8([32]byte(seed.Sum(nil))))
	defer uuid.SetRand(nil)
	switch d.Format {
	case "cyclonedx":
		return cycloneDX(clock.With(ctx, d.Created.UTC()), of, d)
	case "spdx-json":
		return spdx(of, d)
	default:
		return nil, errors.New("bill of materials: unknown format")
	}
}

func cycloneDX(ctx context.Context, of inventory.Inventory, d Document) ([]byte, error) {
	marshaler := cyclonedx.NewMarshaler(d.Version)
	bom, err := marshaler.MarshalReport(ctx, report(of, d))
	if err != nil {
		return nil, fmt.Errorf("write CycloneDX: %w", err)
	}
	bom.Metadata.Tools = &cdx.ToolsChoice{Components: &[]cdx.Component{
		{Type: cdx.ComponentTypeApplication, Group: "havenregistry", Name: "haven", Version: d.Version},
	}}
	if bom.Components != nil {
		slices.SortStableFunc(*bom.Components, func(a, b cdx.Component) int { return bytes.Compare([]byte(a.BOMRef), []byte(b.BOMRef)) })
	}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetEscapeHTML(false).Encode(bom); err != nil {
		return nil, fmt.Errorf("write CycloneDX: %w", err)
	}
	return out.Bytes(), nil
}

// report is the inventory in the form that Trivy writes documents from.
func report(of inventory.Inventory, d Document) types.Report {
	r := types.Report{
		SchemaVersion: 2, CreatedAt: d.Created.UTC(), ArtifactName: d.reference(), ArtifactType: ftypes.TypeContainerImage,
		Metadata: types.Metadata{RepoTags: d.Tags},
	}
	r.Metadata.ImageConfig.Architecture = d.Arch
	if d.Digest != "" {
		r.Metadata.RepoDigests = []string{d.reference()}
	}
	system := types.Result{Target: d.Name, Class: types.ClassOSPkg, Type: ftypes.OSType(of.OS.Family)}
	if of.OS.Family != "" {
		r.Metadata.OS = &ftypes.OS{Family: ftypes.OSType(of.OS.Family), Name: of.OS.Name}
		system.Target = fmt.Sprintf("%s (%s %s)", d.Name, of.OS.Family, of.OS.Name)
	}
	applications := map[[2]string]*types.Result{}
	var order []*types.Result
	seen := map[[2]string]bool{} // a package twice at one place is one component
	for i := range of.Packages {
		p := &of.Packages[i]
		at := [2]string{p.Key(), p.Path}
		if seen[at] {
			continue
		}
		seen[at] = true
		if p.Class == inventory.OSPackage {
			system.Packages = append(system.Packages, asPackage(p, ""))
			continue
		}
		key := [2]string{p.Scope, p.Path}
		if slices.Contains(ftypes.AggregatingTypes, ftypes.LangType(p.Scope)) {
			key[1] = "" // each is a file of its own
		}
		app := applications[key]
		if app == nil {
			app = &types.Result{Target: key[1], Class: types.ClassLangPkg, Type: ftypes.LangType(p.Scope)}
			applications[key] = app
			order = append(order, app)
		}
		app.Packages = append(app.Packages, asPackage(p, key[1]))
	}
	if len(system.Packages) > 0 || of.OS.Family != "" {
		r.Results = append(r.Results, system)
	}
	for _, app := range order {
		r.Results = append(r.Results, *app)
	}
	return r
}

func asPackage(p *inventory.Package, application string) ftypes.Package {
	t := asOSPackage(&p.Subject, 0)
	t.ID, t.BuildInfo, t.Repository = dependency.ID(ftypes.LangType(p.Scope), p.Name, p.Installed()), nil, ftypes.PackageRepository{}
	t.Licenses, t.Layer.Digest = p.Licenses, p.Layer
	if application == "" {
		t.FilePath = p.Path
	}
	if named, err := packageurl.FromString(p.PURL); err == nil && p.PURL != "" {
		t.Identifier.PURL = &named
	}
	t.Identifier.UID = dependency.UID(application, t)
	return t
}
