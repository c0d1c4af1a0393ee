package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// Standing is who a name stands for, and whether they can come in at all.
type Standing struct {
	Principal   authz.Principal
	Disabled    bool      // a robot that was switched off
	ExpiredAt   time.Time // of a robot, zero unless it has expired
	LeftAt      time.Time // when nothing let the account in any more: no provider knows it, and it has no password
	LockedUntil time.Time // until when log-ins wait because too many failed, zero when they don't
}

// Usable reports whether what p may do is more than theory.
func (s Standing) Usable() bool {
	return !s.Disabled && s.ExpiredAt.IsZero() && s.LeftAt.IsZero() && s.LockedUntil.IsZero()
}

const (
	accountStanding = `SELECT ` + asPrincipal + `, a.left_at FROM account a WHERE a.username = $1 AND a.deleted_at = 0`
	lockedUntil     = `SELECT until FROM login_failure WHERE subject = $1 AND until > $2`
)

func scanUserStanding(r db.Row) (st Standing, err error) {
	var v standing
	err = r.Scan(append(v.dest(), db.ScanTime(&st.LeftAt))...)
	st.Principal = v.Principal
	return st, err
}

// UserStanding is the standing of a user, by name, by the last word of its providers; fault.NotFound when
// there is none.
func (s *Service) UserStanding(ctx context.Context, name string) (Standing, error) {
	st, err := db.Get(ctx, s.db.Auto(), scanUserStanding, accountStanding, name)
	if err != nil {
		return Standing{}, notFound(err, "look up user %q", name)
	}
	st.LockedUntil, err = s.lockedUntil(ctx, fmt.Sprintf("account/%d", st.Principal.ID))
	return st, err
}

// RobotStanding is the standing of a robot, by its name with or without its prefix; fault.NotFound when
// there is none.
func (s *Service) RobotStanding(ctx context.Context, name string) (Standing, error) {
	h, err := s.robotNamed(ctx, name)
	if err != nil {
		return Standing{}, err
	}
	if h.subject == "" {
		return Standing{}, fault.NotFoundf("robot %s not found", name)
	}
	st := Standing{Principal: h.principal, Disabled: h.robot.Disabled}
	if expired(h.robot.ExpiresAt, s.clock()) {
		st.ExpiredAt = h.robot.ExpiresAt
	}
	if st.Principal.Grants, err = s.grantsOf(ctx, h.principal.ID, h.principal.Epoch); err != nil {
		return Standing{}, err
	}
	st.LockedUntil, err = s.lockedUntil(ctx, h.subject)
	return st, err
}

func (s *Service) robotNamed(ctx context.Context, name string) (holder, error) {
	h, err := s.lookupRobot(ctx, name)
	if err != nil || h.subject != "" || strings.Contains(name, "$") {
		return h, err
	}
	prefix, err := s.robotPrefix(ctx)
	if err != nil {
		return holder{}, err
	}
	return s.lookupRobot(ctx, prefix+name)
}

func (s *Service) lockedUntil(ctx context.Context, subject string) (time.Time, error) {
	found, err := db.Collect(ctx, s.db.Auto(), func(r db.Row) (t time.Time, err error) {
		err = r.Scan(db.ScanTime(&t))
		return t, err
	}, lockedUntil, subject, db.Micros(s.clock()))
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return found[0], nil
}
