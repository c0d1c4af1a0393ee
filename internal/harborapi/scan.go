package harborapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
	"github.com/havenregistry/haven/internal/scan"
)

// scanKind is what a request wants to know, and the resource that this is a right of.
func scanKind(body *gen.ScanType) (scan.Kind, authz.Resource) {
	if body != nil && body.ScanType == gen.ScanTypeScanType(scan.Materials) {
		return scan.Materials, authz.SBOM
	}
	return scan.Vulnerabilities, authz.Scan
}

// toScan loads the artifact of a request about its scan, with the right that this needs.
func (s *Server) toScan(ctx context.Context, projectName, segment, reference string, perm authz.Permission) (registry.Ref, registry.Artifact, error) {
	p, err := s.projectWith(ctx, projectName, perm)
	if err != nil {
		return registry.Ref{}, registry.Artifact{}, err
	}
	ref := registry.Ref{ProjectID: p.ID, Project: p.Name, Name: repositoryName(segment)}
	parsed, err := oci.ParseReference(reference)
	if err != nil {
		return ref, registry.Artifact{}, noArtifact(err, ref, reference)
	}
	a, err := s.Registry.GetArtifact(ctx, ref, parsed, registry.With{})
	return ref, a, noArtifact(err, ref, reference)
}

// ScanArtifact answers POST …/artifacts/{reference}/scan.
func (s *Server) ScanArtifact(ctx context.Context, r gen.ScanArtifactRequestObject) (gen.ScanArtifactResponseObject, error) {
	kind, resource := scanKind(r.Body)
	ref, a, err := s.toScan(ctx, r.ProjectName, r.RepositoryName, r.Reference, authz.Permission{Resource: resource, Action: authz.Create})
	if err != nil {
		return nil, err
	}
	return gen.ScanArtifact202Response{}, s.Scans.Scan(ctx, callFrom(ctx).Principal, ref, a.Digest, kind)
}

// StopScanArtifact answers POST …/artifacts/{reference}/scan/stop.
func (s *Server) StopScanArtifact(ctx context.Context, r gen.StopScanArtifactRequestObject) (gen.StopScanArtifactResponseObject, error) {
	kind, resource := scanKind(r.Body)
	ref, a, err := s.toScan(ctx, r.ProjectName, r.RepositoryName, r.Reference, authz.Permission{Resource: resource, Action: authz.Stop})
	if err != nil {
		return nil, err
	}
	return gen.StopScanArtifact202Response{}, s.Scans.Stop(ctx, ref, a.Digest, kind)
}

// maxReportLog bounds a log in one answer, in bytes; those of the images of an index come together.
const maxReportLog = 4 << 20

// GetReportLog answers GET …/artifacts/{reference}/scan/{report_id}/log.
func (s *Server) GetReportLog(ctx context.Context, r gen.GetReportLogRequestObject) (gen.GetReportLogResponseObject, error) {
	_, a, err := s.artifact(ctx, r.ProjectName, r.RepositoryName, r.Reference, registry.With{})
	if err != nil {
		return nil, err
	}
	images, err := s.Scans.Images(ctx, a)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, id := range scan.ReportIDs(r.ReportID) {
		if _, err := uuid.Parse(id); err != nil {
			return nil, badRequest("bad request: invalid UUID %s", printable(id))
		}
		for after, more := int64(0), true; more && b.Len() < maxReportLog; {
			text, next, err := s.Scans.Log(ctx, images, id, after)
			if err != nil {
				return nil, err
			}
			b.WriteString(text)
			after, more = next, next > 0
		}
	}
	return gen.GetReportLog200TextResponse(b.String()), nil
}

// GetScanAllSchedule answers GET /system/scanAll/schedule. Where there is none the body is empty.
func (s *Server) GetScanAllSchedule(ctx context.Context, _ gen.GetScanAllScheduleRequestObject) (gen.GetScanAllScheduleResponseObject, error) {
	if err := s.anyScanner(ctx); err != nil {
		return nil, err
	}
	found, ok, err := s.Jobs.FindSchedule(ctx, job.ScanAll, job.System)
	if err != nil || !ok {
		return noScanSchedule{}, err
	}
	return gen.GetScanAllSchedule200JSONResponse{
		ID: found.ID, Status: string(job.Running), CreationTime: wire.Time(found.CreatedAt), UpdateTime: wire.Time(found.UpdatedAt),
		Schedule: gen.ScheduleObj{Type: gen.ScheduleObjType(found.CronType), Cron: found.Cron, NextScheduledTime: wire.Time(found.Next)},
	}, nil
}

type noScanSchedule struct{}

// VisitGetScanAllScheduleResponse implements gen.GetScanAllScheduleResponseObject.
func (noScanSchedule) VisitGetScanAllScheduleResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	return nil
}

