//go:build acceptance

package clients

import (
	"strings"

	"github.com/havenregistry/haven/test/haventest"
)

func skopeo(s *session) {
	program := s.tool("skopeo")
	run := func(args ...string) string { return s.ok(program, append([]string{"--insecure-policy"}, args...)...) }
	docker := func(rest string) string { return "docker://" + s.ref(rest) }

	s.refused(unauthorized, program, "login", "--tls-verify=false", "-u", s.user, "-p", "wrong", s.host)
	run("login", "--tls-verify=false", "-u", s.user, "-p", password, s.host)

	archive := "docker-archive:" + haventest.NewImage(s.T, "skopeo-demo:1")
	run("copy", "--dest-tls-verify=false", archive, docker("app:1"))
	run("copy", "--dest-tls-verify=false", "--format", "v2s2", archive, docker("app:schema2"))
	s.has(run("list-tags", "--tls-verify=false", docker("app")), `"1"`, `"schema2"`)
	s.has(run("inspect", "--tls-verify=false", docker("app:1")), s.digest("app", "1"), `"org.example": "haven"`)
	s.has(run("inspect", "--raw", "--tls-verify=false", docker("app:schema2")), "application/vnd.docker.distribution.manifest.v2+json")

	run("copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests", docker("app:1"), docker("copies/app:1"))
	if a, b := s.digest("app", "1"), s.digest("copies/app", "1"); a != b {
		s.Fatalf("the copy is %s, its source %s", b, a)
	}
	run("copy", "--src-tls-verify=false", docker("copies/app:1"), "oci:"+s.path("layout")+":1")
	s.refused(append(unauthorized, "denied"), program, "--insecure-policy", "inspect", "--no-creds", "--tls-verify=false", docker("app:1"))

	run("delete", "--tls-verify=false", docker("copies/app:1"))
	s.refused(notFound, program, "inspect", "--tls-verify=false", docker("copies/app:1"))
	run("logout", s.host)
}

func crane(s *session) {
	program := s.tool("crane")
	run := func(args ...string) string { return s.ok(program, append(args, "--insecure")...) }

	run("auth", "login", s.host, "-u", s.user, "-p", "wrong")
	s.refused(unauthorized, program, "ls", s.ref("app"), "--insecure")
	run("auth", "login", s.host, "-u", s.user, "-p", password)

	archive := haventest.NewImage(s.T, "crane-demo:1")
	s.has(run("push", archive, s.ref("app:1")), s.digest("app", "1"))
	run("push", haventest.NewImage(s.T, "crane-demo:2"), s.ref("app:2"))
	run("tag", s.ref("app:1"), "stable")
	if got := run("ls", s.ref("app")); got != "1\n2\nstable\n" {
		s.Fatalf("crane ls: %q", got)
	}
	run("index", "append", "-m", s.ref("app:1"), "-m", s.ref("app:2"), "-t", s.ref("app:both"))
	s.has(run("manifest", s.ref("app:both")), s.digest("app", "1"), s.digest("app", "2"))

	run("copy", s.ref("app:both"), s.ref("mirror/app:both"))
	if got := strings.TrimSpace(run("digest", s.ref("mirror/app:both"))); got != s.digest("app", "both") {
		s.Fatalf("the copied index is %s", got)
	}
	run("pull", s.ref("mirror/app@")+s.digest("app", "1"), s.path("pulled.tar"))
	run("validate", "--remote", s.ref("app:1"))

	run("delete", s.ref("mirror/app@")+s.digest("app", "both"))
	s.refused(notFound, program, "digest", s.ref("mirror/app:both"), "--insecure")
}

