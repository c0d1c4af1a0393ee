package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// asPrincipal is what an account's principal is made of, for scanPrincipal. An account that its providers
// don't know any more, and that has no password, is nobody: inUse says so.
const (
	asPrincipal = `a.id, a.username, a.sysadmin OR a.admin_in_auth, a.epoch, a.ask_after`
	inUse       = `a.deleted_at = 0 AND a.left_at = 0`

	principalSelect = `SELECT ` + asPrincipal + ` FROM account a WHERE a.id = $1 AND ` + inUse
)

// standing is a principal, and when its providers are to be asked about it (zero: never).
type standing struct {
	authz.Principal
	askAfter time.Time
}

func (v *standing) dest() []any {
	v.Kind = authz.User
	return []any{&v.ID, &v.Name, &v.Admin, &v.Epoch, db.ScanTime(&v.askAfter)}
}

func scanStanding(r db.Row) (v standing, err error) {
	err = r.Scan(v.dest()...)
	return v, err
}

// Principal returns the principal of a user, without a log-in. Where the last word of the account's
// providers is old they are asked first. fault.NotFound when there is none, or nothing lets it in any more.
func (s *Service) Principal(ctx context.Context, userID int64) (authz.Principal, error) {
	v, err := s.standing(ctx, userID)
	if err != nil {
		return authz.Principal{}, err
	}
	return s.current(ctx, v)
}

// current is the principal as its providers say that it is by now.
func (s *Service) current(ctx context.Context, v standing) (authz.Principal, error) {
	if v.askAfter.IsZero() || s.clock().Before(v.askAfter) {
		return v.Principal, nil
	}
	vouched, err := s.upToDate(ctx, v.ID, true)
	if err != nil {
		return authz.Principal{}, err
	}
	if !vouched {
		return authz.Principal{}, fmt.Errorf("no provider lets user %d in: %w", v.ID, fault.NotFound)
	}
	return s.principal(ctx, v.ID)
}

// principal is Principal without asking.
func (s *Service) principal(ctx context.Context, userID int64) (authz.Principal, error) {
	v, err := s.standing(ctx, userID)
	return v.Principal, err
}

func (s *Service) standing(ctx context.Context, userID int64) (standing, error) {
	v, err := db.Get(ctx, s.db.Auto(), scanStanding, principalSelect, userID)
	return v, notFound(err, "look up user %d", userID)
}
