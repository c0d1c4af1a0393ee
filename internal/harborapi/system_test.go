package harborapi

import (
	"net/http"
	"testing"

	"github.com/havenregistry/haven/internal/db/dbtest"
)

// What tells of the installation is for those who sign in.
func TestSystemInfoByCaller(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.user("ann")
	f.must("admin", "PUT", "/configurations", `{"banner_message":"{\"message\":\"m\"}","oidc_name":"sso"}`, http.StatusOK, nil)
	for _, who := range []string{"", "ann", "admin"} {
		var info map[string]any
		f.must(who, "GET", "/systeminfo", "", http.StatusOK, &info)
		if info["auth_mode"] != "db_auth" || info["banner_message"] != `{"message":"m"}` || info["oidc_provider_name"] != "sso" {
			t.Errorf("%q: %v", who, info)
		}
		for _, key := range []string{"harbor_version", "external_url", "read_only", "registry_storage_provider_name", "project_creation_restriction", "started_at"} {
			if _, told := info[key]; told != (who != "") {
				t.Errorf("%q is told %s: %v", who, key, told)
			}
		}
		if who != "" && info["registry_storage_provider_name"] != "s3" {
			t.Errorf("storage: %v", info["registry_storage_provider_name"])
		}
	}
}
