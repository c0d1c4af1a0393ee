package harborapi

import (
	"net/http"
	"testing"

	"github.com/havenregistry/haven/internal/db/dbtest"
)

func TestSystemAllowlist(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	f.user("ann")
	f.must("ann", "PUT", "/system/CVEAllowlist", `{"items":[]}`, http.StatusForbidden, nil)
	f.must("admin", "PUT", "/system/CVEAllowlist", `{"items":[{"cve_id":"CVE-1"},{"cve_id":"CVE-1"}]}`, http.StatusBadRequest, nil)
	f.must("admin", "PUT", "/system/CVEAllowlist", `{"project_id":3,"items":[{"cve_id":"CVE-1"}],"expires_at":1893456000}`, http.StatusOK, nil)
	var list struct {
		ID, ProjectID int64
		ExpiresAt     int64 `json:"expires_at"`
		Items         []struct {
			ID string `json:"cve_id"`
		}
	}
	f.must("ann", "GET", "/system/CVEAllowlist", "", http.StatusOK, &list)
	if list.ID != 1 || list.ProjectID != 0 || list.ExpiresAt != 1893456000 || len(list.Items) != 1 || list.Items[0].ID != "CVE-1" {
		t.Errorf("list: %+v", list)
	}
	f.must("admin", "PUT", "/system/CVEAllowlist", `{"items":null,"expires_at":null}`, http.StatusOK, nil)
}
