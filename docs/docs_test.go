// Package docs holds what users read. Its tests keep the tables in it true.
package docs

import (
	"context"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/config"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the tables into the pages")

// section compares what stands between a page's markers of this name with the table.
func section(t *testing.T, page, name, table string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile(`(?s)(<!-- ` + name + `: [^\n]* -->\n)(.*?)(<!-- end -->)`)
	found := marked.FindSubmatchIndex(text)
	if found == nil {
		t.Fatalf("%s has no section %s", page, name)
	}
	if string(text[found[4]:found[5]]) == table {
		return
	}
	if !*update {
		t.Errorf("%s: the table %q is not what the program says; go test ./docs -update writes it", page, name)
		return
	}
	if err := os.WriteFile(page, slices.Concat(text[:found[4]], []byte(table), text[found[5]:]), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSettings(t *testing.T) {
	section(t, "configuration.md", "settings", settingsOf(t, reflect.TypeFor[config.Config]()))
	section(t, "admission.md", "settings", settingsOf(t, reflect.TypeFor[config.Admission]()))
}

// settingsOf is a table of the settings of a command.
func settingsOf(t *testing.T, settings reflect.Type) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| flag | environment | key | default | what |\n|---|---|---|---|---|\n")
	for _, f := range reflect.VisibleFields(settings) {
		flag := f.Tag.Get("name")
		if flag == "" {
			t.Errorf("the setting %s has no name", f.Name)
		}
		help, initial := f.Tag.Get("help"), ""
		if d := f.Tag.Get("default"); d != "" {
			initial = "`" + d + "`"
		} else if i := strings.Index(help, " Default: "); i >= 0 {
			help, initial = help[:i], strings.TrimSuffix(help[i+len(" Default: "):], ".")
		}
		key := strings.ReplaceAll(flag, "-", "_")
		fmt.Fprintf(&b, "| `--%s` | `HAVEN_%s` | `%s` | %s | %s |\n", flag, strings.ToUpper(key), key, initial, help)
	}
	return b.String()
}

// duties are what people do in a project, and the right that it takes.
var duties = []struct {
	what string
	perm authz.Permission
}{
	{"see the project, its repositories, artifacts and tags", authz.Permission{Resource: authz.Artifact, Action: authz.ListAll}},
	{"pull", authz.Permission{Resource: authz.Repository, Action: authz.Pull}},
	{"see members", authz.Permission{Resource: authz.Member, Action: authz.ListAll}},
	{"see robots", authz.Permission{Resource: authz.RobotAccount, Action: authz.ListAll}},
	{"push; mount and copy into the project", authz.Permission{Resource: authz.Repository, Action: authz.Push}},
	{"add a tag", authz.Permission{Resource: authz.Tag, Action: authz.Create}},
	{"edit a repository's description", authz.Permission{Resource: authz.Repository, Action: authz.Update}},
	{"delete a tag", authz.Permission{Resource: authz.Tag, Action: authz.Delete}},
	{"delete an artifact", authz.Permission{Resource: authz.Artifact, Action: authz.Delete}},
	{"delete a repository", authz.Permission{Resource: authz.Repository, Action: authz.Delete}},
	{"read the project's settings one by one", authz.Permission{Resource: authz.Metadata, Action: authz.Read}},
	{"read the project's audit log", authz.Permission{Resource: authz.Log, Action: authz.ListAll}},
	{"make and change robots", authz.Permission{Resource: authz.RobotAccount, Action: authz.Create}},
	{"add, change and remove members", authz.Permission{Resource: authz.Member, Action: authz.Create}},
	{"change the project's settings", authz.Permission{Resource: authz.Project, Action: authz.Update}},
	{"delete the project, once it is empty", authz.Permission{Resource: authz.Project, Action: authz.Delete}},
}

// holder has one role in every project.
type holder authz.Role

func (h holder) Roles(context.Context, int64, int64) ([]authz.Role, error) {
	return []authz.Role{authz.Role(h)}, nil
}

func TestRoles(t *testing.T) {
	var b strings.Builder
	b.WriteString("| | project administrator | maintainer | developer | guest | limited guest | everybody, public project |\n|---|:-:|:-:|:-:|:-:|:-:|:-:|\n")
	mark := func(err error) string {
		if err == nil {
			return "✓"
		}
		return ""
	}
	for _, d := range duties {
		cells := []string{d.what}
		for _, role := range []authz.Role{authz.ProjectAdmin, authz.Maintainer, authz.Developer, authz.Guest, authz.LimitedGuest} {
			err := authz.New(holder(role)).Project(t.Context(), authz.Principal{Kind: authz.User, ID: 2}, authz.ProjectObject{ID: 1}, d.perm)
			cells = append(cells, mark(err))
		}
		err := authz.New(holder(0)).Project(t.Context(), authz.Principal{}, authz.ProjectObject{ID: 1, Public: true}, d.perm)
		fmt.Fprintf(&b, "| %s |\n", strings.Join(append(cells, mark(err)), " | "))
	}
	section(t, "access.md", "roles", b.String())
}

func TestOperations(t *testing.T) {
	text, err := os.ReadFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Paths yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(text, &contract); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| path | methods |\n|---|---|\n")
	for i := 0; i+1 < len(contract.Paths.Content); i += 2 {
		var methods []string
		operations := contract.Paths.Content[i+1].Content
		for k := 0; k < len(operations); k += 2 {
			if m := strings.ToUpper(operations[k].Value); slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, m) {
				methods = append(methods, m)
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", contract.Paths.Content[i].Value, strings.Join(methods, " "))
	}
	section(t, "compatibility.md", "api", b.String())
}

var link = regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)

// Links between pages lead to a page and to a heading of it.
func TestLinks(t *testing.T) {
	pages, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if !strings.HasSuffix(p.Name(), ".md") {
			continue
		}
		text, err := os.ReadFile(p.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target, err := os.ReadFile(m[1])
			if err != nil {
				t.Errorf("%s links to %s: %v", p.Name(), m[1], err)
				continue
			}
			if m[2] != "" && !strings.Contains(strings.ToLower(string(target)), "# "+strings.ReplaceAll(m[2], "-", " ")+"\n") {
				t.Errorf("%s: %s has no heading %s", p.Name(), m[1], m[2])
			}
		}
	}
}
