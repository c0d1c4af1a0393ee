package harborapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
)

// GetPurgeHistory answers GET /system/purgeaudit.
func (s *Server) GetPurgeHistory(ctx context.Context, _ gen.GetPurgeHistoryRequestObject) (gen.GetPurgeHistoryResponseObject, error) {
	list, err := listing(ctx, audit.HasExecutionKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Purger.Executions(ctx, list)
	if err != nil {
		return nil, err
	}
	paged(ctx, list, total)
	return gen.GetPurgeHistory200JSONResponse{Body: each(rows, purgeJSON)}, nil
}

// GetPurgeJob answers GET /system/purgeaudit/{purge_id}.
func (s *Server) GetPurgeJob(ctx context.Context, r gen.GetPurgeJobRequestObject) (gen.GetPurgeJobResponseObject, error) {
	e, err := s.Purger.Execution(ctx, r.PurgeID)
	return gen.GetPurgeJob200JSONResponse(purgeJSON(e)), err
}

// StopPurge answers PUT /system/purgeaudit/{purge_id}.
func (s *Server) StopPurge(ctx context.Context, r gen.StopPurgeRequestObject) (gen.StopPurgeResponseObject, error) {
	return gen.StopPurge200Response{}, s.Purger.Stop(ctx, callFrom(ctx).Principal, r.PurgeID)
}

// GetPurgeJobLog answers GET /system/purgeaudit/{purge_id}/log.
func (s *Server) GetPurgeJobLog(ctx context.Context, r gen.GetPurgeJobLogRequestObject) (gen.GetPurgeJobLogResponseObject, error) {
	text, err := s.Purger.ExecutionLog(ctx, r.PurgeID)
	return gen.GetPurgeJobLog200TextResponse(text), err
}

// GetPurgeSchedule answers GET /system/purgeaudit/schedule. Where there is none the body is empty: Terraform
// takes that for the sign to create one.
func (s *Server) GetPurgeSchedule(ctx context.Context, _ gen.GetPurgeScheduleRequestObject) (gen.GetPurgeScheduleResponseObject, error) {
	schedule, found, err := s.Purger.Schedule(ctx)
	if err != nil || !found {
		return noSchedule{}, err
	}
	return gen.GetPurgeSchedule200JSONResponse{
		ID: schedule.ID, JobKind: schedule.Cron, JobParameters: schedule.Parameters, JobStatus: string(job.Running),
		Schedule:     gen.ScheduleObj{Type: gen.ScheduleObjType(schedule.CronType), Cron: schedule.Cron, NextScheduledTime: wire.Time(schedule.Next)},
		CreationTime: wire.Time(schedule.CreatedAt), UpdateTime: wire.Time(schedule.UpdatedAt),
	}, nil
}

type noSchedule struct{}

// VisitGetPurgeScheduleResponse implements gen.GetPurgeScheduleResponseObject.
func (noSchedule) VisitGetPurgeScheduleResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	return nil
}

// CreatePurgeSchedule answers POST /system/purgeaudit/schedule. Location ends with the id of what was started, 0
// when nothing was.
func (s *Server) CreatePurgeSchedule(ctx context.Context, r gen.CreatePurgeScheduleRequestObject) (gen.CreatePurgeScheduleResponseObject, error) {
	id, err := s.schedulePurge(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	c := callFrom(ctx)
	collection := strings.TrimSuffix(strings.TrimRight(c.URL.EscapedPath(), "/"), "/schedule")
	c.Response.Set("Location", collection+"/"+strconv.FormatInt(id, 10))
	return gen.CreatePurgeSchedule201Response{}, nil
}

// UpdatePurgeSchedule answers PUT /system/purgeaudit/schedule.
func (s *Server) UpdatePurgeSchedule(ctx context.Context, r gen.UpdatePurgeScheduleRequestObject) (gen.UpdatePurgeScheduleResponseObject, error) {
	_, err := s.schedulePurge(ctx, *r.Body)
	return gen.UpdatePurgeSchedule200Response{}, err
}

// schedulePurge does what the type of the schedule says, and returns the id of a purge that it started.
func (s *Server) schedulePurge(ctx context.Context, sent gen.Schedule) (id int64, err error) {
	by, kind := callFrom(ctx).Principal, string(sent.Schedule.Type)
	switch kind {
	case "":
		return 0, badRequest("the schedule's type should provide")
	case "None":
		return 0, s.Purger.Unschedule(ctx, by)
	}
	what, err := audit.ParsePurge(sent.Parameters)
	if err != nil {
		return 0, err
	}
	switch kind {
	case manual:
		return s.Purger.Start(ctx, by, what)
	case "Hourly", "Daily", "Weekly", "Custom":
		return 0, s.Purger.SetSchedule(ctx, by, kind, sent.Schedule.Cron, what)
	default: // Schedule, which Harbor takes and ignores, too
		return 0, nil
	}
}

func purgeJSON(e audit.Execution) gen.ExecHistory {
	kind := manual
	if e.Trigger == job.BySchedule {
		kind = "Schedule"
	}
	return gen.ExecHistory{
		ID: e.ID, JobName: string(job.PurgeAudit), JobKind: string(e.Trigger), JobParameters: e.Parameters, JobStatus: string(e.Status),
		Schedule:     gen.ScheduleObj{Type: gen.ScheduleObjType(kind)},
		CreationTime: wire.Time(e.CreatedAt), UpdateTime: wire.Time(e.UpdatedAt),
	}
}

// manual is the schedule's type for a purge at once.
const manual = "Manual"
