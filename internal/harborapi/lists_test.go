package harborapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// needs is what a list must be told besides its page.
func needs() map[string]string {
	return map[string]string{
		"ListLabels": "scope=g", "SearchUsers": "username=stranger", "SearchUserGroups": "groupname=crew",
		"ListWebhookJobs": "policy_id=1",
	}
}

// Each list of the contract keeps the conventions of all lists: the total is counted, a page past the end is
// empty, a page is 100 rows at most, and a key to filter or sort by that the list doesn't have is left out and
// named.
func TestListConventions(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	_, vars := peopled(f)
	vars["webhook_policy_id"], vars["webhook_execution_id"] = f.webhook("perm")
	vars["preheat_policy_name"], vars["preheat_execution_id"] = f.preheated("perm")
	doc, err := gen.GetSpec()
	ok(t, err)
	lists := 0
	for path, item := range doc.Paths.Map() {
		op := item.Get
		if op == nil || op.Parameters.GetByInAndName("query", "page") == nil || op.Responses.Status(200).Value.Headers["X-Total-Count"] == nil {
			continue
		}
		lists++
		t.Run(op.OperationID, func(t *testing.T) {
			target := targetOf(f, may{operation: op.OperationID}, http.MethodGet, path, "perm", vars)
			target += "?" + needs()[op.OperationID]
			listKeeps(t, f, target)
			if op.OperationID != "ListVulnerabilities" { // which refuses keys that it does not have, as Harbor does
				listNames(t, f, target)
			}
		})
	}
	if lists < 20 {
		t.Errorf("only %d lists", lists)
	}
}

func listKeeps(t *testing.T, f *fixture, target string) {
	all := f.do("admin", "GET", target+"&page_size=0", "")
	_, err := strconv.Atoi(all.Header().Get("X-Total-Count"))
	if all.Code != http.StatusOK || err != nil || all.Header().Get("Link") != "" {
		t.Fatalf("%s: %d, %v", target, all.Code, all.Header())
	}
	if all.Header().Get("Warning") != "" {
		t.Errorf("warned of %q", all.Header().Get("Warning"))
	}
	past := f.do("admin", "GET", target+"&page=1000", "")
	if body := strings.TrimSpace(past.Body.String()); past.Code != http.StatusOK || body != "[]" || past.Header().Get("X-Total-Count") == "" {
		t.Errorf("past the end: %d %s %v", past.Code, body, past.Header())
	}
	if w := f.do("admin", "GET", target+"&page_size=101", ""); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a page of 101: %d", w.Code)
	}
}

// listNames: keys that a list doesn't have are left out and named.
func listNames(t *testing.T, f *fixture, target string) {
	total, err := strconv.Atoi(f.do("admin", "GET", target+"&page_size=0", "").Header().Get("X-Total-Count"))
	ok(t, err)
	odd := f.do("admin", "GET", target+"&page_size=0&sort=-nosuch&q="+url.QueryEscape("neither=1"), "")
	warned := strings.Join(odd.Header().Values("Warning"), "\n")
	if odd.Code != http.StatusOK || warned != "299 haven \"ignored unknown key neither\"\n299 haven \"ignored unknown key nosuch\"" {
		t.Errorf("unknown keys: %d, %q", odd.Code, warned)
	}
	if n, err := strconv.Atoi(odd.Header().Get("X-Total-Count")); err != nil || n < total {
		t.Errorf("unknown keys change the total: %d before, %d after", total, n)
	}
	if w := f.do("admin", "GET", target+"&q=nonsense", ""); w.Code != http.StatusBadRequest {
		t.Errorf("a malformed q: %d", w.Code)
	}
	if total > 1 {
		first := f.do("admin", "GET", target+"&page_size=1", "").Header().Get("Link")
		if !strings.HasPrefix(first, "</api/v2.0/") || !strings.HasSuffix(first, `>; rel="next"`) {
			t.Errorf("Link of the first page: %q", first)
		}
	}
}
