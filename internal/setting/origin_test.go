package setting_test

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/setting"
)

// A password stays with its server: it is forgotten when the address changes, unless it comes again (S5).
func TestPasswordsBelongToTheirServer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setting.New(d, newBox(t), newClock().Now)
		stored := map[string]string{"ldap_search_password": "ldap_url", "oidc_client_secret": "oidc_endpoint"}
		for password, address := range stored {
			for _, step := range []struct {
				change map[string]any
				want   string
			}{
				{map[string]any{password: "first"}, "first"},
				{map[string]any{address: "ldaps://one.example.org"}, "first"}, // it had no server before
				{map[string]any{address: "LDAPS://One.example.org/path"}, "first"},
				{map[string]any{"oidc_name": "x"}, "first"},
				{map[string]any{address: "ldaps://one.example.org:6360"}, ""},
				{map[string]any{address: "ldaps://two.example.org", password: "second"}, "second"},
				{map[string]any{address: "ldap://two.example.org"}, ""},
			} {
				if err := s.Set(t.Context(), "admin", step.change); err != nil {
					t.Fatalf("%v: %v", step.change, err)
				}
				if got, err := get(t, s).Password(password); err != nil || got.Reveal() != step.want {
					t.Errorf("%v: the password is %q, %v; want %q", step.change, got.Reveal(), err, step.want)
				}
			}
		}
	})
}
