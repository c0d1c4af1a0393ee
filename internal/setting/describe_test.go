package setting_test

import (
	"testing"

	"github.com/havenregistry/haven/internal/setting"
)

func TestDescribe(t *testing.T) {
	found := map[string]setting.Description{}
	for _, d := range setting.Describe() {
		found[d.Name] = d
	}
	for name, want := range map[string]setting.Description{
		"auth_mode": {Form: setting.Words}, "ldap_url": {Filled: true}, "session_timeout": {Form: setting.Number}, "ldap_scope": {Form: setting.Number}, "read_only": {Form: setting.Truth},
		"ldap_search_password": {Secret: true}, "uaa_client_secret": {Secret: true},
	} {
		want.Name = name
		if found[name] != want {
			t.Errorf("%s: %+v", name, found[name])
		}
	}
	if _, there := found["scan_all_policy"]; there {
		t.Error("scan_all_policy has a resource of its own")
	}
}
