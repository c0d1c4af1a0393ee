package declared

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/havenregistry/haven/internal/fault"
)

type memberRow struct {
	ID         int64  `json:"id"`
	EntityID   int64  `json:"entity_id"`
	EntityName string `json:"entity_name"`
	EntityType string `json:"entity_type"`
	RoleID     int64  `json:"role_id"`
}

// roles are the names of Harbor's numbers, from 1.
func roles() []string {
	return []string{"project_admin", "developer", "guest", "maintainer", "limited_guest"}
}

// firstAdministrator is the id of the account that came with the installation.
const firstAdministrator = 1

// members are people and groups with a role in a project.
func members() kind {
	return kind{
		section: "members", inProject: true,
		fields: []field{aText("user"), aText("group"), aText("role", roles()...).must()},
		name: func(v values) string {
			switch {
			case v.text("user") != "":
				return "user:" + v.text("user")
			case v.text("group") != "":
				return "group:" + v.text("group")
			}
			return ""
		},
		check: func(_, v values) error {
			if (v.text("user") == "") == (v.text("group") == "") {
				return fault.Invalidf("a member is either a user or a group")
			}
			return nil
		},
		list: listMembers, create: createMember,
		change: func(ctx context.Context, s *session, w want) error { return s.giveRole(ctx, w, w.have.id) },
		remove: func(ctx context.Context, s *session, o object) error {
			path, err := s.membersPath(ctx, o.home)
			if err != nil {
				return err
			}
			return gone(s.delete(ctx, at(path, o.id)))
		},
	}
}

func (s *session) membersPath(ctx context.Context, project string) (string, error) {
	id, err := s.idOf(ctx, projectSection, project)
	return at(projectsPath, id) + "/members", err
}

func listMembers(ctx context.Context, s *session, home string, _ func(string) bool) ([]object, error) {
	path, err := s.membersPath(ctx, home)
	if err != nil {
		return nil, err
	}
	rows, err := every[memberRow](ctx, s.API, path, nil)
	var all []object
	for _, m := range rows {
		if m.RoleID < 1 || m.RoleID > int64(len(roles())) {
			continue
		}
		o := object{home: home, id: m.ID, values: values{"role": roles()[m.RoleID-1]}}
		if m.EntityType == "g" {
			o.name, o.values["group"] = "group:"+m.EntityName, m.EntityName
		} else {
			o.name, o.values["user"] = "user:"+m.EntityName, m.EntityName
			switch {
			case m.EntityID == firstAdministrator:
				o.keep = "the account came with the installation"
			case m.EntityName == s.username:
				o.keep = "it is who applies"
			}
		}
		all = append(all, o)
	}
	return all, err
}

func roleID(w want) int64 { return int64(slices.Index(roles(), w.full.text("role"))) + 1 }

func createMember(ctx context.Context, s *session, w want) error {
	path, err := s.membersPath(ctx, w.home)
	if err != nil {
		return err
	}
	body := map[string]any{"role_id": roleID(w)}
	if user := w.values.text("user"); user != "" {
		body["member_user"] = map[string]any{"username": user}
	} else {
		id, err := s.groupID(ctx, w.values.text("group"))
		if err != nil {
			return err
		}
		body["member_group"] = map[string]any{"id": id}
	}
	_, err = s.post(ctx, path, body)
	if !refused(err, http.StatusConflict) {
		return err
	}
	// Who makes a project is a member from the start, maybe in another role.
	there, err := listMembers(ctx, s, w.home, nil)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(there, func(o object) bool { return o.name == w.name })
	if i < 0 {
		return fmt.Errorf("%s is a member already, under another name", w.name)
	}
	return s.giveRole(ctx, w, there[i].id)
}

func (s *session) giveRole(ctx context.Context, w want, member int64) error {
	path, err := s.membersPath(ctx, w.home)
	if err != nil {
		return err
	}
	return s.put(ctx, at(path, member), map[string]any{"role_id": roleID(w)})
}

// groupID finds a group by its name alone.
func (s *session) groupID(ctx context.Context, name string) (int64, error) {
	rows, err := every[groupRow](ctx, s.API, groupsPath, nil)
	if err != nil {
		return 0, err
	}
	rows = slices.DeleteFunc(rows, func(g groupRow) bool { return g.Name != name })
	if len(rows) != 1 {
		return 0, fmt.Errorf("there are %d groups called %s, and one is needed: groups are declared under groups", len(rows), name)
	}
	return rows[0].ID, nil
}
