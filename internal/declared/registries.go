package declared

import (
	"context"
	"strings"
)

const (
	registrySection = "registries"
	registriesPath  = harbor + "/registries"
)

type registryRow struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	Type          string `json:"type"`
	URL           string `json:"url"`
	Description   string `json:"description"`
	Insecure      bool   `json:"insecure"`
	CACertificate string `json:"ca_certificate"`
	Credential    struct {
		Type         string `json:"type"`
		AccessKey    string `json:"access_key"`
		AccessSecret string `json:"access_secret"`
	} `json:"credential"`
}

// registries are the registries elsewhere.
func registries() kind {
	return kind{
		section: registrySection,
		fields: []field{
			aText("name").must(), aText("type").must().forever(), aText("url").must().kept(address), aText("description"), aTruth("insecure").usually(false), aText("ca_certificate"),
			aText("credential_type", "basic", "oauth", "secret"), aText("access_key"), aSecret("access_secret", "url", "credential_type", "access_key"),
		},
		list: func(ctx context.Context, s *session, _ string, _ func(string) bool) ([]object, error) {
			rows, err := every[registryRow](ctx, s.API, registriesPath, nil)
			var all []object
			for _, r := range rows {
				if r.ID == 0 {
					continue // this one
				}
				s.know(registrySection, r.Name, r.ID)
				all = append(all, object{name: r.Name, id: r.ID, secrets: map[string]bool{"access_secret": r.Credential.AccessSecret != ""}, values: values{
					"name": r.Name, "type": r.Type, "url": r.URL, "description": r.Description, "insecure": r.Insecure, "ca_certificate": r.CACertificate,
					"credential_type": r.Credential.Type, "access_key": r.Credential.AccessKey,
				}})
			}
			return all, err
		},
		create: func(ctx context.Context, s *session, w want) error {
			body := map[string]any{}
			for _, name := range []string{"name", "type", "url", "description", "insecure", "ca_certificate"} {
				if v, said := w.full[name]; said {
					body[name] = v
				}
			}
			credential := map[string]any{"type": w.full.text("credential_type"), "access_key": w.full.text("access_key")}
			for _, d := range w.secret {
				credential["access_secret"] = d.value.Reveal()
			}
			body["credential"] = credential
			id, err := s.post(ctx, registriesPath, body)
			if err == nil && id != 0 {
				s.know(registrySection, w.name, id)
			}
			return err
		},
		change: func(ctx context.Context, s *session, w want) error {
			body := map[string]any{}
			for name := range w.changed {
				body[name] = w.full[name]
			}
			delete(body, "access_secret")
			for name, d := range w.secret {
				body[name] = d.value.Reveal()
			}
			return s.put(ctx, at(registriesPath, w.have.id), body)
		},
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(registriesPath, o.id)))
		},
	}
}

// address spells one as registries are kept: without a slash at the end, and http where nothing is said.
func address(written string) string {
	written = strings.TrimSpace(written)
	if written != "" && !strings.Contains(written, "://") {
		written = "http://" + written
	}
	return strings.TrimRight(written, "/")
}
