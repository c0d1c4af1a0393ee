//go:build acceptance

package release

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

// The image comes into a registry with all that is said of it, is verified there by Cosign, and runs.
func checkImage(t *testing.T, m made) {
	registry := haventest.Start(t, haventest.Options{Plain: true})
	crane, oras, cosign := haventest.Tool(t, "crane"), haventest.Tool(t, "oras"), haventest.Tool(t, "cosign")
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", home)
	run(t, exec.Command(crane, "auth", "login", registry.Host, "--username", "admin", "--password", haventest.AdminPassword))
	image := registry.Host + "/library/haven:" + version
	run(t, exec.Command(oras, "copy", "--recursive", "--from-oci-layout", "--to-plain-http", m.file("haven_"+version+"_image.tar")+":"+version, image))
	for _, arch := range architectures() {
		platform := "linux/" + arch
		digest := strings.TrimSpace(run(t, exec.Command(crane, "digest", "--insecure", "--platform", platform, image)))
		one := registry.Host + "/library/haven@" + digest
		found := run(t, exec.Command(oras, "discover", "--plain-http", "--format", "json", one))
		if !strings.Contains(found, "application/spdx+json") {
			t.Errorf("of %s the registry knows no SBOM: %s", platform, found)
		}
		for _, signed := range []string{image, one} {
			run(t, exec.Command(cosign, "verify", "--key", m.public, "--insecure-ignore-tlog=true", "--allow-http-registry", signed))
		}
	}
	root := t.TempDir()
	archive := filepath.Join(t.TempDir(), "root.tar")
	run(t, exec.Command(crane, "export", "--insecure", "--platform", "linux/amd64", image, archive))
	run(t, exec.Command("tar", "-xpf", archive, "-C", root))
	var config struct {
		Config struct{ Entrypoint, Cmd, Env []string }
	}
	must(t, json.Unmarshal([]byte(run(t, exec.Command(crane, "config", "--insecure", "--platform", "linux/amd64", image))), &config))
	container{t, root, config.Config.Env}.serves(append(config.Config.Entrypoint, config.Config.Cmd...))
}

// container is a process in a root file system, as the user that the image says.
type container struct {
	t    *testing.T
	root string
	env  []string
}

const user = 65532

func (c container) command(ctx context.Context, args ...string) *exec.Cmd {
	var path string
	for _, set := range c.env {
		if folder, is := strings.CutPrefix(set, "PATH="); is {
			path = folder
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(path, args[0]), args[1:]...)
	cmd.Err = nil // it isn't to be found out here
	cmd.Dir, cmd.Env = "/", c.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
		return cmd
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getgid(), Size: 1}}
	return cmd
}

// files are all files outside the folders that may be written to, with what changes when somebody writes.
func (c container) files() (all []string) {
	c.t.Helper()
	must(c.t, filepath.WalkDir(c.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(c.root, path)
		if err != nil {
			return err
		}
		if rel == "data" || rel == "tmp" {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		all = append(all, strings.Join([]string{rel, info.Mode().String(), info.ModTime().UTC().Format(time.RFC3339Nano)}, " "))
		return nil
	}))
	return all
}

// serves has the default command serve, asks it, and has it end. It writes nothing but data.
func (c container) serves(command []string) {
	t := c.t
	t.Helper()
	before := c.files()
	host := haventest.FreeAddress(t)
	c.env = append(c.env, "HAVEN_LISTEN="+host, "HAVEN_METRICS_LISTEN="+haventest.FreeAddress(t), "HAVEN_ADMIN_PASSWORD="+haventest.AdminPassword)
	if out := run(t, c.command(t.Context(), "haven", "version")); out != "haven "+version+"\n" {
		t.Errorf("haven version: %s", out)
	}
	if out, err := c.command(t.Context(), "haven", "health").CombinedOutput(); err == nil {
		t.Errorf("nobody serves, and haven health says %s", out)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	must(t, err)
	defer log.Close()
	serve := c.command(context.WithoutCancel(t.Context()), command...)
	serve.Stdout, serve.Stderr = log, log
	must(t, serve.Start())
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	await.Until(t, "haven health says that it is ready", func() bool {
		select {
		case err := <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("it ended: %v\n%s", err, text)
		default:
		}
		return c.command(t.Context(), "haven", "health").Run() == nil
	})
	door := haventest.Door{Host: host, URL: "http://" + host}
	door.Admin(t, http.StatusOK, http.MethodGet, "/v2/_catalog", nil)
	page := door.Call(t, "", "", http.MethodGet, "/", nil)
	if page.Status != http.StatusOK || !strings.Contains(string(page.Body), "<script") {
		t.Errorf("the portal is %d %s", page.Status, page.Body)
	}
	must(t, serve.Process.Signal(syscall.SIGTERM))
	if err := <-ended; err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Errorf("it ended: %v\n%s", err, text)
	}
	if _, err := os.Stat(filepath.Join(c.root, "data", "haven.db")); err != nil {
		t.Error(err)
	}
	if after := c.files(); !slices.Equal(before, after) {
		t.Errorf("it wrote outside its data:\n%q\n%q", before, after)
	}
}
