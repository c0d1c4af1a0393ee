//go:build acceptance

package kubernetes

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/test/cluster"
)

// makers are the objects that make pods, by what a pod's specification is put into.
func makers(name string, spec map[string]any) []map[string]any {
	labels := map[string]any{"app": name}
	template := map[string]any{"metadata": map[string]any{"labels": labels}, "spec": spec}
	once := map[string]any{"metadata": map[string]any{"labels": labels}, "spec": with(spec, "restartPolicy", "Never")}
	selector := map[string]any{"matchLabels": labels}
	object := func(apiVersion, kind string, field string, content any) map[string]any {
		return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}, field: content}
	}
	return []map[string]any{
		object("v1", "Pod", "spec", spec),
		object("v1", "PodTemplate", "template", template),
		object("v1", "ReplicationController", "spec", map[string]any{"selector": labels, "template": template}),
		object("apps/v1", "Deployment", "spec", map[string]any{"selector": selector, "template": template}),
		object("apps/v1", "StatefulSet", "spec", map[string]any{"selector": selector, "serviceName": name, "template": template}),
		object("apps/v1", "DaemonSet", "spec", map[string]any{"selector": selector, "template": template}),
		object("apps/v1", "ReplicaSet", "spec", map[string]any{"selector": selector, "template": template}),
		object("batch/v1", "Job", "spec", map[string]any{"template": once}),
		object("batch/v1", "CronJob", "spec", map[string]any{"schedule": "0 0 * * *", "jobTemplate": map[string]any{"spec": map[string]any{"template": once}}}),
	}
}

func with(m map[string]any, key string, value any) map[string]any {
	more := map[string]any{key: value}
	for k, v := range m {
		more[k] = v
	}
	return more
}

// find collects what stands under a key, anywhere in an object.
func find(object any, key string) []any {
	var found []any
	switch object := object.(type) {
	case map[string]any:
		for k, v := range object {
			if k == key {
				found = append(found, v)
			}
			found = append(found, find(v, key)...)
		}
	case []any:
		for _, v := range object {
			found = append(found, find(v, key)...)
		}
	}
	return found
}

func TestAdmission(t *testing.T) {
	c := startCluster(t)
	another := startAnother(t)
	c.more = another.rule
	w := startWebhook(t, c)
	for _, step := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"what makes pods", c.refusesAndPins},
		{"ephemeral containers", c.refusesDebugging},
		{"modes", c.obeysModes},
		{"what runs already", c.leavesWhatRuns},
		{"images of another registry", func(t *testing.T) { c.verifiesElsewhere(t, another) }},
		{"exemptions", c.exempts},
		{"events", c.tells},
		{"a webhook that is away", func(t *testing.T) { c.failsAsSaid(t, w) }},
	} {
		passed := t.Run(step.name, func(t *testing.T) {
			c.T = t
			step.test(t)
		})
		if c.T = t; !passed {
			return
		}
	}
}

func (c *site) refusesAndPins(t *testing.T) {
	const clean = "registry.test/prod/clean:v1"
	for i, m := range makers("clean", podSpec(clean)) {
		kind, path := m["kind"].(string), cluster.Collection(m["apiVersion"].(string), m["kind"].(string), "default")
		var stored map[string]any
		c.Must(http.MethodPost, path, m, &stored)
		c.Must(http.MethodGet, path+"/clean", nil, &stored)
		if images := find(stored["spec"], "image"); kind != "PodTemplate" && (len(images) != 1 || images[0] != clean+"@"+c.clean) {
			t.Errorf("%s: stored with %v", kind, images)
		}
		if images := find(stored["template"], "image"); kind == "PodTemplate" && (len(images) != 1 || images[0] != clean+"@"+c.clean) {
			t.Errorf("%s: stored with %v", kind, images)
		}
		for image, words := range map[string]string{
			"registry.test/prod/vulnerable:v1": "823 vulnerabilities", "registry.test/prod/stray:v1": "not signed by cosign", "docker.io/library/nginx:1": "docker.io is no registry",
			"nginx": "docker.io is no registry", "registry.test/Prod/x": "this is no image",
		} {
			bad := makers("bad", podSpec(image))[i]
			if status, text := c.Try(http.MethodPost, path, bad); status != http.StatusForbidden || !strings.Contains(text, words) || !strings.Contains(text, "validate.admission.haven.io") {
				t.Errorf("%s with %s: %d %s", kind, image, status, text)
			}
		}
		initial := with(podSpec(clean), "initContainers", []any{container("init", "registry.test/prod/stray:v1")})
		if status, text := c.Try(http.MethodPost, path, makers("bad", initial)[i]); status != http.StatusForbidden || !strings.Contains(text, `init container \"init\"`) {
			t.Errorf("%s with an init container: %d %s", kind, status, text)
		}
	}
	volume := with(podSpec(clean), "volumes", []any{map[string]any{"name": "model", "image": map[string]any{"reference": "registry.test/prod/stray:v1"}}})
	if status, text := c.Try(http.MethodPost, cluster.Collection("v1", "Pod", "default"), makers("bad", volume)[0]); status != http.StatusForbidden || !strings.Contains(text, `volume \"model\"`) {
		t.Errorf("a volume: %d %s", status, text)
	}
}

