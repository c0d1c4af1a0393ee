package harborapi

import (
	"context"
	"strings"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/rest"
)

// ListSchedules answers GET /schedules.
func (s *Server) ListSchedules(ctx context.Context, _ gen.ListSchedulesRequestObject) (gen.ListSchedulesResponseObject, error) {
	list, err := listing(ctx, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	all, err := s.Jobs.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	rest.Paged(ctx, list, int64(len(all)))
	return gen.ListSchedules200JSONResponse{Body: each(rest.PageOf(list, all), scheduleJSON)}, nil
}

// GetSchedulePaused answers GET /schedules/{job_type}/paused. What runs by the clock is paused by its queue.
func (s *Server) GetSchedulePaused(ctx context.Context, r gen.GetSchedulePausedRequestObject) (gen.GetSchedulePausedResponseObject, error) {
	if !strings.EqualFold(r.JobType, everything) {
		return nil, rest.BadRequest("job_type can only be 'all'")
	}
	paused, err := s.Jobs.Paused(ctx, job.Scheduler)
	return gen.GetSchedulePaused200JSONResponse{Paused: paused}, err
}

func scheduleJSON(s job.Schedule) gen.ScheduleTask {
	return gen.ScheduleTask{ID: s.ID, VendorType: string(s.Kind), VendorID: s.VendorID, Cron: s.Cron, UpdateTime: wire.Time(s.UpdatedAt)}
}
