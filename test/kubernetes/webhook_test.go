//go:build acceptance

package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/admission"
	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/haventest"
)

const (
	robotPassword = "canary-of-the-cluster's-robot"
	webhookName   = "haven-admission"
)

var digest = "sha256:" + strings.Repeat("d", 64)

// haven stands for Haven's evaluation API: what an image is called says what it is.
func haven(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct{ Images []string }
		name, password, _ := r.BasicAuth()
		if r.URL.Path != "/api/haven/v1/evaluate" || name != "robot$cluster" || password != robotPassword || json.NewDecoder(r.Body).Decode(&question) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		verdicts := []map[string]any{}
		for _, image := range question.Images {
			v := map[string]any{"image": image, "digest": digest, "allowed": false}
			switch {
			case strings.HasPrefix(image, "prod/clean"):
				v["allowed"] = true
			case strings.HasPrefix(image, "prod/vulnerable"):
				v["message"], v["reasons"] = "2 vulnerabilities are critical", []string{"vulnerable"}
			default:
				v["message"], v["reasons"] = "no signature that the trust policy accepts", []string{"unsigned"}
			}
			verdicts = append(verdicts, v)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"verdicts": verdicts})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// webhook is the program, called by the cluster.
type webhook struct {
	c       *cluster
	args    []string
	address string
	started int
	process *exec.Cmd
}

// startWebhook applies the manifests, with the webhooks called by URL, and starts the program with the service account's
// rights.
func startWebhook(t *testing.T, c *cluster, more ...string) *webhook {
	t.Helper()
	policy := fmt.Sprintf(`
haven: {url: %q, username_file: %s, password_file: %s}
registries:
- {prefix: registry.test/, by: haven}
- {prefix: registry.k8s.io/, by: allow}
exemptions:
- {image: quay.io/agreed/*, reason: "agreed with the platform team"}
`, haven(t), c.write("username", "robot$cluster"), c.write("password", robotPassword))
	w := &webhook{c: c, address: "127.0.0.1:" + freePort(t)}
	var manifests bytes.Buffer
	if err := admission.WriteManifests(&manifests, admission.Manifests{Image: "registry.test/prod/haven@" + digest, Namespace: webhookName, Name: webhookName,
		Replicas: 2, FailurePolicy: "Fail", Mutate: true, RobotSecret: "haven-robot", Policy: policy}); err != nil {
		t.Fatal(err)
	}
	w.apply(manifests.Bytes())
	w.args = append([]string{"admission", "--policy", c.write("policy.yaml", policy), "--listen", w.address, "--self-signed", "--namespace", webhookName,
		"--tls-name", "127.0.0.1", "--kube-api", c.url, "--kube-ca-file", c.caFile, "--kube-token-file", c.write("token", webhookToken), "--drain-delay", "0s"}, more...)
	w.start()
	return w
}

// apply makes each object as kubectl would, strictly.
func (w *webhook) apply(manifests []byte) {
	t := w.c.t
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
		w.c.must(http.MethodPost, collection(object["apiVersion"].(string), kind, namespace)+"?fieldValidation=Strict", object, nil)
	}
}

func (w *webhook) start() {
	t := w.c.t
	t.Helper()
	w.started++
	w.process = run(t, filepath.Join(w.c.dir, fmt.Sprintf("haven-%d.log", w.started)), haventest.Binary(t, true), w.args...)
	await.Until(t, "the cluster believes the webhook", func() bool {
		status, _ := w.c.try(http.MethodPost, collection("v1", "Pod", "default")+"?dryRun=All", pod("probe", "registry.test/prod/clean:v1"))
		return status == http.StatusCreated
	})
}

// stop ends the program as a cluster does; it must end well.
func (w *webhook) stop() {
	t := w.c.t
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
