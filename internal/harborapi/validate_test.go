package harborapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/rest"
)

func TestContractCheck(t *testing.T) {
	c := rest.NewContract(gen.GetSpec)
	for _, tc := range []struct {
		name, pattern, target, body string
		params                      map[string]string
		want                        string // part of the message, "" when the request is fine
	}{
		{name: "fine", pattern: "GET /api/v2.0/projects", target: "/api/v2.0/projects?page=2&page_size=100&name=x"},
		{name: "everything", pattern: "GET /api/v2.0/projects", target: "/api/v2.0/projects?page_size=0"},
		{name: "too many rows", pattern: "GET /api/v2.0/projects", target: "/api/v2.0/projects?page_size=101", want: "page_size in query should be less than or equal to 100"},
		{name: "no number", pattern: "GET /api/v2.0/projects", target: "/api/v2.0/projects?page=x", want: "page in query has an invalid value"},
		{name: "required parameter", pattern: "GET /api/v2.0/search", target: "/api/v2.0/search", want: "q in query is required"},
		{name: "id is no number", pattern: "GET /api/v2.0/users/{user_id}", target: "/api/v2.0/users/x", params: map[string]string{"user_id": "x"}, want: "user_id in path has an invalid value"},
		{name: "unknown keys pass", pattern: "POST /api/v2.0/users", target: "/api/v2.0/users", body: `{"username":"a","sysadmin_flag":true,"x":{"y":1}}`},
		{name: "wrong type", pattern: "PUT /api/v2.0/configurations", target: "/api/v2.0/configurations", body: `{"token_expiration":"abc"}`, want: "token_expiration in body"},
		{name: "no JSON", pattern: "POST /api/v2.0/projects", target: "/api/v2.0/projects", body: `{name`, want: "parsing the body failed"},
		{name: "too long", pattern: "POST /api/v2.0/projects", target: "/api/v2.0/projects", body: `{"project_name":"` + strings.Repeat("a", 256) + `"}`, want: "project_name in body"},
		{name: "null is absent", pattern: "POST /api/v2.0/projects", target: "/api/v2.0/projects", body: `{"project_name":"a","registry_id":null,"metadata":{"public":"true","severity":null}}`},
		{name: "required field", pattern: "POST /api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags", target: "/x", body: `{}`,
			params: map[string]string{"project_name": "p", "repository_name": "r", "reference": "t"}, want: "name"},
		{name: "slash at the end", pattern: "GET /api/v2.0/projects/{project_name_or_id}/metadatas/{$}", target: "/x", params: map[string]string{"project_name_or_id": "p"}},
	} {
		method, _, _ := strings.Cut(tc.pattern, " ")
		r := httptest.NewRequest(method, tc.target, strings.NewReader(tc.body))
		r.Pattern = tc.pattern
		for k, v := range tc.params {
			r.SetPathValue(k, v)
		}
		err := c.Check(r)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		p, ok := errors.AsType[rest.Problem](err)
		if !ok || p.Status != http.StatusUnprocessableEntity || p.Code != "UNPROCESSABLE_ENTITY" ||
			!strings.HasPrefix(p.Message, "validation failure list:\n") || !strings.Contains(p.Message, tc.want) {
			t.Errorf("%s: %+v; want 422 with %q", tc.name, err, tc.want)
		}
	}
}
