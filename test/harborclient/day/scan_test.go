package day

import (
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/jobservice"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan_all"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan_data_export"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scanner"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/securityhub"
)

func TestScanners(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "scanned")
	all := ok(c.Scanner.ListScanners(ctx, &scanner.ListScannersParams{}))(t).Payload
	if len(all) != 1 || all[0].Name != "Trivy" {
		t.Fatalf("scanners %+v", all)
	}
	ok(c.Scanner.GetScanner(ctx, &scanner.GetScannerParams{RegistrationID: all[0].UUID}))(t)
	ok(c.Scanner.GetScannerMetadata(ctx, &scanner.GetScannerMetadataParams{RegistrationID: all[0].UUID}))(t)
}

func TestSecurityHub(t *testing.T) {
	c, ctx := admin(t), t.Context()
	ok(c.Securityhub.GetSecuritySummary(ctx, &securityhub.GetSecuritySummaryParams{}))(t)
	ok(c.Securityhub.ListVulnerabilities(ctx, &securityhub.ListVulnerabilitiesParams{}))(t)
	ok(c.ScanAll.GetLatestScanAllMetrics(ctx, &scan_all.GetLatestScanAllMetricsParams{}))(t)
	ok(c.ScanAll.GetLatestScheduledScanAllMetrics(ctx, &scan_all.GetLatestScheduledScanAllMetricsParams{}))(t)
	ok(c.ScanDataExport.GetScanDataExportExecutionList(ctx, &scan_data_export.GetScanDataExportExecutionListParams{}))(t)
}

func TestJobService(t *testing.T) {
	c, ctx := admin(t), t.Context()
	ok(c.Jobservice.GetWorkerPools(ctx, &jobservice.GetWorkerPoolsParams{}))(t)
	ok(c.Jobservice.GetWorkers(ctx, &jobservice.GetWorkersParams{PoolID: "all"}))(t)
	ok(c.Jobservice.ListJobQueues(ctx, &jobservice.ListJobQueuesParams{}))(t)
}
