package harbor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/registry/garbage"
	"github.com/havenregistry/haven/internal/setting"
)

type propertyRow struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// setElsewhere are keys of Harbor's that another table of it, or a start setting, stands for.
var setElsewhere = map[string]bool{"scan_all_policy": true, "admin_initial_password": true, "ext_endpoint": true, "cfg_expiration": true}

func (a *Adoption) settings(ctx context.Context, tx db.Tx) error {
	values := map[string]any{}
	for _, p := range a.data.properties {
		if p.Key == setting.AuthMode {
			a.authMode = p.Value
		}
		if setElsewhere[p.Key] {
			continue
		}
		open, err := a.key.Open(p.Value)
		if err != nil {
			a.Report.Lose("setting "+p.Key, err)
			continue
		}
		values[p.Key] = open.Reveal()
	}
	refused, err := a.Settings.Adopt(ctx, tx, values)
	if err != nil {
		return err
	}
	for _, r := range refused {
		if values[r.Key] == "" { // it was never set
			continue
		}
		a.Report.Lose("setting "+r.Key, r.Why)
	}
	a.Report.Took("settings", int64(len(values)-len(refused)))
	return nil
}

type scheduleRow struct {
	Vendor     string          `json:"vendor_type"`
	VendorID   int64           `json:"vendor_id"`
	Cron       string          `json:"cron"`
	CronType   string          `json:"cron_type"`
	Parameters string          `json:"callback_func_param"` // JSON
	Extra      json.RawMessage `json:"extra_attrs"`
}

// schedules brings what an administrator has done by the clock. The schedules of policies come with these.
func (a *Adoption) schedules(ctx context.Context, tx db.Tx) error {
	for _, row := range a.data.schedules {
		s := job.Schedule{Kind: job.Kind(row.Vendor), VendorID: job.System, CronType: row.CronType, Cron: row.Cron}
		var told map[string]any
		var err error
		switch s.Kind {
		case job.GarbageCollection:
			var what garbage.Parameters
			if told, err = row.told(); err == nil {
				what, err = garbage.Parse(told)
			}
			s.Parameters = what.String()
		case job.PurgeAudit:
			var what audit.Purge
			if told, err = row.told(); err == nil {
				what, err = audit.ParsePurge(told)
			}
			s.Parameters = what.String()
		case job.ScanAll:
		default:
			continue
		}
		if s.CronType == "" {
			s.CronType = "Custom"
		}
		if err == nil {
			err = a.Jobs.PutSchedule(ctx, tx, s)
		}
		if err := a.took("schedules", fmt.Sprintf("the schedule of %s", row.Vendor), err); err != nil {
			return err
		}
	}
	return nil
}

// told are the parameters that an administrator sent once; none where Harbor keeps none.
func (r scheduleRow) told() (map[string]any, error) {
	all := map[string]any{}
	var sent struct {
		Extra map[string]any `json:"extra_attrs"`
	}
	if r.Parameters != "" {
		if err := unreadable(json.Unmarshal([]byte(r.Parameters), &sent)); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"delete_untagged", "delete_tag", "workers", "audit_retention_hour", "include_event_types", "include_operations"} {
		if value, found := sent.Extra[key]; found {
			all[key] = value
		}
	}
	var extra map[string]any
	if len(r.Extra) > 0 {
		if err := unreadable(json.Unmarshal(r.Extra, &extra)); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"audit_retention_hour", "include_event_types", "include_operations"} {
		if value, found := extra[key]; found {
			all[key] = value
		}
	}
	return all, nil
}
