package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/job"
)

// GetPurgeHistory answers GET /system/purgeaudit.
func (s *Server) GetPurgeHistory(ctx context.Context, _ gen.GetPurgeHistoryRequestObject) (gen.GetPurgeHistoryResponseObject, error) {
	list, err := listing(ctx, job.HasExecutionKey)
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
	return gen.StopPurge200Response{}, s.Purger.Stop(ctx, callFrom(ctx).Principal.Name, r.PurgeID)
}

// GetPurgeJobLog answers GET /system/purgeaudit/{purge_id}/log.
func (s *Server) GetPurgeJobLog(ctx context.Context, r gen.GetPurgeJobLogRequestObject) (gen.GetPurgeJobLogResponseObject, error) {
	text, err := s.Purger.Log(ctx, r.PurgeID)
	return gen.GetPurgeJobLog200TextResponse(text), err
}

// GetPurgeSchedule answers GET /system/purgeaudit/schedule.
func (s *Server) GetPurgeSchedule(ctx context.Context, _ gen.GetPurgeScheduleRequestObject) (gen.GetPurgeScheduleResponseObject, error) {
	schedule, found, err := s.Purger.Schedule(ctx)
	if err != nil || !found {
		return noSchedule{}, err
	}
	return gen.GetPurgeSchedule200JSONResponse(upkeepSchedule(schedule)), nil
}

// CreatePurgeSchedule answers POST /system/purgeaudit/schedule.
func (s *Server) CreatePurgeSchedule(ctx context.Context, r gen.CreatePurgeScheduleRequestObject) (gen.CreatePurgeScheduleResponseObject, error) {
	return gen.CreatePurgeSchedule201Response{}, begun(ctx, s.Purger, *r.Body, purgeParameters)
}

// UpdatePurgeSchedule answers PUT /system/purgeaudit/schedule.
func (s *Server) UpdatePurgeSchedule(ctx context.Context, r gen.UpdatePurgeScheduleRequestObject) (gen.UpdatePurgeScheduleResponseObject, error) {
	_, err := scheduled(ctx, s.Purger, *r.Body, purgeParameters)
	return gen.UpdatePurgeSchedule200Response{}, err
}

func purgeParameters(sent map[string]any) (string, error) {
	what, err := audit.ParsePurge(sent)
	return what.String(), err
}

func purgeJSON(e audit.Execution) gen.ExecHistory { return upkeepRun(job.PurgeAudit, e, e.Parameters) }
