//go:build acceptance

package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/test/haventest"
)

// namespace is where all releases of these tests are.
const namespace = "harbor"

func chart(t *testing.T) string {
	t.Helper()
	return filepath.Join(haventest.Root(t), "deploy", "helm", "haven")
}

// helm runs it, away from the settings of who runs the tests.
func helm(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), haventest.Tool(t, "helm"), args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"), "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// object is one of Kubernetes.
type object map[string]any

func (o object) text(path ...string) string {
	found := o.get(path...)
	if found == nil {
		return ""
	}
	return fmt.Sprint(found)
}

// get is what stands at a path, nil where nothing does. In lists a number is a place.
func (o object) get(path ...string) any {
	var at any = map[string]any(o)
	for _, key := range path {
		switch in := at.(type) {
		case map[string]any:
			at = in[key]
		case []any:
			place := 0
			if _, err := fmt.Sscan(key, &place); err != nil || place >= len(in) {
				return nil
			}
			at = in[place]
		default:
			return nil
		}
	}
	return at
}

// rendering is what helm template printed.
type rendering struct {
	text    string
	objects []object
}

// render renders the chart as release harbor.
func render(t *testing.T, args ...string) rendering {
	t.Helper()
	out, err := helm(t, append([]string{"template", "harbor", chart(t), "--namespace", namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return rendering{text: out, objects: parse(t, out)}
}

func parse(t *testing.T, text string) (objects []object) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var o map[string]any
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if o != nil {
			objects = append(objects, o)
		}
	}
}

// one is the object of a kind and a name.
func (r rendering) one(t *testing.T, kind, name string) object {
	t.Helper()
	if o := r.find(kind, name); o != nil {
		return o
	}
	var there []string
	for _, o := range r.objects {
		there = append(there, o.text("kind")+" "+o.text("metadata", "name"))
	}
	t.Fatalf("there is no %s %s among %s", kind, name, strings.Join(there, ", "))
	return nil
}

func (r rendering) find(kind, name string) object {
	for _, o := range r.objects {
		if o["kind"] == kind && o.text("metadata", "name") == name {
			return o
		}
	}
	return nil
}

// settings are those of the program, from the ConfigMap.
func (r rendering) settings(t *testing.T, name string) map[string]any {
	t.Helper()
	var settings map[string]any
	if err := yaml.Unmarshal([]byte(r.one(t, "ConfigMap", name).text("data", "haven.yaml")), &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// valueSets are the names of the files in values.
func valueSets(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("values/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d value sets, %v", len(files), err)
	}
	return files
}

// readYAML reads a file of the chart or of the tests.
func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func writeYAML(t *testing.T, value any) (path string) {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// set puts a value at a dotted name.
func set(values map[string]any, name string, value any) {
	keys := strings.Split(name, ".")
	for _, key := range keys[:len(keys)-1] {
		below, ok := values[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			values[key] = below
		}
		values = below
	}
	values[keys[len(keys)-1]] = value
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