func (c *site) refusesDebugging(t *testing.T) {
	path := cluster.Collection("v1", "Pod", "default") + "/clean/ephemeralcontainers"
	debug := func(image string) (int, string) {
		status, text, _ := c.Ask(http.MethodPatch, path, "application/strategic-merge-patch+json", map[string]any{
			"spec": map[string]any{"ephemeralContainers": []any{container("debug", image)}}})
		return status, text
	}
	if status, text := debug("registry.test/prod/stray:v1"); status != http.StatusForbidden || !strings.Contains(text, `ephemeral container \"debug\"`) {
		t.Errorf("unsigned: %d %s", status, text)
	}
	status, text := debug("registry.test/prod/clean:debug")
	if status != http.StatusOK || !strings.Contains(text, "registry.test/prod/clean:debug@"+c.clean) {
		t.Errorf("clean: %d %s", status, text)
	}
}

func (c *site) obeysModes(t *testing.T) {
	for mode, refused := range map[string]bool{"": true, "enforce": true, "warn": false, "audit": false, "off": false} {
		name := "mode-" + mode
		if mode == "" {
			name = "mode"
		}
		c.namespace(name, mode)
		status, text, header := c.Ask(http.MethodPost, cluster.Collection("v1", "Pod", name), "application/json", pod("p", "registry.test/prod/vulnerable:v1"))
		warned := strings.Contains(strings.Join(header.Values("Warning"), " "), "823 vulnerabilities")
		if (status == http.StatusForbidden) != refused || warned != (mode == "warn") {
			t.Errorf("%q: %d %s, warnings %v", mode, status, text, header.Values("Warning"))
		}
	}
}

