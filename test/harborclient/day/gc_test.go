package day

import (
	"encoding/json"
	"testing"

	collecting "github.com/goharbor/go-client/pkg/sdk/v2.0/client/gc"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

func TestGarbageCollection(t *testing.T) {
	c, ctx := admin(t), t.Context()
	with := func(kind, cron string, workers int) *models.Schedule {
		return &models.Schedule{
			Schedule:   &models.ScheduleObj{Type: kind, Cron: cron},
			Parameters: map[string]interface{}{"delete_untagged": true, "dry_run": false, "workers": workers},
		}
	}
	refused(c.GC.CreateGCSchedule(ctx, &collecting.CreateGCScheduleParams{Schedule: with("Manual", "", 11)}))(t, 400)
	id := idOf(t, ok(c.GC.CreateGCSchedule(ctx, &collecting.CreateGCScheduleParams{Schedule: with("Manual", "", 2)}))(t).Location)
	var run *models.GCHistory
	until(t, "the run succeeds", func() bool {
		run = ok(c.GC.GetGC(ctx, &collecting.GetGCParams{GCID: id}))(t).Payload
		return run.JobStatus == "Success"
	})
	var told map[string]any
	if err := json.Unmarshal([]byte(run.JobParameters), &told); err != nil || told["delete_untagged"] != true || told["workers"] != 2.0 || told["freed_space"] == nil {
		t.Errorf("run %+v: %v", run, err)
	}
	if page := ok(c.GC.GetGCHistory(ctx, &collecting.GetGCHistoryParams{}))(t); page.XTotalCount != 1 || page.Payload[0].ID != id {
		t.Errorf("history %+v", page.Payload)
	}
	if text := ok(c.GC.GetGCLog(ctx, &collecting.GetGCLogParams{GCID: id}))(t).Payload; text == "" {
		t.Error("no log")
	}
	ok(c.GC.StopGC(ctx, &collecting.StopGCParams{GCID: id}))(t)

	ok(c.GC.CreateGCSchedule(ctx, &collecting.CreateGCScheduleParams{Schedule: with("Daily", "0 0 0 * * *", 1)}))(t)
	ok(c.GC.UpdateGCSchedule(ctx, &collecting.UpdateGCScheduleParams{Schedule: with("Custom", "0 30 1 * * *", 1)}))(t)
	if s := ok(c.GC.GetGCSchedule(ctx, &collecting.GetGCScheduleParams{}))(t).Payload; s.Schedule.Type != "Custom" || s.Schedule.Cron != "0 30 1 * * *" {
		t.Errorf("schedule %+v", s.Schedule)
	}
	ok(c.GC.UpdateGCSchedule(ctx, &collecting.UpdateGCScheduleParams{Schedule: with("None", "", 1)}))(t)
}
