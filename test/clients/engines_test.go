//go:build acceptance

package clients

import (
	"os/exec"
	"strings"

	"github.com/havenregistry/haven/test/haventest"
)

func docker(s *session, dockerHost string) {
	s.env = append(s.env, "DOCKER_HOST="+dockerHost)
	program := s.tool("docker")
	s.refused(unauthorized, program, "login", s.host, "-u", s.user, "-p", "wrong")
	s.okInput(password, program, "login", s.host, "-u", s.user, "--password-stdin")

	s.ok(program, "load", "-i", haventest.NewImage(s.T, "docker-demo:1"))
	for _, tag := range []string{"1", "2"} {
		s.ok(program, "tag", "docker-demo:1", s.ref("deep/path/app:"+tag))
		s.has(s.ok(program, "push", s.ref("deep/path/app:"+tag)), s.digest("deep/path/app", tag))
	}
	// A second repository gets its layers by mount from the first.
	s.ok(program, "tag", "docker-demo:1", s.ref("other:1"))
	s.has(s.ok(program, "push", s.ref("other:1")), "Mounted from")

	before := s.ok(program, "image", "inspect", "-f", "{{.Id}}", "docker-demo:1")
	s.ok(program, "rmi", "docker-demo:1", s.ref("deep/path/app:1"), s.ref("deep/path/app:2"), s.ref("other:1"))
	s.ok(program, "pull", s.ref("deep/path/app:2"))
	if after := s.ok(program, "image", "inspect", "-f", "{{.Id}}", s.ref("deep/path/app:2")); after != before {
		s.Fatalf("pulled image %s, pushed %s", after, before)
	}
	s.ok(program, "rmi", s.ref("deep/path/app:2"))
	s.ok(program, "pull", s.ref("deep/path/app@")+s.digest("deep/path/app", "1"))
	s.refused(notFound, program, "pull", s.ref("deep/path/app:none"))

	s.ok(program, "logout", s.host)
	s.refused(append(unauthorized, "denied", "credentials"), program, "pull", s.ref("other:1"))
}

func podman(s *session) {
	program := s.tool("podman")
	store := []string{"--root", s.path("store"), "--runroot", s.path("run")}
	cleanStore(s, program, store)
	run := func(args ...string) string { return s.ok(program, append(store, args...)...) }

	s.refused(unauthorized, program, "login", "--tls-verify=false", "-u", s.user, "-p", "wrong", s.host)
	// A robot under the spelling that shells leave alone.
	name, secret := s.server.NewRobot(s.T, s.project, "ci", [][2]string{{"repository", "push"}, {"repository", "pull"}})
	s.ok(program, "login", "--tls-verify=false", "-u", strings.Replace(name, "$", "-", 1), "-p", secret, s.host)

	run("load", "-i", haventest.NewImage(s.T, "podman-demo:1"))
	run("tag", "localhost/podman-demo:1", s.ref("app:1"))
	run("push", "--tls-verify=false", s.ref("app:1"))
	run("push", "--tls-verify=false", "--format", "oci", s.ref("app:1"), "docker://"+s.ref("app:oci"))
	s.has(run("search", "--tls-verify=false", "--list-tags", s.ref("app")), "1", "oci")

	run("rmi", "--all", "--force")
	run("pull", "--tls-verify=false", s.ref("app:oci"))
	s.has(run("image", "inspect", "-f", "{{.Digest}}", s.ref("app:oci")), s.digest("app", "oci"))
	s.refused(notFound, program, append(store, "pull", "--tls-verify=false", s.ref("app:none"))...)
	s.ok(program, "logout", s.host)
}

func buildah(s *session) {
	program := s.tool("buildah")
	store := []string{"--root", s.path("store"), "--runroot", s.path("run")}
	cleanStore(s, program, store)
	run := func(args ...string) string { return s.ok(program, append(store, args...)...) }

	s.refused(unauthorized, program, "login", "--tls-verify=false", "-u", s.user, "-p", "wrong", s.host)
	s.ok(program, "login", "--tls-verify=false", "-u", s.user, "-p", password, s.host)

	file := s.write("hello.txt", "hello")
	for _, arch := range []string{"amd64", "arm64"} {
		box := strings.TrimSpace(run("from", "--arch", arch, "scratch"))
		run("copy", box, file, "/")
		run("config", "--arch", arch, box)
		run("commit", "--rm", box, s.ref("built:"+arch))
		run("push", "--tls-verify=false", s.ref("built:"+arch))
	}
	run("manifest", "create", "both", s.ref("built:amd64"))
	run("manifest", "add", "both", s.ref("built:arm64"))
	run("manifest", "push", "--all", "--tls-verify=false", "both", "docker://"+s.ref("built:both"))

	run("rmi", "--all", "--force")
	s.has(s.ok(s.tool("skopeo"), "inspect", "--raw", "--tls-verify=false", "docker://"+s.ref("built:both")), "amd64", "arm64")
	run("pull", "--tls-verify=false", "--arch", "arm64", s.ref("built:both"))
	s.ok(program, "logout", s.host)
}

// cleanStore gives back the mounts of a container store, without which the session's
// home can't be removed.
func cleanStore(s *session, program string, store []string) {
	s.Cleanup(func() {
		_ = exec.Command(program, append(store, "rmi", "--all", "--force")...).Run()
		_ = exec.Command("umount", s.path("store/overlay")).Run()
	})
}
