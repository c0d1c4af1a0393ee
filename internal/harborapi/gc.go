package harborapi

import (
	"context"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/registry/garbage"
)

// GetGCHistory answers GET /system/gc.
func (s *Server) GetGCHistory(ctx context.Context, _ gen.GetGCHistoryRequestObject) (gen.GetGCHistoryResponseObject, error) {
	list, err := listing(ctx, job.HasExecutionKey)
	if err != nil {
		return nil, err
	}
	rows, total, err := s.Garbage.Executions(ctx, list)
	if err != nil {
		return nil, err
	}
	all := make([]gen.GCHistory, len(rows))
	for i, e := range rows {
		if all[i], err = gcJSON(e); err != nil {
			return nil, err
		}
	}
	paged(ctx, list, total)
	return gen.GetGCHistory200JSONResponse{Body: all}, nil
}

// GetGC answers GET /system/gc/{gc_id}.
func (s *Server) GetGC(ctx context.Context, r gen.GetGCRequestObject) (gen.GetGCResponseObject, error) {
	e, err := s.Garbage.Execution(ctx, r.GcID)
	if err != nil {
		return nil, err
	}
	one, err := gcJSON(e)
	return gen.GetGC200JSONResponse(one), err
}

// StopGC answers PUT /system/gc/{gc_id}.
func (s *Server) StopGC(ctx context.Context, r gen.StopGCRequestObject) (gen.StopGCResponseObject, error) {
	return gen.StopGC200Response{}, s.Garbage.Stop(ctx, callFrom(ctx).Principal.Name, r.GcID)
}

// GetGCLog answers GET /system/gc/{gc_id}/log.
func (s *Server) GetGCLog(ctx context.Context, r gen.GetGCLogRequestObject) (gen.GetGCLogResponseObject, error) {
	text, err := s.Garbage.Log(ctx, r.GcID)
	return gen.GetGCLog200TextResponse(text), err
}

// GetGCSchedule answers GET /system/gc/schedule.
func (s *Server) GetGCSchedule(ctx context.Context, _ gen.GetGCScheduleRequestObject) (gen.GetGCScheduleResponseObject, error) {
	schedule, found, err := s.Garbage.Schedule(ctx)
	if err != nil || !found {
		return noSchedule{}, err
	}
	return gen.GetGCSchedule200JSONResponse(upkeepSchedule(schedule)), nil
}

// CreateGCSchedule answers POST /system/gc/schedule.
func (s *Server) CreateGCSchedule(ctx context.Context, r gen.CreateGCScheduleRequestObject) (gen.CreateGCScheduleResponseObject, error) {
	return gen.CreateGCSchedule201Response{}, begun(ctx, s.Garbage, *r.Body, garbageParameters)
}

// UpdateGCSchedule answers PUT /system/gc/schedule.
func (s *Server) UpdateGCSchedule(ctx context.Context, r gen.UpdateGCScheduleRequestObject) (gen.UpdateGCScheduleResponseObject, error) {
	_, err := scheduled(ctx, s.Garbage, *r.Body, garbageParameters)
	return gen.UpdateGCSchedule200Response{}, err
}

func garbageParameters(sent map[string]any) (string, error) {
	what, err := garbage.Parse(sent)
	return what.String(), err
}

func gcJSON(e garbage.Execution) (gen.GCHistory, error) {
	parameters, err := garbage.Told(e)
	return gen.GCHistory(upkeepRun(job.GarbageCollection, e, parameters)), err
}
