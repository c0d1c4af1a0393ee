package havenapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestTagRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
		const rules = "/projects/library/tagrules"
		hold := fmt.Sprintf(`{"repositories":"app","tags":"v*","no_move":false,"no_delete":false,"hold_until":%q,"reason":"case 12"}`, until.Format(time.RFC3339))
		w := f.do("admin", http.MethodPost, rules, hold)
		if w.Code != 201 || w.Header().Get("Location") != "/api/haven/v1"+rules+"/1" {
			t.Fatalf("got %d %s %v", w.Code, w.Body, w.Header())
		}
		var got map[string]any
		w = f.do("admin", http.MethodGet, rules+"/1", "")
		ok(t, json.Unmarshal(w.Body.Bytes(), &got))
		if got["hold_until"] != until.Format("2006-01-02T15:04:05.000Z") || got["reason"] != "case 12" || got["created_by"] != "admin" || got["tags"] != "v*" {
			t.Errorf("got %v", got)
		}
		whole := w.Body.String()
		for _, c := range []struct {
			method, path, body string
			status             int
			words              string
		}{
			{http.MethodPut, rules + "/1", whole, 200, ""}, // what was read can be sent back
			{http.MethodPut, rules + "/1", strings.Replace(whole, `"tags":"v*"`, `"tags":"w*"`, 1), 412, "a legal hold until"},
			{http.MethodDelete, rules + "/1", "", 412, "a legal hold until"},
			{http.MethodPost, rules + "/1/release", `{"reason":"closed"}`, 200, `{"released":false}`},
			{http.MethodPost, rules + "/1/release", `{"reason":"closed"}`, 409, "another system administrator"},
			{http.MethodPost, rules, `{"repositories":"**","tags":"**","no_move":true,"no_delete":false}`, 201, ""},
			{http.MethodGet, rules, "", 200, `"asked_by":"admin"`},
			{http.MethodDelete, rules + "/2", "", 200, ""},
			{http.MethodGet, rules + "/2", "", 404, "immutable rule 2 not found"},
		} {
			if w := f.do("admin", c.method, c.path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
				t.Errorf("%s %s: got %d %s", c.method, c.path, w.Code, w.Body)
			}
		}
	})
}
