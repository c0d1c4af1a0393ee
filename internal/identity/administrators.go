package identity

import (
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
)

// overAdministrators refuses what would let a robot that may manage users become an administrator: only an
// administrator changes one, makes one, or deletes one. Everybody may change oneself.
func overAdministrators(by authz.Principal, target User, becomes bool) error {
	administers := by.Kind == authz.User && by.Admin
	self := by.Kind == authz.User && by.ID == target.ID
	if administers || !becomes && (self || !target.Sysadmin && !target.AdminInAuth) {
		return nil
	}
	return fault.Forbiddenf("only a system administrator may make, change or delete one")
}
