package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

const listed = `a.deleted_at = 0 AND a.id <> 1` // AdminID

// ListUsers lists all users but the first administrator. Keys: user_id, username, email, realname,
// comment, sysadmin_flag, creation_time, update_time.
func (s *Service) ListUsers(ctx context.Context, list db.List) (page []User, total int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, users, listed, nil, list, scanUser)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	return page, total, nil
}

// SearchUsers lists users whose name contains namePart, in any case.
func (s *Service) SearchUsers(ctx context.Context, namePart string, list db.List) ([]User, int64, error) {
	list.Filters = []db.Filter{{Key: "username", Op: db.Contains, Values: []string{namePart}}}
	return s.ListUsers(ctx, list)
}

// GetUser returns a user, the first administrator too.
func (s *Service) GetUser(ctx context.Context, id int64) (User, error) {
	return getUser(ctx, s.db.Auto(), id)
}

// FindUser returns the user with exactly this user name. fault.NotFound when there is none.
func (s *Service) FindUser(ctx context.Context, name string) (User, error) {
	if !printable(name) {
		return User{}, fmt.Errorf("find user: %w", fault.NotFound)
	}
	u, err := db.Get(ctx, s.db.Auto(), scanUser, userByName, name)
	return u, notFound(err, "find user %q", name)
}

// CreateUser creates a user. A name or e-mail that is in use is a fault.Conflict.
func (s *Service) CreateUser(ctx context.Context, by authz.Principal, n NewUser) (int64, error) {
	if err := n.validate(); err != nil {
		return 0, err
	}
	if err := s.notARobot(ctx, n.Username); err != nil {
		return 0, err
	}
	hash, err := s.hasher.hash(ctx, n.Password)
	if err != nil {
		return 0, err
	}
	taken := fault.Conflictf("user %s or email %s already exists", n.Username, n.Email)
	actor := by.Name
	if actor == "" {
		actor = n.Username // registers themselves
	}
	var id int64
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if err := refuseTaken(ctx, tx, 0, n.Username, n.Email, taken); err != nil {
			return err
		}
		var err error
		if id, err = insertAccount(ctx, tx, n, hash, false, false, db.Micros(s.clock())); err != nil {
			return err
		}
		return s.userEvent(ctx, tx, event.CreateUser, actor, n.Username)
	})
	if errors.Is(err, db.ErrUnique) {
		err = taken
	}
	return id, err
}

func refuseTaken(ctx context.Context, tx db.Tx, self int64, username, email string, taken error) error {
	n, err := db.Get(ctx, tx, db.ScanInt, nameTaken, self, username, email, username, email)
	if err != nil {
		return fmt.Errorf("look for the name: %w", err)
	}
	if n > 0 {
		return taken
	}
	return nil
}

func (s *Service) userEvent(ctx context.Context, tx db.Tx, kind event.Kind, by, username string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.clock(), By: by, Resource: username, Success: true})
}

// UpdateProfile replaces the profile of a user. An e-mail that is in use is a fault.Conflict.
func (s *Service) UpdateProfile(ctx context.Context, by authz.Principal, id int64, p Profile) error {
	if err := p.validate(); err != nil {
		return err
	}
	taken := fault.Conflictf("user with email %s already exists", p.Email)
	err := s.db.Write(ctx, func(tx db.Tx) error {
		u, err := getUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := overAdministrators(by, u, false); err != nil {
			return err
		}
		if u.Onboarded {
			return errOnboarded(u.Username)
		}
		if err := refuseTaken(ctx, tx, id, p.Email, p.Email, taken); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, accountProfile, p.Email, p.Realname, p.Comment, db.Micros(s.clock()), id); err != nil {
			return fmt.Errorf("update user %d: %w", id, err)
		}
		return s.userEvent(ctx, tx, event.UpdateUser, by.Name, u.Username)
	})
	if errors.Is(err, db.ErrUnique) {
		err = taken
	}
	return err
}

// errOnboarded refuses to change what is not ours.
func errOnboarded(username string) error {
	return fault.Forbiddenf("the account %s belongs to a directory or identity provider, which keeps its profile and password", username)
}

// SetSysadmin makes a user a system administrator, or no longer one. The first administrator stays one:
// somebody must be able to get in.
func (s *Service) SetSysadmin(ctx context.Context, by authz.Principal, id int64, sysadmin bool) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		u, err := getUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := overAdministrators(by, u, sysadmin || u.Sysadmin); err != nil {
			return err
		}
		if id == AdminID && !sysadmin {
			return fault.Forbiddenf("User with ID %d stays system administrator", id)
		}
		if u.Sysadmin == sysadmin {
			return nil
		}
		if _, err := tx.Exec(ctx, accountAdmin, sysadmin, db.Micros(s.clock()), id); err != nil {
			return fmt.Errorf("update user %d: %w", id, err)
		}
		return s.userEvent(ctx, tx, event.UpdateUser, by.Name, u.Username)
	})
}

// DeleteUser deletes a user, with memberships and sessions, and frees name and e-mail. Nobody deletes
// themselves or the first administrator.
func (s *Service) DeleteUser(ctx context.Context, by authz.Principal, id int64) error {
	if id == AdminID || by.Kind == authz.User && by.ID == id {
		return fault.Forbiddenf("User with ID %d cannot be deleted", id)
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		u, err := getUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := overAdministrators(by, u, false); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, accountDelete, fmt.Sprintf("%s#%d", u.Username, id), fmt.Sprintf("%s#%d", u.storedEmail, id), db.Micros(s.clock()), id)
		if err != nil {
			return fmt.Errorf("delete user %d: %w", id, err)
		}
		for _, q := range []string{hashDelete, membershipsDelete, groupsDelete, linksDelete, personalDeleteAll} {
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return fmt.Errorf("delete user %d: %w", id, err)
			}
		}
		if err := endSessions(ctx, tx, id); err != nil {
			return err
		}
		return s.userEvent(ctx, tx, event.DeleteUser, by.Name, u.Username)
	})
}
