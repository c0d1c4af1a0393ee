package main

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/telemetry"
)

// composed is as much of the Compose specification as our files use.
type composed struct {
	Name     string                     `yaml:"name"`
	Services map[string]composedService `yaml:"services"`
	Volumes  map[string]any             `yaml:"volumes"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
}

type composedService struct {
	Image       string             `yaml:"image"`
	Restart     string             `yaml:"restart"`
	Command     []string           `yaml:"command"`
	Ports       []string           `yaml:"ports"`
	Environment map[string]*string `yaml:"environment"`
	Volumes     []string           `yaml:"volumes"`
	Configs     []struct {
		Source string `yaml:"source"`
		Target string `yaml:"target"`
	} `yaml:"configs"`
	ReadOnly    bool     `yaml:"read_only"`
	Tmpfs       []string `yaml:"tmpfs"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	ShmSize     string   `yaml:"shm_size"`
	Healthcheck struct {
		Test          []string `yaml:"test"`
		Interval      string   `yaml:"interval"`
		Timeout       string   `yaml:"timeout"`
		Retries       int      `yaml:"retries"`
		StartPeriod   string   `yaml:"start_period"`
		StartInterval string   `yaml:"start_interval"`
	} `yaml:"healthcheck"`
	StopGracePeriod string `yaml:"stop_grace_period"`
	DependsOn       map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

func readCompose(t *testing.T, name string) (c composed) {
	t.Helper()
	text, err := os.ReadFile("../deploy/compose/" + name)
	must(t, err)
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	must(t, d.Decode(&c))
	return c
}

// What the files for Docker Compose say of the image and of settings is what these are.
func TestCompose(t *testing.T) {
	alone, beside := readCompose(t, "compose.yaml"), readCompose(t, "postgres.yaml")
	haven := alone.Services["haven"]
	if want := imageName + ":${HAVEN_VERSION:-" + telemetry.Next + "}"; haven.Image != want || beside.Services["haven"].Image != "" {
		t.Errorf("the image is %s, want %s", haven.Image, want)
	}
	settings, err := os.ReadFile("../deploy/image/haven.yaml")
	must(t, err)
	var inside struct {
		DataDir string `yaml:"data_dir"`
		Listen  string `yaml:"listen"`
	}
	must(t, yaml.Unmarshal(settings, &inside))
	_, port, _ := strings.Cut(inside.Listen, ":")
	if len(haven.Ports) != 1 || !strings.HasSuffix(haven.Ports[0], "}:"+port) || !slices.Equal(haven.Volumes, []string{"data:" + inside.DataDir}) {
		t.Errorf("ports %q, volumes %q, inside is %+v", haven.Ports, haven.Volumes, inside)
	}
	if !haven.ReadOnly || !slices.Equal(haven.CapDrop, []string{"ALL"}) || !slices.Equal(haven.Healthcheck.Test, []string{"CMD", "haven", "health"}) {
		t.Errorf("%+v", haven)
	}
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		known["HAVEN_"+strings.ToUpper(strings.ReplaceAll(f.Tag.Get("name"), "-", "_"))] = true
	}
	for _, c := range []composed{alone, beside} {
		for name := range c.Services["haven"].Environment {
			if !known[name] {
				t.Errorf("%s is no setting", name)
			}
		}
		for service, s := range c.Services {
			for _, v := range s.Volumes {
				name, _, _ := strings.Cut(v, ":")
				if _, is := c.Volumes[name]; !is {
					t.Errorf("%s: no volume is called %s", service, name)
				}
			}
			for _, used := range s.Configs {
				if c.Configs[used.Source].Content == "" {
					t.Errorf("%s: no config is called %s", service, used.Source)
				}
			}
			for on := range s.DependsOn {
				if len(beside.Services[on].Healthcheck.Test) == 0 {
					t.Errorf("%s waits for %s, which nobody asks how it is", service, on)
				}
			}
		}
	}
}

// What people may set is in env.example, and nothing else.
func TestComposeEnvironment(t *testing.T) {
	used := map[string]bool{}
	for _, name := range []string{"compose.yaml", "postgres.yaml"} {
		text, err := os.ReadFile("../deploy/compose/" + name)
		must(t, err)
		for _, m := range regexp.MustCompile(`[^$]\$\{([A-Z_]+)`).FindAllSubmatch(text, -1) {
			used[string(m[1])] = true
		}
		for _, s := range readCompose(t, name).Services {
			for variable, value := range s.Environment {
				if value == nil {
					used[variable] = true
				}
			}
		}
	}
	text, err := os.ReadFile("../deploy/compose/env.example")
	must(t, err)
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllSubmatch(text, -1) {
		if !used[string(m[1])] {
			t.Errorf("nothing takes %s", m[1])
		}
		delete(used, string(m[1]))
	}
	if len(used) > 0 {
		t.Errorf("env.example hasn't %v", used)
	}
}

// The charts' image is the one that is made here, in the version that is worked at.
func TestChartHasThisImage(t *testing.T) {
	for file, line := range map[string]string{"values.yaml": "repository: " + imageName, "Chart.yaml": "appVersion: " + telemetry.Next} {
		text, err := os.ReadFile("../deploy/helm/haven/" + file)
		must(t, err)
		if !regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(line) + `$`).Match(text) {
			t.Errorf("%s hasn't the line %q", file, line)
		}
	}
}
