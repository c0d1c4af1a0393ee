package harborapi

import (
	"context"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/rest"
)

// Schedule is something that runs by the clock.
type Schedule struct {
	ID        int64
	Kind      string // Harbor's name of the work, like PURGE_AUDIT_LOG
	Of        int64  // what it runs for; -1 for the whole system
	Cron      string
	UpdatedAt time.Time
}

// ListSchedules answers GET /schedules.
func (s *Server) ListSchedules(ctx context.Context, _ gen.ListSchedulesRequestObject) (gen.ListSchedulesResponseObject, error) {
	list, err := listing(ctx, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	var all []Schedule
	for _, of := range s.Schedules {
		some, err := of(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	rest.Paged(ctx, list, int64(len(all)))
	return gen.ListSchedules200JSONResponse{Body: each(rest.PageOf(list, all), scheduleJSON)}, nil
}

// GetSchedulePaused answers GET /schedules/{job_type}/paused. Nothing pauses what runs by the clock.
func (s *Server) GetSchedulePaused(_ context.Context, r gen.GetSchedulePausedRequestObject) (gen.GetSchedulePausedResponseObject, error) {
	if !strings.EqualFold(r.JobType, "all") {
		return nil, rest.BadRequest("job_type can only be 'all'")
	}
	return gen.GetSchedulePaused200JSONResponse{Paused: false}, nil
}

func scheduleJSON(s Schedule) gen.ScheduleTask {
	return gen.ScheduleTask{ID: s.ID, VendorType: s.Kind, VendorID: s.Of, Cron: s.Cron, UpdateTime: wire.Time(s.UpdatedAt)}
}
