package harborapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/replication/endpoint"
)

// newRegistry lets in who has the password canary-1.
func newRegistry(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		if _, password, _ := r.BasicAuth(); password != "canary-1" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"errors":[{"code":"UNAUTHORIZED","message":"not with %s"}]}`, password)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestRegistries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var endpoints *endpoint.Service
		f := newFixture(t, d, func(deps *Deps) { endpoints = deps.Endpoints })
		url := newRegistry(t)
		body := func(name, url, secret string) string {
			return fmt.Sprintf(`{"name":%q,"url":%q,"type":"docker-registry","insecure":true,"description":"","credential":{"type":"basic","access_key":"admin","access_secret":%q}}`, name, url, secret)
		}
		if location := f.must("admin", "POST", "/registries", body("self", url+"/", "canary-1"), 201, nil).Get("Location"); location != "/api/v2.0/registries/1" {
			t.Errorf("Location %q", location)
		}
		// Fields and values as Harbor answers them.
		var raw map[string]any
		f.must("admin", "GET", "/registries/1", "", 200, &raw)
		want := map[string]any{"id": 1.0, "insecure": true, "name": "self", "status": "healthy", "type": "docker-registry", "url": url,
			"credential": map[string]any{"access_key": "admin", "access_secret": "*****", "type": "basic"}}
		for key, value := range want {
			if !reflect.DeepEqual(raw[key], value) {
				t.Errorf("%s is %v, want %v", key, raw[key], value)
			}
		}
		if len(raw) != len(want)+2 { // creation_time, update_time
			t.Errorf("got %v", raw)
		}
		for _, c := range []struct {
			method, path, body string
			status             int
			message            string
		}{
			{"POST", "/registries", body("self", url, "canary-1"), 409, "exists"},
			{"POST", "/registries", body("other", url, "canary-2"), 400, "the registry is unhealthy: the registry doesn't allow it: the access key or secret is wrong (it answers 401 UNAUTHORIZED: not with [redacted])"},
			{"POST", "/registries", body("other", "http://127.0.0.1:1", "x"), 400, "the registry is unhealthy: 127.0.0.1: nothing listens there"},
			{"POST", "/registries", `{"name":"odd","url":"` + url + `","type":"pigeon"}`, 400, "pigeon"},
			{"POST", "/registries", `{"name":"odd","url":"` + url + `","type":"harbor","ca_certificate":"x"}`, 400, "ca_certificate"},
			{"POST", "/registries/ping", `{"url":"` + url + `"}`, 400, "type and url are needed"},
			{"POST", "/registries/ping", `{"url":"http://127.0.0.1:1","type":"harbor"}`, 400, "nothing listens there"},
			{"POST", "/registries/ping", `{"id":99}`, 404, ""},
			{"POST", "/registries/ping", `{"id":1,"url":"http://127.0.0.1:1"}`, 200, ""}, // the stored address counts
			{"POST", "/registries/ping", `{"id":1,"access_secret":"canary-2"}`, 400, "secret is wrong"},
			{"POST", "/registries/ping", `{"id":0}`, 200, ""},
			{"PUT", "/registries/1", `{"name":"self-renamed","description":"x","access_secret":"*****"}`, 200, ""},
			{"PUT", "/registries/1", `{"url":"http://127.0.0.1:1"}`, 400, "unhealthy"},
			{"PUT", "/registries/99", `{}`, 404, ""},
			{"DELETE", "/registries/99", "", 404, ""},
			{"GET", "/registries/99", "", 404, ""},
			{"GET", "/registries/99/info", "", 404, ""},
			{"GET", "/registries/x", "", 422, ""},
		} {
			if w := f.do("admin", c.method, c.path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.message) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("%s %s %s: %d %s; want %d %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.message)
			}
		}
		var page []gen.Registry
		for _, query := range []string{"", "?name=nam", "?q=name%3D~RENAM", "?q=type%3Ddocker-registry", "?q=status%3Dhealthy"} {
			if h := f.must("admin", "GET", "/registries"+query, "", 200, &page); len(page) != 1 || page[0].Name != "self-renamed" || page[0].Description != "x" || h.Get("X-Total-Count") != "1" {
				t.Errorf("%s: got %v", query, page)
			}
		}
		f.must("admin", "POST", "/labels", `{"name":"good","scope":"g"}`, 201, nil)
		var info map[string]any
		f.must("admin", "GET", "/registries/1/info", "", 200, &info)
		plain := []any{
			map[string]any{"type": "name", "style": "input", "values": nil}, map[string]any{"type": "tag", "style": "input", "values": nil},
			map[string]any{"type": "resource", "style": "radio", "values": []any{"image"}},
		}
		if !reflect.DeepEqual(info, map[string]any{"type": "docker-registry", "supported_triggers": []any{"manual", "scheduled"}, "supported_resource_filters": plain}) {
			t.Errorf("got %v", info)
		}
		clear(info)
		f.must("admin", "GET", "/registries/0/info", "", 200, &info)
		all := []any{plain[0], plain[1], map[string]any{"type": "label", "style": "list", "values": []any{"good"}},
			map[string]any{"type": "resource", "style": "radio", "values": []any{"image", "artifact"}}}
		if !reflect.DeepEqual(info, map[string]any{"type": "harbor", "supported_triggers": []any{"manual", "scheduled", "event_based"}, "supported_resource_filters": all, "supported_copy_by_chunk": true}) {
			t.Errorf("got %v", info)
		}
		clear(raw)
		f.must("admin", "GET", "/registries/0", "", 200, &raw)
		if !reflect.DeepEqual(raw, map[string]any{"id": 0.0, "name": "Local", "type": "harbor", "status": "healthy", "url": "http://here"}) {
			t.Errorf("got %v", raw)
		}

		endpoints.Uses(func(context.Context, db.Tx, int64) (string, error) { return "replication policies", nil })
		if w := f.do("admin", "DELETE", "/registries/1", ""); w.Code != 412 || !strings.Contains(w.Body.String(), `"PRECONDITION","message":"the registry 1 is referenced by replication policies, cannot delete it"`) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestAdapters(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	var kinds []string
	f.must("admin", "GET", "/replication/adapters", "", 200, &kinds)
	if len(kinds) != 15 || !slices.IsSorted(kinds) || !slices.Contains(kinds, "huawei-SWR") {
		t.Errorf("got %v", kinds)
	}
	var infos map[string]gen.RegistryProviderInfo
	f.must("admin", "GET", "/replication/adapterinfos", "", 200, &infos)
	for kind, want := range map[string]struct {
		n           int
		first, last string
	}{
		"ali-acr":    {115, "https://registry.cn-qingdao.aliyuncs.com", "https://instanceName-registry.me-east-1.cr.aliyuncs.com"},
		"aws-ecr":    {38, "https://api.ecr.us-east-2.amazonaws.com", "https://api.ecr.us-gov-west-1.amazonaws.com"},
		"docker-hub": {1, "https://hub.docker.com", "https://hub.docker.com"}, "github-ghcr": {1, "https://ghcr.io", "https://ghcr.io"},
		"google-gcr": {4, "https://gcr.io", "https://asia.gcr.io"},
	} {
		p := infos[kind].EndpointPattern
		if p == nil || len(p.Endpoints) != want.n || p.Endpoints[0].Value != want.first || p.Endpoints[want.n-1].Value != want.last {
			t.Errorf("%s: got %+v", kind, p)
		}
	}
	if c := infos["google-gcr"].CredentialPattern; c == nil || c.AccessKeyData != "_json_key" || c.AccessSecretType != "AccessSecretTypeFile" {
		t.Errorf("got %+v", c)
	}
	if _, ok := infos["tencent-tcr"]; !ok || len(infos) != 8 {
		t.Errorf("got %d", len(infos))
	}
}
