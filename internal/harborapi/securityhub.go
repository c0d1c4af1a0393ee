package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/scan"
)

// GetSecuritySummary answers GET /security/summary.
func (s *Server) GetSecuritySummary(ctx context.Context, r gen.GetSecuritySummaryRequestObject) (gen.GetSecuritySummaryResponseObject, error) {
	sum, err := s.Scans.Summary(ctx, r.Params.WithDangerousCve, r.Params.WithDangerousArtifact)
	if err != nil {
		return nil, err
	}
	c := sum.Counts
	return gen.GetSecuritySummary200JSONResponse{
		CriticalCnt: c.Critical, HighCnt: c.High, MediumCnt: c.Medium, LowCnt: c.Low + c.Negligible, UnknownCnt: c.Unknown, TotalVuls: c.Total(), FixableCnt: c.Fixable,
		ScannedCnt: sum.Scanned, TotalArtifact: sum.Artifacts,
		DangerousCves: orNull(sum.Vulnerabilities, func(v scan.DangerousVulnerability) gen.DangerousCVE {
			return gen.DangerousCVE{CveID: v.Vulnerability, Severity: v.Severity.String(), CvssScoreV3: v.CVSS, Package: v.Package, Version: v.Version}
		}),
		DangerousArtifacts: orNull(sum.Images, func(v scan.DangerousImage) gen.DangerousArtifact {
			return gen.DangerousArtifact{
				ProjectID: v.ProjectID, RepositoryName: v.Repository, Digest: string(v.Digest),
				CriticalCnt: v.Counts.Critical, HighCnt: v.Counts.High, MediumCnt: v.Counts.Medium,
			}
		}),
	}, nil
}

// ListVulnerabilities answers GET /security/vul. Unlike other listings it refuses keys that it doesn't know.
func (s *Server) ListVulnerabilities(ctx context.Context, r gen.ListVulnerabilitiesRequestObject) (gen.ListVulnerabilitiesResponseObject, error) {
	list, err := rest.ListingBy(ctx, func(string) bool { return true }, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	page, total, err := s.Scans.Search(ctx, list, r.Params.TuneCount, r.Params.WithTag)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.ListVulnerabilities200JSONResponse{Body: each(page, func(v scan.HubFinding) gen.VulnerabilityItem {
		out := gen.VulnerabilityItem{
			CveID: v.Vulnerability, CvssV3Score: v.CVSS, Severity: v.Severity.String(), Status: v.Status, Package: v.Package, Version: v.Version, FixedVersion: v.Fixed,
			ProjectID: v.ProjectID, RepositoryName: v.Repository, Digest: string(v.Digest), Tags: v.Tags,
		}
		if v.Link != "" {
			out.Links = []string{v.Link}
		}
		return out
	})}, nil
}
