package harborapi

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// MIME types of reports. Both have the same fields here; the second is the older one.
const (
	reportType = "application/vnd.security.vulnerability.report; version=1.1"
	nativeType = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
)

// acceptedReport is the first type of a list that is known, "" when none is; without a list the usual one.
func acceptedReport(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return reportType
	}
	for part := range strings.SplitSeq(accept, ",") {
		if t := strings.TrimSpace(part); t == reportType || t == nativeType {
			return t
		}
	}
	return ""
}

// GetVulnerabilitiesAddition answers GET …/additions/vulnerabilities.
func (s *Server) GetVulnerabilitiesAddition(ctx context.Context, r gen.GetVulnerabilitiesAdditionRequestObject) (gen.GetVulnerabilitiesAdditionResponseObject, error) {
	ref, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	answer := gen.GetVulnerabilitiesAddition200JSONResponse{}
	accepted := acceptedReport(r.Params.XAcceptVulnerabilities)
	if accepted == "" {
		return answer, nil
	}
	full, found, err := s.Scans.FullReport(ctx, ref.ProjectID, a)
	if err != nil || !found {
		return answer, err
	}
	lenient, err := s.leniency(ctx, ref)
	if err != nil {
		return nil, err
	}
	answer[accepted] = reportJSON(full, lenient)
	return answer, nil
}

// leniency is what the project of a repository puts up with now.
func (s *Server) leniency(ctx context.Context, ref registry.Ref) (scan.Leniency, error) {
	p, err := s.Projects.Get(ctx, ref.ProjectID)
	if err != nil {
		return scan.Leniency{}, err
	}
	list, err := s.Projects.AllowlistOf(ctx, p)
	if err != nil {
		return scan.Leniency{}, err
	}
	statements, err := s.Scans.ProjectStatements(ctx, ref.ProjectID)
	return scan.NewLeniency(list.At(s.Clock()), statements, ref.Name), err
}

func reportJSON(full scan.FullReport, lenient scan.Leniency) gen.VulnerabilityReport {
	_, end := full.Span()
	first := full.Reports[0]
	out := gen.VulnerabilityReport{
		GeneratedAt: wire.Time(end), Scanner: scannerName(first.Scanner), Severity: severityWord(full.Counts()), Status: string(full.Status()), Reason: full.Reason(),
		Evaluated: full.Evaluated().String(), Cut: full.Cut, Vulnerabilities: make([]gen.ReportedVulnerability, len(full.Vulnerabilities)),
		DatabaseDigest: first.Edition, DatabaseUpdatedAt: wire.TimeIfAny(first.EditionAt),
	}
	for i, v := range full.Vulnerabilities {
		out.Vulnerabilities[i] = vulnerabilityJSON(v, lenient)
	}
	return out
}

func vulnerabilityJSON(v scan.Vulnerability, lenient scan.Leniency) gen.ReportedVulnerability {
	links := v.Detail.Links
	if v.Detail.Link != "" && !slices.Contains(links, v.Detail.Link) {
		links = append([]string{v.Detail.Link}, links...)
	}
	out := gen.ReportedVulnerability{
		ID: v.Found.Vulnerability, Package: v.Package, Version: v.Version, FixVersion: v.Fixed, Severity: v.Severity.String(), Status: v.Status,
		Title: v.Detail.Title, Description: v.Detail.Description, Links: orEmpty(links), ArtifactDigests: each(v.Digests, func(d oci.Digest) string { return string(d) }),
		CweIds: orEmpty(v.Detail.CWEs), PreferredCvss: gen.PreferredCVSS{VectorV3: v.CVSS.V3Vector, VectorV2: v.CVSS.V2Vector},
		Places: each(v.Places, func(p scan.Place) gen.PackagePlace { return gen.PackagePlace{Layer: p.Layer, Path: p.Path} }),
	}
	if v.CVSS.V3Score > 0 {
		out.PreferredCvss.ScoreV3 = &v.CVSS.V3Score
	}
	if v.CVSS.V2Score > 0 {
		out.PreferredCvss.ScoreV2 = &v.CVSS.V2Score
	}
	if scores := v.VendorCVSS(); len(scores) > 0 {
		out.VendorAttributes = map[string]any{"CVSS": scores}
	}
	for _, d := range v.Digests {
		if e, excused := lenient.Of(v.Found, d); excused {
			out.Excuse = &gen.FindingExcuse{
				Allowlist: e.Allowed, StatementID: e.Statement.ID, Status: string(e.Statement.Status), Justification: e.Statement.Justification,
				Reason: e.Statement.Reason, Author: e.Statement.Author, Document: string(e.Statement.Document),
			}
			break
		}
	}
	return out
}

