package project_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/project"
)

// cast is library (public, of admin), open (public, of ann), priv (of ann; bob is a guest), solo (of bob).
func (w world) cast() (open, priv, solo int64) {
	w.Helper()
	open, priv, solo = w.create(ann, "open", true), w.create(ann, "priv", false), w.create(bob, "solo", false)
	_, err := w.AddMember(w.Context(), ann, priv, project.NewMember{UserID: bob.ID, Role: authz.Guest})
	w.must(err)
	return open, priv, solo
}

// robots that see projects by their grants.
func robotOf(projectID int64, grants ...authz.Grant) authz.Principal {
	return authz.Principal{Kind: authz.Robot, ID: 9, Name: "robot$r", ProjectID: projectID, Grants: grants}
}

func pull(scope authz.GrantScope, projectID int64, deny bool) authz.Grant {
	return authz.Grant{Scope: scope, ProjectID: projectID, Permission: authz.Permission{Resource: authz.Repository, Action: authz.Pull}, Deny: deny}
}

func TestListShowsWhatThePrincipalMaySee(t *testing.T) {
	yes, no := true, false
	each(t, func(w world) {
		_, priv, solo := w.cast()
		gone := w.create(ann, "gone", true)
		w.must(w.Delete(t.Context(), ann, gone))
		cases := []struct {
			name   string
			p      authz.Principal
			filter project.ListFilter
			want   string
		}{
			{"anonymous", nobody, project.ListFilter{}, "library open"},
			{"anonymous, private", nobody, project.ListFilter{Public: &no}, ""},
			{"administrator", admin, project.ListFilter{}, "library open priv solo"},
			{"administrator, public", admin, project.ListFilter{Public: &yes}, "library open"},
			{"administrator, private", admin, project.ListFilter{Public: &no}, "priv solo"},
			{"owner", ann, project.ListFilter{}, "library open priv"},
			{"member", bob, project.ListFilter{}, "library open priv solo"},
			{"member, private", bob, project.ListFilter{Public: &no}, "priv solo"},
			{"stranger", cyd, project.ListFilter{}, "library open"},
			{"anonymous, mine", nobody, project.ListFilter{Mine: true}, ""},
			{"administrator, mine", admin, project.ListFilter{Mine: true}, "library"},
			{"member, mine", bob, project.ListFilter{Mine: true}, "priv solo"},
			{"member, mine and private", bob, project.ListFilter{Mine: true, Name: "o", Public: &no}, "solo"},
			{"robot, mine", robotOf(priv), project.ListFilter{Mine: true}, ""},
			{"robot for every project", robotOf(0, pull(authz.EveryProject, 0, false)), project.ListFilter{}, "library open priv solo"},
			{"robot refused every project", robotOf(0, pull(authz.EveryProject, 0, true)), project.ListFilter{}, "library open"},
			{"robot for one project", robotOf(0, pull(authz.OneProject, solo, false)), project.ListFilter{}, "library open solo"},
			{"robot of a project", robotOf(priv), project.ListFilter{Public: &no}, "priv"},
			{"robot of the system", robotOf(0, pull(authz.System, 0, false)), project.ListFilter{}, "library open"},
			{"part of the name", admin, project.ListFilter{Name: "O"}, "open solo"},
			{"owner's name", admin, project.ListFilter{Owner: "ann"}, "open priv"},
			{"part of the owner's name", admin, project.ListFilter{Owner: "an"}, ""},
			{"all at once", bob, project.ListFilter{Owner: "bob", Name: "s", Public: &no}, "solo"},
		}
		for _, c := range cases {
			rows, total, err := w.List(t.Context(), c.p, c.filter, db.List{Page: 1, Size: 10})
			w.must(err)
			if got := strings.Join(names(rows), " "); got != c.want || total != int64(len(rows)) {
				t.Errorf("%s: got %q of %d, want %q", c.name, got, total, c.want)
			}
			all, ids, err := w.VisibleIDs(t.Context(), c.p)
			w.must(err)
			for _, r := range rows {
				if !all && !slices.Contains(ids, r.ID) {
					t.Errorf("%s: VisibleIDs lacks %s", c.name, r.Name)
				}
			}
			if c.filter == (project.ListFilter{}) && !all && len(ids) != len(rows) {
				t.Errorf("%s: VisibleIDs has %d projects, the listing %d", c.name, len(ids), len(rows))
			}
		}
	})
}

