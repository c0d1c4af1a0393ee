package adapter

import (
	"mime"
	"slices"

	"github.com/havenregistry/haven/internal/fault"
)

// Capability is what a scanner can be asked for.
type Capability string

// The capabilities. An adapter older than them names none, and means Vulnerability.
const (
	Vulnerability Capability = "vulnerability"
	SBOM          Capability = "sbom"
)

// Media types of the protocol.
const (
	MetadataType = "application/vnd.scanner.adapter.metadata+json; version=1.0"
	RequestType  = "application/vnd.scanner.adapter.scan.request+json; version=1.0"
	ResponseType = "application/vnd.scanner.adapter.scan.response+json; version=1.0"
	ErrorType    = "application/vnd.scanner.adapter.error+json; version=1.0"
)

// Media types of reports.
const (
	VulnerabilityReport = "application/vnd.security.vulnerability.report; version=1.1"
	// NativeReport is the older one, which lacks some fields.
	NativeReport = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
	// RawReport is what a scanner itself writes. Nobody else can read it.
	RawReport  = "application/vnd.scanner.adapter.vuln.report.raw"
	SBOMReport = "application/vnd.security.sbom.report+json; version=1.0"
)

// Media types of the SBOMs in reports.
const (
	SPDX      = "application/spdx+json"
	CycloneDX = "application/vnd.cyclonedx+json"
)

// Media types of what is scanned.
const (
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	OCIManifest    = "application/vnd.oci.image.manifest.v1+json"
)

// Properties of scanners that the protocol knows.
const (
	DatabaseUpdated     = "harbor.scanner-adapter/vulnerability-database-updated-at"
	DatabaseNextUpdate  = "harbor.scanner-adapter/vulnerability-database-next-update-at"
	ScannerType         = "harbor.scanner-adapter/scanner-type"
	authorizationType   = "harbor.scanner-adapter/registry-authorization-type"
	authorizationBearer = "Bearer"
)

// Name is how a scanner calls itself.
type Name struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor"`
	Version string `json:"version"`
}

// Offer is one thing that a scanner can do.
type Offer struct {
	Type     Capability `json:"type,omitempty"`
	Consumes []string   `json:"consumes_mime_types"`
	Produces []string   `json:"produces_mime_types"`
}

// Metadata is what a scanner says of itself.
type Metadata struct {
	Scanner      Name              `json:"scanner"`
	Capabilities []Offer           `json:"capabilities"`
	Properties   map[string]string `json:"properties"`
}

// offer finds what the scanner has of a capability.
func (m Metadata) offer(c Capability) (Offer, bool) {
	i := slices.IndexFunc(m.Capabilities, func(o Offer) bool {
		return o.Type == c || o.Type == "" && c == Vulnerability
	})
	if i < 0 {
		return Offer{}, false
	}
	return m.Capabilities[i], true
}

// Supports reports whether the scanner has the capability.
func (m Metadata) Supports(c Capability) bool { _, ok := m.offer(c); return ok }

// Consumes reports whether the scanner has the capability for artifacts of a media type.
func (m Metadata) Consumes(c Capability, mediaType string) bool {
	o, ok := m.offer(c)
	return ok && slices.ContainsFunc(o.Consumes, func(each string) bool { return sameType(each, mediaType) })
}

// Produces is the media type to ask for, in our spelling: the best that we can read.
func (m Metadata) Produces(c Capability) (mediaType string, ok bool) {
	o, _ := m.offer(c)
	for _, want := range readable(c) {
		if slices.ContainsFunc(o.Produces, func(each string) bool { return sameType(each, want) }) {
			return want, true
		}
	}
	return "", false
}

// WantsBearer reports whether the scanner takes a docker token, where others take name and password.
func (m Metadata) WantsBearer() bool { return m.Properties[authorizationType] == authorizationBearer }

func readable(c Capability) []string {
	if c == SBOM {
		return []string{SBOMReport}
	}
	return []string{VulnerabilityReport, NativeReport}
}

// sameType compares media types with their versions: adapters write them with and without blanks.
func sameType(a, b string) bool {
	ta, pa, errA := mime.ParseMediaType(a)
	tb, pb, errB := mime.ParseMediaType(b)
	return errA == nil && errB == nil && ta == tb && pa["version"] == pb["version"]
}

// Bounds of what a scanner says of itself.
const (
	maxOffers     = 32
	maxTypes      = 64
	maxProperties = 256
	maxWord       = 1024
)

// Check says what is wrong with it, as a fault.Invalid.
func (m Metadata) Check() error {
	for key, value := range map[string]string{"name": m.Scanner.Name, "vendor": m.Scanner.Vendor, "version": m.Scanner.Version} {
		if value == "" || len(value) > maxWord {
			return fault.Invalidf("the scanner's %s is missing or too long", key)
		}
	}
	if len(m.Capabilities) == 0 || len(m.Capabilities) > maxOffers || len(m.Properties) > maxProperties {
		return fault.Invalidf("the scanner has %d capabilities and %d properties; expected 1 to %d, and at most %d",
			len(m.Capabilities), len(m.Properties), maxOffers, maxProperties)
	}
	for key, value := range m.Properties {
		if len(key) > maxWord || len(value) > maxWord {
			return fault.Invalidf("a property of the scanner is longer than %d bytes", maxWord)
		}
	}
	for _, o := range m.Capabilities {
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

func (o Offer) check() error {
	if o.Type != "" && o.Type != Vulnerability && o.Type != SBOM {
		return fault.Invalidf("the scanner has a capability that nobody knows: %.64q", string(o.Type))
	}
	if len(o.Consumes) > maxTypes || len(o.Produces) > maxTypes {
		return fault.Invalidf("a capability of the scanner has more than %d media types", maxTypes)
	}
	if !slices.ContainsFunc(o.Consumes, func(each string) bool { return sameType(each, DockerManifest) }) {
		return fault.Invalidf("a capability of the scanner doesn't take %s", DockerManifest)
	}
	known := []string{VulnerabilityReport, NativeReport, RawReport, SBOMReport}
	if !slices.ContainsFunc(o.Produces, func(each string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return sameType(each, k) })
	}) {
		return fault.Invalidf("a capability of the scanner makes no report of a known media type")
	}
	return nil
}

// ScanRequest is the body of POST /scan.
type ScanRequest struct {
	Registry     Registry `json:"registry"`
	Artifact     Artifact `json:"artifact"`
	Capabilities []Wanted `json:"enabled_capabilities,omitempty"`
}

// Registry says where and how the scanner gets the artifact.
type Registry struct {
	URL           string `json:"url"`
	Authorization string `json:"authorization"` // as the header of that name; "" for none
	Insecure      bool   `json:"insecure"`
}

// Artifact is what is scanned.
type Artifact struct {
	Repository string `json:"repository"` // full name
	Tag        string `json:"tag,omitempty"`
	Digest     string `json:"digest"`
	MediaType  string `json:"mime_type"`
	Size       int64  `json:"size,omitempty"`
}

// Wanted is a capability that is asked for.
type Wanted struct {
	Type       Capability  `json:"type"`
	Produces   []string    `json:"produces_mime_types,omitempty"`
	Parameters *WantedSBOM `json:"parameters,omitempty"`
}

// WantedSBOM says which kinds of SBOM are asked for.
type WantedSBOM struct {
	MediaTypes []string `json:"sbom_media_types,omitempty"`
}

// ScanResponse is the body of its answer.
type ScanResponse struct {
	ID string `json:"id"`
}

// ErrorBody is the body of an answer that refuses.
type ErrorBody struct {
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}
