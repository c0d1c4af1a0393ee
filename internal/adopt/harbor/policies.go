package harbor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/immutable"
	"github.com/havenregistry/haven/internal/preheat"
	"github.com/havenregistry/haven/internal/retention"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/webhook"
)

type immutableRow struct {
	ID        int64  `json:"id"`
	ProjectID int64  `json:"project_id"`
	Filter    string `json:"tag_filter"` // JSON
	Disabled  bool   `json:"disabled"`
	Created   stamp  `json:"creation_time"`
}

func (a *Adoption) immutableRules(ctx context.Context, tx db.Tx) error {
	for _, row := range a.data.immutable {
		if !a.there.projects[row.ProjectID] {
			continue
		}
		var filter struct {
			Priority int                             `json:"priority"`
			Action   string                          `json:"action"`
			Template string                          `json:"template"`
			Params   map[string]any                  `json:"params"`
			Tags     []immutable.Selector            `json:"tag_selectors"`
			Scope    map[string][]immutable.Selector `json:"scope_selectors"`
		}
		err := unreadable(json.Unmarshal([]byte(row.Filter), &filter))
		if err == nil {
			err = a.Immutable.Adopt(ctx, tx, immutable.Rule{
				ID: row.ID, ProjectID: row.ProjectID, Priority: filter.Priority, Disabled: row.Disabled, Action: filter.Action, Template: filter.Template,
				Params: filter.Params, Tags: filter.Tags, Scope: filter.Scope, NoMove: true, NoDelete: true, CreatedAt: row.Created.or(a.now),
			})
		}
		if err := a.took("immutability rules", fmt.Sprintf("immutability rule %d of project %s", row.ID, a.names[row.ProjectID]), err); err != nil {
			return err
		}
	}
	return nil
}

type retentionRow struct {
	ID        int64  `json:"id"`
	ProjectID int64  `json:"scope_reference"`
	Data      string `json:"data"` // JSON
	Created   stamp  `json:"create_time"`
}

func (a *Adoption) retentionPolicies(ctx context.Context, tx db.Tx) error {
	for _, row := range a.data.retention {
		if !a.there.projects[row.ProjectID] {
			continue
		}
		var data struct {
			Algorithm string           `json:"algorithm"`
			Rules     []retention.Rule `json:"rules"`
			Trigger   struct {
				Kind     string `json:"kind"`
				Settings struct {
					Cron string `json:"cron"`
				} `json:"settings"`
			} `json:"trigger"`
		}
		err := unreadable(json.Unmarshal([]byte(row.Data), &data))
		if err == nil {
			err = a.Retention.Adopt(ctx, tx, retention.Policy{
				ID: row.ID, ProjectID: row.ProjectID, Algorithm: data.Algorithm, TriggerKind: data.Trigger.Kind, Cron: data.Trigger.Settings.Cron,
				Rules: data.Rules, CreatedAt: row.Created.or(a.now),
			})
		}
		if err := a.took("retention policies", "the retention policy of project "+a.names[row.ProjectID], err); err != nil {
			return err
		}
	}
	return nil
}

type webhookRow struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	ProjectID   int64  `json:"project_id"`
	Enabled     bool   `json:"enabled"`
	Description string `json:"description"`
	Targets     string `json:"targets"`     // JSON
	EventTypes  string `json:"event_types"` // JSON
	Creator     string `json:"creator"`
	Created     stamp  `json:"creation_time"`
}

type webhookTarget struct {
	Type       string      `json:"type"`
	Address    string      `json:"address"`
	AuthHeader secret.Text `json:"auth_header"`
	SkipVerify bool        `json:"skip_cert_verify"`
	Format     string      `json:"payload_format"`
}

func (a *Adoption) webhooks(ctx context.Context, tx db.Tx) error {
	for _, row := range a.data.webhooks {
		if !a.there.projects[row.ProjectID] {
			continue
		}
		what := "webhook policy " + row.Name + " of project " + a.names[row.ProjectID]
		draft, unknown, err := row.draft(a.key)
		if err == nil {
			err = a.Webhooks.Adopt(ctx, tx, row.ProjectID, row.ID, draft, row.Created.or(a.now))
		}
		if err := a.took("webhook policies", what, err); err != nil {
			return err
		}
		if err == nil && len(unknown) > 0 {
			a.Report.Lose(what, fmt.Errorf("there are no such events here: %v", unknown))
		}
	}
	return nil
}

