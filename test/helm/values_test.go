//go:build acceptance

package helm

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/config"
)

// fact is a value of Harbor's chart.
type fact struct {
	name, kind string
	initial    any
}

func facts(t *testing.T) (all []fact) {
	t.Helper()
	f, err := os.Open("testdata/harbor-values.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		one := fact{name: cells[0], kind: cells[1]}
		if err := json.Unmarshal([]byte(cells[2]), &one.initial); err != nil {
			t.Fatalf("%s: %v", cells[0], err)
		}
		all = append(all, one)
	}
	if len(all) != 505 {
		t.Fatalf("%d facts", len(all))
	}
	return all
}

// setFact puts a fact's default where it belongs: keys of annotations have dots.
func setFact(values map[string]any, f fact) {
	const annotations = "expose.ingress.annotations."
	if key, ok := strings.CutPrefix(f.name, annotations); ok {
		set(values, strings.TrimSuffix(annotations, "."), map[string]any{key: f.initial})
		return
	}
	set(values, f.name, f.initial)
}

// without is a group of values without effect.
type without struct {
	Because string
	When    string
	Values  map[string]any
}

func withoutEffect(t *testing.T) (groups []without) {
	t.Helper()
	readYAML(t, filepath.Join(chart(t), "files", "without-effect.yaml"), &groups)
	return groups
}

