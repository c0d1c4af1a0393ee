package identity

import (
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// AdminID is the account that exists from the first start: it can't be deleted and isn't listed.
const AdminID = 1

// User is a person's account.
type User struct {
	ID                                 int64
	Username, Email, Realname, Comment string
	Sysadmin, MustChangePassword       bool
	Epoch                              int64
	CreatedAt, UpdatedAt               time.Time
}

// NewUser is what it takes to create a user.
type NewUser struct {
	Username, Email, Realname, Comment string
	Password                           secret.Text
}

// Profile is what users change of themselves.
type Profile struct{ Email, Realname, Comment string }
