package workload_test

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity/workload/issuertest"
)

func TestKeysAreKept(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	in := func(what string, asked int) {
		t.Helper()
		if _, err := w.logIn("workload", w.issuer.Sign(w.claims())); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if n := w.issuer.Asked(); n != asked {
			t.Errorf("%s: asked %d times, want %d", what, n, asked)
		}
	}
	in("first", 1)
	in("second", 1)
	w.now = w.now.Add(time.Minute)
	w.issuer.Rotate(jose.ES256)
	in("a new key", 2)
	old := w.issuer.Sign(w.claims())
	w.issuer.Rotate(jose.RS256)
	w.refused("a new key, right after the last question", "workload", w.issuer.Sign(w.claims()))
	w.now = w.now.Add(15 * time.Second)
	in("a little later", 3)
	w.issuer.Forget()
	if _, err := w.logIn("workload", old); err != nil {
		t.Errorf("a key that is kept: %v", err)
	}
	w.now = w.now.Add(11 * time.Minute)
	w.refused("a key that was withdrawn", "workload", old)
	in("after that", 4)
	w.issuer.Down(true)
	w.now = w.now.Add(11 * time.Minute)
	in("the issuer is down", 4)
	w.now = w.now.Add(time.Hour)
	w.refused("the issuer is down for long", "workload", w.issuer.Sign(w.claims()))
	w.issuer.Down(false)
	w.now = w.now.Add(15 * time.Second)
	in("the issuer is back", 5)
}

// Garbage doesn't make us ask the issuer more often.
func TestUnknownKeysDontHammer(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.create(w.draft())
	for range 20 {
		w.issuer.Rotate(jose.ES256)
		_, _ = w.logIn("workload", w.issuer.Sign(w.claims()))
		w.forgive()
	}
	if n := w.issuer.Asked(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// Who administers a project can't have the registry look around in its own networks.
func TestPrivateIssuers(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	_, err := w.workloads.Create(t.Context(), w.admin, w.team, w.draft())
	ok(t, err)
	w.refused("a project's issuer on this machine", "workload/team+ci", w.issuer.Sign(w.claims()))
	if n := w.issuer.Asked(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
	vouched := w.draft()
	vouched.Enabled = false
	w.create(vouched)
	_, err = w.logIn("workload/team+ci", w.issuer.Sign(w.claims()))
	ok(t, err)
}

func TestKeySetOfThePolicy(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	d := w.draft()
	d.Issuer = "https://kubernetes.default.svc.cluster.local"
	d.KeySet = w.issuer.KeySet()
	w.create(d)
	w.issuer.Down(true)
	claims := w.with("iss", d.Issuer)
	_, err := w.logIn("workload", w.issuer.Sign(claims))
	ok(t, err)
	w.refused("the issuer that isn't the policy's", "workload", w.issuer.Sign(w.claims()))
	other := issuertest.New(t)
	w.refused("another's key", "workload", other.Sign(claims))
}