func orEmpty(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func scannerName(s scan.Scanner) gen.Scanner {
	return gen.Scanner{Name: s.Name, Vendor: s.Vendor, Version: s.Version}
}

// severityWord is Harbor's word for the worst finding: None without one.
func severityWord(c scan.Counts) string {
	worst, any := c.Highest()
	if !any {
		return "None"
	}
	return worst.String()
}

// summaryJSON is counts as Harbor has them: severities without a finding are left out.
func summaryJSON(c scan.Counts) *gen.VulnerabilitySummary {
	out := gen.VulnerabilitySummary{Total: c.Total(), Fixable: c.Fixable, Summary: map[string]int64{}}
	for s := inventory.Unknown; s <= inventory.Critical; s++ {
		if n := c.Of(s); n > 0 {
			out.Summary[s.String()] = n
		}
	}
	return &out
}

// overviewJSON is what is known of an artifact. While nothing is, there are no counts; of what was evaluated in part
// there are, beside a status that isn't Success. left are the counts without what is excused.
func overviewJSON(o scan.Overview, left scan.Counts) gen.NativeReportSummary {
	start, end := o.Span()
	out := gen.NativeReportSummary{
		ReportID: o.UUID(), ScanStatus: string(o.Status()), Reason: o.Reason(), StartTime: wire.Time(start), EndTime: wire.Time(end),
		Evaluated: gen.NativeReportSummaryEvaluated(o.Evaluated().String()),
	}
	if !o.Status().Final() {
		return out
	}
	by := scannerName(o.Reports[0].Scanner)
	out.CompletePercent, out.Duration, out.Scanner = o.Percent(), seconds(start, end), &by
	if o.Evaluated() == scan.NotEvaluated {
		return out
	}
	counts := o.Counts()
	out.Severity, out.Summary = severityWord(counts), summaryJSON(counts)
	if left != counts {
		out.CountedSummary = summaryJSON(left)
	}
	for _, r := range o.Reports {
		out.Found, out.Gone = out.Found+r.Found, out.Gone+r.Gone
	}
	out.DatabaseDigest, out.DatabaseUpdatedAt = o.Reports[0].Edition, wire.TimeIfAny(o.Reports[0].EditionAt)
	return out
}

func seconds(start, end time.Time) int64 {
	if start.IsZero() || end.IsZero() {
		return 0
	}
	return max(int64(end.Sub(start).Seconds()), 0)
}

func billJSON(b scan.Bill) *gen.SBOMOverview {
	return &gen.SBOMOverview{
		ReportID: b.UUID, ScanStatus: string(b.Status), Reason: b.Reason, SbomDigest: string(b.Digest), Scanner: scannerName(b.Scanner),
		StartTime: wire.Time(b.StartedAt), EndTime: wire.Time(b.EndedAt), Duration: seconds(b.StartedAt, b.EndedAt),
	}
}

// addScans adds what is known of artifacts of one project to a page of them: the same number of statements at any
// length of the page.
func (s *Server) addScans(ctx context.Context, rows []registry.Artifact, out []gen.Artifact) error {
	project := rows[0].ProjectID
	overviews, err := s.Scans.Overviews(ctx, project, rows)
	if err != nil || len(overviews) == 0 {
		return err
	}
	lenient, err := s.leniency(ctx, registry.Ref{ProjectID: project})
	if err != nil {
		return err
	}
	byRepository := map[string][]scan.Report{}
	for _, a := range rows {
		byRepository[a.Repository] = append(byRepository[a.Repository], overviews[a.ID].Reports...)
	}
	for repository, reports := range byRepository {
		_, name, _ := strings.Cut(repository, "/")
		left, err := s.Scans.Counted(ctx, reports, lenient.In(name))
		if err != nil {
			return err
		}
		for i, a := range rows {
			o, found := overviews[a.ID]
			if !found || a.Repository != repository {
				continue
			}
			var sum scan.Counts
			for _, r := range o.Reports {
				sum = sum.Plus(left[r.ID])
			}
			out[i].ScanOverview = map[string]gen.NativeReportSummary{reportType: overviewJSON(o, sum)}
		}
	}
	return nil
}

// addBills adds how far the bills of materials of artifacts are.
func (s *Server) addBills(ctx context.Context, rows []registry.Artifact, out []gen.Artifact) error {
	bills, err := s.Scans.Bills(ctx, each(rows, func(a registry.Artifact) int64 { return a.ID }))
	if err != nil {
		return err
	}
	for i := range out {
		if b, found := bills[out[i].ID]; found {
			out[i].SbomOverview = billJSON(b)
		}
	}
	return nil
}
