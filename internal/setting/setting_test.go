package setting_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.OpenBox(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func get(t *testing.T, s *setting.Service) setting.Values {
	t.Helper()
	v, err := s.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDefaults(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := get(t, setting.New(d, newBox(t), newClock().Now))
		switch {
		case v.AuthMode() != "db_auth", v.ProjectCreationRestriction() != "everyone", v.RobotPrefix() != "robot$",
			v.TokenExpiration() != 30*time.Minute, v.SessionTimeout() != time.Hour, v.RobotTokenDuration() != 30*24*time.Hour,
			v.SelfRegistration(), v.ReadOnly(), v.StoragePerProject() != -1, !v.QuotaEnabled(), !v.NotificationEnabled(), v.BannerMessage() != "":
			t.Fatalf("a default is wrong: %+v", v)
		}
	})
}

func TestSetChecksEachKey(t *testing.T) {
	cases := []struct {
		name  string
		key   string
		sent  any
		want  any    // what All shows afterwards
		error string // "" for none
	}{
		{"number", "token_expiration", 45, int64(45), ""},
		{"number of JSON", "token_expiration", 45.0, int64(45), ""},
		{"number as text", "token_expiration", "46", int64(46), ""},
		{"number with exponent", "token_expiration", "1e3", int64(1000), ""},
		{"json.Number", "session_timeout", json.Number("9"), int64(9), ""},
		{"fraction", "token_expiration", 1.5, nil, "item name token_expiration: expected a whole number"},
		{"no number", "token_expiration", "abc", nil, "item name token_expiration: expected a whole number"},
		{"zero", "token_expiration", 0, nil, "the token_expiration value must be positive"},
		{"negative", "robot_token_duration", -1, nil, "the robot_token_duration value must be positive"},
		{"too large", "session_timeout", 10000000000.0, nil, "too large"},
		{"bool", "self_registration", true, true, ""},
		{"bool as text", "self_registration", "true", true, ""},
		{"no bool", "read_only", "maybe", nil, "expected true or false"},
		{"bool from a number", "read_only", 1.0, nil, "expected true or false"},
		{"scope", "ldap_scope", "1", int64(1), ""},
		{"scope out of range", "ldap_scope", 3, nil, "expected 0, 1 or 2"},
		{"choice", "project_creation_restriction", "adminonly", "adminonly", ""},
		{"wrong choice", "project_creation_restriction", "nobody", nil, "project_creation_restriction"},
		{"mode", "auth_mode", "password", nil, "auth_mode"},
		{"text", "banner_message", `{"message":"hi"}`, `{"message":"hi"}`, ""},
		{"text from a number", "banner_message", 1.0, nil, "expected text"},
		{"text too long", "banner_message", strings.Repeat("x", 70000), nil, "expected text"},
		{"trimmed", "robot_name_prefix", " bot- ", "bot-", ""},
		{"empty", "robot_name_prefix", "  ", nil, "must not be empty"},
		{"colon", "robot_name_prefix", "robot:", nil, "without a colon"},
		{"unlimited", "storage_per_project", -1, int64(-1), ""},
		{"limit", "storage_per_project", "1048576", int64(1048576), ""},
		{"no storage", "storage_per_project", 0, nil, "storage_per_project"},
		{"too much storage", "storage_per_project", int64(1)<<50 + 1, nil, "storage_per_project"},
		{"keep nothing", "trash_days", 0, int64(0), ""},
		{"keep less than nothing", "trash_days", -1, nil, "expected 0, for nothing, to 365 days"},
		{"keep too long", "trash_days", 366, nil, "expected 0, for nothing, to 365 days"},
		{"map as text", "oidc_extra_redirect_parms", `{"a":"b"}`, `{"a":"b"}`, ""},
		{"map", "oidc_extra_redirect_parms", map[string]any{"a": "b"}, `{"a":"b"}`, ""},
		{"no map", "oidc_extra_redirect_parms", "[]", nil, "expected a JSON object"},
		{"expression", "oidc_group_filter", "^team-", "^team-", ""},
		{"no expression", "oidc_group_filter", "team-(", nil, "expected a regular expression"},
		{"ignored", "scan_all_policy", map[string]any{}, "{}", ""},
		{"unknown", "no_such_key", 1, nil, "invalid config, item not defined in metadatalist, no_such_key"},
		{"not alone", "skip_audit_log_database", true, nil, "audit_log_forward_endpoint"},
		{"filter alone", "ldap_group_search_filter", "(x=y)", nil, "ldap_group_attribute_name"},
		{"event types", "disabled_audit_log_event_types", "pull_artifact, login_user", "pull_artifact, login_user", ""},
		{"no event types", "disabled_audit_log_event_types", "pull artifact", nil, "not valid"},
	}
	d := dbtest.SQLite(t)
	s := setting.New(d, newBox(t), newClock().Now)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := s.Set(t.Context(), "admin", map[string]any{c.key: c.sent})
			if c.error != "" {
				if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.error) {
					t.Fatalf("got %v, want fault.Invalid with %q", err, c.error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			all, err := s.All(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := all[c.key].Value; got != c.want {
				t.Fatalf("got %#v, want %#v", got, c.want)
			}
		})
	}
}

