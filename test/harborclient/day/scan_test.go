package day

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/go-openapi/strfmt"
	v2 "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/jobservice"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan_all"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scan_data_export"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/scanner"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/securityhub"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

const (
	reportType = "application/vnd.security.vulnerability.report; version=1.1"
	known      = "CVE-2023-4408" // of the package that pushDebian has
)

func begin(t *testing.T, c *v2.HarborAPI, in, repository string) {
	t.Helper()
	ok(c.Scan.ScanArtifact(t.Context(), &scan.ScanArtifactParams{ProjectName: in, RepositoryName: repository, Reference: "v1", ScanType: &models.ScanType{ScanType: "vulnerability"}}))(t)
}

// overview is how far the scan of an artifact is.
func overview(t *testing.T, c *v2.HarborAPI, in, repository string) models.NativeReportSummary {
	t.Helper()
	a := ok(c.Artifact.GetArtifact(t.Context(), &artifact.GetArtifactParams{ProjectName: in, RepositoryName: repository, Reference: "v1", WithScanOverview: ptr(true)}))(t).Payload
	return a.ScanOverview[reportType]
}

func ends(t *testing.T, c *v2.HarborAPI, in, repository, status string) models.NativeReportSummary {
	t.Helper()
	until(t, "the scan of "+in+"/"+repository+" ends as "+status, func() bool { return overview(t, c, in, repository).ScanStatus == status })
	return overview(t, c, in, repository)
}

func TestScanners(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "watchful")
	push(t, "watchful/app", "v1", "watched")
	all := ok(c.Scanner.ListScanners(ctx, &scanner.ListScannersParams{}))(t).Payload
	if len(all) != 1 || all[0].Name != "Trivy" || !*all[0].IsDefault {
		t.Fatalf("scanners %+v", all)
	}
	own := all[0].UUID
	held := newHeldScanner(t)
	address := strfmt.URI(held.URL)
	ok(c.Scanner.PingScanner(ctx, &scanner.PingScannerParams{Settings: &models.ScannerRegistrationSettings{Name: ptr("held"), URL: &address}}))(t)
	nowhere := strfmt.URI(held.URL + "/nowhere")
	refused(c.Scanner.PingScanner(ctx, &scanner.PingScannerParams{Settings: &models.ScannerRegistrationSettings{Name: ptr("held"), URL: &nowhere}}))(t, 400)
	draft := &models.ScannerRegistrationReq{Name: ptr("held"), URL: &address, Description: "ends when it is told"}
	id := lastSegment(ok(c.Scanner.CreateScanner(ctx, &scanner.CreateScannerParams{Registration: draft}))(t).Location)
	refused(c.Scanner.CreateScanner(ctx, &scanner.CreateScannerParams{Registration: draft}))(t, 409)

	m := ok(c.Scanner.GetScannerMetadata(ctx, &scanner.GetScannerMetadataParams{RegistrationID: id}))(t).Payload
	if m.Scanner.Vendor != "Day" || len(m.Capabilities) != 1 {
		t.Errorf("metadata %+v", m)
	}
	draft.Description, draft.Auth, draft.AccessCredential = "still does", "Bearer", "a-secret"
	ok(c.Scanner.UpdateScanner(ctx, &scanner.UpdateScannerParams{RegistrationID: id, Registration: draft}))(t)
	if got := ok(c.Scanner.GetScanner(ctx, &scanner.GetScannerParams{RegistrationID: id}))(t).Payload; got.Description != "still does" || got.Auth != "Bearer" || got.AccessCredential == "a-secret" || *got.IsDefault {
		t.Errorf("after the update %+v", got)
	}
	ok(c.Scanner.SetScannerAsDefault(ctx, &scanner.SetScannerAsDefaultParams{RegistrationID: id, Payload: &models.IsDefault{IsDefault: true}}))(t)
	of := func() *models.ScannerRegistration {
		return ok(c.Project.GetScannerOfProject(ctx, &project.GetScannerOfProjectParams{ProjectNameOrID: "watchful"}))(t).Payload
	}
	if got := of(); got.UUID != id || got.Health != "healthy" || got.Adapter != "Held" {
		t.Errorf("by default the project has %+v", got)
	}
	ok(c.Scanner.SetScannerAsDefault(ctx, &scanner.SetScannerAsDefaultParams{RegistrationID: own, Payload: &models.IsDefault{IsDefault: true}}))(t)
	if got := of(); got.UUID != own {
		t.Errorf("by default again the project has %+v", got)
	}
	if page := ok(c.Project.ListScannerCandidatesOfProject(ctx, &project.ListScannerCandidatesOfProjectParams{ProjectNameOrID: "watchful", Q: ptr("name=held")}))(t); page.XTotalCount != 1 || page.Payload[0].UUID != id {
		t.Errorf("candidates %+v", page.Payload)
	}
	ok(c.Project.SetScannerOfProject(ctx, &project.SetScannerOfProjectParams{ProjectNameOrID: "watchful", Payload: &models.ProjectScanner{UUID: &id}}))(t)

	begin(t, c, "watchful", "app")
	running := workingOn(t, c)
	ok(c.Jobservice.StopRunningJob(ctx, &jobservice.StopRunningJobParams{JobID: running.JobID}))(t)
	ends(t, c, "watchful", "app", "Stopped")
	held.finish()
	begin(t, c, "watchful", "app")
	if got := ends(t, c, "watchful", "app", "Success"); got.Severity != "Low" || got.Summary.Total != 1 || got.Summary.Fixable != 1 || got.Scanner.Name != "Held" {
		t.Errorf("overview %+v", got)
	}
	if gone := ok(c.Scanner.DeleteScanner(ctx, &scanner.DeleteScannerParams{RegistrationID: id}))(t).Payload; gone.UUID != id {
		t.Errorf("deleted %+v", gone)
	}
	if got := of(); got.UUID != own {
		t.Errorf("after it was deleted the project has %+v", got)
	}
}

