package declared

import (
	"fmt"
	"strings"
	"testing"
)

// What isn't a document is refused with the line, and what may have been meant.
func TestReadIsStrict(t *testing.T) {
	for name, c := range map[string]struct{ document, want string }{
		"empty":                {"", "x.yaml: it is empty"},
		"no mapping":           {"- a\n", "x.yaml:1: expected a mapping with version: 1"},
		"nothing in it":        {"---\n", "x.yaml:2: expected a mapping with version: 1"},
		"a comment":            {"# x\n", "x.yaml: it is empty"},
		"a key that is a list": {"version: 1\n? [a]\n: b\n", "x.yaml:2: expected a field's name, and there is a list"},
		"itself":               {"version: 1\nprojects: &p [*p]\n", "x.yaml:2: projects[0]: expected a mapping with some of name"},
		"a merge":              {"version: 1\nlabels: [&a {name: a}, {<<: *a, name: b}]\n", `labels/b: unknown field "<<"`},
		"no version":           {"labels: []\n", "x.yaml:1: expected version: 1 at the top"},
		"another version":      {"version: 2\n", `x.yaml:1: version: expected 1, and there is "2"`},
		"unknown section":      {"version: 1\nlables: []\n", `x.yaml:2: unknown field "lables"; near it is labels`},
		"unknown field":        {"version: 1\nregistries:\n  - name: hub\n    type: docker-hub\n    ulr: x\n", `x.yaml:5: registries/hub: unknown field "ulr"; near it is url`},
		"nothing near":         {"version: 1\nlabels:\n  - {name: a, zzzzzzzz: b}\n", `x.yaml:3: labels/a: unknown field "zzzzzzzz"; known are name, description, color`},
		"in a project":         {"version: 1\nprojects:\n  - name: p\n    member: []\n", `x.yaml:4: projects/p: unknown field "member"; near it is members`},
		"deep in it":           {"version: 1\nprojects:\n  - name: p\n    metadata: {autoscan: true}\n", `x.yaml:4: projects/p: metadata: unknown field "autoscan"; near it is auto_scan`},
		"an unknown setting":   {"version: 1\nsettings: {raed_only: true}\n", `x.yaml:2: settings: unknown field "raed_only"; near it is read_only`},
		"twice":                {"version: 1\nlabels: [{name: a}, {name: a}]\n", "x.yaml:2: labels/a: it is there already, in line 2"},
		"a field twice":        {"version: 1\nsettings:\n  read_only: true\n  read_only: false\n", "x.yaml:4: settings: read_only is there already, in line 3"},
		"missing":              {"version: 1\nregistries: [{name: a, url: b}]\n", "x.yaml:2: registries/a: type is missing"},
		"no list":              {"version: 1\nlabels: {a: b}\n", "x.yaml:2: labels: expected a list, and there is a mapping"},
		"nothing":              {"version: 1\nlabels: [{name: a, color: }]\n", "x.yaml:2: labels/a: color: there is nothing; a field that is left out is left alone"},
		"no number":            {"version: 1\nsettings: {session_timeout: long}\n", `x.yaml:2: settings: session_timeout: expected a whole number, and there is "long"`},
		"neither true":         {"version: 1\nprojects: [{name: p, public: yes}]\n", `x.yaml:2: projects/p: public: expected true or false, and there is "yes"`},
		"no such word":         {"version: 1\nprojects: [{name: p, members: [{user: u, role: boss}]}]\n", `role: expected one of project_admin, developer, guest, maintainer, limited_guest, and there is "boss"`},
		"a secret":             {"version: 1\nregistries:\n  - {name: a, type: b, url: c, access_secret: hunter2}\n", "x.yaml:3: registries/a: access_secret: a secret doesn't stand in the document: expected {env: NAME} or {file: PATH}"},
		"two places":           {"version: 1\nsettings: {oidc_client_secret: {env: A, file: B}}\n", "expected {env: NAME} or {file: PATH}"},
		"a place to write":     {"version: 1\nsettings: {oidc_client_secret: {write: B}}\n", `unknown field "write"`},
		"one file for two":     {"version: 1\nprojects: [{name: p, robots: [{name: a, access: ['b:c'], secret: {write: x}}, {name: b, access: ['b:c'], secret: {write: ./x}}]}]\n", "x.yaml:2: projects/p/robots/b: secret: ./x is where another secret is written, that of projects/p/robots/a: secret"},
		"two documents":        {"version: 1\n---\nversion: 1\n", "expected one document"},
		"no YAML":              {"version: [\n", "x.yaml: yaml:"},
		"a policy's own words": {"version: 1\nsignature_policy: {document: [a]}\n", "expected a mapping, or none, and there is a list"},
		"too many aliases":     {"version: 1\nlabels:\n" + bomb(), "more than 500000 values"},
	} {
		_, err := Read([]byte(c.document), "x.yaml")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the secret is repeated: %v", name, err)
		}
	}
}

// A list that has a name may stand in several places.
func TestAliases(t *testing.T) {
	d, err := Read([]byte("version: 1\nlabels: &l [{name: a}]\nprojects: [{name: p, labels: *l}, {name: q, labels: *l}]\n"), "x.yaml")
	if err != nil || len(d.lists) != 4 || d.lists[3].home != "q" || d.lists[3].objects[0].name != "a" {
		t.Errorf("got %+v, %v", d, err)
	}
}

// bomb is robots that share a list by an alias, which counts each time.
func bomb() string {
	items := strings.Repeat("a:b,", 1000)
	var b strings.Builder
	b.WriteString("  - {name: l}\nrobots:\n  - {name: r, permissions: [{access: &x [" + strings.TrimSuffix(items, ",") + "]}]}\n")
	for i := range 600 {
		fmt.Fprintf(&b, "  - {name: r%d, permissions: [{access: *x}]}\n", i)
	}
	return b.String()
}

func FuzzRead(f *testing.F) {
	f.Add("version: 1\nlabels: [{name: a}]\nprojects: [{name: p, robots: [{name: r, access: ['a:b'], secret: {write: x}}]}]\n")
	f.Add("version: 1\nsignature_policy: {document: {a: &x [1, *x]}}\n")
	f.Fuzz(func(t *testing.T, content string) {
		d, err := Read([]byte(content), "x.yaml")
		if (d == nil) == (err == nil) {
			t.Errorf("got %v and %v", d, err)
		}
	})
}

// What is shown of a value is one line, and nothing that a terminal obeys.
func TestShownIsHarmless(t *testing.T) {
	for in, want := range map[string]string{"a": `"a"`, "a\nb\x1b[31m": `"a\nb\u001b[31m"`, "\u202e": `"\u202e"`, "<&>": `"<&>"`, strings.Repeat("x", 500): `"` + strings.Repeat("x", maxShown) + "…"} {
		if got := show(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
	if got := plain("a\x1b]0;\n"); got != "a?]0;?" {
		t.Errorf("got %q", got)
	}
}
