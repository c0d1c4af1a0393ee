package audit_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/audit"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/internal/telemetry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

type world struct {
	*testing.T
	db       *db.DB
	settings *setting.Service
	audit    *audit.Service
}

func each(t *testing.T, f func(w world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(on(t, d)) })
}

func on(t *testing.T, d *db.DB) world {
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	settings := setting.New(d, box, time.Now)
	var events *event.Dispatcher
	log := audit.New(d, settings, func(ctx context.Context) { events.CatchUp(ctx) })
	events = event.NewDispatcher(d, slog.New(slog.DiscardHandler), log)
	return world{t, d, settings, log}
}

// happen appends events; the listing itself has them handled.
func (w world) happen(events ...event.Event) {
	w.Helper()
	err := w.db.Write(w.Context(), func(tx db.Tx) error {
		for _, e := range events {
			if err := event.Append(w.Context(), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) list(scope audit.Scope, list db.List) ([]audit.Row, int64) {
	w.Helper()
	rows, total, err := w.audit.List(w.Context(), scope, list)
	if err != nil {
		w.Fatal(err)
	}
	return rows, total
}

func TestRowsSayWhatHappened(t *testing.T) {
	each(t, func(w world) {
		w.happen(
			event.Event{Kind: event.PullArtifact, At: start, By: "ann", ProjectID: 3, Resource: "p/r:v1", Description: "pull artifact: p/r@sha256:00", Client: "192.0.2.7", RequestID: "r-1", Success: true},
			event.Event{Kind: event.UpdateConfiguration, At: start.Add(time.Second), By: "admin", Resource: "configuration", Description: "update configuration"},
		)
		rows, total := w.list(audit.Scope{All: true}, db.List{})
		if total != 2 || len(rows) != 2 {
			t.Fatalf("got %d of %d rows, want 2", len(rows), total)
		}
		want := []audit.Row{
			{ID: rows[0].ID, Username: "admin", EventType: event.UpdateConfiguration, Operation: "update", ResourceType: "configuration", Resource: "configuration", Description: "update configuration", At: start.Add(time.Second)},
			{ID: rows[1].ID, ProjectID: 3, Username: "ann", EventType: event.PullArtifact, Operation: "pull", ResourceType: "artifact", Resource: "p/r:v1", Description: "pull artifact: p/r@sha256:00", Success: true, Client: "192.0.2.7", RequestID: "r-1", At: start},
		}
		for i := range want {
			if rows[i] != want[i] {
				t.Errorf("row %d: got\n%+v, want\n%+v", i, rows[i], want[i])
			}
		}
	})
}

// sample is eleven events in three projects and in none.
func (w world) sample() {
	var events []event.Event
	for i := range 9 {
		events = append(events, event.Event{
			Kind: []event.Kind{event.CreateArtifact, event.DeleteArtifact, event.PullArtifact}[i%3], By: []string{"ann", "bob"}[i%2],
			At: start.Add(time.Duration(i) * time.Hour), ProjectID: int64(i%3) + 1, Resource: fmt.Sprintf("p%d/r:v%d", i%3+1, i), Success: i != 4,
		})
	}
	w.happen(append(events,
		event.Event{Kind: event.LoginUser, By: "ann", At: start.Add(9 * time.Hour), Resource: "ann", Success: true},
		event.Event{Kind: event.LoginUser, By: "bob", At: start.Add(9 * time.Hour), Resource: "bob", Client: "192.0.2.9"})...)
}

// What a member of some projects sees is what everybody sees, less the other projects, on every page.
func TestPagesOfSomeProjects(t *testing.T) {
	each(t, func(w world) {
		var events []event.Event
		for i := range 150 {
			// Project 1 has most, project 3 a few, and many happen at the same time.
			project := []int64{1, 1, 1, 2, 4}[i%5]
			if i%37 == 0 {
				project = 3
			}
			events = append(events, event.Event{Kind: event.PullArtifact, By: "ann", At: start.Add(time.Duration(i/4) * time.Second), ProjectID: project, Resource: fmt.Sprint(i)})
		}
		w.happen(events...)
		everything, _ := w.list(audit.Scope{All: true}, db.List{})
		scope := audit.Scope{ProjectIDs: []int64{1, 3, 4, 9}}
		var want []audit.Row
		for _, row := range everything {
			if slices.Contains(scope.ProjectIDs, row.ProjectID) {
				want = append(want, row)
			}
		}
		for _, size := range []int{1, 7, 15, 40, 100} {
			var got []audit.Row
			for page := 1; page <= len(want)/size+1; page++ {
				rows, total := w.list(scope, db.List{Page: page, Size: size})
				if total != int64(len(want)) {
					t.Fatalf("a total of %d, want %d", total, len(want))
				}
				got = append(got, rows...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d are %d rows, want the same %d rows", size, len(got), len(want))
			}
		}
	})
}

func TestListFiltersSortsAndPages(t *testing.T) {
	equal := func(key, value string) db.Filter { return db.Filter{Key: key, Op: db.Equal, Values: []string{value}} }
	all := audit.Scope{All: true}
	cases := []struct {
		name  string
		scope audit.Scope
		list  db.List
		total int64
		want  string // resources of the page
	}{
		{"newest first, then by id", all, db.List{Page: 1, Size: 3}, 11, "bob ann p3/r:v8"},
		{"second page", all, db.List{Page: 2, Size: 3}, 11, "p2/r:v7 p1/r:v6 p3/r:v5"},
		{"past the end", all, db.List{Page: 9, Size: 3}, 11, ""},
		{"oldest first", all, db.List{Page: 1, Size: 2, Sort: []db.Sort{{Key: "op_time"}}}, 11, "p1/r:v0 p2/r:v1"},
		{"some projects", audit.Scope{ProjectIDs: []int64{1, 2}}, db.List{Size: 2, Page: 1}, 6, "p2/r:v7 p1/r:v6"},
		{"no project", audit.Scope{}, db.List{}, 0, ""},
		{"user", all, db.List{Filters: []db.Filter{equal("username", "bob"), equal("operation", "create")}}, 1, "p1/r:v3"},
		{"another project stays hidden", audit.Scope{ProjectIDs: []int64{1}}, db.List{Filters: []db.Filter{equal("project_id", "2")}}, 0, ""},
		{"result", all, db.List{Filters: []db.Filter{equal("op_result", "false")}}, 2, "bob p2/r:v4"},
		{"result by its other name", all, db.List{Filters: []db.Filter{equal("operation_result", "false")}}, 2, "bob p2/r:v4"},
		{"event type", all, db.List{Filters: []db.Filter{equal("event_type", "login_user")}}, 2, "bob ann"},
		{"client", all, db.List{Filters: []db.Filter{equal("client_ip", "192.0.2.9")}}, 1, "bob"},
		{"resource type", all, db.List{Filters: []db.Filter{equal("resource_type", "user")}}, 2, "bob ann"},
		{"part of the resource", all, db.List{Filters: []db.Filter{{Key: "resource", Op: db.Contains, Values: []string{"P1/"}}}}, 3, "p1/r:v6 p1/r:v3 p1/r:v0"},
		{"any of", all, db.List{Filters: []db.Filter{{Key: "operation", Op: db.AnyOf, Values: []string{"login", "delete"}}}}, 5, "bob ann p2/r:v7 p2/r:v4 p2/r:v1"},
		{"since", all, db.List{Filters: []db.Filter{{Key: "op_time", Op: db.Between, Values: []string{"2026-01-02T11:00:00", ""}}}}, 3, "bob ann p3/r:v8"},
		{"between", all, db.List{Filters: []db.Filter{{Key: "op_time", Op: db.Between, Values: []string{"2026-01-02T04:00:00", "2026-01-02T05:00:00"}}}}, 2, "p3/r:v2 p2/r:v1"},
	}
	each(t, func(w world) {
		w.sample()
		for _, c := range cases {
			rows, total := w.list(c.scope, c.list)
			var got []string
			for _, r := range rows {
				got = append(got, r.Resource)
			}
			if total != c.total || strings.Join(got, " ") != c.want {
				t.Errorf("%s: got %v of %d, want %s of %d", c.name, got, total, c.want, c.total)
			}
		}
	})
}

func TestListTakesThreeStatementsAtAnyLength(t *testing.T) {
	each(t, func(w world) {
		w.sample()
		w.list(audit.Scope{All: true}, db.List{}) // has the events handled
		for _, size := range []int{1, 10} {
			before := w.db.Executed()
			w.list(audit.Scope{ProjectIDs: []int64{1, 2, 3}}, db.List{Page: 1, Size: size})
			if n := w.db.Executed() - before; n != 3 { // one looks for events that wait
				t.Errorf("a page of %d took %d statements, want 3", size, n)
			}
		}
	})
}

func TestSettingsLeaveEventsOut(t *testing.T) {
	each(t, func(w world) {
		total := func() int64 { _, n := w.list(audit.Scope{All: true}, db.List{}); return n }
		w.set(map[string]any{"disabled_audit_log_event_types": "pull_artifact,update_configuration"})
		w.happen(event.Event{Kind: event.PullArtifact, Resource: "p/r:a"}, event.Event{Kind: event.CreateArtifact, Resource: "p/r:a"})
		if n := total(); n != 1 {
			t.Fatalf("%d rows, want only the push", n)
		}
		w.set(map[string]any{"disabled_audit_log_event_types": "update_configuration", "pull_audit_log_disable": true})
		w.happen(event.Event{Kind: event.PullArtifact, Resource: "p/r:a"}, event.Event{Kind: event.DeleteArtifact, Resource: "p/r:a"})
		if n := total(); n != 2 {
			t.Fatalf("%d rows, want the push and the deletion", n)
		}
	})
}

// What a request causes says where it came from.
func TestRowsNameTheRequest(t *testing.T) {
	each(t, func(w world) {
		ctx := telemetry.WithRequest(t.Context(), "r-7", netip.MustParseAddr("::ffff:192.0.2.4"))
		if err := w.settings.Set(ctx, "admin", map[string]any{"self_registration": true}); err != nil {
			t.Fatal(err)
		}
		rows, _ := w.list(audit.Scope{All: true}, db.List{})
		if len(rows) != 1 || rows[0].RequestID != "r-7" || rows[0].Client != "192.0.2.4" {
			t.Errorf("the row is %+v", rows)
		}
	})
}

// Each kind of event that the log has rows of is listed once: else it could be neither left out nor purged by its name.
func TestEventTypesAreAll(t *testing.T) {
	all := audit.EventTypes()
	for _, kind := range kindsOfEvents(t) {
		n := 0
		for _, listed := range all {
			if listed == kind {
				n++
			}
		}
		if want := map[bool]int{true: 1}[kind.Audited()]; n != want {
			t.Errorf("%s is listed %d times, want %d", kind, n, want)
		}
	}
}

// kindsOfEvents are the constants of package event.
func kindsOfEvents(t *testing.T) (kinds []event.Kind) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../event/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if of, ok := v.Type.(*ast.Ident); ok && of.Name == "Kind" {
				text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				kinds = append(kinds, event.Kind(text))
			}
		}
		return true
	})
	if len(kinds) < 70 {
		t.Fatalf("found are only %v", kinds)
	}
	return kinds
}

func (w world) set(changes map[string]any) {
	w.Helper()
	if err := w.settings.Set(w.Context(), "admin", changes); err != nil {
		w.Fatal(err)
	}
}
