package declared

import "context"

type webhookRow struct {
	ID          int64       `json:"id,omitempty"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Enabled     bool        `json:"enabled"`
	EventTypes  []string    `json:"event_types"`
	Targets     []targetRow `json:"targets"`
}

type targetRow struct {
	Type          string  `json:"type"`
	Address       string  `json:"address"`
	AuthHeader    string  `json:"auth_header,omitempty"`
	SkipVerify    bool    `json:"skip_cert_verify"`
	PayloadFormat string  `json:"payload_format,omitempty"`
	SigningSecret *string `json:"signing_secret,omitempty"`
}

// unchanged has the registry keep a secret that it doesn't give back.
const unchanged = "*****"

// webhooks say to which address it is told what happens in a project. A policy with several addresses has no place in a document: a secret
// is a field of an object.
func webhooks() kind {
	return kind{
		section: "webhooks", inProject: true,
		fields: []field{
			aText("name").must(), aText("description"), aTruth("enabled").usually(true), aSet("event_types"), aText("type", "http", "slack", "teams").usually("http"),
			aText("address").must(), aText("payload_format", "Default", "CloudEvents"), aTruth("skip_cert_verify").usually(false),
			aSecret("auth_header", "address"), aSecret("signing_secret", "address"),
		},
		list: listWebhooks,
		create: func(ctx context.Context, s *session, w want) error {
			path, err := s.webhooksPath(ctx, w.home)
			if err == nil {
				_, err = s.post(ctx, path, webhookOf(w))
			}
			return err
		},
		change: func(ctx context.Context, s *session, w want) error {
			path, err := s.webhooksPath(ctx, w.home)
			if err != nil {
				return err
			}
			return s.put(ctx, at(path, w.have.id), webhookOf(w))
		},
		remove: func(ctx context.Context, s *session, o object) error {
			path, err := s.webhooksPath(ctx, o.home)
			if err != nil {
				return err
			}
			return gone(s.delete(ctx, at(path, o.id)))
		},
	}
}

func (s *session) webhooksPath(ctx context.Context, project string) (string, error) {
	id, err := s.idOf(ctx, projectSection, project)
	return at(projectsPath, id) + "/webhook/policies", err
}

func listWebhooks(ctx context.Context, s *session, home string, _ func(string) bool) ([]object, error) {
	path, err := s.webhooksPath(ctx, home)
	if err != nil {
		return nil, err
	}
	rows, err := every[webhookRow](ctx, s.API, path, nil)
	var all []object
	for _, p := range rows {
		if len(p.Targets) != 1 {
			all = append(all, object{
				name: p.Name, home: home, id: p.ID, values: values{"address": beyond("the registry's has several")}, keep: "it has several addresses, which a document can't say",
			})
			continue
		}
		t := p.Targets[0]
		all = append(all, object{
			name: p.Name, home: home, id: p.ID, secrets: map[string]bool{"auth_header": t.AuthHeader != "", "signing_secret": t.SigningSecret != nil},
			values: values{
				"name": p.Name, "description": p.Description, "enabled": p.Enabled, "event_types": setOf(p.EventTypes), "type": t.Type, "address": t.Address,
				"payload_format": t.PayloadFormat, "skip_cert_verify": t.SkipVerify,
			},
		})
	}
	return all, err
}

func webhookOf(w want) webhookRow {
	v := w.full
	t := targetRow{Type: v.text("type"), Address: v.text("address"), SkipVerify: v.truth("skip_cert_verify"), PayloadFormat: v.text("payload_format")}
	if t.Type == "" {
		t.Type = "http"
	}
	if _, said := w.values["payload_format"]; !said && t.Type != "http" {
		t.PayloadFormat = "" // what it had as another type
	}
	if w.have.secrets["auth_header"] {
		t.AuthHeader = unchanged
	}
	if due, is := w.secret["auth_header"]; is {
		t.AuthHeader = due.value.Reveal()
	}
	if due, is := w.secret["signing_secret"]; is {
		t.SigningSecret = new(due.value.Reveal())
	}
	return webhookRow{
		ID: w.have.id, Name: w.name, Description: v.text("description"), Enabled: v["enabled"] == nil || v.truth("enabled"), EventTypes: v.texts("event_types"),
		Targets: []targetRow{t},
	}
}
