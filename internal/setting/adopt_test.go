package setting_test

import (
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/setting"
)

func TestAdopt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setting.New(d, newBox(t), newClock().Now)
		get(t, s) // what is remembered is read anew
		var refused []setting.Refusal
		err := d.Write(t.Context(), func(tx db.Tx) (err error) {
			refused, err = s.Adopt(t.Context(), tx, map[string]any{
				"token_expiration": "45", "self_registration": "true", "auth_mode": "ldap_auth", "ldap_search_password": "Directory-77",
				"session_timeout": "never", "of_another_version": "x", "skip_audit_log_database": "true",
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		v := get(t, s)
		password, err := v.Password("ldap_search_password")
		if err != nil || password != "Directory-77" || v.Int(setting.TokenExpiration) != 45 || !v.SelfRegistration() || v.AuthMode() != "ldap_auth" {
			t.Errorf("adopted: %v, %d, %v, %s, %v", password.Reveal(), v.Int(setting.TokenExpiration), v.SelfRegistration(), v.AuthMode(), err)
		}
		keys := map[string]bool{}
		for _, r := range refused {
			keys[r.Key] = true
		}
		if len(refused) != 3 || !keys["session_timeout"] || !keys["of_another_version"] || !keys["skip_audit_log_database"] {
			t.Errorf("refused: %v", refused)
		}
		if v.Int(setting.SessionTimeout) != 60 || v.AuditSkipDatabase() {
			t.Error("what was refused is there")
		}
	})
}
