//go:build acceptance

// Package clients plays what users do with the programs they have: log in, push,
// list, pull, copy, delete, charts, referrers, signatures. Each client works in a
// private project of its own, as a maintainer or a robot, and is refused with a wrong
// password. Docker's daemon, podman and buildah are the distribution's (older)
// versions, the rest are current.
package clients

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// commandLimit is more than any step takes, so that a client that hangs is a failure
// with its output and not a test that times out.
const commandLimit = 3 * time.Minute

const password = "Client-test-12345"

func TestClients(t *testing.T) {
	dockerHost := haventest.StartDocker(t)
	clients := []struct {
		name string
		use  func(s *session)
	}{
		{"docker", func(s *session) { docker(s, dockerHost) }},
		{"podman", podman},
		{"buildah", buildah},
		{"skopeo", skopeo},
		{"crane", crane},
		{"regctl", regctl},
		{"oras", oras},
		{"helm", helm},
		{"cosign", cosign},
		{"notation", notation},
	}
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		server := size.Start(t, haventest.Options{})
		for _, c := range clients {
			t.Run(c.name, func(t *testing.T) {
				project := c.name + "-team"
				server.NewProject(t, project, false)
				server.NewMember(t, project, c.name, password, haventest.Maintainer)
				c.use(newSession(t, server, project, c.name))
			})
		}
	}, haventest.Alone, haventest.Replicated)
}

// session is one client at work: its user, its project, and a home directory that
// holds all that it keeps.
type session struct {
	*testing.T
	server  *haventest.Site
	host    string // of the registry, as in image names
	project string
	user    string
	home    string
	env     []string
}

func newSession(t *testing.T, server *haventest.Site, project, user string) *session {
	home := t.TempDir()
	return &session{
		T: t, server: server, host: server.Host, project: project, user: user, home: home,
		env: append(os.Environ(),
			"HOME="+home,
			"DOCKER_CONFIG="+home,
			"REGISTRY_AUTH_FILE="+filepath.Join(home, "auth.json"),
			"REGCTL_CONFIG="+filepath.Join(home, "regctl.json"),
			"HELM_REGISTRY_CONFIG="+filepath.Join(home, "helm.json"),
			"XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home,
			"COSIGN_PASSWORD=",
		),
	}
}

// ref is an image name in the session's project.
func (s *session) ref(rest string) string { return s.host + "/" + s.project + "/" + rest }

// path is a file in the session's home.
func (s *session) path(name string) string { return filepath.Join(s.home, name) }

// ok runs a program that must succeed and returns what it wrote to its output.
func (s *session) ok(program string, args ...string) string {
	s.Helper()
	out, all, err := s.run("", program, args...)
	if err != nil {
		s.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, all)
	}
	return out
}

// okInput is ok with text on the program's input.
func (s *session) okInput(input, program string, args ...string) string {
	s.Helper()
	out, all, err := s.run(input, program, args...)
	if err != nil {
		s.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, all)
	}
	return out
}

// refused runs a program that must fail, and say one of the words, because the
// registry refused: not because it could not be reached.
func (s *session) refused(words []string, program string, args ...string) {
	s.Helper()
	_, all, err := s.run("", program, args...)
	if err == nil {
		s.Fatalf("%s %s: succeeded, want a refusal\n%s", filepath.Base(program), strings.Join(args, " "), all)
	}
	for _, w := range words {
		if strings.Contains(strings.ToLower(all), w) {
			return
		}
	}
	s.Fatalf("%s %s: failed with another reason than %q\n%s", filepath.Base(program), strings.Join(args, " "), words, all)
}

var (
	unauthorized = []string{"401", "unauthorized", "authentication required", "invalid username", "incorrect username"}
	notFound     = []string{"404", "not found", "manifest unknown", "manifest_unknown", "not exist"}
)

func (s *session) run(input, program string, args ...string) (out, all string, err error) {
	ctx, cancel := context.WithTimeout(s.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = s.home, s.env
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stdout.String() + stderr.String(), err
}

// tool is the path of a program that scripts/tools has.
func (s *session) tool(name string) string { return haventest.Tool(s.T, name) }

func (s *session) write(name, content string) string {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
	return s.path(name)
}

// has fails the test unless the text has each of the words.
func (s *session) has(text string, words ...string) {
	s.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.Fatalf("%q is missing in:\n%s", w, text)
		}
	}
}

// hasNot fails the test when the text has the word.
func (s *session) hasNot(text, word string) {
	s.Helper()
	if strings.Contains(text, word) {
		s.Fatalf("%q is still in:\n%s", word, text)
	}
}

// digest is the digest that the registry's API gives for a tag: what a client was told
// over /v2/ has to agree with it.
func (s *session) digest(repository, tag string) string {
	s.Helper()
	a := s.server.Call(s.T, s.user, password, http.MethodGet,
		"/api/v2.0/projects/"+s.project+"/repositories/"+strings.ReplaceAll(repository, "/", "%252F")+"/artifacts/"+tag, nil)
	var artifact struct{ Digest string }
	if err := json.Unmarshal(a.Body, &artifact); err != nil || a.Status != http.StatusOK {
		s.Fatalf("artifact %s:%s: status %d: %s", repository, tag, a.Status, a.Body)
	}
	return artifact.Digest
}
