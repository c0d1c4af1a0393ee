package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the dashboards")

type object map[string]any

// width is how many columns a page of Grafana has.
const width = 24

var source = object{"type": "prometheus", "uid": "${datasource}"}

// render is a dashboard as Grafana takes it.
func (d dashboard) render() ([]byte, error) {
	var panels []object
	id, y := 0, 0
	place := func(p object, x, w, h int) {
		id++
		p["id"], p["gridPos"] = id, object{"x": x, "y": y, "w": w, "h": h}
		panels = append(panels, p)
	}
	for _, r := range d.rows {
		place(object{"type": "row", "title": r.title, "collapsed": false, "panels": []object{}}, 0, width, 1)
		y++
		x, highest := 0, 0
		for _, p := range r.panels {
			w, h := p.size()
			if x+w > width {
				x, y, highest = 0, y+highest, 0
			}
			place(p.render(), x, w, h)
			x, highest = x+w, max(highest, h)
		}
		y += highest
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(object{
		"uid": "haven-" + d.name, "title": d.title, "tags": []string{"haven"}, "schemaVersion": 39, "version": 1, "editable": true, "timezone": "browser", "refresh": "30s",
		"time": object{"from": "now-6h", "to": "now"}, "panels": panels,
		"links": []object{{"type": "dashboards", "tags": []string{"haven"}, "title": "Haven", "asDropdown": true, "includeVars": true, "keepTime": true}},
		"templating": object{"list": []object{
			{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
			{"name": "instance", "label": "Instance", "type": "query", "datasource": source, "query": "label_values(haven_build_info, instance)", "refresh": 2, "sort": 1,
				"multi": true, "includeAll": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"}},
		}},
	})
	return b.Bytes(), err
}

func (p panel) size() (w, h int) {
	if p.kind == "stat" {
		return 4, 4
	}
	return 12, 8
}

func (p panel) render() object {
	kind := p.kind
	if kind == "" {
		kind = "timeseries"
	}
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, object{"refId": string(rune('A' + i)), "datasource": source, "expr": expression(q[0]), "legendFormat": q[1]})
	}
	unit := p.unit
	if unit == "" {
		unit = "short"
	}
	return object{
		"type": kind, "title": p.title, "description": p.help, "datasource": source, "targets": targets,
		"fieldConfig": object{"defaults": object{"unit": unit, "min": 0}, "overrides": []object{}},
	}
}

func expression(query string) string {
	return strings.ReplaceAll(query, "HERE", `instance=~"$instance"`)
}

// The dashboards are what the tables say.
func TestDashboards(t *testing.T) {
	for _, d := range dashboards {
		text, err := d.render()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("grafana", d.name+".json")
		if *update {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		written, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(written, text) {
			t.Errorf("%s is not what the tables say; go test ./deploy -update writes it (%v)", path, err)
		}
	}
	files, err := filepath.Glob("grafana/*")
	if err != nil || len(files) != len(dashboards) {
		t.Errorf("%d files for %d dashboards, %v", len(files), len(dashboards), err)
	}
}