func TestSetIsAllOrNothingAndNoted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setting.New(d, newBox(t), newClock().Now)
		err := s.Set(t.Context(), "admin", map[string]any{"banner_message": "hello", "token_expiration": 0})
		if !errors.Is(err, fault.Invalid) {
			t.Fatalf("got %v, want fault.Invalid", err)
		}
		if v := get(t, s); v.BannerMessage() != "" {
			t.Fatal("half of a refused change was made")
		}
		if err := s.Set(t.Context(), "admin", map[string]any{"banner_message": "hello", "token_expiration": 10}); err != nil {
			t.Fatal(err)
		}
		if v := get(t, s); v.BannerMessage() != "hello" || v.TokenExpiration() != 10*time.Minute {
			t.Fatal("the change doesn't show")
		}
		bodies, err := db.Collect(t.Context(), d.Auto(), db.ScanString, `SELECT body FROM event WHERE kind = 'update_configuration' ORDER BY id`)
		if err != nil || len(bodies) != 2 {
			t.Fatalf("got %d events, %v; want 2", len(bodies), err)
		}
		if !strings.Contains(bodies[0], `"success":false`) || !strings.Contains(bodies[1], `"success":true`) ||
			!strings.Contains(bodies[1], `"description":"update configuration"`) {
			t.Fatalf("got the events %v", bodies)
		}
	})
}

// Another replica's change shows within a second, one's own at once.
func TestGetIsFreshWithinASecond(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c, box := newClock(), newBox(t)
		a, b := setting.New(d, box, c.Now), setting.New(d, box, c.Now)
		get(t, b)
		if err := a.Set(t.Context(), "admin", map[string]any{"read_only": true}); err != nil {
			t.Fatal(err)
		}
		before := d.Executed()
		get(t, b)
		if d.Executed() != before {
			t.Error("Get asked the database within a second")
		}
		if !get(t, a).ReadOnly() {
			t.Error("a change doesn't show where it was made")
		}
		c.now = c.now.Add(time.Second)
		if !get(t, b).ReadOnly() {
			t.Error("a change doesn't show elsewhere after a second")
		}
	})
}

func TestPasswordsAreSealedAndNeverListed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setting.New(d, newBox(t), newClock().Now)
		const canary = "Canary-4711-secret"
		err := s.Set(t.Context(), "admin", map[string]any{"ldap_search_password": canary, "oidc_client_secret": canary, "uaa_client_secret": canary})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"SELECT value FROM setting", "SELECT body FROM event"} {
			rows, err := db.Collect(t.Context(), d.Auto(), db.ScanString, table)
			if err != nil || strings.Contains(strings.Join(rows, "\n"), canary) {
				t.Fatalf("%s: the password lies open (%v)", table, err)
			}
		}
		all, err := s.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, listed := all["ldap_search_password"]; listed {
			t.Error("a password is listed")
		}
		if got := all["uaa_client_secret"].Value; got != "*****" {
			t.Errorf("got %v, want a mask", got)
		}
		// What was read may be sent back.
		if err := s.Set(t.Context(), "admin", map[string]any{"uaa_client_secret": "*****"}); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"ldap_search_password", "uaa_client_secret"} {
			got, err := get(t, s).Password(key)
			if err != nil || got.Reveal() != canary {
				t.Errorf("%s: got another password (%v)", key, err)
			}
		}
	})
}

