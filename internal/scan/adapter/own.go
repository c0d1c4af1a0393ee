package adapter

import (
	"context"
	"runtime/debug"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

// OwnName is how our own scanner is called: as the one that comes with Harbor.
const OwnName = "Trivy"

// Database tells of when the vulnerability database is that scans use, and when the next is expected; zero where
// there is none, or where it doesn't say.
type Database func(ctx context.Context) (updated, next time.Time, err error)

// Own is what our own scanner says of itself, as Harbor's adapter of Trivy does.
func Own(database Database) func(context.Context) (Metadata, error) {
	return func(ctx context.Context) (Metadata, error) {
		m := Metadata{
			Scanner: Name{Name: OwnName, Vendor: "Aqua Security", Version: engineVersion()},
			Capabilities: []Offer{
				{Type: Vulnerability, Consumes: images(), Produces: []string{VulnerabilityReport, NativeReport}},
				{Type: SBOM, Consumes: images(), Produces: []string{SBOMReport}},
			},
			Properties: map[string]string{ScannerType: "os-package-vulnerability", "haven.version": telemetry.Version()},
		}
		updated, next, err := database(ctx)
		if err != nil {
			return Metadata{}, err
		}
		for property, at := range map[string]time.Time{DatabaseUpdated: updated, DatabaseNextUpdate: next} {
			if !at.IsZero() {
				m.Properties[property] = at.UTC().Format(time.RFC3339)
			}
		}
		return m, nil
	}
}

func images() []string { return []string{OCIManifest, DockerManifest} }

// engineVersion is the version of Trivy that is linked, as the build says.
func engineVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/aquasecurity/trivy" {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return "Unknown"
}