// workingOn is what a worker does, once one does something; its log tells so.
func workingOn(t *testing.T, c *v2.HarborAPI) (busy *models.Worker) {
	t.Helper()
	ctx := t.Context()
	pools := ok(c.Jobservice.GetWorkerPools(ctx, &jobservice.GetWorkerPoolsParams{}))(t).Payload
	if len(pools) != 1 || pools[0].Concurrency < 1 {
		t.Fatalf("pools %+v", pools)
	}
	until(t, "a worker scans", func() bool {
		for _, w := range ok(c.Jobservice.GetWorkers(ctx, &jobservice.GetWorkersParams{PoolID: pools[0].WorkerPoolID}))(t).Payload {
			if w.JobID != "" && w.StartAt != nil {
				busy = w
			}
		}
		return busy != nil
	})
	until(t, "the job's log tells something", func() bool {
		return ok(c.Jobservice.ActionGetJobLog(ctx, &jobservice.ActionGetJobLogParams{JobID: busy.JobID}))(t).Payload != ""
	})
	return busy
}

func TestScans(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "scanned")
	digest := pushDebian(t, "scanned/names", "v1")
	// While its queue is paused a scan waits, and can be stopped.
	act := func(action string) {
		ok(c.Jobservice.ActionPendingJobs(ctx, &jobservice.ActionPendingJobsParams{JobType: "IMAGE_SCAN", ActionRequest: &models.ActionRequest{Action: action}}))(t)
	}
	queue := func() (found models.JobQueue) {
		for _, q := range ok(c.Jobservice.ListJobQueues(ctx, &jobservice.ListJobQueuesParams{}))(t).Payload {
			if q.JobType == "IMAGE_SCAN" {
				found = *q
			}
		}
		return found
	}
	act("pause")
	begin(t, c, "scanned", "names")
	if q := queue(); !q.Paused || q.Count != 1 {
		t.Errorf("queue %+v", q)
	}
	if got := overview(t, c, "scanned", "names"); got.ScanStatus != "Pending" {
		t.Errorf("while it waits: %+v", got)
	}
	ok(c.Scan.StopScanArtifact(ctx, &scan.StopScanArtifactParams{ProjectName: "scanned", RepositoryName: "names", Reference: digest, ScanType: &models.ScanType{ScanType: "vulnerability"}}))(t)
	ends(t, c, "scanned", "names", "Stopped")
	begin(t, c, "scanned", "names")
	act("stop")
	ends(t, c, "scanned", "names", "Stopped")
	act("resume")
	if q := queue(); q.Paused || q.Count != 0 {
		t.Errorf("queue %+v", q)
	}

	begin(t, c, "scanned", "names")
	got := ends(t, c, "scanned", "names", "Success")
	if got.Severity != "High" || got.Summary.Total < 3 || got.Summary.Summary["High"] < 3 || got.CompletePercent != 100 || got.Scanner.Vendor != "Aqua Security" {
		t.Errorf("overview %+v of %+v", got.Summary, got)
	}
	if log := ok(c.Scan.GetReportLog(ctx, &scan.GetReportLogParams{ProjectName: "scanned", RepositoryName: "names", Reference: "v1", ReportID: got.ReportID}))(t).Payload; log == "" {
		t.Error("the log is empty")
	}
	refused(c.Scan.ScanArtifact(ctx, &scan.ScanArtifactParams{ProjectName: "scanned", RepositoryName: "names", Reference: "nosuch", ScanType: &models.ScanType{ScanType: "vulnerability"}}))(t, 404)
	knownOf(t, c, got.Summary.Total)
	exported(t, c)
}

