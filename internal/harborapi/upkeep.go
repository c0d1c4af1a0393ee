package harborapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/harborapi/wire"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/job/upkeep"
)

// routine is upkeep that the API has done: the purge of the audit log, the collecting of garbage.
type routine interface {
	Start(ctx context.Context, by, parameters string) (int64, error)
	SetSchedule(ctx context.Context, by, kind, cron, parameters string) error
	Unschedule(ctx context.Context, by string) error
}

// manual is the schedule's type for a run at once.
const manual = "Manual"

// scheduled does what the type of the schedule says, and returns the id of a run that it started. parse checks the
// parameters, and gives them as they are kept.
func scheduled(ctx context.Context, r routine, sent gen.Schedule, parse func(map[string]any) (string, error)) (id int64, err error) {
	by, kind := callFrom(ctx).Principal.Name, string(sent.Schedule.Type)
	switch kind {
	case "":
		return 0, badRequest("the schedule's type should provide")
	case "None":
		return 0, r.Unschedule(ctx, by)
	}
	parameters, err := parse(sent.Parameters)
	if err != nil {
		return 0, err
	}
	switch kind {
	case manual:
		return r.Start(ctx, by, parameters)
	case "Hourly", "Daily", "Weekly", "Custom":
		return 0, r.SetSchedule(ctx, by, kind, sent.Schedule.Cron, parameters)
	default: // Schedule, which Harbor takes and ignores, too
		return 0, nil
	}
}

// begun is scheduled for a POST, whose Location ends with the id of what was started, 0 when nothing was.
func begun(ctx context.Context, r routine, sent gen.Schedule, parse func(map[string]any) (string, error)) error {
	id, err := scheduled(ctx, r, sent, parse)
	if err != nil {
		return err
	}
	c := callFrom(ctx)
	collection := strings.TrimSuffix(strings.TrimRight(c.URL.EscapedPath(), "/"), "/schedule")
	c.Response.Set("Location", collection+"/"+strconv.FormatInt(id, 10))
	return nil
}

// upkeepSchedule is a schedule in the shape of a run.
func upkeepSchedule(s job.Schedule) gen.ExecHistory {
	return gen.ExecHistory{
		ID: s.ID, JobKind: s.Cron, JobParameters: s.Parameters, JobStatus: string(job.Running),
		Schedule:     gen.ScheduleObj{Type: gen.ScheduleObjType(s.CronType), Cron: s.Cron, NextScheduledTime: wire.Time(s.Next)},
		CreationTime: wire.Time(s.CreatedAt), UpdateTime: wire.Time(s.UpdatedAt),
	}
}

func upkeepRun[R any](name job.Kind, e upkeep.Execution[R], parameters string) gen.ExecHistory {
	kind := manual
	if e.Trigger == job.BySchedule {
		kind = "Schedule"
	}
	return gen.ExecHistory{
		ID: e.ID, JobName: string(name), JobKind: string(e.Trigger), JobParameters: parameters, JobStatus: string(e.Status),
		Schedule:     gen.ScheduleObj{Type: gen.ScheduleObjType(kind)},
		CreationTime: wire.Time(e.CreatedAt), UpdateTime: wire.Time(e.UpdatedAt),
	}
}

// noSchedule is the answer where there is no schedule. The body is empty: Terraform takes that for the sign to create one.
type noSchedule struct{}

func (noSchedule) visit(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	return nil
}

// VisitGetPurgeScheduleResponse implements gen.GetPurgeScheduleResponseObject.
func (n noSchedule) VisitGetPurgeScheduleResponse(w http.ResponseWriter) error { return n.visit(w) }

// VisitGetGCScheduleResponse implements gen.GetGCScheduleResponseObject.
func (n noSchedule) VisitGetGCScheduleResponse(w http.ResponseWriter) error { return n.visit(w) }