func TestAuthModeStaysWhileOthersExist(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setting.New(d, newBox(t), newClock().Now)
		exec := func(statement string) {
			t.Helper()
			err := d.Write(t.Context(), func(tx db.Tx) error { _, err := tx.Exec(t.Context(), statement); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		editable := func() bool {
			t.Helper()
			all, err := s.All(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return all["auth_mode"].Editable
		}
		exec(`INSERT INTO account (id, username, email, created_at, updated_at) VALUES (1, 'admin', 'a@x', 1, 1)`)
		if !editable() {
			t.Error("with the administrator alone the mode must be editable")
		}
		if err := s.Set(t.Context(), "admin", map[string]any{"auth_mode": "oidc_auth"}); err != nil {
			t.Error(err)
		}
		exec(`INSERT INTO account (id, username, email, created_at, updated_at) VALUES (2, 'ann', 'b@x', 1, 1)`)
		if editable() {
			t.Error("with another account the mode must not be editable")
		}
		err := s.Set(t.Context(), "admin", map[string]any{"auth_mode": "db_auth"})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "new users have been inserted") {
			t.Errorf("got %v, want a refusal", err)
		}
		if err := s.Set(t.Context(), "admin", map[string]any{"auth_mode": "oidc_auth"}); err != nil {
			t.Errorf("sending the present value: %v", err)
		}
		exec(`UPDATE account SET deleted_at = 5 WHERE id = 2`)
		if !editable() {
			t.Error("a deleted account must not count")
		}
	})
}

// What another process changes shows after a second, or at once when that process announces it.
func TestAnotherProcessChanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box, clock := newBox(t), newClock()
		ours, other := setting.New(d, box, clock.Now), setting.New(d, box, clock.Now)
		change := func(seconds int64) {
			t.Helper()
			if err := other.Set(t.Context(), "admin", map[string]any{"session_timeout": seconds}); err != nil {
				t.Fatal(err)
			}
		}
		get(t, ours)
		change(7)
		if got := get(t, ours).SessionTimeout(); got != time.Hour {
			t.Fatalf("nothing is cached: %s", got)
		}
		clock.now = clock.now.Add(time.Second)
		if got := get(t, ours).SessionTimeout(); got != 7*time.Minute {
			t.Errorf("a second later: %s", got)
		}
		told := 0
		other.Announce(func() { told++; ours.Forget() })
		change(8)
		if got := get(t, ours).SessionTimeout(); got != 8*time.Minute || told != 1 {
			t.Errorf("announced %d times, then %s", told, got)
		}
		if err := other.Set(t.Context(), "admin", map[string]any{"session_timeout": "x"}); err == nil || told != 1 {
			t.Errorf("a refused change: %v, announced %d times", err, told)
		}
	})
}

// What a probe refuses isn't set. It sees what is to be set beside what is, without passwords.
func TestProbe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setting.New(d, newBox(t), newClock().Now)
		var seen string
		s.Check(func(_ context.Context, before, after setting.Values) error {
			seen = before.Text("oidc_name") + ">" + after.Text("oidc_name") + after.Text("oidc_client_secret")
			if after.Text("oidc_name") == "down" {
				return fault.Invalidf("nobody is there")
			}
			return nil
		})
		for _, c := range []struct {
			name, seen, is string
			refused        bool
		}{{"up", ">up", "up", false}, {"down", "up>down", "up", true}, {"again", "up>again", "again", false}} {
			err := s.Set(t.Context(), "admin", map[string]any{"oidc_name": c.name, "oidc_client_secret": "canary"})
			if errors.Is(err, fault.Invalid) != c.refused || err != nil && !c.refused || seen != c.seen {
				t.Errorf("%s: %v, the probe saw %q", c.name, err, seen)
			}
			if is := get(t, s).Text("oidc_name"); is != c.is {
				t.Errorf("%s: the value is %q, want %q", c.name, is, c.is)
			}
		}
	})
}
