package server

import (
	"net/url"
	"slices"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/secret"
)

// order is a scan request that was checked.
type order struct {
	registry      *url.URL
	authorization secret.Text
	insecure      bool
	artifact      adapter.Artifact
	digest        oci.Digest
	kinds         []kind // of reports that are wanted
}

const (
	maxRepository    = 512
	maxAuthorization = 16 << 10
	maxWanted        = 8
)

// newOrder checks a request. The error is a fault.Invalid.
func newOrder(r adapter.ScanRequest) (order, error) {
	u, err := url.Parse(r.Registry.URL)
	if err != nil || outbound.CheckURL(u) != nil || u.RawQuery != "" || u.Fragment != "" {
		return order{}, fault.Invalidf("registry.url: expected an http or https address")
	}
	if len(r.Registry.Authorization) > maxAuthorization {
		return order{}, fault.Invalidf("registry.authorization: more than %d bytes", maxAuthorization)
	}
	if _, _, err := oci.ParseRepository(r.Artifact.Repository); err != nil || len(r.Artifact.Repository) > maxRepository {
		return order{}, fault.Invalidf("artifact.repository: expected the name of a repository")
	}
	digest, err := oci.ParseDigest(r.Artifact.Digest)
	if err != nil {
		return order{}, fault.Invalidf("artifact.digest: expected a digest such as sha256:…")
	}
	o := order{registry: u, authorization: secret.Text(r.Registry.Authorization), insecure: r.Registry.Insecure, artifact: r.Artifact, digest: digest}
	o.kinds, err = kindsOf(r.Capabilities)
	return o, err
}

// kindsOf are the reports that a request wants; older registries name none, and want vulnerabilities.
func kindsOf(wanted []adapter.Wanted) ([]kind, error) {
	if len(wanted) == 0 {
		return []kind{{mediaType: adapter.VulnerabilityReport}}, nil
	}
	if len(wanted) > maxWanted {
		return nil, fault.Invalidf("enabled_capabilities: more than %d", maxWanted)
	}
	var kinds []kind
	for _, w := range wanted {
		switch w.Type {
		case adapter.Vulnerability, "":
			kinds = append(kinds, kind{mediaType: adapter.VulnerabilityReport})
		case adapter.SBOM:
			sboms := []string{adapter.SPDX}
			if w.Parameters != nil && len(w.Parameters.MediaTypes) > 0 {
				sboms = w.Parameters.MediaTypes
			}
			for _, sbom := range sboms {
				if sbom != adapter.SPDX && sbom != adapter.CycloneDX || len(sboms) > maxWanted {
					return nil, fault.Invalidf("enabled_capabilities: an SBOM is %s or %s", adapter.SPDX, adapter.CycloneDX)
				}
				kinds = append(kinds, kind{mediaType: adapter.SBOMReport, sbom: sbom})
			}
		default:
			return nil, fault.Invalidf("enabled_capabilities: this scanner knows vulnerability and sbom")
		}
	}
	slices.SortFunc(kinds, func(a, b kind) int {
		if a == b {
			return 0
		}
		if a.mediaType+a.sbom < b.mediaType+b.sbom {
			return -1
		}
		return 1
	})
	return slices.Compact(kinds), nil
}
