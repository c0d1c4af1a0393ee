package declared

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/setting"
)

// boundTo are the settings that a secret belongs to: where it is sent, and as whom.
func boundTo() map[string][]string {
	return map[string][]string{
		"ldap_search_password":   {"ldap_url", "ldap_search_dn"},
		setting.OIDCClientSecret: {setting.OIDCEndpoint, setting.OIDCClientID},
		"uaa_client_secret":      {"uaa_endpoint", "uaa_client_id"},
	}
}

// settings are Harbor's configurations.
func settings() kind {
	k := kind{section: "settings", single: true}
	filled := map[string]bool{}
	forms := map[setting.Form]form{setting.Words: text, setting.Number: number, setting.Truth: truth}
	for _, d := range setting.Describe() {
		filled[d.Name] = d.Filled
		switch {
		case d.Name == setting.DeclaredSecretVersions: // what an apply remembers is no wish
		case d.Secret:
			k.fields = append(k.fields, aSecret(d.Name, boundTo()[d.Name]...))
		default:
			f := field{name: d.Name, shape: shape{form: forms[d.Form]}}
			if f.form == text {
				f = f.kept(strings.TrimSpace)
			}
			k.fields = append(k.fields, f)
		}
	}
	k.list = func(_ context.Context, s *session, _ string, _ func(string) bool) ([]object, error) {
		o := object{values: values{}, secrets: map[string]bool{}}
		for _, f := range k.fields {
			shown, there := s.configured[f.name]
			if f.form == hidden {
				if there { // shown as a mask
					o.secrets[f.name] = string(shown.Value) != `""`
				}
				continue
			}
			v, err := settingValue(f.form, shown.Value)
			if err != nil {
				return nil, fmt.Errorf("read the setting %s: %w", f.name, err)
			}
			if there && (!filled[f.name] || !nothing(v)) { // nothing can't be asked for
				o.values[f.name] = v
			}
		}
		return []object{o}, nil
	}
	k.change = func(ctx context.Context, s *session, w want) error {
		sent := map[string]any{}
		for name := range w.changed {
			if _, isSecret := w.values[name].(reference); !isSecret {
				sent[name] = w.values[name]
			}
		}
		for name, d := range w.secret {
			sent[name] = d.value.Reveal()
		}
		if err := s.put(ctx, configurations, sent); err != nil {
			return err
		}
		return s.configure(ctx)
	}
	return k
}

func settingValue(f form, shown json.RawMessage) (any, error) {
	if shown == nil {
		return nil, nil
	}
	switch f {
	case number:
		var n int64
		return into(shown, &n)
	case truth:
		var b bool
		return into(shown, &b)
	}
	var t string
	return into(shown, &t)
}

func into[T any](shown json.RawMessage, v *T) (any, error) {
	err := json.Unmarshal(shown, v)
	return *v, err
}

// systemSignaturePolicy is the trust policy that projects without one of their own have.
func systemSignaturePolicy() kind {
	const path = own + "/signature-policy"
	return kind{
		section: "signature_policy", single: true, fields: []field{aDocument("document").must()},
		list: func(ctx context.Context, s *session, _ string, _ func(string) bool) ([]object, error) {
			p, err := s.signaturePolicy(ctx, path, "system")
			return []object{{values: values{"document": p}}}, err
		},
		change: func(ctx context.Context, s *session, w want) error {
			return s.putSignaturePolicy(ctx, path, w.values["document"])
		},
	}
}

// signaturePolicy is the document there, none where it has none of its own.
func (s *session) signaturePolicy(ctx context.Context, path, scope string) (any, error) {
	var answer struct {
		Scope    string `json:"scope"`
		Document any    `json:"document"`
	}
	if err := s.get(ctx, path, &answer); err != nil {
		return nil, err
	}
	if answer.Scope != scope || answer.Document == nil {
		return none, nil
	}
	return answer.Document, nil
}

func (s *session) putSignaturePolicy(ctx context.Context, path string, document any) error {
	if document == none {
		return gone(s.delete(ctx, path))
	}
	return s.put(ctx, path, document)
}
