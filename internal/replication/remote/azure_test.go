package remote_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/replication/remote"
	"github.com/havenregistry/haven/internal/replication/remote/remotetest"
)

func TestACR(t *testing.T) {
	registry := remotetest.New(t)
	tokens := &remotetest.Tokens{Refresh: "canary-refresh"}
	d := registry.Image("team/a", "x", "v1", "v2")
	const address = "https://haven.azurecr.io"
	registry.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oauth2/exchange" {
			if r.PostFormValue("grant_type") != "access_token" || r.PostFormValue("access_token") != "of entra" || r.PostFormValue("tenant") != "tenant" {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			remotetest.Answer(w, 200, map[string]string{"refresh_token": "canary-refresh"})
			return true
		}
		if tokens.Guard(w, r) {
			return true
		}
		rest, ok := strings.CutPrefix(r.URL.Path, "/acr/v1/team/a/_tags")
		switch {
		case !ok:
			return false
		case r.Method == http.MethodDelete:
			registry.DeleteTag("team/a", strings.TrimPrefix(rest, "/"))
			w.WriteHeader(http.StatusAccepted)
		case r.URL.Query().Get("last") == "":
			w.Header().Set("Link", `</acr/v1/team/a/_tags?last=v1>; rel="next"`)
			remotetest.Answer(w, 200, map[string]any{"tags": []any{map[string]string{"name": "v1", "digest": string(d)}}})
		default:
			remotetest.Answer(w, 200, map[string]any{"tags": []any{map[string]string{"name": "v2", "digest": string(d)}}})
		}
		return true
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of the cluster"), 0o600); err != nil {
		t.Fatal(err)
	}
	entra := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/tenant/oauth2/v2.0/token" || r.PostFormValue("client_assertion") != "of the cluster" || r.PostFormValue("client_id") != "client" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		remotetest.Answer(w, 200, map[string]string{"access_token": "of entra"})
	})
	w := newWorld(t, remote.AzureACR)
	w.at = map[string]string{address: registry.URL, "https://login.microsoftonline.com/": entra}
	check := func(r remote.Registry) {
		t.Helper()
		ping(t, r)
		content(t, r, "team/a", "v1", d)
		listed(t, r, "", "[team/a]")
		if all := remotetest.TagsOf(t, r, "team/a"); len(all) != 2 || all["v2"] != d {
			t.Errorf("got %v", all)
		}
	}
	check(w.open(address, "00000000-0000-0000-0000-000000000000", "canary-refresh"))
	w.env = map[string]string{"AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client"}
	r := w.open(address, "", "")
	check(r)
	if err := r.DeleteTag(t.Context(), "team/a", "v2"); err != nil || len(registry.Tags("team/a")) != 1 {
		t.Errorf("got %v, %v", err, registry.Tags("team/a"))
	}
	tokens.Refresh, tokens.User, tokens.Password = "", "principal", "canary-1"
	tokens.Revoke()
	content(t, w.open(address, "principal", "canary-1"), "team/a", "v1", d)
}