func TestListFiltersSortsAndPages(t *testing.T) {
	each(t, func(w world) {
		w.cast()
		desc := []db.Sort{{Key: "name", Desc: true}}
		cases := []struct {
			name  string
			list  db.List
			want  string
			total int64
		}{
			{"by name", db.List{Page: 1, Size: 2}, "library open", 4},
			{"second page", db.List{Page: 2, Size: 2}, "priv solo", 4},
			{"descending", db.List{Page: 2, Size: 1, Sort: desc}, "priv", 4},
			{"all", db.List{}, "library open priv solo", 4},
			{"one by id", db.List{Filters: []db.Filter{{Key: "project_id", Values: []string{"1"}}}}, "library", 1},
			{"public", db.List{Filters: []db.Filter{{Key: "public", Values: []string{"false"}}}}, "priv solo", 2},
			{"owner", db.List{Filters: []db.Filter{{Key: "owner", Values: []string{"bob"}}}}, "solo", 1},
			{"contains", db.List{Filters: []db.Filter{{Key: "name", Op: db.Contains, Values: []string{"o"}}}, Sort: desc, Page: 1, Size: 1}, "solo", 2},
			{"newest", db.List{Page: 1, Size: 1, Sort: []db.Sort{{Key: "creation_time", Desc: true}, {Key: "project_id", Desc: true}}}, "solo", 4},
			{"unknown keys", db.List{Filters: []db.Filter{{Key: "hash", Values: []string{"x"}}}, Sort: []db.Sort{{Key: "epoch"}}}, "library open priv solo", 4},
		}
		for _, c := range cases {
			rows, total, err := w.List(t.Context(), admin, project.ListFilter{}, c.list)
			w.must(err)
			if got := strings.Join(names(rows), " "); got != c.want || total != c.total {
				t.Errorf("%s: got %q of %d, want %q of %d", c.name, got, total, c.want, c.total)
			}
		}
	})
}

