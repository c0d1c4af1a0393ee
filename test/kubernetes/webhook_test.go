//go:build acceptance

package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/admission"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/scan/scantest"
	"github.com/havenregistry/haven/test/cluster"
	"github.com/havenregistry/haven/test/haventest"
)

const webhookName = "haven-admission"

// haven is a registry with three images that are what they are called: clean is signed and has nothing, vulnerable is signed, and
// nobody has signed stray.
type haven struct {
	haventest.Door
	robot, password string
	clean           string // its digest
}

func startHaven(t *testing.T) haven {
	t.Helper()
	h := haven{Door: haventest.Start(t, haventest.Options{}).Door}
	h.NewProject(t, "prod", false)
	h.robot, h.password = h.NewRobot(t, "prod", "cluster", [][2]string{{"repository", "pull"}})
	home := t.TempDir()
	env := append(os.Environ(), "HOME="+home, "DOCKER_CONFIG="+home, "COSIGN_PASSWORD=", "HAVEN_SERVER="+h.URL, "HAVEN_USERNAME=admin", "HAVEN_PASSWORD="+haventest.AdminPassword)
	do := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = home, env
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	database := filepath.Join(home, "database")
	if err := errors.Join(os.Mkdir(database, 0o700), scantest.WriteDatabase(database, 1)); err != nil {
		t.Fatal(err)
	}
	do(haventest.Binary(t, true), "vulndb", "import", database)
	crane, cosign := haventest.Tool(t, "crane"), haventest.Tool(t, "cosign")
	do(crane, "auth", "login", h.Host, "-u", "admin", "-p", haventest.AdminPassword)
	do(cosign, "generate-key-pair")
	for name, of := range map[string]string{"clean": "clean", "vulnerable": "debian", "stray": "stale"} {
		layout := filepath.Join(home, name)
		if err := scantest.MakeImage(t, of).WriteLayout(layout); err != nil {
			t.Fatal(err)
		}
		image := h.Host + "/prod/" + name
		do(crane, "push", "--insecure", layout, image+":v1")
		digest := do(crane, "digest", "--insecure", image+":v1")
		if name == "clean" {
			h.clean = digest
			do(crane, "tag", "--insecure", image+":v1", "debug")
		}
		if name != "stray" {
			do(cosign, "sign", "--yes", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry", image+"@"+digest)
		}
		h.Admin(t, http.StatusAccepted, http.MethodPost, "/api/v2.0/projects/prod/repositories/"+name+"/artifacts/v1/scan", nil)
	}
	key, err := os.ReadFile(filepath.Join(home, "cosign.pub"))
	if err != nil {
		t.Fatal(err)
	}
	h.Admin(t, http.StatusOK, http.MethodPut, "/api/haven/v1/projects/prod/signature-policy", map[string]any{"signers": []any{map[string]any{"name": "ci", "keys": []string{string(key)}}}})
	h.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/projects/prod", map[string]any{"metadata": map[string]string{
		"enable_content_trust_cosign": "true", "prevent_vul": "true", "severity": "high"}})
	var said string
	await.Until(t, "what is clean may be pulled", func() bool {
		said = string(h.Call(t, h.robot, h.password, http.MethodPost, "/api/haven/v1/evaluate", map[string]any{"images": []string{"prod/clean:v1", "prod/vulnerable:v1"}}).Body)
		return strings.Contains(said, `"allowed":true`) && strings.Contains(said, "823 vulnerabilities")
	}, func() string { return said })
	return h
}

// webhook is the program, called by the cluster.
type webhook struct {
	c       *site
	args    []string
	address string
	started int
	process *exec.Cmd
}

// startWebhook applies the manifests, with the webhooks called by URL, and starts the program with the service account's
// rights.
func startWebhook(t *testing.T, c *site, more ...string) *webhook {
	t.Helper()
	h := startHaven(t)
	c.clean, c.secret = h.clean, h.password
	policy := fmt.Sprintf(`
haven: {url: %q, username_file: %s, password_file: %s}
registries:
- {prefix: registry.test/, by: haven}
- {prefix: registry.k8s.io/, by: allow}
%sexemptions:
- {image: quay.io/agreed/*, reason: "agreed with the platform team"}
`, h.URL, c.Write("username", h.robot), c.Write("password", h.password), c.more)
	w := &webhook{c: c, address: "127.0.0.1:" + cluster.FreePort(t)}
	var manifests bytes.Buffer
	if err := admission.WriteManifests(&manifests, admission.Manifests{Image: "registry.test/prod/haven@" + h.clean, Namespace: webhookName, Name: webhookName,
		Replicas: 2, FailurePolicy: "Fail", Mutate: true, RobotSecret: "haven-robot", Policy: policy}); err != nil {
		t.Fatal(err)
	}
	w.apply(manifests.Bytes())
	w.args = append([]string{"admission", "--policy", c.Write("policy.yaml", policy), "--listen", w.address, "--self-signed", "--namespace", webhookName,
		"--tls-name", "127.0.0.1", "--kube-api", c.URL, "--kube-ca-file", c.CAFile, "--kube-token-file", c.Write("token", webhookToken), "--drain-delay", "0s"}, more...)
	w.start()
	return w
}

// apply makes each object as kubectl would, strictly.
func (w *webhook) apply(manifests []byte) {
	t := w.c.T
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(manifests))
	for {
		var object map[string]any
		if err := d.Decode(&object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		kind, namespace := object["kind"].(string), ""
		if n, ok := object["metadata"].(map[string]any)["namespace"].(string); ok {
			namespace = n
		}
		if strings.HasSuffix(kind, "WebhookConfiguration") {
			called := object["webhooks"].([]any)[0].(map[string]any)["clientConfig"].(map[string]any)
			called["url"] = "https://" + w.address + called["service"].(map[string]any)["path"].(string)
			delete(called, "service")
		}
		w.c.Must(http.MethodPost, cluster.Collection(object["apiVersion"].(string), kind, namespace)+"?fieldValidation=Strict", object, nil)
	}
}

func (w *webhook) start() {
	t := w.c.T
	t.Helper()
	w.started++
	w.process = cluster.Run(t, filepath.Join(w.c.Dir, fmt.Sprintf("haven-%d.log", w.started)), haventest.Binary(t, true), w.args...)
	await.Until(t, "the cluster believes the webhook", func() bool {
		status, _ := w.c.Try(http.MethodPost, cluster.Collection("v1", "Pod", "default")+"?dryRun=All", pod("probe", "registry.test/prod/clean:v1"))
		return status == http.StatusCreated
	})
}

// stop ends the program as a cluster does; it must end well.
func (w *webhook) stop() {
	t := w.c.T
	t.Helper()
	if err := w.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := w.process.Wait(); err != nil {
		t.Errorf("haven admission after SIGTERM: %v", err)
	}
}

// pod is one with a container.
func pod(name, image string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name}, "spec": podSpec(image)}
}

func podSpec(image string) map[string]any {
	return map[string]any{"containers": []any{container("app", image)}}
}

func container(name, image string) map[string]any {
	return map[string]any{"name": name, "image": image}
}
