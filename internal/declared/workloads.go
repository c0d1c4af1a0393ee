package declared

import (
	"context"
	"net/url"
)

const workloadsPath = own + "/workload/policies"

type workloadRow struct {
	ID          int64           `json:"id,omitempty"`
	Name        string          `json:"name"`
	Project     string          `json:"project,omitempty"`
	Description string          `json:"description"`
	Issuer      string          `json:"issuer"`
	Audience    string          `json:"audience"`
	Condition   string          `json:"condition"`
	KeySet      string          `json:"key_set"`
	LifeMinutes *int64          `json:"life_minutes,omitempty"`
	Enabled     bool            `json:"enabled"`
	Permissions []permissionRow `json:"permissions"`
}

// projectWorkloads let programs into a project by tokens of other issuers, which need no secret.
func projectWorkloads() kind {
	k := workloads(rightsHere(), checkRights)
	k.inProject = true
	return k
}

// systemWorkloads let them into the whole registry.
func systemWorkloads() kind { return workloads(rightsByPlace(), checkPlaces) }

func workloads(rights field, check func(said, full values) error) kind {
	return kind{
		section: "workload_policies", check: check,
		fields: []field{
			aText("name").must(), aText("description"), aText("issuer").must(), aText("audience").must(), aText("condition").must(), aText("key_set"),
			aNumber("life_minutes").usually(int64(15)), aTruth("enabled").usually(true), rights,
		},
		list: func(ctx context.Context, s *session, home string, _ func(string) bool) ([]object, error) {
			query := url.Values{}
			if home != "" {
				query.Set("project", home)
			}
			rows, err := every[workloadRow](ctx, s.API, workloadsPath, query)
			var all []object
			for _, r := range rows {
				v := values{
					"name": r.Name, "description": r.Description, "issuer": r.Issuer, "audience": r.Audience, "condition": r.Condition, "key_set": r.KeySet,
					"enabled": r.Enabled,
				}
				if r.LifeMinutes != nil {
					v["life_minutes"] = *r.LifeMinutes
				}
				v.grant(home, r.Permissions)
				all = append(all, object{name: r.Name, home: home, id: r.ID, values: v})
			}
			return all, err
		},
		create: func(ctx context.Context, s *session, w want) error {
			row, err := w.workload()
			if err == nil {
				_, err = s.post(ctx, workloadsPath, row)
			}
			return err
		},
		change: func(ctx context.Context, s *session, w want) error {
			row, err := w.workload()
			if err != nil {
				return err
			}
			return s.put(ctx, at(workloadsPath, w.have.id), row)
		},
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(workloadsPath, o.id)))
		},
	}
}

// workload is a policy as the API takes it.
func (w want) workload() (row workloadRow, err error) {
	v := w.full
	row = workloadRow{
		Name: w.name, Project: w.home, Description: v.text("description"), Issuer: v.text("issuer"), Audience: v.text("audience"), Condition: v.text("condition"),
		KeySet: v.text("key_set"), Enabled: v["enabled"] == nil || v.truth("enabled"),
	}
	if n, said := v["life_minutes"].(int64); said {
		row.LifeMinutes = &n
	}
	row.Permissions, err = w.permissions()
	return row, err
}