func TestRowsCarryDetails(t *testing.T) {
	each(t, func(w world) {
		open, priv, _ := w.cast()
		w.must(w.SetMetadata(t.Context(), ann, priv, "severity", "Negligible"))
		w.must(w.Update(t.Context(), ann, open, project.Update{Allowlist: &project.CVEAllowlist{Items: []string{"CVE-1"}}}))
		hidden := w.repository(priv, "hidden")
		w.repository(priv, "app")
		w.exec(`UPDATE repository SET hidden = TRUE WHERE id = $1`, hidden)
		rows, _, err := w.List(t.Context(), bob, project.ListFilter{}, db.List{})
		w.must(err)
		got := ""
		for _, p := range rows {
			got += fmt.Sprintf("%s %s %v %v %v %d\n", p.Name, p.OwnerName, p.RoleIDs, p.Metadata, p.Allowlist.Items, p.RepoCount)
		}
		want := "library admin [] map[public:true] [] 0\n" +
			"open ann [] map[public:true] [CVE-1] 0\n" +
			"priv ann [guest] map[public:false severity:none] [] 1\n" +
			"solo bob [projectAdmin] map[public:false] [] 0\n"
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestStatementsDontGrowWithThePage(t *testing.T) {
	each(t, func(w world) {
		for i := range 30 {
			id := w.create(ann, fmt.Sprintf("p%02d", i), i%2 == 0)
			w.must(w.SetMetadata(t.Context(), ann, id, "auto_scan", "true"))
			w.repository(id, "app")
		}
		statements := func(f func()) int64 {
			before := w.db.Executed()
			f()
			return w.db.Executed() - before
		}
		list := func(p authz.Principal, size int) func() {
			return func() {
				rows, _, err := w.List(t.Context(), p, project.ListFilter{}, db.List{Page: 1, Size: size})
				w.must(err)
				if len(rows) != size {
					t.Fatalf("got %d rows, want %d", len(rows), size)
				}
			}
		}
		for _, size := range []int{1, 30} {
			if n := statements(list(ann, size)); n != 5 {
				t.Errorf("a page of %d projects took %d statements, want 5", size, n)
			}
		}
		for _, q := range []string{"p01", "p"} {
			n := statements(func() {
				_, _, err := w.Search(t.Context(), ann, q)
				w.must(err)
			})
			if n != 5 {
				t.Errorf("the search for %s took %d statements, want 5", q, n)
			}
		}
		if n := statements(func() { _, err := w.ByName(t.Context(), "p01"); w.must(err) }); n != 1 {
			t.Errorf("ByName took %d statements, want 1", n)
		}
		if n := statements(func() { _, err := w.Roles(t.Context(), ann.ID, 2); w.must(err) }); n != 1 {
			t.Errorf("Roles took %d statements, want 1", n)
		}
	})
}

func TestIDsWithFollowsTheTableOfRights(t *testing.T) {
	readLog := authz.Permission{Resource: authz.Log, Action: authz.ListAll}
	listMembers := authz.Permission{Resource: authz.Member, Action: authz.ListAll}
	each(t, func(w world) {
		open, priv, solo := w.cast()
		logs := robotOf(0, authz.Grant{Scope: authz.OneProject, ProjectID: priv, Permission: readLog}, pull(authz.OneProject, solo, false))
		cases := []struct {
			name string
			p    authz.Principal
			perm authz.Permission
			all  bool
			want []int64
		}{
			{"administrator", admin, readLog, true, nil},
			{"owner", ann, readLog, false, []int64{open, priv}},
			{"guest", bob, readLog, false, []int64{solo}},
			{"guest, another right", bob, listMembers, false, []int64{priv, solo}},
			{"stranger", cyd, readLog, false, nil},
			{"anonymous", nobody, readLog, false, nil},
			{"robot", logs, readLog, false, []int64{priv}},
		}
		for _, c := range cases {
			all, ids, err := w.IDsWith(t.Context(), c.p, c.perm)
			w.must(err)
			if all != c.all || !slices.Equal(ids, c.want) {
				t.Errorf("%s: got %v %v, want %v %v", c.name, all, ids, c.all, c.want)
			}
		}
	})
}

func TestSearchAndStatistics(t *testing.T) {
	each(t, func(w world) {
		open, priv, _ := w.cast()
		app := w.repository(open, "app")
		w.repository(priv, "app/web")
		w.manifest(app, "sha256:a", 10, true)
		w.manifest(app, "sha256:b", 20, false)
		w.uses(open, 30)

		projects, repositories, err := w.Search(t.Context(), bob, "APP")
		w.must(err)
		if len(projects) != 0 || len(repositories) != 2 {
			t.Fatalf("got %v and %v", projects, repositories)
		}
		want := project.FoundRepository{ProjectID: open, ProjectName: "open", ProjectPublic: true, Name: "open/app", PullCount: 3, ArtifactCount: 1}
		if repositories[0] != want || repositories[1].Name != "priv/app/web" {
			t.Errorf("got %+v", repositories)
		}
		for _, c := range []struct {
			p                      authz.Principal
			q                      string
			projects, repositories int
		}{
			{nobody, "app", 0, 1}, {nobody, "priv", 0, 0}, {nobody, "open", 1, 1}, {bob, "v/app", 0, 1},
			{bob, "%", 0, 0}, {bob, "_", 0, 0}, {bob, "", 4, 2}, {cyd, "", 2, 1},
		} {
			projects, repositories, err := w.Search(t.Context(), c.p, c.q)
			w.must(err)
			if len(projects) != c.projects || len(repositories) != c.repositories {
				t.Errorf("%s searches %q: got %d projects and %d repositories, want %d and %d", c.p.Name, c.q, len(projects), len(repositories), c.projects, c.repositories)
			}
		}

		stats, err := w.Statistics(t.Context(), bob)
		w.must(err)
		if want := (project.Statistics{PublicProjects: 2, PrivateProjects: 2, PublicRepos: 1, PrivateRepos: 1}); stats != want {
			t.Errorf("got %+v, want %+v", stats, want)
		}
		stats, err = w.Statistics(t.Context(), admin)
		w.must(err)
		want2 := project.Statistics{PublicProjects: 2, PrivateProjects: 2, PublicRepos: 1, PrivateRepos: 1, TotalProjects: 4, TotalRepos: 2, TotalStorage: 30}
		if stats != want2 {
			t.Errorf("got %+v, want %+v", stats, want2)
		}
	})
}

// The registry keeps what a project holds, in several rows; nobody sums blobs to show it.
func TestStorageUsedAndSummary(t *testing.T) {
	each(t, func(w world) {
		open, priv, _ := w.cast()
		w.repository(priv, "c")
		w.uses(open, 1200, -100, 7)
		w.uses(priv, 100)
		for id, want := range map[int64]int64{open: 1107, priv: 100, 1: 0} {
			used, err := w.StorageUsed(t.Context(), id)
			w.must(err)
			if used != want {
				t.Errorf("project %d uses %d bytes, want %d", id, used, want)
			}
		}
		got, err := w.Summary(t.Context(), priv)
		w.must(err)
		if want := (project.Summary{RepoCount: 1, Admins: 1, Guests: 1, Hard: -1, Used: 100}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		stats, err := w.Statistics(t.Context(), admin)
		w.must(err)
		if stats.TotalStorage != 1207 {
			t.Errorf("all together use %d bytes, want 1207", stats.TotalStorage)
		}
	})
}
