package trivy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aquasecurity/trivy/pkg/licensing/expression"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Trivy's writer of SPDX needs another implementation of JSON in the whole program. The form is SPDX 2.3, clauses 6, 7
// and 11.
type spdxDocument struct {
	Version       string             `json:"spdxVersion"`
	DataLicense   string             `json:"dataLicense"`
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Namespace     string             `json:"documentNamespace"`
	Creation      spdxCreation       `json:"creationInfo"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID               string         `json:"SPDXID"`
	Name             string         `json:"name"`
	Version          string         `json:"versionInfo,omitempty"`
	Supplier         string         `json:"supplier"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	SourceInfo       string         `json:"sourceInfo,omitempty"`
	LicenseConcluded string         `json:"licenseConcluded"`
	LicenseDeclared  string         `json:"licenseDeclared"`
	CopyrightText    string         `json:"copyrightText"`
	Checksums        []spdxChecksum `json:"checksums,omitempty"`
	ExternalRefs     []spdxRef      `json:"externalRefs,omitempty"`
	Purpose          string         `json:"primaryPackagePurpose,omitempty"`
	Comment          string         `json:"comment,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

func spdx(of inventory.Inventory, d Document) ([]byte, error) {
	image := spdxPackage{
		ID: "SPDXRef-Image", Name: d.Name, Version: d.Digest, Supplier: noAssertion, DownloadLocation: noAssertion, LicenseConcluded: noAssertion,
		LicenseDeclared: noAssertion, CopyrightText: noAssertion, Purpose: "CONTAINER",
	}
	if sum, ok := strings.CutPrefix(d.Digest, "sha256:"); ok {
		image.Checksums = []spdxChecksum{{"SHA256", sum}}
	}
	doc := spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: d.reference(),
		Creation:      spdxCreation{d.Created.UTC().Format(time.RFC3339), []string{"Organization: Haven", "Tool: haven-" + d.Version}},
		Packages:      []spdxPackage{image},
		Relationships: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", image.ID}},
	}
	if of.OS.Family != "" {
		system := spdxPackage{
			ID: "SPDXRef-OperatingSystem", Name: of.OS.Family, Version: of.OS.Name, Supplier: noAssertion, DownloadLocation: noAssertion,
			LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion, Purpose: "OPERATING-SYSTEM",
		}
		doc.Packages = append(doc.Packages, system)
		doc.Relationships = append(doc.Relationships, spdxRelationship{image.ID, "CONTAINS", system.ID})
	}
	seen := map[string]bool{}
	for i := range of.Packages {
		p := asSPDX(&of.Packages[i])
		if seen[p.ID] {
			continue
		}
		seen[p.ID] = true
		parent := image.ID
		if of.Packages[i].Class == inventory.OSPackage && of.OS.Family != "" {
			parent = "SPDXRef-OperatingSystem"
		}
		doc.Packages = append(doc.Packages, p)
		doc.Relationships = append(doc.Relationships, spdxRelationship{parent, "CONTAINS", p.ID})
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write SPDX: %w", err)
	}
	// The name of a document is its own alone, and follows from its content.
	doc.Namespace = "https://spdx.org/spdxdocs/haven-" + short16(body)
	if body, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("write SPDX: %w", err)
	}
	return body, nil
}

func short16(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func asSPDX(p *inventory.Package) spdxPackage {
	s := spdxPackage{
		ID:   "SPDXRef-Package-" + short16([]byte(p.Key()+"\x00"+p.Path)),
		Name: p.Name, Version: p.Installed(), Supplier: noAssertion, DownloadLocation: noAssertion,
		LicenseConcluded: noAssertion, LicenseDeclared: spdxLicense(p.Licenses), CopyrightText: noAssertion, Purpose: "LIBRARY",
	}
	if p.SrcName != "" {
		s.SourceInfo = "built package from: " + p.SrcName + " " + inventory.VersionOf(p.SrcEpoch, p.SrcVersion, p.SrcRelease)
	}
	if p.PURL != "" {
		s.ExternalRefs = []spdxRef{{"PACKAGE-MANAGER", "purl", p.PURL}}
	}
	if p.Path != "" {
		s.Comment = "found in " + p.Path
	}
	return s
}

// spdxLicense joins licences that are on SPDX's list. A name that isn't can't stand in an expression.
func spdxLicense(names []string) string {
	var ids []string
	for _, n := range names {
		id, ok := expression.SPDXLicenseID(n)
		if !ok {
			return noAssertion
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return noAssertion
	}
	return strings.Join(ids, " AND ")
}
