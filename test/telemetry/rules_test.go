//go:build acceptance

package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/test/haventest"
)

const rules = "../../deploy/prometheus/haven-alerts.yaml"

func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command(haventest.Tool(t, "promtool"), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Prometheus understands each rule, and each query of the dashboards.
func TestRulesAndQueries(t *testing.T) {
	promtool(t, ".", "check", "rules", rules)
	files, err := filepath.Glob("../../deploy/grafana/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	type record struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var records []record
	for _, file := range files {
		var d struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		text, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(text, &d) != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				expr := strings.NewReplacer("$instance", ".*", "$__rate_interval", "5m").Replace(q.Expr)
				records = append(records, record{fmt.Sprintf("query:%d", len(records)), expr})
			}
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboards", "rules": records}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, ".", "check", "rules", path)
}

// Alerts come when they should, and else stay away.
func TestRulesFire(t *testing.T) {
	promtool(t, "testdata", "test", "rules", "alerts.yaml")
}

// What the program answers is what Prometheus takes, without a complaint about names or kinds.
func TestMetricsAreWellFormed(t *testing.T) {
	metrics := haventest.FreeAddress(t)
	s := haventest.Start(t, haventest.Options{Plain: true, Env: []string{"HAVEN_METRICS_LISTEN=" + metrics}})
	s.NewProject(t, "shop", true)
	client{t, s.Door, ""}.push("shop/app", "v1")
	text := haventest.Door{URL: "http://" + metrics}.Call(t, "", "", "GET", "/metrics", nil)
	cmd := exec.Command(haventest.Tool(t, "promtool"), "check", "metrics")
	cmd.Stdin = bytes.NewReader(text.Body)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, series := range []string{
		`haven_http_requests_total{code="201",edge="registry",method="PUT",route="/v2/{name}/manifests/{reference}"} 1`,
		`haven_storage_operation_duration_seconds_count{driver="filesystem",operation="pack"}`, `haven_db_operation_duration_seconds_count{operation="write"}`,
		`haven_part_up{part="database"} 1`, `haven_part_up{part="registry"} 1`,
	} {
		if !bytes.Contains(text.Body, []byte(series)) {
			t.Errorf("there is no %s", series)
		}
	}
}
