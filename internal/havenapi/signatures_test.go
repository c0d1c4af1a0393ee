package havenapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db/dbtest"
)

// A policy is read as it was sent: two readers can't understand it differently.
func TestSignaturePolicyAsSent(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.project("alpha", false)
	const key = `{"name":"ci","keys":["-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----"]}`
	if w := f.do("admin", http.MethodPut, "/projects/alpha/signature-policy", `{"signers":[],"signers":[`+key+`]}`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "twice") {
		t.Errorf("a key that stands twice: %d %s", w.Code, w.Body)
	}
	sent := `{"signers":[` + key + `]}`
	if w := f.do("admin", http.MethodPut, "/projects/alpha/signature-policy", sent); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := f.do("admin", http.MethodGet, "/projects/alpha/signature-policy", "")
	for _, part := range []string{`"document":` + sent, `"scope":"project"`, `"enforced":false`, `"set_by":"admin"`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("%s is missing in %d %s", part, w.Code, w.Body)
		}
	}
}
