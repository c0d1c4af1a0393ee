package scanner

import (
	"context"
	"runtime/debug"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/telemetry"
)

// Database tells of when the vulnerability database is that scans use, and when the next is expected; zero where
// there is none, or where it doesn't say.
type Database func(ctx context.Context) (updated, next time.Time, err error)

// Own is what our own scanner says of itself, as Harbor's adapter of Trivy does.
func Own(database Database) func(context.Context) (adapter.Metadata, error) {
	return func(ctx context.Context) (adapter.Metadata, error) {
		m := adapter.Metadata{
			Scanner: adapter.Name{Name: BuiltinName, Vendor: "Aqua Security", Version: engineVersion()},
			Capabilities: []adapter.Offer{
				{Type: adapter.Vulnerability, Consumes: images(), Produces: []string{adapter.VulnerabilityReport, adapter.NativeReport}},
				{Type: adapter.SBOM, Consumes: images(), Produces: []string{adapter.SBOMReport}},
			},
			Properties: map[string]string{adapter.ScannerType: "os-package-vulnerability", "haven.version": telemetry.Version()},
		}
		updated, next, err := database(ctx)
		if err != nil {
			return adapter.Metadata{}, err
		}
		for property, at := range map[string]time.Time{adapter.DatabaseUpdated: updated, adapter.DatabaseNextUpdate: next} {
			if !at.IsZero() {
				m.Properties[property] = at.UTC().Format(time.RFC3339)
			}
		}
		return m, nil
	}
}

func images() []string { return []string{adapter.OCIManifest, adapter.DockerManifest} }

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
