package identity_test

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// passwordOf is what a Basic header holds behind the name.
func passwordOf(t *testing.T, header secret.Text) string {
	t.Helper()
	plain, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header.Reveal(), "Basic "))
	name, password, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok || name != identity.ScanName {
		t.Fatalf("got %q, %v", plain, err)
	}
	return password
}

func TestScanPass(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		w := newWorld(t, d)
		project := w.addProject("p")
		access := identity.TokenAccess{Name: "p/app", Actions: []string{"push", "delete"}, ProjectID: project, ProjectEpoch: 1}
		give := func() (identity.ScanPass, string) {
			t.Helper()
			pass, err := w.GiveScanPass(ctx, "Clair", access, 35*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			password := passwordOf(t, pass.Basic)
			if pass.Bearer.Reveal() != "Bearer "+password || !pass.Expires.Equal(w.clock.now().Add(35*time.Minute)) {
				t.Errorf("got %v", pass)
			}
			return pass, password
		}
		dead := func(when string, tokens ...string) {
			t.Helper()
			w.clock.add(time.Second) // for as long as a token is believed without asking
			for _, token := range tokens {
				if _, err := w.VerifyScanPass(ctx, token); !errors.Is(err, identity.ErrToken) {
					t.Errorf("%s: %v", when, err)
				}
			}
		}

		pass, password := give()
		p, err := w.VerifyScanPass(ctx, password)
		if err != nil || p.Kind != authz.Bearer || p.Holder != authz.ScannerPass || p.Name != "scanner:Clair" {
			t.Fatalf("got %+v, %v", p, err)
		}
		for action, want := range map[authz.Action]bool{authz.Pull: true, authz.ScannerPull: true, authz.Push: false, authz.Delete: false} {
			if id, ok := p.Granted("p/app", action); ok != want || ok && id != project {
				t.Errorf("%s: %v", action, ok)
			}
		}
		if _, ok := p.Granted("p/other", authz.Pull); ok {
			t.Error("another repository")
		}
		// For itself it gets docker tokens, which live no longer than it.
		token, life, _, err := w.IssueToken(ctx, p, []identity.TokenAccess{{Type: "repository", Name: "p/app", Actions: []string{"pull"}, ProjectID: project, ProjectEpoch: 1}})
		if err != nil || life != 30*time.Minute {
			t.Fatalf("got %v, %v", life, err)
		}
		w.clock.add(20 * time.Minute)
		if _, life, _, err = w.IssueToken(ctx, p, nil); err != nil || life != 15*time.Minute {
			t.Errorf("got %v, %v", life, err)
		}
		if q, err := w.VerifyToken(ctx, token); err != nil || q.Holder != authz.ScannerPass {
			t.Errorf("got %+v, %v", q, err)
		}
		// Elsewhere its name and password are nobody's.
		if _, err := w.Authenticate(ctx, identity.ScanName, secret.Text(password), netip.Addr{}); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("as an account: %v", err)
		}
		if err := w.EndScanPass(ctx, pass.ID); err != nil {
			t.Fatal(err)
		}
		dead("after its end", password, token)

		_, password = give()
		w.clock.add(35 * time.Minute)
		dead("after its time", password)
		if err := w.Upkeep(ctx); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Get(ctx, d.Auto(), db.ScanInt, `SELECT COUNT(*) FROM scan_pass`); err != nil || n != 0 {
			t.Errorf("%d passes are left, %v", n, err)
		}

		_, password = give()
		w.exec(`UPDATE project SET epoch = 2 WHERE name = 'p'`)
		w.clock.add(time.Second)
		if p, err := w.VerifyScanPass(ctx, password); err != nil || len(p.Token) != 0 {
			t.Errorf("of a project that changed: %+v, %v", p, err)
		}
		user := w.issue(admin)
		if _, err := w.VerifyScanPass(ctx, user); !errors.Is(err, identity.ErrToken) {
			t.Errorf("a user's token as a pass: %v", err)
		}
	})
}
