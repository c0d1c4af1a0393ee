package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
)

// holder is who a log-in name stands for. The zero value stands for nobody.
type holder struct {
	subject   string // names the row in login_failure, "" for nobody
	hash      string
	former    string // hash of the secret before, while a robot's rotation keeps it good; checked when hash doesn't match
	usable    bool   // neither disabled nor expired
	principal authz.Principal
	robot     Robot // for principals of kind Robot: what its grants are loaded by
}

const (
	accountHolder = `SELECT a.id, a.username, a.sysadmin OR a.admin_in_auth, a.epoch, p.hash
		FROM account a JOIN account_password p ON p.account_id = a.id
		WHERE (a.username = $1 OR a.email = $2) AND a.deleted_at = 0
		ORDER BY a.username = $3 DESC LIMIT 1`
	// A robot of a deleted project is nobody.
	robotHolders = `SELECT r.id, r.name, COALESCE(r.project_id, 0), r.disabled, r.expires_at, r.epoch, s.hash, s.previous_hash, s.previous_until
		FROM robot r JOIN robot_secret s ON s.robot_id = r.id LEFT JOIN project p ON p.id = r.project_id
		WHERE (r.project_id IS NULL OR p.deleted_at = 0) AND r.name IN (`
)

func scanAccountHolder(r db.Row) (h holder, err error) {
	p := &h.principal
	err = r.Scan(&p.ID, &p.Name, &p.Admin, &p.Epoch, &h.hash)
	p.Kind, h.usable = authz.User, true
	h.subject = "account/" + strconv.FormatInt(p.ID, 10)
	return h, err
}

func (s *Service) scanRobotHolder(r db.Row) (h holder, err error) {
	b := &h.robot
	err = r.Scan(&b.ID, &b.Name, &b.ProjectID, &b.Disabled, db.ScanTime(&b.ExpiresAt), &b.Epoch, &h.hash, &h.former, db.ScanTime(&b.PreviousUntil))
	if b.PreviousUntil.IsZero() || expired(b.PreviousUntil, s.clock()) {
		h.former = s.hasher.dummy // as much work as for those that have one
	}
	h.usable = !b.Disabled && !expired(b.ExpiresAt, s.clock())
	h.subject = "robot/" + strconv.FormatInt(b.ID, 10)
	h.principal = authz.Principal{Kind: authz.Robot, ID: b.ID, ProjectID: b.ProjectID, Epoch: b.Epoch}
	return h, err
}

func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// plausible keeps out of the databases and directories what can't be anybody's name.
func plausible(name string) bool {
	return name != "" && len(name) <= 1024 && utf8.ValidString(name) && !strings.ContainsRune(name, 0)
}

// lookup finds who logs in by name: a user by name or e-mail, else a robot. Users can't have a $ in
// their names, nor take one that a robot is spelled by.
func (s *Service) lookup(ctx context.Context, name string) (holder, error) {
	if !plausible(name) {
		return holder{}, nil
	}
	if !strings.Contains(name, "$") {
		h, err := s.lookupAccount(ctx, name)
		if err == nil {
			return h, nil
		}
		if !errors.Is(err, db.ErrNotFound) {
			return holder{}, fmt.Errorf("look up the account: %w", err)
		}
	}
	return s.lookupRobot(ctx, name)
}

// maxPeople bounds the accounts that are remembered, in bytes.
const maxPeople = 1 << 20

// lookupAccount is db.ErrNotFound when no user has the name or e-mail. Docker's clients log in for each image: where no
// other process serves the database an account is remembered until one of them changes. A wrong password
// is still compared with its hash.
func (s *Service) lookupAccount(ctx context.Context, name string) (holder, error) {
	version, exact := s.accounts.Version()
	if exact {
		if h, ok := s.people.Get(version, name); ok {
			return h, nil
		}
	}
	h, err := db.Get(ctx, s.db.Auto(), scanAccountHolder, accountHolder, name, name, name)
	if err == nil && exact {
		s.people.Put(version, strings.Clone(name), h, len(name)+len(h.subject)+len(h.hash)+len(h.principal.Name))
	}
	return h, err
}

func (s *Service) lookupRobot(ctx context.Context, name string) (holder, error) {
	current, stored, err := s.storedNames(ctx, name)
	if err != nil || len(stored) == 0 {
		return holder{}, err
	}
	marks, args := db.In(0, stored)
	found, err := db.Collect(ctx, s.db.Auto(), s.scanRobotHolder, robotHolders+marks+")", args...)
	if err != nil {
		return holder{}, fmt.Errorf("look up the robot: %w", err)
	}
	for _, want := range stored { // the current prefix first
		for _, h := range found {
			if h.robot.Name == want {
				h.principal.Name = current + h.robot.Name
				return h, nil
			}
		}
	}
	return holder{former: s.hasher.dummy}, nil
}

// principalOf completes the holder's principal.
func (s *Service) principalOf(ctx context.Context, h holder) (authz.Principal, error) {
	p := h.principal
	if p.Kind != authz.Robot {
		return p, nil
	}
	s.uses.note(credential{robotUsed, p.ID}, s.clock())
	var err error
	p.Grants, err = s.grantsOf(ctx, p.ID, p.Epoch)
	return p, err
}
