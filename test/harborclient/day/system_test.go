package day

import (
	"testing"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/auditlog"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/configure"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/health"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/ping"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	purging "github.com/goharbor/go-client/pkg/sdk/v2.0/client/purge"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/schedule"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/statistic"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/system_cve_allowlist"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/systeminfo"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

func TestSystem(t *testing.T) {
	c, ctx := admin(t), t.Context()
	if pong := ok(c.Ping.GetPing(ctx, &ping.GetPingParams{}))(t).Payload; pong != "Pong" {
		t.Errorf("ping answered %q", pong)
	}
	if h := ok(c.Health.GetHealth(ctx, &health.GetHealthParams{}))(t).Payload; h.Status != "healthy" || len(h.Components) == 0 {
		t.Errorf("health %+v", h)
	}
	info := ok(c.Systeminfo.GetSystemInfo(ctx, &systeminfo.GetSystemInfoParams{}))(t).Payload
	if *info.AuthMode != "db_auth" || info.HarborVersion == nil || *info.ReadOnly {
		t.Errorf("systeminfo %+v", info)
	}
	if v := ok(c.Systeminfo.GetVolumes(ctx, &systeminfo.GetVolumesParams{}))(t).Payload; len(v.Storage) != 1 || v.Storage[0].Total < v.Storage[0].Free {
		t.Errorf("volumes %+v", v)
	}
	newProject(t, c, "counted")
	push(t, "counted/app", "v1", "one")
	s := ok(c.Statistic.GetStatistic(ctx, &statistic.GetStatisticParams{}))(t).Payload
	if s.TotalProjectCount < 2 || s.TotalRepoCount < 1 || s.TotalStorageConsumption <= 0 {
		t.Errorf("statistics %+v", s)
	}
}

func TestConfigurations(t *testing.T) {
	c, ctx := admin(t), t.Context()
	read := func() *models.ConfigurationsResponse {
		return ok(c.Configure.GetConfigurations(ctx, &configure.GetConfigurationsParams{}))(t).Payload
	}
	before := read()
	if before.AuthMode.Value != "db_auth" || before.TokenExpiration.Value != 30 || !before.NotificationEnable.Value {
		t.Errorf("defaults: %+v %+v %+v", before.AuthMode, before.TokenExpiration, before.NotificationEnable)
	}
	banner := `{"message":"tonight","type":"info","closable":true}`
	ok(c.Configure.UpdateConfigurations(ctx, &configure.UpdateConfigurationsParams{Configurations: &models.Configurations{
		BannerMessage: &banner, RobotTokenDuration: ptr(int64(7)), ProjectCreationRestriction: ptr("adminonly"), SelfRegistration: ptr(false),
	}}))(t)
	after := read()
	if after.BannerMessage.Value != banner || after.RobotTokenDuration.Value != 7 || after.ProjectCreationRestriction.Value != "adminonly" || !after.BannerMessage.Editable {
		t.Errorf("after: %+v %+v %+v", after.BannerMessage, after.RobotTokenDuration, after.ProjectCreationRestriction)
	}
	refused(c.Configure.UpdateConfigurations(ctx, &configure.UpdateConfigurationsParams{Configurations: &models.Configurations{AuthMode: ptr("no_such")}}))(t, 400)
	ok(c.Configure.UpdateConfigurations(ctx, &configure.UpdateConfigurationsParams{Configurations: &models.Configurations{
		BannerMessage: ptr(""), ProjectCreationRestriction: ptr("everyone"),
	}}))(t)
	refused(c.Configure.GetInternalconfig(ctx, &configure.GetInternalconfigParams{}))(t, 401)
}

func TestSystemAllowlist(t *testing.T) {
	c, ctx := admin(t), t.Context()
	ok(c.SystemCVEAllowlist.PutSystemCVEAllowlist(ctx, &system_cve_allowlist.PutSystemCVEAllowlistParams{Allowlist: &models.CVEAllowlist{
		Items: []*models.CVEAllowlistItem{{CVEID: "CVE-2026-9"}}, ExpiresAt: ptr(int64(1893456000)),
	}}))(t)
	list := ok(c.SystemCVEAllowlist.GetSystemCVEAllowlist(ctx, &system_cve_allowlist.GetSystemCVEAllowlistParams{}))(t).Payload
	if len(list.Items) != 1 || list.Items[0].CVEID != "CVE-2026-9" || *list.ExpiresAt != 1893456000 {
		t.Errorf("list %+v", list)
	}
}

func TestPurge(t *testing.T) {
	c, ctx := admin(t), t.Context()
	purge := func(kind, cron string) *models.Schedule {
		return &models.Schedule{
			Schedule:   &models.ScheduleObj{Type: kind, Cron: cron},
			Parameters: map[string]interface{}{"audit_retention_hour": 8760, "include_event_types": "create_artifact", "dry_run": true},
		}
	}
	id := idOf(t, ok(c.Purge.CreatePurgeSchedule(ctx, &purging.CreatePurgeScheduleParams{Schedule: purge("Manual", "")}))(t).Location)
	if run := ok(c.Purge.GetPurgeJob(ctx, &purging.GetPurgeJobParams{PurgeID: id}))(t).Payload; run.ID != id || run.JobName != "PURGE_AUDIT_LOG" {
		t.Errorf("purge %+v", run)
	}
	if page := ok(c.Purge.GetPurgeHistory(ctx, &purging.GetPurgeHistoryParams{Sort: ptr("-id")}))(t); page.XTotalCount != 1 || page.Payload[0].ID != id {
		t.Errorf("history %+v", page.Payload)
	}
	ok(c.Purge.GetPurgeJobLog(ctx, &purging.GetPurgeJobLogParams{PurgeID: id}))(t)
	ok(c.Purge.StopPurge(ctx, &purging.StopPurgeParams{PurgeID: id}))(t)

	ok(c.Purge.CreatePurgeSchedule(ctx, &purging.CreatePurgeScheduleParams{Schedule: purge("Daily", "0 0 0 * * *")}))(t)
	ok(c.Purge.UpdatePurgeSchedule(ctx, &purging.UpdatePurgeScheduleParams{Schedule: purge("Custom", "0 30 1 * * *")}))(t)
	if s := ok(c.Purge.GetPurgeSchedule(ctx, &purging.GetPurgeScheduleParams{}))(t).Payload; s.Schedule.Type != "Custom" || s.Schedule.Cron != "0 30 1 * * *" {
		t.Errorf("schedule %+v", s.Schedule)
	}
	all := ok(c.Schedule.ListSchedules(ctx, &schedule.ListSchedulesParams{}))(t)
	// Two of the registry's own are there too, as with Harbor, and one that asks for another vulnerability database.
	crons := map[string]string{}
	for _, s := range all.Payload {
		crons[s.VendorType] = s.Cron
	}
	if all.XTotalCount != 4 || crons["VULNDB_REFRESH"] == "" || crons["PURGE_AUDIT_LOG"] != "0 30 1 * * *" || crons["EXECUTION_SWEEP"] == "" || crons["SYSTEM_ARTIFACT_CLEANUP"] == "" {
		t.Errorf("schedules %v", crons)
	}
	if paused := ok(c.Schedule.GetSchedulePaused(ctx, &schedule.GetSchedulePausedParams{JobType: "all"}))(t); paused.Payload.Paused {
		t.Error("schedules are paused")
	}
}

func TestAudit(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "watched")
	if kinds := ok(c.Auditlog.ListAuditLogEventTypes(ctx, &auditlog.ListAuditLogEventTypesParams{}))(t).Payload; len(kinds) < 15 {
		t.Errorf("%d kinds of events", len(kinds))
	}
	ok(c.Auditlog.ListAuditLogs(ctx, &auditlog.ListAuditLogsParams{}))(t)
	rows := ok(c.Auditlog.ListAuditLogExts(ctx, &auditlog.ListAuditLogExtsParams{Q: ptr("username=admin"), Sort: ptr("-op_time"), PageSize: ptr(int64(1))}))(t)
	if len(rows.Payload) != 1 || rows.Payload[0].Username != "admin" || rows.XTotalCount < 2 {
		t.Errorf("%d rows: %+v", rows.XTotalCount, rows.Payload)
	}
	ok(c.Project.GetLogs(ctx, &project.GetLogsParams{ProjectName: "watched"}))(t)
	ok(c.Project.GetLogExts(ctx, &project.GetLogExtsParams{ProjectName: "watched"}))(t)
}
