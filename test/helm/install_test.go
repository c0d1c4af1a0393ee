//go:build acceptance

package helm

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The command of a user's manual, with this chart's name in its place.
var manual = []string{"--namespace", namespace, "--create-namespace", "--set", "expose.type=ingress", "--set", "expose.ingress.hosts.core=registry.company.com",
	"--set", "externalURL=https://registry.company.com", "--set", "harborAdminPassword=a-password-of-ours", "--set", "persistence.enabled=true",
	"--set", "persistence.persistentVolumeClaim.registry.size=50Gi"}

func (c *site) installsAsTheManualSays(t *testing.T) {
	notes := c.helm(t, append([]string{"install", "harbor", chart(t)}, manual...)...)
	for _, say := range []string{"Address: https://registry.company.com", "Sign in as: admin", "get secret harbor-haven", "harbor-haven-registry", "the controller uses its own"} {
		if !strings.Contains(notes, say) {
			t.Errorf("the notes don't say %q:\n%s", say, notes)
		}
	}
	if strings.Contains(notes, "do nothing") || strings.Contains(notes, "a-password-of-ours") {
		t.Errorf("the notes say too much:\n%s", notes)
	}
	ingress := c.stored(t, "networking.k8s.io/v1", "Ingress", "harbor-haven")
	if hosts := ingress.text("spec", "rules", "0", "host") + " " + ingress.text("spec", "tls", "0", "hosts"); hosts != "registry.company.com [registry.company.com]" {
		t.Errorf("hosts: %s", hosts)
	}
	if size := c.stored(t, "v1", "PersistentVolumeClaim", "harbor-haven-registry").text("spec", "resources", "requests", "storage"); size != "50Gi" {
		t.Errorf("size: %s", size)
	}
	password, err := base64.StdEncoding.DecodeString(c.stored(t, "v1", "Secret", "harbor-haven").text("data", "HARBOR_ADMIN_PASSWORD"))
	if err != nil || string(password) != "a-password-of-ours" {
		t.Errorf("password: %q, %v", password, err)
	}
	if settings := c.stored(t, "v1", "ConfigMap", "harbor-haven").text("data", "haven.yaml"); !strings.Contains(settings, "- https://registry.company.com\n") {
		t.Errorf("settings:\n%s", settings)
	}
	if pods := c.stored(t, "apps/v1", "StatefulSet", "harbor-haven").text("spec", "replicas"); pods != "1" {
		t.Errorf("pods: %s", pods)
	}
}

// Nothing is made anew by an upgrade. What changed has the pods changed, and what didn't leaves them. The volume may grow.
func (c *site) upgradesAndRollsBack(t *testing.T) {
	c.helm(t, append([]string{"install", "up", chart(t)}, manual...)...)
	workload := func() object { return c.stored(t, "apps/v1", "StatefulSet", "up-haven") }
	secret := func() string { return fmt.Sprint(c.stored(t, "v1", "Secret", "up-haven")["data"]) }
	generation, sealed := workload().text("metadata", "generation"), secret()

	c.helm(t, append([]string{"upgrade", "up", chart(t)}, manual...)...)
	if workload().text("metadata", "generation") != generation || secret() != sealed {
		t.Error("an upgrade that changes nothing changed something")
	}
	c.helm(t, append([]string{"upgrade", "up", chart(t), "--set", "logLevel=debug", "--set", "core.podAnnotations.a=b"}, manual...)...)
	if workload().text("spec", "template", "metadata", "annotations", "a") != "b" || workload().text("metadata", "generation") == generation {
		t.Error("an upgrade with another setting leaves the pods as they are")
	}
	if secret() != sealed {
		t.Error("an upgrade changed the secrets")
	}
	checksum := func() string {
		return workload().text("spec", "template", "metadata", "annotations", "checksum/settings")
	}
	before := checksum()
	c.helm(t, "rollback", "up", "1", "--namespace", namespace)
	if checksum() == before || workload().text("spec", "template", "metadata", "annotations", "a") != "" {
		t.Error("the way back leads elsewhere")
	}
	c.helm(t, "uninstall", "up", "--namespace", namespace)
	if c.stored(t, "v1", "PersistentVolumeClaim", "up-haven-registry") == nil || workload() != nil {
		t.Error("the volume went with the release, or the pods stayed")
	}
}

// A certificate that the chart makes is made once.
func (c *site) keepsItsCertificate(t *testing.T) {
	args := []string{"tls", chart(t), "--namespace", namespace, "--set", "expose.type=nodePort,expose.nodePort.name=tls,expose.tls.auto.commonName=registry.company.com"}
	notes := c.helm(t, append([]string{"install"}, args...)...)
	if !strings.Contains(notes, "was made by this chart and stays as it is") {
		t.Errorf("the notes don't say where the certificate is from:\n%s", notes)
	}
	made := func() string { return fmt.Sprint(c.stored(t, "v1", "Secret", "tls-haven-tls")["data"]) }
	first := made()
	c.helm(t, append(append([]string{"upgrade"}, args...), "--set", "logLevel=debug")...)
	if made() != first {
		t.Error("an upgrade made another certificate")
	}
}

