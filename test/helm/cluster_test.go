//go:build acceptance

package helm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/cluster"
)

// site is a cluster that helm installs into.
type site struct {
	*cluster.Cluster
	kubeconfig string
}

// startSite starts a cluster with the kinds that the chart may make.
func startSite(t *testing.T) *site {
	t.Helper()
	c := &site{Cluster: cluster.Start(t)}
	c.kubeconfig = c.Write("kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: admin, user: {token: %q}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
`, c.URL, c.CAFile, cluster.AdminToken))
	var kinds []map[string]any
	for _, text := range strings.Split(readText(t, "testdata/crds.yaml"), "\n---\n") {
		kinds = append(kinds, parse(t, text)[0])
	}
	for _, kind := range kinds {
		c.Must(http.MethodPost, cluster.Collection("apiextensions.k8s.io/v1", "CustomResourceDefinition", ""), kind, nil)
	}
	for _, kind := range kinds {
		spec := object(kind)
		path := cluster.Collection(spec.text("spec", "group")+"/v1", spec.text("spec", "names", "kind"), "default")
		await.Until(t, "the cluster knows "+path, func() bool {
			status, _ := c.Try(http.MethodGet, path, nil)
			return status == http.StatusOK
		})
	}
	// The cluster warns of pods that it would refuse under its strictest rules.
	c.Namespace(namespace, map[string]string{"pod-security.kubernetes.io/warn": "restricted"})
	return c
}

// helm runs helm on the cluster.
func (c *site) helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := helm(t, append(args, "--kubeconfig", c.kubeconfig)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// take has the API server look at each object as it does when it is applied, strictly, and keep none.
func (c *site) take(t *testing.T, o object) {
	t.Helper()
	path := cluster.Collection(o.text("apiVersion"), o.text("kind"), o.text("metadata", "namespace")) + "/" + o.text("metadata", "name")
	status, text, header := c.Ask(http.MethodPatch, path+"?fieldManager=test&force=true&dryRun=All&fieldValidation=Strict", "application/apply-patch+yaml", map[string]any(o))
	if status/100 != 2 {
		t.Errorf("%s: %d %s", path, status, text)
	}
	for _, warning := range header.Values("Warning") {
		t.Errorf("%s: %s", path, warning)
	}
}

// stored is an object as the cluster has it, nil where it has none.
func (c *site) stored(t *testing.T, apiVersion, kind, name string) object {
	t.Helper()
	status, text := c.Try(http.MethodGet, cluster.Collection(apiVersion, kind, namespace)+"/"+name, nil)
	if status == http.StatusNotFound {
		return nil
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil || status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", kind, name, status, text)
	}
	return o
}

// What comes out of the chart is taken by a cluster, and releases live there.
func TestCluster(t *testing.T) {
	c := startSite(t)
	for _, step := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"value sets", c.takesEachValueSet},
		{"the manual's command", c.installsAsTheManualSays},
		{"an upgrade and the way back", c.upgradesAndRollsBack},
		{"a certificate that is made", c.keepsItsCertificate},
		{"parts from elsewhere", c.installsOnExternalParts},
		{"values without effect", c.namesWhatDoesNothing},
		{"what should be known", c.warns},
	} {
		t.Run(step.name, func(t *testing.T) {
			c.T = t
			step.test(t)
		})
	}
	c.T = t
}

// What comes out of each value set is taken, is the same when it is rendered again, and is what Haven takes as its settings.
func (c *site) takesEachValueSet(t *testing.T) {
	for _, file := range valueSets(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c.T = t
			r := render(t, "--values", file)
			if again := render(t, "--values", file); again.text != r.text {
				t.Error("rendered again it is another")
			}
			for _, o := range r.objects {
				c.take(t, o)
				checkPod(t, o)
				if o.text("data", "haven.yaml") != "" {
					checkSettings(t, r, o)
				}
			}
		})
	}
}

// checkSettings: Haven takes them, and they hold no secret.
func checkSettings(t *testing.T, r rendering, o object) {
	t.Helper()
	checkAddresses(t, read(t, r.settings(t, o.text("metadata", "name"))))
	for _, secret := range []string{"a-password-of-ours", "p@ss", "p%40ss", "s:e/c", "s%3Ae", "robot:p", "AKIA", "a2V5", "Zm9yLXRoZS10"} {
		if strings.Contains(o.text("data", "haven.yaml"), secret) {
			t.Errorf("a ConfigMap holds %s", secret)
		}
	}
}

// checkPod: every container runs with as few rights as can be, and its limits are known.
func checkPod(t *testing.T, o object) {
	t.Helper()
	spec, _ := o.get("spec", "template", "spec").(map[string]any)
	if spec == nil {
		return
	}
	of := o.text("kind") + " " + o.text("metadata", "name")
	pod := object(spec)
	if pod.text("securityContext", "runAsNonRoot") != "true" || pod.text("securityContext", "seccompProfile", "type") != "RuntimeDefault" {
		t.Errorf("%s: the pod's security context is %v", of, pod["securityContext"])
	}
	container := object(pod.get("containers", "0").(map[string]any))
	security := object(container.get("securityContext").(map[string]any))
	if security.text("allowPrivilegeEscalation") != "false" || security.text("capabilities", "drop") != "[ALL]" || security["readOnlyRootFilesystem"] == nil {
		t.Errorf("%s: the container's security context is %v", of, security)
	}
	for _, probe := range []string{"livenessProbe", "readinessProbe"} {
		if container[probe] == nil {
			t.Errorf("%s has no %s", of, probe)
		}
	}
}
