package declared

import (
	"context"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
)

const groupsPath = harbor + "/usergroups"

type groupRow struct {
	ID   int64  `json:"id,omitempty"`
	Name string `json:"group_name"`
	Type int64  `json:"group_type"`
	DN   string `json:"ldap_group_dn"`
}

// groupTypes are the names of Harbor's numbers.
func groupTypes() []string { return []string{"", "ldap", "http", "oidc"} }

// groups are groups of people that a directory or identity provider knows.
func groups() kind {
	return kind{
		section: "groups",
		fields:  []field{aText("name").must(), aText("type", groupTypes()[1:]...).must(), aText("ldap_group_dn").forever().kept(plainDN)},
		// Groups of different types may have one name.
		name: func(v values) string {
			if v.text("name") == "" || v.text("type") == "" {
				return ""
			}
			return v.text("type") + ":" + v.text("name")
		},
		check: func(_, v values) error {
			if (v.text("type") == "ldap") != (v.text("ldap_group_dn") != "") {
				return fault.Invalidf("an ldap_group_dn is what groups of the type ldap have, and no others")
			}
			return nil
		},
		list: func(ctx context.Context, s *session, _ string, _ func(string) bool) ([]object, error) {
			rows, err := every[groupRow](ctx, s.API, groupsPath, nil)
			var all []object
			for _, g := range rows {
				if g.Type <= 0 || g.Type >= int64(len(groupTypes())) {
					continue
				}
				kind := groupTypes()[g.Type]
				all = append(all, object{name: kind + ":" + g.Name, id: g.ID, values: values{"name": g.Name, "type": kind, "ldap_group_dn": g.DN}})
			}
			return all, err
		},
		create: func(ctx context.Context, s *session, w want) error {
			row := groupRow{Name: w.full.text("name"), DN: w.full.text("ldap_group_dn")}
			for i, name := range groupTypes() {
				if name == w.full.text("type") {
					row.Type = int64(i)
				}
			}
			_, err := s.post(ctx, groupsPath, row)
			return err
		},
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(groupsPath, o.id)))
		},
	}
}

// plainDN spells a DN as one that differs in case and spaces alone.
func plainDN(dn string) string {
	parts := strings.FieldsFunc(strings.ToLower(dn), func(r rune) bool { return r == ',' })
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		parts[i] = strings.TrimSpace(name) + "=" + strings.TrimSpace(value)
	}
	return strings.Join(parts, ",")
}
