package havenapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What rules make of artifacts is package retention's test; here it is asked for.
func TestRetentionPreview(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := newFixture(t, d)
		const path = "/projects/library/repositories/app/retention/preview"
		if w := f.do("admin", http.MethodPost, path, `{}`); w.Code != 404 || !strings.Contains(w.Body.String(), "repository library/app not found") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		ok(t, d.Write(t.Context(), func(tx db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO repository (project_id, name, hidden, created_at, updated_at) VALUES (1, 'app', FALSE, 1, 1)`)
			return err
		}))
		rule := `{"rules":[{"template":"TEMPLATE","tag_selectors":[{"decoration":"matches","pattern":"**"}],"scope_selectors":{"repository":[{"decoration":"repoMatches","pattern":"a*"}]}}]}`
		for body, words := range map[string]string{
			`{}`:           `"covered":false`,
			`{"rules":[]}`: `"covered":false`,
			rule:           "no rule template",
			strings.Replace(rule, "TEMPLATE", "always", 1): `{"artifacts":[],"covered":true,"retained":0,"total":0}`,
		} {
			if w := f.do("admin", http.MethodPost, path, body); !strings.Contains(w.Body.String(), words) {
				t.Errorf("%s: got %d %s", body, w.Code, w.Body)
			}
		}
	})
}