// knownOf looks at what is known of the whole registry.
func knownOf(t *testing.T, c *v2.HarborAPI, total int64) {
	t.Helper()
	ctx := t.Context()
	sum := ok(c.Securityhub.GetSecuritySummary(ctx, &securityhub.GetSecuritySummaryParams{WithDangerousCVE: ptr(true), WithDangerousArtifact: ptr(true)}))(t).Payload
	if sum.TotalVuls != total || sum.ScannedCnt != 1 || sum.HighCnt < 3 || len(sum.DangerousArtifacts) != 1 || len(sum.DangerousCves) == 0 {
		t.Errorf("summary %+v", sum)
	}
	page := ok(c.Securityhub.ListVulnerabilities(ctx, &securityhub.ListVulnerabilitiesParams{Q: ptr("cve_id=" + known), WithTag: ptr(true)}))(t)
	if page.XTotalCount != 1 || page.Payload[0].RepositoryName != "scanned/names" || page.Payload[0].FixedVersion == "" || page.Payload[0].Tags[0] != "v1" {
		t.Errorf("%d found: %+v", page.XTotalCount, page.Payload)
	}
}

// exported takes one finding home.
func exported(t *testing.T, c *v2.HarborAPI) {
	t.Helper()
	ctx := t.Context()
	id := ok(c.Project.GetProject(ctx, &project.GetProjectParams{ProjectNameOrID: "scanned"}))(t).Payload.ProjectID
	export := ok(c.ScanDataExport.ExportScanData(ctx, &scan_data_export.ExportScanDataParams{XScanDataType: reportType, Criteria: &models.ScanDataExportRequest{
		JobName: "day", Projects: []int64{int64(id)}, CVEIds: "{" + known + ",CVE-0}", Repositories: "names", Tags: "v1",
	}}))(t).Payload.ID
	until(t, "the file is there", func() bool {
		e := ok(c.ScanDataExport.GetScanDataExportExecution(ctx, &scan_data_export.GetScanDataExportExecutionParams{ExecutionID: export}))(t).Payload
		return e.Status == "Success" && e.FilePresent && e.UserName == "admin"
	})
	if list := ok(c.ScanDataExport.GetScanDataExportExecutionList(ctx, &scan_data_export.GetScanDataExportExecutionListParams{}))(t).Payload; len(list.Items) != 1 || list.Items[0].ID != export {
		t.Errorf("exports %+v", list.Items)
	}
	var file bytes.Buffer
	ok(c.ScanDataExport.DownloadScanData(ctx, &scan_data_export.DownloadScanDataParams{ExecutionID: export}, &file))(t)
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][2] != known {
		t.Errorf("rows %v, %v", rows, err)
	}
}

func TestScanAll(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "each")
	pushDebian(t, "each/names", "v1")
	schedule := func(kind, cron string) *models.Schedule {
		return &models.Schedule{Schedule: &models.ScheduleObj{Type: kind, Cron: cron}}
	}
	set := func(s *models.Schedule) {
		ok(c.ScanAll.UpdateScanAllSchedule(ctx, &scan_all.UpdateScanAllScheduleParams{Schedule: s}))(t)
	}
	ok(c.ScanAll.CreateScanAllSchedule(ctx, &scan_all.CreateScanAllScheduleParams{Schedule: schedule("Manual", "")}))(t)
	until(t, "everything is scanned", func() bool {
		m := ok(c.ScanAll.GetLatestScanAllMetrics(ctx, &scan_all.GetLatestScanAllMetricsParams{}))(t).Payload
		if m.Trigger != "Manual" || m.Completed > m.Total {
			t.Fatalf("metrics %+v", m)
		}
		return !m.Ongoing && m.Completed >= 1
	})
	ends(t, c, "each", "names", "Success")
	ok(c.ScanAll.StopScanAll(ctx, &scan_all.StopScanAllParams{}))(t)
	ok(c.ScanAll.GetLatestScheduledScanAllMetrics(ctx, &scan_all.GetLatestScheduledScanAllMetricsParams{}))(t)

	ok(c.ScanAll.CreateScanAllSchedule(ctx, &scan_all.CreateScanAllScheduleParams{Schedule: schedule("Daily", "0 0 0 * * *")}))(t)
	refused(c.ScanAll.CreateScanAllSchedule(ctx, &scan_all.CreateScanAllScheduleParams{Schedule: schedule("Daily", "0 0 0 * * *")}))(t, 412)
	set(schedule("Custom", "0 30 2 * * 1"))
	got := ok(c.ScanAll.GetScanAllSchedule(ctx, &scan_all.GetScanAllScheduleParams{}))(t).Payload
	if got.Schedule == nil || got.Schedule.Type != "Custom" || got.Schedule.Cron != "0 30 2 * * 1" {
		t.Errorf("schedule %+v", got.Schedule)
	}
	set(schedule("None", ""))
}