func TestLint(t *testing.T) {
	if out, err := helm(t, "lint", "--strict", chart(t)); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Each name of Harbor's chart is taken with Harbor's default: by itself it is in the schema, and all together render.
func TestHarborsValuesAreTaken(t *testing.T) {
	values := map[string]any{}
	for _, f := range facts(t) {
		setFact(values, f)
	}
	r := render(t, "--values", writeYAML(t, values))
	pod := r.one(t, "StatefulSet", "harbor-haven")
	if image := pod.text("spec", "template", "spec", "containers", "0", "image"); strings.Contains(image, "goharbor") {
		t.Errorf("%s runs in place of Haven", image)
	}
	if r.settings(t, "harbor-haven")["secret_key_file"] != nil {
		t.Error("the key that everybody knows is used")
	}
}

// Each name does something, so that values.yaml explains it, or is in the list of those that don't, with Harbor's default.
func TestEachOfHarborsValuesHasAPlace(t *testing.T) {
	var own map[string]any
	readYAML(t, filepath.Join(chart(t), "values.yaml"), &own)
	listed := map[string]any{}
	for _, g := range withoutEffect(t) {
		if g.When != "" {
			continue
		}
		for name, initial := range g.Values {
			if object(own).get(strings.Split(name, ".")...) != nil {
				t.Errorf("%s stands in values.yaml, and is said to do nothing", name)
			}
			listed[name] = initial
		}
	}
	for _, f := range facts(t) {
		initial, ok := listed[f.name]
		switch {
		case ok && fmt.Sprint(initial) != fmt.Sprint(f.initial):
			t.Errorf("%s: the default of Harbor is %v, listed is %v", f.name, f.initial, initial)
		case ok, strings.HasPrefix(f.name, "expose.ingress.annotations."), hasKey(own, f.name):
		case strings.HasPrefix(f.name, "trivy.resources.") && listed["trivy.resources"] != nil:
		default:
			t.Errorf("%s has no place", f.name)
		}
	}
}

func hasKey(values map[string]any, name string) bool {
	keys := strings.Split(name, ".")
	above := object(values).get(keys[:len(keys)-1]...)
	if len(keys) == 1 {
		above = values
	}
	m, _ := above.(map[string]any)
	_, ok := m[keys[len(keys)-1]]
	return ok
}

// Each value has a comment that says what it does. What is as Kubernetes has it is said once.
func TestValuesAreExplained(t *testing.T) {
	var document yaml.Node
	readYAML(t, filepath.Join(chart(t), "values.yaml"), &document)
	known := regexp.MustCompile("Probe$|ecurityContext$|^resources$")
	var walk func(name string, in *yaml.Node)
	walk = func(name string, in *yaml.Node) {
		for i := 0; i+1 < len(in.Content); i += 2 {
			key, value := in.Content[i], in.Content[i+1]
			switch leaf := value.Kind != yaml.MappingNode || len(value.Content) == 0; {
			case known.MatchString(key.Value):
				if key.HeadComment == "" && key.Value != "startupProbe" {
					t.Errorf("%s%s is not explained", name, key.Value)
				}
			case leaf && key.HeadComment == "":
				t.Errorf("%s%s is not explained", name, key.Value)
			case !leaf && key.Value != "annotations":
				walk(name+key.Value+".", value)
			}
		}
	}
	walk("", document.Content[0])
}

// A name that nobody knows is refused, wherever it stands.
func TestUnknownValuesAreRefused(t *testing.T) {
	var own map[string]any
	readYAML(t, filepath.Join(chart(t), "values.yaml"), &own)
	for _, f := range facts(t) {
		if !strings.HasPrefix(f.name, "expose.ingress.annotations.") && !hasKey(own, f.name) {
			setFact(own, f)
		}
	}
	// Whatever Kubernetes or others decide about is open.
	open := []string{"annotations", "labels", "containerSecurityContext", "podSecurityContext", "nodeSelector", "affinity", "podAnnotations", "podLabels",
		"serviceAnnotations", "resources", "additionalLabels", "behavior", "policy", "migrator", "permissions", "attributes"}
	values, paths := map[string]any{}, []string{}
	var walk func(name string, in map[string]any)
	walk = func(name string, in map[string]any) {
		set(values, strings.TrimPrefix(name+".nobodyKnows", "."), 1)
		paths = append(paths, "'"+strings.ReplaceAll(name, ".", "/")+"'")
		for key, value := range in {
			below, ok := value.(map[string]any)
			if ok && !(slices.Contains(open, key) && name+"."+key != ".ipFamily.policy") {
				walk(name+"."+key, below)
			}
		}
	}
	walk("", own)
	_, err := helm(t, "template", "harbor", chart(t), "--values", writeYAML(t, values))
	if err == nil {
		t.Fatal("unknown values are taken")
	}
	for _, path := range paths {
		if !strings.Contains(err.Error(), "at "+path+": additional properties 'nobodyKnows' not allowed") {
			t.Errorf("an unknown value at %s is taken", path)
		}
	}
	if len(paths) < 100 {
		t.Errorf("only %d places were looked at", len(paths))
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	external := []string{"database.type=external", "database.external.existingSecret=db"}
	for name, c := range map[string]struct {
		set  []string
		says string
	}{
		"several pods on SQLite":           {[]string{"core.replicas=3"}, "core.replicas is 3, but database.type is internal"},
		"an autoscaler on SQLite":          {[]string{"haven.autoscaling.enabled=true"}, "set database.type=external"},
		"several pods on a pod's volume":   {append(external, "core.replicas=2"), "accessMode=ReadWriteMany"},
		"no place for the key":             {append(external, "persistence.imageChartStorage.type=s3"), "existingSecretSecretKey"},
		"no certificate":                   {[]string{"expose.type=nodePort"}, "expose.tls.auto.commonName"},
		"a secret without a name":          {[]string{"expose.tls.certSource=secret"}, "expose.tls.secret.secretName"},
		"a route to nowhere":               {[]string{"expose.type=route"}, "expose.route.parentRefs"},
		"Swift":                            {[]string{"persistence.imageChartStorage.type=swift"}, "s3, gcs, azure or filesystem"},
		"an address with a path":           {[]string{"externalURL=https://a.example/registry"}, "externalURL"},
		"a short password":                 {[]string{"harborAdminPassword=short"}, "harborAdminPassword"},
		"a short key":                      {[]string{"secretKey=short"}, "secretKey"},
		"a webhook that doesn't know whom": {[]string{"haven.admission.enabled=true"}, "set externalURL"},
		"a setting that isn't one":         {[]string{"haven.settings.admin_password=secret-password"}, "admin_password"},
	} {
		args := []string{"template", "harbor", chart(t)}
		for _, s := range c.set {
			args = append(args, "--set", s)
		}
		// The schema writes names with slashes.
		if _, err := helm(t, args...); err == nil || !strings.Contains(err.Error(), c.says) && !strings.Contains(err.Error(), strings.ReplaceAll(c.says, ".", "/")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Settings of the program can be given: by a value that people know from Harbor, or below haven.
func TestEachSettingHasAValue(t *testing.T) {
	var schema map[string]any
	readYAML(t, filepath.Join(chart(t), "values.schema.json"), &schema)
	below := func(name string) map[string]any {
		found, _ := object(schema).get("properties", "haven", "properties", name, "properties").(map[string]any)
		return found
	}
	// By the chart itself, or by values of Harbor's names.
	own := []string{"data_dir", "listen", "external_url", "database_url", "storage_url", "redis_url", "admin_password", "secret_key_file", "tls_cert_file", "tls_key_file",
		"metrics_listen", "log_level", "upload_lifetime", "config_overwrite_json"}
	// In a cluster, cert-manager gets certificates, and whoever is before the pods knows which clients may come: Kubernetes' probes have no certificate.
	own = append(own, "tls_acme", "acme_directory", "acme_email", "acme_ca_file", "acme_key_id", "acme_key", "acme_listen", "tls_client_ca_file")
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		key := strings.ReplaceAll(f.Tag.Get("name"), "-", "_")
		known[key] = true
		if below("settings")[key] == nil && below("secretSettings")[key] == nil && !slices.Contains(own, key) {
			t.Errorf("the chart has no value for the setting %s: put it into haven.settings, or haven.secretSettings, of values.schema.json", key)
		}
	}
	for _, key := range append(sorted(below("settings")), sorted(below("secretSettings"))...) {
		if !known[key] {
			t.Errorf("haven takes no setting %s", key)
		}
	}
}
