package app

import (
	"bytes"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
)

var update = flag.Bool("update", false, "write the table of metrics into its page")

// scrape reads /metrics.
func scrape(t *testing.T, a *App) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// Every figure is in the documentation, as it describes itself. Labels are those of a registry that did nothing yet: what
// is missing then, and comes later, has values that somebody makes up.
func TestMetricsAreDocumented(t *testing.T) {
	a := start(t, configIn(t.TempDir()))
	a.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/v2/", nil))
	err := a.db.Write(t.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO vulndb_edition (location, chunks, digest, size, version, updated_at, next_update, imported_at, source, ready)
			VALUES ('x', 1, 'sha256:x', 1, 2, 1, 0, 1, 'upload', TRUE)`)
		if err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `INSERT INTO scan_evaluation (edition, edition_at, started_at) VALUES ('sha256:x', 1, 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text := scrape(t, a)
	var table bytes.Buffer
	table.WriteString("| metric | kind | what |\n|---|---|---|\n")
	families := regexp.MustCompile(`(?m)^# HELP (haven_\S+) (.*)$`).FindAllStringSubmatch(text, -1)
	for _, family := range families {
		labels := map[string]bool{}
		for _, series := range regexp.MustCompile(`(?m)^`+family[1]+`(?:_count)?\{([^}]*)\}`).FindAllStringSubmatch(text, -1) {
			for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(series[1], -1) {
				labels[label[1]] = true
			}
		}
		name := "`" + family[1] + "`"
		if len(labels) > 0 {
			var names []string
			for label := range labels {
				names = append(names, label)
			}
			slices.Sort(names)
			name = "`" + family[1] + "{" + strings.Join(names, ",") + "}`"
		}
		kind := regexp.MustCompile(`(?m)^# TYPE ` + family[1] + ` (\w+)$`).FindStringSubmatch(text)[1]
		fmt.Fprintf(&table, "| %s | %s | %s |\n", name, kind, family[2])
	}
	const page = "../../docs/metrics.md"
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile(`(?s)(<!-- metrics: [^\n]* -->\n)(.*?)(<!-- end -->)`)
	found := marked.FindSubmatchIndex(written)
	if found == nil {
		t.Fatal("the page has no table of metrics")
	}
	if bytes.Equal(written[found[4]:found[5]], table.Bytes()) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the program says; go test ./internal/app -run %s -update writes it", page, t.Name())
	}
	if err := os.WriteFile(page, slices.Concat(written[:found[4]], table.Bytes(), written[found[5]:]), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A scrape asks the database for what stands in a few rows, and never counts a table that grows with the registry.
func TestAScrapeIsCheap(t *testing.T) {
	a := start(t, configIn(t.TempDir()))
	scrape(t, a)
	before := a.db.Executed()
	scrape(t, a)
	if n := a.db.Executed() - before; n > 6 {
		t.Errorf("a second scrape sends %d statements", n)
	}
}
