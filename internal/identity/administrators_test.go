package identity

import (
	"errors"
	"testing"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
)

func TestOverAdministrators(t *testing.T) {
	admin := authz.Principal{Kind: authz.User, ID: 1, Admin: true}
	alice := authz.Principal{Kind: authz.User, ID: 7}
	robot := authz.Principal{Kind: authz.Robot, ID: 1}
	for _, c := range []struct {
		name    string
		by      authz.Principal
		target  User
		becomes bool
		allowed bool
	}{
		{"administrator changes a user", admin, User{ID: 7}, false, true},
		{"administrator changes an administrator", admin, User{ID: 2, Sysadmin: true}, false, true},
		{"administrator makes one", admin, User{ID: 7}, true, true},
		{"user changes oneself", alice, User{ID: 7}, false, true},
		{"robot changes a user", robot, User{ID: 7}, false, true},
		{"robot changes an administrator", robot, User{ID: 2, Sysadmin: true}, false, false},
		{"robot with an administrator's number", robot, User{ID: 1, Sysadmin: true}, false, false},
		{"robot makes an administrator", robot, User{ID: 7}, true, false},
		{"user makes oneself administrator", alice, User{ID: 7}, true, false},
	} {
		err := overAdministrators(c.by, c.target, c.becomes)
		if (err == nil) != c.allowed || err != nil && !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
