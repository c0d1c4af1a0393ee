package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// known are the metrics that the program has, with their labels, by the page that a test holds to it. A histogram is its three series.
func known(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{"up": nil, "process_cpu_seconds_total": nil, "process_resident_memory_bytes": nil}
	for _, m := range regexp.MustCompile("(?m)^\\| `(haven_\\w+)(?:\\{([^}]*)\\})?` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		var labels []string
		if m[2] != "" {
			labels = strings.Split(m[2], ",")
		}
		if m[3] != "histogram" {
			all[m[1]] = labels
			continue
		}
		for _, series := range []string{"_sum", "_count", "_bucket"} {
			all[m[1]+series] = labels
		}
		all[m[1]+"_bucket"] = append(slices.Clone(labels), "le")
	}
	if len(all) < 20 {
		t.Fatalf("%d metrics are known", len(all))
	}
	return all
}

var (
	texts     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	selectors = regexp.MustCompile(`([a-z_][a-z0-9_]*)(\{[^}]*\})?`)
	matchers  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	groupings = regexp.MustCompile(`\b(?:by|on|without|ignoring)\s*\(([^)]*)\)`)
)

// notMetrics are the words of PromQL that we use.
var notMetrics = strings.Fields(`sum min max count rate increase by on without unless and or time vector topk histogram_quantile min_over_time predict_linear le`)

// fromScrape are labels that Prometheus adds.
var fromScrape = []string{"instance", "job"}

// complaints are what is wrong with an expression: a metric, or a label, that the program doesn't have. Whether it is PromQL at all, promtool
// says (test/telemetry).
func complaints(expr string, metrics map[string][]string) (all []string) {
	plain := texts.ReplaceAllString(expr, `""`)
	labels := slices.Clone(fromScrape)
	rest := groupings.ReplaceAllString(plain, "")
	rest = regexp.MustCompile(`\[[^]]*\]`).ReplaceAllString(rest, "")
	for _, m := range selectors.FindAllStringSubmatch(rest, -1) {
		has, ok := metrics[m[1]]
		if !ok {
			if !slices.Contains(notMetrics, m[1]) {
				all = append(all, "no metric "+m[1])
			}
			continue
		}
		for _, label := range matchers.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(has, label[1]) && !slices.Contains(fromScrape, label[1]) {
				all = append(all, fmt.Sprintf("%s has no label %s", m[1], label[1]))
			}
		}
		labels = append(labels, has...)
	}
	for _, g := range groupings.FindAllStringSubmatch(plain, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(labels, label) {
				all = append(all, "nothing in it has the label "+label)
			}
		}
	}
	return all
}

// Dashboards name what there is, and no instance; a line is called by labels that it has.
func TestDashboardsNameMetrics(t *testing.T) {
	metrics := known(t)
	for _, d := range dashboards {
		for _, r := range d.rows {
			for _, p := range r.panels {
				for _, q := range p.queries {
					for _, c := range complaints(strings.ReplaceAll(q[0], "HERE", `instance=~"x"`), metrics) {
						t.Errorf("%s, %s: %s in %s", d.title, p.title, c, q[0])
					}
					if !strings.Contains(q[0], "HERE") {
						t.Errorf("%s, %s: %s heeds no choice of instances", d.title, p.title, q[0])
					}
					for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q[1], -1) {
						if label[1] != "instance" && !regexp.MustCompile(`by \([^)]*\b`+label[1]+`\b`).MatchString(q[0]) {
							t.Errorf("%s, %s: lines have no label %s", d.title, p.title, label[1])
						}
					}
				}
			}
		}
	}
}

// Each metric of the program is in a dashboard or an alert: what nobody looks at isn't worth counting.
func TestEachMetricIsLookedAt(t *testing.T) {
	var all strings.Builder
	for _, d := range dashboards {
		text, err := d.render()
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, r := range rules(t) {
		all.WriteString(r.Expr)
	}
	seen := all.String()
	// What dashboards have in another form.
	elsewhere := strings.Fields(`haven_jobs_took_seconds_total haven_vulndb_imported_timestamp_seconds haven_vulndb_published_timestamp_seconds haven_reevaluation_seconds
		haven_db_connections_idle haven_db_connections_max haven_db_connection_waits_total haven_audit_forward_pending_rows haven_trace_spans_waiting`)
	for name := range known(t) {
		base := name
		for _, series := range []string{"_sum", "_count", "_bucket"} {
			base = strings.TrimSuffix(base, series)
		}
		if !strings.Contains(seen, base) && !slices.Contains(elsewhere, base) {
			t.Errorf("%s is in no dashboard and in no alert", base)
		}
	}
}

type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	text, err := os.ReadFile("prometheus/haven-alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// Alerts name what there is, and each says what to do, on a page that has a section for it.
func TestAlerts(t *testing.T) {
	metrics := known(t)
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range rules(t) {
		for _, c := range complaints(r.Expr, metrics) {
			t.Errorf("%s: %s", r.Alert, c)
		}
		if seen[r.Alert] {
			t.Errorf("%s comes twice", r.Alert)
		}
		seen[r.Alert] = true
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.For == "" {
			t.Errorf("%s lacks a severity, a summary, a description or a time", r.Alert)
		}
		if want := "https://github.com/havenregistry/haven/blob/main/docs/alerts.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s leads to %s", r.Alert, r.Annotations["runbook_url"])
		}
		if !strings.Contains(string(page), "\n### "+r.Alert+"\n") {
			t.Errorf("docs/alerts.md says nothing of %s", r.Alert)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(string(page), -1) {
		if !seen[m[1]] {
			t.Errorf("docs/alerts.md has a section %s, of no alert", m[1])
		}
	}
}

// The check itself finds what is wrong.
func TestComplaints(t *testing.T) {
	metrics := map[string][]string{"haven_a_total": {"x"}, "haven_b_bucket": {"y", "le"}}
	for expr, want := range map[string]string{
		`sum by (x) (rate(haven_a_total{x="haven_c",instance=~"a"}[5m])) > 0`: "",
		`histogram_quantile(0.9, sum by (le, y) (rate(haven_b_bucket[5m])))`:  "",
		`haven_gone`:                              "no metric haven_gone",
		`haven_a_total{y="1"}`:                    "haven_a_total has no label y",
		`sum by (z) (haven_a_total)`:              "nothing in it has the label z",
		`sum(rate(haven_b{y!="1"}[$__interval]))`: "no metric haven_b",
	} {
		if got := strings.Join(complaints(expr, metrics), ", "); got != want {
			t.Errorf("%s: %q, not %q", expr, got, want)
		}
	}
}
