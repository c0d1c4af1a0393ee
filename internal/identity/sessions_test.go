package identity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
)

func (w *world) sessions(accountID int64) []identity.BrowserSession {
	w.t.Helper()
	page, total, err := w.ListSessions(context.Background(), accountID, db.List{Page: 1, Size: 10})
	if err != nil || int(total) != len(page) {
		w.t.Fatalf("%d of %d sessions, %v", len(page), total, err)
	}
	return page
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		alice, bob := w.addUser("alice", alicePassword), w.addUser("bob", alicePassword)
		first := w.signIn("alice")
		w.clock.add(10 * time.Minute)
		second := w.signIn("alice")
		w.signIn("bob")
		began := w.clock.now()
		got := w.sessions(alice)
		if len(got) != 2 || !got[0].CreatedAt.Equal(began) || got[0].Remote != home.String() || got[0].UserAgent != "Browser/1.0" ||
			got[0].Username != "alice" || !got[0].ExpiresAt.Equal(began.Add(7*24*time.Hour)) || len(w.sessions(bob)) != 1 {
			t.Fatalf("got %+v", got)
		}
		p, err := w.SessionPrincipal(ctx, first, true)
		if err != nil || p.SessionID != got[1].ID {
			t.Fatalf("the older one is %s, %v", p.SessionID, err)
		}
		if shown := fmt.Sprintf("%+v", got); strings.Contains(shown, first) || strings.Contains(shown, second) {
			t.Error("a list shows what opens a session")
		}
		if err := w.EndSession(ctx, p, got[0].ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.replica().SessionPrincipal(ctx, second, true)
		wantErr(t, err, identity.ErrSession)
		wantErr(t, w.EndSession(ctx, p, got[0].ID), fault.NotFound)
		third := w.signIn("alice")
		if err := w.EndOtherSessions(ctx, p, alice, p.SessionID); err != nil {
			t.Fatal(err)
		}
		_, err = w.SessionPrincipal(ctx, third, true)
		wantErr(t, err, identity.ErrSession)
		if left := w.sessions(alice); len(left) != 1 || left[0].ID != p.SessionID || len(w.sessions(bob)) != 1 {
			t.Errorf("left are %+v", left)
		}
		if n := strings.Count(strings.Join(w.events(), "\n"), "delete_session"); n != 2 {
			t.Errorf("%d events of ended sessions, want 2", n)
		}
		w.clock.add(time.Hour)
		if left := w.sessions(alice); len(left) != 0 {
			t.Errorf("idle for too long, and listed: %+v", left)
		}
	})
}

func TestSessionsLiveAsLongAsTheSettingSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		w.addUser("alice", alicePassword)
		token := w.signIn("alice")
		if err := w.settings.Set(ctx, "admin", map[string]any{"session_lifetime": 2, "session_timeout": 600}); err != nil {
			t.Fatal(err)
		}
		w.clock.add(2*time.Hour - time.Second)
		if _, err := w.SessionPrincipal(ctx, token, true); err != nil {
			t.Fatal(err)
		}
		w.clock.add(time.Second)
		_, err := w.SessionPrincipal(ctx, token, true)
		wantErr(t, err, identity.ErrSession)
	})
}
