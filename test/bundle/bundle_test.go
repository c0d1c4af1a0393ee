//go:build acceptance

// Package bundle carries images from one registry to another that no line leads to, with haven bundle.
package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/haventest"
)

// desk is where somebody works who has access to both registries, one after the other.
type desk struct {
	*testing.T
	dir string
}

func (d desk) path(name string) string { return filepath.Join(d.dir, name) }

// run runs a program in the desk's folder.
func (d desk) run(env []string, program string, args ...string) (string, error) {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), program, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), append([]string{"HOME=" + d.dir, "DOCKER_CONFIG=" + d.dir, "COSIGN_PASSWORD="}, env...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d desk) ok(program string, args ...string) string {
	d.Helper()
	out, err := d.run(nil, program, args...)
	if err != nil {
		d.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return out
}

// command runs a command of Haven's at a registry as its administrator.
func (d desk) command(at haventest.Door, args ...string) (string, error) {
	d.Helper()
	return d.run([]string{"HAVEN_SERVER=" + at.URL, "HAVEN_USERNAME=admin", "HAVEN_PASSWORD=" + haventest.AdminPassword}, haventest.Binary(d, true), args...)
}

// haven runs haven bundle.
func (d desk) haven(at haventest.Door, args ...string) (string, error) {
	d.Helper()
	return d.command(at, append([]string{"bundle"}, args...)...)
}

func (d desk) must(at haventest.Door, args ...string) string {
	d.Helper()
	out, err := d.haven(at, args...)
	if err != nil {
		d.Fatalf("haven bundle %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// refused is a command that fails with these words.
func (d desk) refused(at haventest.Door, words string, args ...string) {
	d.Helper()
	if out, err := d.haven(at, args...); err == nil || !strings.Contains(out, words) {
		d.Errorf("haven bundle %s: %v, want %q in\n%s", strings.Join(args, " "), err, words, out)
	}
}

// graph is every manifest of a repository, by digest, with its tags.
func (d desk) graph(at haventest.Door, project, repository string) map[string]string {
	d.Helper()
	all := map[string]string{}
	for _, base := range []string{"false", "true"} { // children of indexes and accessories besides
		path := fmt.Sprintf("/api/v2.0/projects/%s/repositories/%s/artifacts?page_size=100&with_tag=true&with_accessory=true", project, repository)
		if base == "true" {
			path += "&q=base%3D*"
		}
		var artifacts []struct {
			Digest      string
			Tags        []struct{ Name string }
			Accessories []struct{ Digest, Type string }
		}
		if err := json.Unmarshal(at.Admin(d, http.StatusOK, http.MethodGet, path, nil).Body, &artifacts); err != nil {
			d.Fatal(err)
		}
		for _, a := range artifacts {
			var names []string
			for _, t := range a.Tags {
				names = append(names, t.Name)
			}
			slices.Sort(names)
			all[a.Digest] = strings.Join(names, " ")
			for _, s := range a.Accessories {
				all[s.Digest] = s.Type
			}
		}
	}
	return all
}

func (d desk) same(from, to haventest.Door, project string, repositories ...string) {
	d.Helper()
	for _, name := range repositories {
		if want, got := d.graph(from, project, name), d.graph(to, project, name); !maps.Equal(got, want) || len(got) == 0 {
			d.Errorf("%s/%s has\n%v\nwant\n%v", project, name, got, want)
		}
	}
}

// edition is the digest of the vulnerability database in force.
func (d desk) edition(at haventest.Door) string {
	d.Helper()
	var state struct{ Current struct{ Digest string } }
	if err := json.Unmarshal(at.Admin(d, http.StatusOK, http.MethodGet, "/api/haven/v1/vulndb", nil).Body, &state); err != nil || state.Current.Digest == "" {
		d.Fatalf("%+v, %v", state, err)
	}
	return state.Current.Digest
}

func TestImagesAreCarried(t *testing.T) {
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		d := desk{t, t.TempDir()}
		from, to := haventest.Start(t, haventest.Options{Plain: true}).Door, size.Start(t, haventest.Options{Plain: true}).Door
		crane, cosign, oras := haventest.Tool(t, "crane"), haventest.Tool(t, "cosign"), haventest.Tool(t, "oras")
		from.NewProject(t, "team", false)
		host := strings.TrimPrefix(from.URL, "http://")
		d.ok(crane, "auth", "login", host, "-u", "admin", "-p", haventest.AdminPassword)
		for _, version := range []string{"1", "2"} {
			d.ok(crane, "push", "--insecure", haventest.NewImage(t, "app:"+version), host+"/team/app:"+version)
		}
		d.ok(crane, "index", "append", "--insecure", "-m", host+"/team/app:1", "-m", host+"/team/app:2", "-t", host+"/team/app:both")
		d.ok(crane, "copy", "--insecure", host+"/team/app:2", host+"/team/deep/er/other:2")
		d.ok(cosign, "generate-key-pair")
		sign := []string{"sign", "--yes", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"}
		digest := strings.TrimSpace(d.ok(crane, "digest", "--insecure", host+"/team/app:1"))
		d.ok(cosign, append(sign, host+"/team/app@"+digest)...)
		d.ok(cosign, append(sign, "--new-bundle-format=false", host+"/team/app@"+digest)...)
		if err := os.WriteFile(d.path("note.txt"), []byte("reviewed"), 0o600); err != nil {
			t.Fatal(err)
		}
		d.ok(oras, "attach", "--plain-http", "--artifact-type", "application/vnd.example.note", host+"/team/app:both", "note.txt")

		edition := d.path("edition")
		if err := errors.Join(os.Mkdir(edition, 0o700), scantest.WriteDatabase(edition, 1)); err != nil {
			t.Fatal(err)
		}
		if out, err := d.command(from, "vulndb", "import", edition); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}

		d.must(from, "create", "first.tar", "team", "--vulndb")
		if out := d.must(from, "show", "first.tar"); !strings.Contains(out, "team/app:both") || !strings.Contains(out, digest) {
			t.Errorf("it shows %s", out)
		}
		d.must(from, "verify", "first.tar")
		d.must(to, "apply", "first.tar")
		d.same(from, to, "team", "app", "deep%252Fer%252Fother")
		if a, b := d.edition(from), d.edition(to); a != b {
			t.Errorf("there packages are judged by %s, here by %s", b, a)
		}
		there := strings.TrimPrefix(to.URL, "http://")
		d.ok(crane, "auth", "login", there, "-u", "admin", "-p", haventest.AdminPassword)
		d.ok(crane, "validate", "--insecure", "--remote", there+"/team/app:1")
		for _, form := range [][]string{nil, {"--new-bundle-format=false"}} {
			d.ok(cosign, slices.Concat([]string{"verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--allow-http-registry"}, form, []string{there + "/team/app@" + digest})...)
		}
		if out := d.must(to, "apply", "first.tar"); !strings.Contains(out, "0 artifacts brought, with 0 blobs") {
			t.Errorf("brought again: %s", out)
		}

		// What is new since: without the blobs that the first one has, and a tag that moved back to what that has.
		d.ok(crane, "push", "--insecure", haventest.NewImage(t, "app:3"), host+"/team/app:3")
		d.ok(crane, "tag", "--insecure", host+"/team/app:1", "2")
		d.must(from, "create", "second.tar", "team/**:*", "--since", "first.tar")
		if first, second := d.size("first.tar"), d.size("second.tar"); second >= first {
			t.Errorf("the second bundle has %d bytes, the first %d", second, first)
		}
		empty := haventest.Start(t, haventest.Options{Plain: true}).Door
		d.refused(empty, "bring that first", "apply", "second.tar")
		d.must(to, "apply", "second.tar")
		d.same(from, to, "team", "app")

		// Other programs read it as the layout that it is.
		if out := d.ok(oras, "repo", "tags", "--oci-layout", "first.tar"); !strings.Contains(out, "team/app:both\n") {
			t.Errorf("oras finds %s", out)
		}

		// One image, and its tags alone.
		d.must(from, "create", "one.tar", "team/app:3")
		if out := d.must(from, "show", "one.tar"); strings.Count(out, "team/") != 1 {
			t.Errorf("it shows %s", out)
		}
	}, haventest.Alone, haventest.Replicated)
}

func (d desk) size(name string) int64 {
	d.Helper()
	info, err := os.Stat(d.path(name))
	if err != nil {
		d.Fatal(err)
	}
	return info.Size()
}

// What a user does wrong, or a stick, is told in words, and leaves no file behind.
func TestWhatCanGoWrong(t *testing.T) {
	d := desk{t, t.TempDir()}
	s := haventest.Start(t, haventest.Options{Plain: true}).Door
	s.NewProject(t, "team", false)
	host := strings.TrimPrefix(s.URL, "http://")
	crane := haventest.Tool(t, "crane")
	d.ok(crane, "auth", "login", host, "-u", "admin", "-p", haventest.AdminPassword)
	d.ok(crane, "push", "--insecure", haventest.NewImage(t, "app:1"), host+"/team/app:1")

	d.refused(s, "nothing there is called", "create", "x.tar", "team/other")
	d.refused(s, "nothing there is called", "create", "x.tar", "elsewhere")
	d.refused(s, "expected a tag", "create", "x.tar", "team/app:")
	d.refused(s, "no such file", "create", "x.tar", "team", "--since", "missing.tar")
	d.refused(s, "no such file", "create", "missing/x.tar", "team")
	d.refused(s, "no vulnerability database", "create", "x.tar", "team", "--vulndb")
	d.refused(haventest.Door{URL: "http://127.0.0.1:1"}, "127.0.0.1", "create", "x.tar", "team")
	out, err := d.run([]string{"HAVEN_PASSWORD=not-the-one"}, haventest.Binary(t, true), "bundle", "create", "x.tar", "team", "--server", s.URL, "--username", "admin")
	if err == nil || !strings.Contains(out, "secret is wrong") {
		t.Errorf("a wrong password: %v\n%s", err, out)
	}
	left, err := filepath.Glob(d.path("*x.tar*"))
	if more, _ := filepath.Glob(d.path(".x.tar*")); err != nil || len(left)+len(more) > 0 {
		t.Errorf("left are %v %v, %v", left, more, err)
	}

	d.must(s, "create", "whole.tar", "team")
	whole, err := os.ReadFile(d.path("whole.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"cut.tar": whole[:len(whole)-3000], "text.tar": bytes.Repeat([]byte("no archive. "), 100), "empty.tar": nil,
	} {
		if err := os.WriteFile(d.path(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		d.refused(s, "not a bundle", "apply", name)
	}
	other := haventest.Start(t, haventest.Options{Plain: true}).Door
	spoiled := bytes.Clone(whole)
	at := bytes.Index(spoiled, []byte{0x1f, 0x8b}) // a layer
	if at < 0 {
		at = len(spoiled) / 3
	}
	spoiled[at+100] ^= 1
	if err := os.WriteFile(d.path("spoiled.tar"), spoiled, 0o600); err != nil {
		t.Fatal(err)
	}
	d.refused(s, "has other bytes", "verify", "spoiled.tar")
	if out, err := d.haven(other, "apply", "spoiled.tar"); err == nil {
		t.Errorf("spoiled bytes are brought:\n%s", out)
	}
	if a := other.Call(t, "admin", haventest.AdminPassword, http.MethodGet, "/api/v2.0/projects/team/repositories/app/artifacts/1", nil); a.Status != http.StatusNotFound {
		t.Errorf("the spoiled image answers %d", a.Status)
	}
	d.must(other, "apply", "whole.tar") // it goes on where the spoiled one ended
	d.same(s, other, "team", "app")
}