// draft also returns the types of events that there are none of.
func (r webhookRow) draft(key Key) (d webhook.Draft, unknown []string, err error) {
	d = webhook.Draft{Name: r.Name, Description: r.Description, Enabled: r.Enabled, Creator: r.Creator}
	var targets []webhookTarget
	var types []string
	if err := unreadable(json.Unmarshal([]byte(r.Targets), &targets)); err != nil {
		return d, nil, err
	}
	if err := unreadable(json.Unmarshal([]byte(r.EventTypes), &types)); err != nil {
		return d, nil, err
	}
	for _, t := range targets {
		header, err := key.Open(t.AuthHeader.Reveal())
		if err != nil {
			return d, nil, refusal("auth_header: %w", err)
		}
		target := webhook.TargetDraft{Type: webhook.Type(t.Type), Address: t.Address, AuthHeader: header, SkipVerify: t.SkipVerify}
		if target.Type == webhook.HTTP {
			target.Format = webhook.Format(t.Format)
		}
		d.Targets = append(d.Targets, target)
	}
	for _, t := range types {
		if slices.Contains(webhook.EventTypes(), webhook.EventType(t)) {
			d.EventTypes = append(d.EventTypes, webhook.EventType(t))
		} else {
			unknown = append(unknown, t)
		}
	}
	return d, unknown, nil
}

type preheatInstanceRow struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Vendor      string `json:"vendor"`
	Endpoint    string `json:"endpoint"`
	AuthMode    string `json:"auth_mode"`
	AuthData    string `json:"auth_data"` // JSON, or that encrypted
	Enabled     bool   `json:"enabled"`
	Default     bool   `json:"is_default"`
	Insecure    bool   `json:"insecure"`
	Setup       int64  `json:"setup_timestamp"` // seconds since 1970
}

type preheatPolicyRow struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	ProjectID   int64  `json:"project_id"`
	Instance    int64  `json:"provider_id"`
	Filters     string `json:"filters"`
	Trigger     string `json:"trigger"`
	Enabled     bool   `json:"enabled"`
	Extra       string `json:"extra_attrs"`
	Created     stamp  `json:"creation_time"`
}

func (a *Adoption) preheat(ctx context.Context, tx db.Tx) error {
	instances := map[int64]bool{}
	for _, row := range a.data.instances {
		instance, err := row.instance(a.key)
		if err == nil {
			err = a.Preheat.AdoptInstance(ctx, tx, instance)
		}
		if err := a.took("preheat instances", "preheat instance "+row.Name, err); err != nil {
			return err
		}
		instances[row.ID] = err == nil
	}
	for _, row := range a.data.preheats {
		if !a.there.projects[row.ProjectID] {
			continue
		}
		trigger, cron, err := preheat.ParseTrigger(row.Trigger)
		if err == nil && !instances[row.Instance] {
			err = refusal("its instance could not be taken")
		}
		if err == nil {
			err = a.Preheat.AdoptPolicy(ctx, tx, preheat.Policy{
				ID: row.ID, ProjectID: row.ProjectID, Name: row.Name, Description: row.Description, Instance: row.Instance, Filters: row.Filters,
				Trigger: trigger, Cron: cron, Extra: row.Extra, Enabled: row.Enabled, CreatedAt: row.Created.or(a.now),
			})
		}
		if err := a.took("preheat policies", "preheat policy "+row.Name+" of project "+a.names[row.ProjectID], err); err != nil {
			return err
		}
	}
	return nil
}

func (r preheatInstanceRow) instance(key Key) (preheat.Instance, error) {
	i := preheat.Instance{
		ID: r.ID, Name: r.Name, Description: r.Description, Vendor: r.Vendor, Endpoint: r.Endpoint, AuthMode: r.AuthMode,
		Enabled: r.Enabled, Default: r.Default, Insecure: r.Insecure, CreatedAt: time.Unix(r.Setup, 0).UTC(),
	}
	text, err := key.Open(r.AuthData)
	if err != nil {
		return i, refusal("auth_data: %w", err)
	}
	if text != "" {
		var info map[string]string
		if err := unreadable(json.Unmarshal([]byte(text.Reveal()), &info)); err != nil {
			return i, err
		}
		i.AuthInfo = map[string]secret.Text{}
		for name, value := range info {
			i.AuthInfo[name] = secret.Text(value)
		}
	}
	return i, nil
}
