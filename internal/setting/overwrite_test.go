package setting_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/setting"
)

func TestOverwrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, box := t.Context(), newBox(t)
		before := setting.New(d, box, newClock().Now)
		if err := before.Set(ctx, "admin", map[string]any{"token_expiration": 5, "banner_message": "kept"}); err != nil {
			t.Fatal(err)
		}
		s := setting.New(d, box, newClock().Now)
		if err := s.Overwrite([]byte(`{"token_expiration":"45","self_registration":true,"oidc_client_secret":"hush"}`)); err != nil {
			t.Fatal(err)
		}
		v := get(t, s)
		hush, err := v.Password("oidc_client_secret")
		if v.Int("token_expiration") != 45 || !v.SelfRegistration() || v.BannerMessage() != "kept" || hush.Reveal() != "hush" || err != nil {
			t.Errorf("values: %+v, %v", v, err)
		}
		all, err := s.All(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range all {
			if value.Editable {
				t.Errorf("%s is editable", name)
			}
		}
		if err := s.Set(ctx, "admin", map[string]any{"banner_message": "other"}); !errors.Is(err, fault.Forbidden) {
			t.Errorf("set: %v", err)
		}
		if v := get(t, setting.New(d, box, newClock().Now)); v.Int("token_expiration") != 5 {
			t.Errorf("without it the table holds: %d", v.Int("token_expiration"))
		}
	})
}

func TestOverwriteIsChecked(t *testing.T) {
	s := setting.New(dbtest.SQLite(t), newBox(t), newClock().Now)
	for name, test := range map[string]struct{ sent, want string }{
		"no JSON":     {`token_expiration=5`, "JSON object"},
		"two objects": {`{} {}`, "one JSON object"},
		"unknown key": {`{"nosuch":1}`, "nosuch"},
		"bad value":   {`{"token_expiration":-1}`, "token_expiration"},
	} {
		if err := s.Overwrite([]byte(test.sent)); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
