package declared

import "context"

const policiesPath = harbor + "/replication/policies"

type policyRow struct {
	ID           int64      `json:"id,omitempty"`
	Name         string     `json:"name"`
	Description  string     `json:"description"`
	Source       *idRow     `json:"src_registry,omitempty"`
	Destination  *idRow     `json:"dest_registry,omitempty"`
	Namespace    string     `json:"dest_namespace"`
	ReplaceCount *int64     `json:"dest_namespace_replace_count,omitempty"`
	Trigger      triggerRow `json:"trigger"`
	Filters      []filter   `json:"filters"`
	Deletion     bool       `json:"deletion"`
	Override     bool       `json:"override"`
	Enabled      bool       `json:"enabled"`
	Speed        int64      `json:"speed"`
	CopyByChunk  bool       `json:"copy_by_chunk"`
	SingleActive bool       `json:"single_active_replication"`
}

type idRow struct {
	ID int64 `json:"id"`
}

type triggerRow struct {
	Type     string `json:"type"`
	Settings *struct {
		Cron string `json:"cron"`
	} `json:"trigger_settings,omitempty"`
}

type filter struct {
	Type       string `json:"type"`
	Value      any    `json:"value"`
	Decoration string `json:"decoration,omitempty"`
}

// replicationPolicies say what is copied where and when. A source or destination that isn't named is this registry.
func replicationPolicies() kind {
	filters := shape{form: record, fields: []field{
		aText("type", "name", "tag", "label", "resource").must(), aText("value"), aList("labels", shape{form: text}), aText("decoration", "matches", "excludes"),
	}}
	return kind{
		section: "replication_policies",
		fields: []field{
			aText("name").must(), aText("description"), aText("source"), aText("destination"), aText("destination_namespace"), aNumber("replace_count").usually(int64(-1)),
			aRecord("trigger", aText("type", "manual", "scheduled", "event_based").usually("manual"), aText("cron")), aList("filters", filters),
			aTruth("deletion").usually(false), aTruth("override").usually(false), aTruth("enabled").usually(true), aNumber("speed").usually(int64(0)),
			aTruth("copy_by_chunk").usually(false), aTruth("single_active").usually(false),
		},
		list: listPolicies,
		create: func(ctx context.Context, s *session, w want) error {
			row, err := s.policy(ctx, w)
			if err == nil {
				_, err = s.post(ctx, policiesPath, row)
			}
			return err
		},
		change: func(ctx context.Context, s *session, w want) error {
			row, err := s.policy(ctx, w)
			if err != nil {
				return err
			}
			return s.put(ctx, at(policiesPath, w.have.id), row)
		},
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(policiesPath, o.id)))
		},
	}
}

func listPolicies(ctx context.Context, s *session, _ string, _ func(string) bool) ([]object, error) {
	rows, err := every[policyRow](ctx, s.API, policiesPath, nil)
	if err != nil {
		return nil, err
	}
	var all []object
	for _, p := range rows {
		v := values{
			"name": p.Name, "description": p.Description, "destination_namespace": p.Namespace, "replace_count": int64(-1), "filters": filtersOf(p.Filters), "deletion": p.Deletion,
			"override": p.Override, "enabled": p.Enabled, "speed": p.Speed, "copy_by_chunk": p.CopyByChunk, "single_active": p.SingleActive,
		}
		if p.ReplaceCount != nil {
			v["replace_count"] = *p.ReplaceCount
		}
		trigger := values{"type": p.Trigger.Type}
		if p.Trigger.Settings != nil {
			trigger["cron"] = p.Trigger.Settings.Cron
		}
		v["trigger"] = trigger
		for name, r := range map[string]*idRow{"source": p.Source, "destination": p.Destination} {
			if r != nil {
				if v[name], err = s.nameOf(ctx, registrySection, r.ID); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, object{name: p.Name, id: p.ID, values: v})
	}
	return all, nil
}

func filtersOf(rows []filter) []any {
	all := []any{}
	for _, f := range rows {
		v := values{"type": f.Type}
		if f.Decoration != "" {
			v["decoration"] = f.Decoration
		}
		switch value := f.Value.(type) {
		case string:
			v["value"] = value
		case []any:
			v["labels"] = value
		}
		all = append(all, v)
	}
	return all
}

// policy is a policy as the API takes it.
func (s *session) policy(ctx context.Context, w want) (policyRow, error) {
	v := w.full
	row := policyRow{
		Name: w.name, Description: v.text("description"), Namespace: v.text("destination_namespace"), Deletion: v.truth("deletion"), Override: v.truth("override"),
		Enabled: v["enabled"] == nil || v.truth("enabled"), Speed: v.number("speed"), CopyByChunk: v.truth("copy_by_chunk"), SingleActive: v.truth("single_active"), Filters: []filter{},
	}
	if n, said := v["replace_count"].(int64); said {
		row.ReplaceCount = &n
	}
	row.Trigger.Type = v.record("trigger").text("type")
	if row.Trigger.Type == "" {
		row.Trigger.Type = "manual"
	}
	if cron := v.record("trigger").text("cron"); cron != "" && row.Trigger.Type == "scheduled" {
		row.Trigger.Settings = &struct {
			Cron string `json:"cron"`
		}{cron}
	}
	all, _ := v["filters"].([]any)
	for _, one := range all {
		f, _ := one.(values)
		sent := filter{Type: f.text("type"), Value: f.text("value"), Decoration: f.text("decoration")}
		if f.text("type") == "label" {
			sent.Value = f.texts("labels")
		}
		row.Filters = append(row.Filters, sent)
	}
	for name, to := range map[string]**idRow{"source": &row.Source, "destination": &row.Destination} {
		if registry := v.text(name); registry != "" {
			id, err := s.idOf(ctx, registrySection, registry)
			if err != nil {
				return row, err
			}
			*to = &idRow{id}
		}
	}
	return row, nil
}
