package project_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
)

func TestBootstrapMakesLibraryOnce(t *testing.T) {
	each(t, func(w world) {
		w.must(w.Bootstrap(t.Context()))
		p, err := w.GetByName(t.Context(), "library")
		w.must(err)
		if p.ID != 1 || !p.Public || p.OwnerName != "admin" || p.Metadata["public"] != "true" {
			t.Errorf("got %+v", p)
		}
		w.must(w.Delete(t.Context(), admin, p.ID))
		w.must(w.Bootstrap(t.Context()))
		if _, err := w.ByName(t.Context(), "library"); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v; a library that was deleted must not come back", err)
		}
	})
}

func TestCreateChecksWhatItIsGiven(t *testing.T) {
	limit := func(n int64) *int64 { return &n }
	cases := []struct {
		name  string
		by    authz.Principal
		n     project.NewProject
		error string // "" for none
	}{
		{"plain", ann, project.NewProject{Name: "p1"}, ""},
		{"separators", ann, project.NewProject{Name: "a.b_c-d1"}, ""},
		{"digits", ann, project.NewProject{Name: "123"}, ""},
		{"255 characters", ann, project.NewProject{Name: strings.Repeat("a", 255)}, ""},
		{"256 characters", ann, project.NewProject{Name: strings.Repeat("a", 256)}, "is illegal in length. (greater than 255 or less than 1)"},
		{"empty", ann, project.NewProject{}, "Project name  is illegal in length. (greater than 255 or less than 1)"},
		{"upper case", ann, project.NewProject{Name: "Bad_Name!"}, "project name is not in lower case or contains illegal characters"},
		{"two separators", ann, project.NewProject{Name: "a--b"}, "illegal characters"},
		{"slash", ann, project.NewProject{Name: "a/b"}, "illegal characters"},
		{"line feed", ann, project.NewProject{Name: "a\n"}, "illegal characters"},
		{"taken", ann, project.NewProject{Name: "library"}, "The project named library already exists"},
		{"public", ann, project.NewProject{Name: "p2", Metadata: map[string]string{"public": "maybe"}}, "metadata.public"},
		{"retention", ann, project.NewProject{Name: "p2", Metadata: map[string]string{"retention_id": "4"}}, "retention_id"},
		{"limit", admin, project.NewProject{Name: "p3", StorageLimit: limit(5000)}, ""},
		{"negative limit", admin, project.NewProject{Name: "p4", StorageLimit: limit(-2)}, "invalid non-positive value for quota limit, value=-2"},
		{"too high a limit", admin, project.NewProject{Name: "p4", StorageLimit: limit(1<<50 + 1)}, "maximum storage limit"},
		{"limit of a user", ann, project.NewProject{Name: "p5", StorageLimit: limit(-2)}, ""}, // ignored
		{"allowlist of another project", ann, project.NewProject{Name: "p6", Allowlist: &project.CVEAllowlist{ProjectID: 1}}, "allowlist"},
		{"allowlist with duplicates", ann, project.NewProject{Name: "p6", Allowlist: &project.CVEAllowlist{Items: []string{"CVE-1", "CVE-1"}}}, "duplicate CVE id CVE-1"},
		{"allowlist with an empty id", ann, project.NewProject{Name: "p6", Allowlist: &project.CVEAllowlist{Items: []string{""}}}, "invalid CVE id"},
		{"anonymous", nobody, project.NewProject{Name: "p7"}, "unauthorized"},
	}
	each(t, func(w world) {
		for _, c := range cases {
			id, err := w.Create(t.Context(), c.by, c.n)
			if c.error != "" {
				if err == nil || !strings.Contains(err.Error(), c.error) {
					t.Errorf("%s: got %v, want an error with %q", c.name, err, c.error)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			p, err := w.Get(t.Context(), id)
			w.must(err)
			limit := int64(-1)
			if c.by.Admin {
				limit = 5000
			}
			if p.Name != c.n.Name || p.Public || p.OwnerID != c.by.ID || p.StorageLimit != limit {
				t.Errorf("%s: got %+v", c.name, p)
			}
			roles, err := w.Roles(t.Context(), c.by.ID, id)
			w.must(err)
			if !slices.Equal(roles, []authz.Role{authz.ProjectAdmin}) {
				t.Errorf("%s: the creator has the roles %v", c.name, roles)
			}
		}
		for _, e := range w.events() {
			if !strings.HasPrefix(e, "create_project ") || !strings.Contains(e, `"success":true`) {
				t.Errorf("got the event %s", e)
			}
		}
		if n := len(w.events()); n != 6 {
			t.Errorf("got %d events, want one for each project", n)
		}
	})
}

func TestWhoMayCreate(t *testing.T) {
	grant := func(scope authz.GrantScope) []authz.Grant {
		return []authz.Grant{{Scope: scope, ProjectID: 1, Permission: authz.Permission{Resource: authz.Project, Action: authz.Create}}}
	}
	robot := authz.Principal{Kind: authz.Robot, ID: 1, Name: "robot$ci", Grants: grant(authz.System)}
	cases := []struct {
		name       string
		by         authz.Principal
		restricted string
		everyone   string
	}{
		{"administrator", admin, "", ""},
		{"user", ann, "Only system admin can create project", ""},
		{"robot of the system with the right", robot, "", ""},
		{"robot of the system without", authz.Principal{Kind: authz.Robot, ID: 1}, "forbidden", "forbidden"},
		{"robot with the right in projects", authz.Principal{Kind: authz.Robot, ID: 1, Grants: grant(authz.EveryProject)}, "forbidden", "forbidden"},
		{"robot of a project", authz.Principal{Kind: authz.Robot, ID: 1, ProjectID: 1, Grants: grant(authz.OneProject)},
			"Only system level robot can create project", "Only system level robot can create project"},
		{"token", authz.Principal{Kind: authz.Bearer, ID: 2}, "forbidden", "forbidden"},
		{"anonymous", nobody, "unauthorized", "unauthorized"},
	}
	each(t, func(w world) {
		for _, restriction := range []string{"adminonly", "everyone"} {
			w.must(w.settings.Set(t.Context(), "admin", map[string]any{"project_creation_restriction": restriction}))
			for _, c := range cases {
				want := c.everyone
				if restriction == "adminonly" {
					want = c.restricted
				}
				err := w.MayCreate(t.Context(), c.by)
				if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
					t.Errorf("%s, %s: got %v, want %q", restriction, c.name, err, want)
				}
			}
		}
		id := w.create(robot, "of-a-robot", false)
		if p, err := w.Get(t.Context(), id); err != nil || p.OwnerID != admin.ID {
			t.Errorf("the owner of a robot's project is %d, want the first administrator (%v)", p.OwnerID, err)
		}
	})
}

func TestStorageLimitOfNewProjects(t *testing.T) {
	each(t, func(w world) {
		w.must(w.settings.Set(t.Context(), "admin", map[string]any{"storage_per_project": 7000}))
		zero := int64(0)
		id, err := w.Create(t.Context(), admin, project.NewProject{Name: "a", StorageLimit: &zero})
		w.must(err)
		if p, _ := w.Get(t.Context(), id); p.StorageLimit != 7000 {
			t.Errorf("got %d, want the configured limit", p.StorageLimit)
		}
		w.must(w.settings.Set(t.Context(), "admin", map[string]any{"quota_per_project_enable": false}))
		id = w.create(admin, "b", false)
		if p, _ := w.Get(t.Context(), id); p.StorageLimit != -1 {
			t.Errorf("got %d, want none while quotas are off", p.StorageLimit)
		}
	})
}

func TestUpdate(t *testing.T) {
	each(t, func(w world) {
		id := w.create(ann, "p", true)
		expires := time.Unix(1893456000, 0).UTC()
		update := func(metadata map[string]string, allowlist *project.CVEAllowlist) error {
			return w.Update(t.Context(), ann, id, project.Update{Metadata: metadata, Allowlist: allowlist})
		}
		w.must(update(map[string]string{
			"auto_scan": "1", "prevent_vul": "true", "severity": "High", "proxy_speed_kb": "-1", "unheard_of": "x", "retention_id": "",
		}, &project.CVEAllowlist{Items: []string{"CVE-2", "CVE-1"}, ExpiresAt: expires}))
		p, err := w.Get(t.Context(), id)
		w.must(err)
		want := map[string]string{"public": "true", "auto_scan": "true", "prevent_vul": "true", "severity": "high"}
		if len(p.Metadata) != len(want) {
			t.Errorf("got the metadata %v, want %v", p.Metadata, want)
		}
		for key, value := range want {
			if p.Metadata[key] != value {
				t.Errorf("%s: got %q, want %q", key, p.Metadata[key], value)
			}
		}
		if !slices.Equal(p.Allowlist.Items, []string{"CVE-2", "CVE-1"}) || !p.Allowlist.ExpiresAt.Equal(expires) || p.Epoch != 1 {
			t.Errorf("got %+v", p)
		}

		// What is absent stays; a bad value is kept and shown as such.
		w.must(update(map[string]string{"severity": "huge", "prevent_vul": "maybe"}, nil))
		p, err = w.Get(t.Context(), id)
		w.must(err)
		if p.Metadata["severity"] != "unknown" || p.Metadata["prevent_vul"] != "maybe" || p.Metadata["auto_scan"] != "true" || len(p.Allowlist.Items) != 2 {
			t.Errorf("got %+v", p)
		}
		raw, err := w.ListMetadata(t.Context(), id)
		w.must(err)
		if raw["severity"] != "huge" {
			t.Errorf("the metadata API shows %q, want what was set", raw["severity"])
		}

		for name, err := range map[string]error{
			"public":           update(map[string]string{"public": "maybe"}, nil),
			"retention":        update(map[string]string{"retention_id": "5"}, nil),
			"foreign list":     update(nil, &project.CVEAllowlist{ProjectID: id + 1}),
			"long value":       update(map[string]string{"severity": strings.Repeat("x", 5000)}, nil),
			"half of a change": update(map[string]string{"public": "false"}, &project.CVEAllowlist{Items: []string{"", ""}}),
		} {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: got %v, want fault.Invalid", name, err)
			}
		}
		if p, _ := w.Get(t.Context(), id); !p.Public {
			t.Error("half of a refused change was made")
		}
		w.exec(`INSERT INTO project_metadata (project_id, name, value) VALUES ($1, 'retention_id', '5')`, id)
		w.must(update(map[string]string{"retention_id": "5"}, nil))
		if err := w.Update(t.Context(), admin, 99, project.Update{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
	})
}

// Tokens of those who aren't members die when a project stops being public, and only then.
func TestEpochMovesWhenAPublicProjectBecomesPrivate(t *testing.T) {
	each(t, func(w world) {
		id := w.create(ann, "p", false)
		steps := []struct {
			name  string
			do    func() error
			epoch int64
		}{
			{"private to public", func() error { return w.SetMetadata(t.Context(), ann, id, "public", "true") }, 1},
			{"public again", func() error { return w.SetMetadata(t.Context(), ann, id, "public", "1") }, 1},
			{"something else", func() error { return w.SetMetadata(t.Context(), ann, id, "auto_scan", "true") }, 1},
			{"to private", func() error { return w.SetMetadata(t.Context(), ann, id, "public", "false") }, 2},
			{"private again", func() error {
				return w.Update(t.Context(), ann, id, project.Update{Metadata: map[string]string{"public": "false"}})
			}, 2},
			{"to public by update", func() error {
				return w.Update(t.Context(), ann, id, project.Update{Metadata: map[string]string{"public": "true"}})
			}, 2},
			{"to private by deleting the key", func() error { return w.DeleteMetadata(t.Context(), ann, id, "public") }, 3},
		}
		for _, s := range steps {
			if err := s.do(); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if got := w.epoch("project", id); got != s.epoch {
				t.Errorf("%s: the epoch is %d, want %d", s.name, got, s.epoch)
			}
		}
		if ref, err := w.ByName(t.Context(), "p"); err != nil || ref.Epoch != 3 || ref.Public {
			t.Errorf("got %+v, %v", ref, err)
		}
	})
}

func TestDelete(t *testing.T) {
	each(t, func(w world) {
		w.must(w.settings.Set(t.Context(), "admin", map[string]any{"trash_days": 0}))
		id := w.create(ann, "p", true)
		repository := w.repository(id, "app")
		if ok, message, err := w.Deletable(t.Context(), id); ok || message != "the project contains repositories, can not be deleted" || err != nil {
			t.Errorf("got %v, %q, %v", ok, message, err)
		}
		if err := w.Delete(t.Context(), ann, id); !errors.Is(err, project.ErrNotEmpty) {
			t.Fatalf("got %v, want ErrNotEmpty", err)
		}
		w.exec(`UPDATE repository SET hidden = TRUE WHERE id = $1`, repository) // only an upload was begun
		w.exec(`INSERT INTO robot (project_id, name, duration_days, creator_type, creator_id, created_at, updated_at) VALUES ($1, 'p+ci', -1, 'local', 2, 1, 1)`, id)
		w.exec(`INSERT INTO robot (name, duration_days, creator_type, creator_id, created_at, updated_at) VALUES ('sys', -1, 'local', 1, 1, 1)`)
		w.exec(`INSERT INTO robot_permission (robot_id, kind, project_id, resource, action, effect)
			SELECT id, 'project', CAST($1 AS BIGINT), 'repository', 'pull', 'allow' FROM robot`, id)
		if ok, _, err := w.Deletable(t.Context(), id); !ok || err != nil {
			t.Errorf("got %v, %v", ok, err)
		}
		w.must(w.Delete(t.Context(), ann, id))

		if err := w.Delete(t.Context(), ann, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
		if _, err := w.ByName(t.Context(), "p"); !errors.Is(err, fault.NotFound) {
			t.Errorf("got %v, want fault.NotFound", err)
		}
		if n := w.int(`SELECT COUNT(*) FROM robot WHERE name = 'p+ci'`); n != 0 {
			t.Error("the project's robot is still there")
		}
		if n := w.int(`SELECT COUNT(*) FROM robot_permission`); n != 0 {
			t.Error("a robot still has a right in the project")
		}
		if n := w.epoch("project", id); n != 2 {
			t.Errorf("the epoch is %d, want 2", n)
		}
		if roles, err := w.Roles(t.Context(), ann.ID, id); err != nil || len(roles) != 0 {
			t.Errorf("got the roles %v, %v", roles, err)
		}
		again := w.create(bob, "p", false)
		if again == id {
			t.Error("the id is used again")
		}
		last := w.events()
		if e := last[len(last)-2]; !strings.HasPrefix(e, "delete_project ") || !strings.Contains(e, `"resource":"p"`) {
			t.Errorf("got the event %s", e)
		}
	})
}