// anyScanner refuses what needs a scanner while the default one is disabled.
func (s *Server) anyScanner(ctx context.Context) error {
	found, err := s.Scanners.Default(ctx)
	if err == nil && found.Disabled {
		err = rest.Problem{Status: http.StatusPreconditionFailed, Code: "PRECONDITION", Message: "no scanner is configured, it's not possible to scan"}
	}
	return err
}

// CreateScanAllSchedule answers POST /system/scanAll/schedule.
func (s *Server) CreateScanAllSchedule(ctx context.Context, r gen.CreateScanAllScheduleRequestObject) (gen.CreateScanAllScheduleResponseObject, error) {
	if err := s.anyScanner(ctx); err != nil {
		return nil, err
	}
	by, kind := callFrom(ctx).Principal, string(r.Body.Schedule.Type)
	switch kind {
	case manual:
		_, err := s.Scans.ScanAll(ctx, by)
		return gen.CreateScanAllSchedule201Response{}, err
	case "Hourly", "Daily", "Weekly", "Custom":
		_, exists, err := s.Jobs.FindSchedule(ctx, job.ScanAll, job.System)
		if err != nil {
			return nil, err
		}
		if exists {
			return nil, rest.Problem{Status: http.StatusPreconditionFailed, Code: "PRECONDITION", Message: "fail to set schedule for scan all as always had one, please delete it firstly then to re-schedule"}
		}
		return gen.CreateScanAllSchedule201Response{}, s.Scans.Schedule(ctx, by, kind, r.Body.Schedule.Cron)
	case "":
		return nil, badRequest("the schedule's type should provide")
	}
	return gen.CreateScanAllSchedule201Response{}, nil
}

// UpdateScanAllSchedule answers PUT /system/scanAll/schedule.
func (s *Server) UpdateScanAllSchedule(ctx context.Context, r gen.UpdateScanAllScheduleRequestObject) (gen.UpdateScanAllScheduleResponseObject, error) {
	if err := s.anyScanner(ctx); err != nil {
		return nil, err
	}
	by, kind := callFrom(ctx).Principal, string(r.Body.Schedule.Type)
	switch kind {
	case "Hourly", "Daily", "Weekly", "Custom":
		return gen.UpdateScanAllSchedule200Response{}, s.Scans.Schedule(ctx, by, kind, r.Body.Schedule.Cron)
	case "None":
		return gen.UpdateScanAllSchedule200Response{}, s.Scans.Unschedule(ctx, by)
	}
	return nil, badRequest("fail to update scan all schedule as wrong schedule type: %s", printable(kind))
}

// StopScanAll answers POST /system/scanAll/stop.
func (s *Server) StopScanAll(ctx context.Context, _ gen.StopScanAllRequestObject) (gen.StopScanAllResponseObject, error) {
	if err := s.anyScanner(ctx); err != nil {
		return nil, err
	}
	return gen.StopScanAll202Response{}, s.Scans.StopAll(ctx)
}

// GetLatestScanAllMetrics answers GET /scans/all/metrics.
func (s *Server) GetLatestScanAllMetrics(ctx context.Context, _ gen.GetLatestScanAllMetricsRequestObject) (gen.GetLatestScanAllMetricsResponseObject, error) {
	stats, err := s.scanStats(ctx, false)
	return gen.GetLatestScanAllMetrics200JSONResponse(stats), err
}

// GetLatestScheduledScanAllMetrics answers GET /scans/schedule/metrics.
func (s *Server) GetLatestScheduledScanAllMetrics(ctx context.Context, _ gen.GetLatestScheduledScanAllMetricsRequestObject) (gen.GetLatestScheduledScanAllMetricsResponseObject, error) {
	stats, err := s.scanStats(ctx, true)
	return gen.GetLatestScheduledScanAllMetrics200JSONResponse(stats), err
}

func (s *Server) scanStats(ctx context.Context, scheduled bool) (gen.Stats, error) {
	if err := s.anyScanner(ctx); err != nil {
		return gen.Stats{}, err
	}
	p, err := s.Scans.Progress(ctx, scheduled)
	if err != nil {
		return gen.Stats{}, fmt.Errorf("read how far the scan of all images is: %w", err)
	}
	if p.Trigger == "" {
		return gen.Stats{}, nil
	}
	trigger := manual
	switch p.Trigger {
	case job.BySchedule:
		trigger = "Schedule"
	case job.ByEvent:
		trigger = "Event"
	}
	c := p.Counts
	return gen.Stats{
		Total: c.Total(), Completed: c.Succeeded + c.Failed + c.Stopped, Ongoing: p.Ongoing, Trigger: gen.StatsTrigger(trigger),
		Metrics: map[string]int64{"Pending": c.Waiting, "Running": c.Running, "Success": c.Succeeded, "Error": c.Failed, "Stopped": c.Stopped},
	}, nil
}