func regctl(s *session) {
	program := s.tool("regctl")
	run := func(args ...string) string { return s.ok(program, args...) }

	run("registry", "set", s.host, "--tls", "disabled", "--skip-check")
	s.refused(unauthorized, program, "registry", "login", s.host, "-u", s.user, "-p", "wrong")
	run("registry", "login", s.host, "-u", s.user, "-p", password)

	run("image", "import", s.ref("app:1"), haventest.NewImage(s.T, "regctl-demo:1"))
	run("image", "copy", s.ref("app:1"), s.ref("app:2"))
	run("index", "create", s.ref("app:index"), "--ref", s.ref("app:1"), "--ref", s.ref("app:2"))
	if got := run("tag", "ls", s.ref("app")); got != "1\n2\nindex\n" {
		s.Fatalf("regctl tag ls: %q", got)
	}
	s.has(run("tag", "ls", s.ref("app"), "--limit", "1", "--last", "1"), "2")
	s.has(run("repo", "ls", s.host), s.project+"/app")

	s.okInput("notes", program, "artifact", "put", "--artifact-type", "application/vnd.example.notes",
		"--file-media-type", "text/plain", "--subject", s.ref("app:1"))
	s.has(run("artifact", "list", s.ref("app:1"), "--filter-artifact-type", "application/vnd.example.notes"), "application/vnd.example.notes")
	if got := run("artifact", "get", "--subject", s.ref("app:1"), "--filter-artifact-type", "application/vnd.example.notes"); got != "notes" {
		s.Fatalf("the referrer's content is %q", got)
	}
	// Referrers travel with a copy that asks for them.
	run("image", "copy", "--referrers", s.ref("app:1"), s.ref("copy:1"))
	s.has(run("artifact", "list", s.ref("copy:1")), "application/vnd.example.notes")

	layer := run("blob", "put", s.ref("raw"), "--content-type", "application/octet-stream")
	if got := run("blob", "get", s.ref("raw"), strings.TrimSpace(layer)); got != "" {
		s.Fatalf("an empty blob came back as %q", got)
	}
	run("image", "export", s.ref("app:1"), s.path("exported.tar"))

	run("tag", "rm", s.ref("app:2"))
	s.hasNot(run("tag", "ls", s.ref("app")), "2\n")
	s.has(run("tag", "ls", s.ref("app")), "1\n")
	run("manifest", "delete", "--force-tag-dereference", s.ref("app:index"))
	s.refused(notFound, program, "manifest", "head", s.ref("app:index"))
}

func oras(s *session) {
	program := s.tool("oras")
	run := func(args ...string) string { return s.ok(program, args...) }

	s.refused(unauthorized, program, "login", "--plain-http", s.host, "-u", s.user, "-p", "wrong")
	s.okInput(password, program, "login", "--plain-http", s.host, "-u", s.user, "--password-stdin")

	s.write("config.yaml", "a: 1\n")
	s.write("report.json", `{"ok":true}`)
	run("push", "--plain-http", s.ref("files:1,latest"), "--artifact-type", "application/vnd.example.files",
		"config.yaml:application/yaml", "report.json:application/json")
	s.has(run("repo", "tags", "--plain-http", s.ref("files")), "1\n", "latest\n")
	s.has(run("resolve", "--plain-http", s.ref("files:1")), s.digest("files", "1"))

	run("attach", "--plain-http", "--artifact-type", "application/vnd.example.report", s.ref("files:1"), "report.json")
	s.has(run("discover", "--plain-http", s.ref("files:1")), "application/vnd.example.report")
	s.has(run("discover", "--plain-http", "--distribution-spec", "v1.1-referrers-api", "--format", "json", s.ref("files:1")), "application/vnd.example.report")

	run("copy", "--recursive", "--from-plain-http", "--to-plain-http", s.ref("files:1"), s.ref("copies/files:1"))
	s.has(run("discover", "--plain-http", s.ref("copies/files:1")), "application/vnd.example.report")
	run("pull", "--plain-http", "-o", s.path("pulled"), s.ref("copies/files:1"))
	run("tag", "--plain-http", s.ref("files:1"), "stable")
	s.has(run("repo", "ls", "--plain-http", s.host), s.project+"/files")

	run("manifest", "delete", "--plain-http", "--force", s.ref("copies/files:1"))
	s.refused(notFound, program, "manifest", "fetch", "--plain-http", s.ref("copies/files:1"))
	run("logout", s.host)
}