// What runs can be labelled and deleted, whatever is thought of it since; another image can't come in so.
func (c *site) leavesWhatRuns(t *testing.T) {
	c.namespace("old", "off")
	pods := cluster.Collection("v1", "Pod", "old")
	c.Must(http.MethodPost, pods, pod("p", "registry.test/prod/vulnerable:v1"), nil)
	c.Must(http.MethodPatch, "/api/v1/namespaces/old", map[string]any{"metadata": map[string]any{"labels": map[string]any{"haven.io/admission": "enforce"}}}, nil)
	await.Until(t, "the namespace's new mode counts", func() bool {
		status, _ := c.Try(http.MethodPost, pods+"?dryRun=All", pod("q", "registry.test/prod/vulnerable:v1"))
		return status == http.StatusForbidden
	})
	c.Must(http.MethodPatch, pods+"/p", map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": "b"}}}, nil)
	status, text, _ := c.Ask(http.MethodPatch, pods+"/p", "application/strategic-merge-patch+json", map[string]any{"spec": podSpec("registry.test/prod/stray:v1")})
	if status != http.StatusForbidden || !strings.Contains(text, "not signed by cosign") {
		t.Errorf("another image: %d %s", status, text)
	}
	c.Must(http.MethodDelete, pods+"/p?gracePeriodSeconds=0", nil, nil)
}

func (c *site) exempts(t *testing.T) {
	c.Must(http.MethodPost, cluster.Collection("v1", "Pod", "default"), pod("exempted", "quay.io/agreed/tool:1"), nil)
	if status, _ := c.Try(http.MethodPost, cluster.Collection("v1", "Pod", "default"), pod("bad", "quay.io/agreed/deeper/tool:1")); status != http.StatusForbidden {
		t.Errorf("not exempted: %d", status)
	}
}

func (c *site) tells(t *testing.T) {
	c.namespace("told", "")
	c.Try(http.MethodPost, cluster.Collection("v1", "Pod", "told"), pod("p", "registry.test/prod/vulnerable:v1"))
	text := ""
	await.Until(t, "the refusal is an event", func() bool {
		_, text = c.Try(http.MethodGet, cluster.Collection("v1", "Event", "told"), nil)
		return strings.Contains(text, "ImageRefused") && strings.Contains(text, "823 vulnerabilities")
	}, func() string { return text })
}

// While the webhook is away, the cluster does what the configuration says; what Haven can't answer is said by the webhook.
func (c *site) failsAsSaid(t *testing.T, w *webhook) {
	pods := cluster.Collection("v1", "Pod", "default")
	w.stop()
	if status, text := c.Try(http.MethodPost, pods, pod("closed", "registry.test/prod/clean:v1")); status != http.StatusInternalServerError || !strings.Contains(text, "failed calling webhook") {
		t.Errorf("Fail: %d %s", status, text)
	}
	setPolicy := func(policy string) {
		for _, kind := range []string{"validating", "mutating"} {
			path := "/apis/admissionregistration.k8s.io/v1/" + kind + "webhookconfigurations/" + webhookName
			status, text, _ := c.Ask(http.MethodPatch, path, "application/json-patch+json", []any{map[string]any{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy}})
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
		}
	}
	setPolicy("Ignore")
	text := ""
	await.Until(t, "Ignore lets everything in", func() bool {
		var status int
		status, text = c.Try(http.MethodPost, pods+"?dryRun=All", pod("open", "registry.test/prod/vulnerable:v1"))
		return status == http.StatusCreated
	}, func() string { return text })
	setPolicy("Fail")
	w.start() // with the certificate that its Secret kept
	if status, _ := c.Try(http.MethodPost, pods, pod("again", "registry.test/prod/vulnerable:v1")); status != http.StatusForbidden {
		t.Errorf("after its return: %d", status)
	}
}

// Certificates and authorities that live for seconds are changed while pods are made: none is refused for it, though two
// replicas change them together.
func TestCertificatesAreRenewedWhileItRuns(t *testing.T) {
	c := startCluster(t)
	quick := []string{"--certificate-life", "18s", "--authority-life", "45s", "--authority-settle", "3s"}
	w := startWebhook(t, c, quick...)
	other := slices.Clone(w.args)
	address := "127.0.0.1:" + cluster.FreePort(t)
	other[slices.Index(other, w.address)] = address
	cluster.Run(t, filepath.Join(c.Dir, "other.log"), w.process.Path, other...)
	path := "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/" + webhookName
	certificates, authorities, most, pods := map[string]bool{}, map[string]bool{}, 0, 0
	for begun := time.Now(); time.Since(begun) < 75*time.Second; time.Sleep(100 * time.Millisecond) {
		pods++
		if status, text := c.Try(http.MethodPost, cluster.Collection("v1", "Pod", "default"), pod(fmt.Sprintf("p-%d", pods), "registry.test/prod/clean:v1")); status != http.StatusCreated {
			t.Fatalf("after %s: %d %s", time.Since(begun), status, text)
		}
		var configuration struct {
			Webhooks []struct{ ClientConfig struct{ CABundle []byte } }
		}
		c.Must(http.MethodGet, path, nil, &configuration)
		bundle := configuration.Webhooks[0].ClientConfig.CABundle
		most = max(most, bytes.Count(bundle, []byte("BEGIN")))
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(bundle)
		for _, replica := range []string{w.address, address} {
			conn, err := tls.Dial("tcp", replica, &tls.Config{RootCAs: roots, ServerName: "haven-admission.haven-admission.svc"})
			if err != nil {
				if replica == address && time.Since(begun) < 10*time.Second {
					continue // it starts
				}
				t.Fatalf("after %s, %s: %v", time.Since(begun), replica, err)
			}
			leaf := conn.ConnectionState().PeerCertificates[0]
			certificates[leaf.SerialNumber.String()], authorities[leaf.Issuer.String()] = true, true
			conn.Close()
		}
	}
	if len(authorities) < 3 || len(certificates) < 6 || most != 2 {
		t.Errorf("%d certificates of %d authorities, at most %d believed at once", len(certificates), len(authorities), most)
	}
	t.Logf("%d pods, %d certificates, %d authorities", pods, len(certificates), len(authorities))
	for _, log := range []string{"haven-1.log", "other.log"} {
		text, err := os.ReadFile(filepath.Join(c.Dir, log))
		if err != nil || bytes.Contains(text, []byte(c.secret)) || bytes.Contains(text, []byte(webhookToken)) {
			t.Errorf("%s shows a secret, or can't be read: %v", log, err)
		}
	}
}