func (c *site) installsOnExternalParts(t *testing.T) {
	args := []string{"ha", chart(t), "--namespace", namespace, "--values", "values/external.yaml", "--set", "core.podDisruptionBudget.enabled=true"}
	c.helm(t, append([]string{"install"}, args...)...)
	deployment := c.stored(t, "apps/v1", "Deployment", "ha-haven")
	if deployment.text("spec", "replicas") != "3" || c.stored(t, "policy/v1", "PodDisruptionBudget", "ha-haven") == nil || c.stored(t, "v1", "PersistentVolumeClaim", "ha-haven-registry") != nil {
		t.Errorf("installed is %v", deployment)
	}
	checksum := deployment.text("spec", "template", "metadata", "annotations", "checksum/secrets")
	c.helm(t, append(append([]string{"upgrade"}, args...), "--set", "database.external.password=another")...)
	if c.stored(t, "apps/v1", "Deployment", "ha-haven").text("spec", "template", "metadata", "annotations", "checksum/secrets") == checksum {
		t.Error("with another password the pods stay as they are")
	}
}

// Each value that does nothing is named when it is set to something else than its default, with the reason, and only then.
func (c *site) namesWhatDoesNothing(t *testing.T) {
	values, wanted := map[string]any{}, map[string]string{}
	for _, g := range withoutEffect(t) {
		for name, initial := range g.Values {
			if g.When == "bucket" {
				continue // blobs can't be in two places
			}
			set(values, name, other(name, initial))
			wanted[name] = g.Because
		}
	}
	notes := c.helm(t, "install", "nothing", chart(t), "--namespace", namespace, "--dry-run=client", "--values", writeYAML(t, values))
	lines := strings.Split(notes[strings.Index(notes, "These values were set and do nothing:"):], "\n")
	for _, name := range sorted(wanted) {
		if !slices.Contains(lines, "  "+name+": "+wanted[name]) {
			t.Errorf("%s isn't named", name)
		}
	}
	quiet := map[string]any{}
	for _, g := range withoutEffect(t) {
		for name, initial := range g.Values {
			if g.When == "" && initial != nil {
				set(quiet, name, initial)
			}
		}
	}
	set(quiet, "persistence.imageChartStorage.type", "s3")
	set(quiet, "persistence.persistentVolumeClaim.registry.size", "7Gi")
	notes = c.helm(t, "install", "nothing", chart(t), "--namespace", namespace, "--dry-run=client", "--values", writeYAML(t, quiet))
	_, named, _ := strings.Cut(notes, "do nothing:\n")
	if got := strings.TrimSpace(named); strings.Count(got, "\n") != 0 || !strings.HasPrefix(got, "persistence.persistentVolumeClaim.registry.size: blobs lie in an object store") {
		t.Errorf("named is:\n%s", named)
	}
}

// The notes say what is dangerous or not as it seems, and nothing where all is well.
func (c *site) warns(t *testing.T) {
	notes := func(args ...string) string {
		return c.helm(t, append([]string{"install", "known", chart(t), "--namespace", namespace, "--dry-run=client"}, args...)...)
	}
	all := notes("--set", "harborAdminPassword=Harbor12345,secretKey=not-a-secure-key,core.image.repository=goharbor/harbor-core,persistence.enabled=false,trivy.enabled=false,"+
		"externalURL=https://a.company.com,expose.ingress.hosts.core=b.company.com")
	for _, say := range []string{"everybody knows it", "It is not used", "ghcr.io/havenregistry/haven:", "lost when the pod goes", "no image is judged", "a.company.com, and expose.ingress.hosts.core is b.company.com"} {
		if !strings.Contains(all, say) {
			t.Errorf("the notes don't say %q:\n%s", say, all)
		}
	}
	if well := notes("--values", "values/ingress-secret.yaml"); strings.Contains(well, "Please note") || !strings.Contains(well, "grep 'First start'") {
		t.Errorf("the notes of what is well:\n%s", well)
	}
}

// other is a value of the same kind that isn't the default.
func other(name string, initial any) any {
	switch initial := initial.(type) {
	case bool:
		return !initial
	case int:
		return initial + 1
	case []any:
		return []any{"other"}
	case map[string]any:
		return map[string]any{"other": "other"}
	}
	switch {
	case name == "jobservice.topologySpreadConstraints":
		return []any{map[string]any{"maxSkew": 1}}
	case strings.HasSuffix(name, ".accessMode"):
		return "ReadWriteOncePod"
	case strings.HasSuffix(name, "Index"), strings.HasSuffix(name, "_port"):
		return 9
	case name == "updateStrategy.type":
		return "Recreate"
	}
	return "other"
}
