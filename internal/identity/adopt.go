package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// What an adoption brings into an empty database: accounts, groups and robots of another registry, under the ids that they had there.
// It makes no events. Who can't be taken is a fault.Invalid or a fault.Conflict, and nothing was written then.

// AdoptedUser is an account of another registry.
type AdoptedUser struct {
	ID                                 int64
	Username, Email, Realname, Comment string // what is too long of a comment is left out
	Sysadmin                           bool
	Password                           *ForeignHash // nil: nothing lets in yet, and who first comes with this name from a provider gets the account
	Issuer, Subject                    string       // who it is for an OpenID provider; "": nobody
	CreatedAt, UpdatedAt               time.Time
}

const (
	accountAdopt = `INSERT INTO account (id, username, email, realname, comment, sysadmin, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET username = excluded.username, email = excluded.email, realname = excluded.realname, comment = excluded.comment,
		sysadmin = excluded.sysadmin, epoch = account.epoch + 1 WHERE account.id = 1`
	hashAdopt = `INSERT INTO account_password (account_id, hash) VALUES ($1, $2)
		ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, must_change = FALSE`
)

// AdoptUser brings an account. The first administrator takes the place of the one that is there.
func (s *Service) AdoptUser(ctx context.Context, tx db.Tx, u AdoptedUser) error {
	if err := checkName(u.Username, "username"); err != nil {
		return err
	}
	if !printable(u.Realname) {
		return fault.Invalidf("realname contains control characters")
	}
	if u.Password != nil && !u.Password.valid() {
		return fault.Invalidf("the password's hash is of an unknown kind")
	}
	if u.Email == "" || !emailForm.MatchString(u.Email) || utf8.RuneCountInString(u.Email) > maxName {
		u.Email = noEmail(u.Username)
	}
	if runes := []rune(strings.ToValidUTF8(u.Comment, "")); len(runes) > maxComment {
		u.Comment = string(runes[:maxComment])
	}
	if err := refuseTaken(ctx, tx, u.ID, u.Username, u.Email, fault.Conflictf("the user name or the email is also another account's")); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, accountAdopt, u.ID, u.Username, u.Email, u.Realname, u.Comment, u.Sysadmin, db.Micros(u.CreatedAt), db.Micros(u.UpdatedAt))
	if err != nil {
		return fmt.Errorf("adopt user %s: %w", u.Username, err)
	}
	if n == 0 {
		return fault.Conflictf("there is an account with the id %d", u.ID)
	}
	if u.Password != nil {
		if _, err := tx.Exec(ctx, hashAdopt, u.ID, u.Password.String()); err != nil {
			return fmt.Errorf("adopt the password of %s: %w", u.Username, err)
		}
	}
	if u.Subject == "" {
		return nil
	}
	at := db.Micros(u.CreatedAt)
	if _, err := tx.Exec(ctx, linkInsert, OIDCProvider, u.Issuer+" "+u.Subject, u.ID, at, at, at); err != nil {
		return fmt.Errorf("link user %s: %w", u.Username, err)
	}
	return nil
}

const groupAdopt = `INSERT INTO user_group (id, name, type, key, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`

// AdoptGroup brings a group. Its Key is what the providers name it by: a normal DN, or the name.
func (s *Service) AdoptGroup(ctx context.Context, tx db.Tx, g UserGroup) error {
	if err := checkGroupName(g.Name); err != nil {
		return err
	}
	if !g.Type.valid() || g.Key == "" {
		return fault.Invalidf("its type is none of LDAP, HTTP and OIDC, or it has no DN")
	}
	n, err := tx.Exec(ctx, groupAdopt, g.ID, g.Name, int64(g.Type), g.Key, db.Micros(g.CreatedAt), db.Micros(g.UpdatedAt))
	if err != nil {
		return fmt.Errorf("adopt group %s: %w", g.Name, err)
	}
	if n == 0 {
		return fault.Conflictf("there is a group of this type and name or DN")
	}
	return nil
}

// AdoptedRobot is a robot of another registry, with its ID, ProjectID, Name, Description, DurationDays, ExpiresAt, Disabled, creator and
// times. ProjectID and those of its grants are of projects that are there.
type AdoptedRobot struct {
	Robot
	Secret ForeignHash
	Grants []AdoptedGrant
}

// AdoptedGrant is a right: in a project, or with 0 and Every in all of them, else in the system.
type AdoptedGrant struct {
	ProjectID int64
	Every     bool
	Access
}

const robotAdopt = `INSERT INTO robot (id, project_id, name, description, duration_days, expires_at, disabled, creator_type, creator_id, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`

// AdoptRobot brings a robot with its secret, and returns the rights that robots can't have here, which it comes without.
func (s *Service) AdoptRobot(ctx context.Context, tx db.Tx, b AdoptedRobot) (without []Access, err error) {
	short := b.Name[strings.LastIndex(b.Name, "+")+1:]
	if !robotName.MatchString(short) || len(b.Name) > 2*maxName {
		return nil, fault.Invalidf("robot name is not in lower case or contains illegal characters")
	}
	if err := errors.Join(checkDuration(b.DurationDays), checkDescription(b.Description)); err != nil {
		return nil, err
	}
	if !b.Secret.valid() {
		return nil, fault.Invalidf("it has no secret that could be checked: make it anew")
	}
	granted, without := b.granted()
	var projectID any
	if b.ProjectID != 0 {
		projectID = b.ProjectID
	}
	n, err := tx.Exec(ctx, robotAdopt, b.ID, projectID, b.Name, b.Description, b.DurationDays, db.Micros(b.ExpiresAt), b.Disabled, b.CreatorType, b.CreatorID,
		db.Micros(b.CreatedAt), db.Micros(b.UpdatedAt))
	if err != nil {
		return nil, fmt.Errorf("adopt robot %s: %w", b.Name, err)
	}
	if n == 0 {
		return nil, fault.Conflictf("there is a robot with this id or name")
	}
	if _, err := tx.Exec(ctx, secretInsert, b.ID, b.Secret.String()); err != nil {
		return nil, fmt.Errorf("adopt the secret of robot %s: %w", b.Name, err)
	}
	return without, insertGrants(ctx, tx, b.ID, granted)
}

// granted are the rights as they are stored, each once, and those that aren't.
func (b AdoptedRobot) granted() (granted []authz.Grant, without []Access) {
	seen := map[authz.Grant]bool{}
	for _, a := range b.Grants {
		kind, g := levelProject, authz.Grant{Permission: a.permission(), Deny: a.Effect == effectDeny, Scope: authz.OneProject, ProjectID: a.ProjectID}
		switch {
		case a.Every:
			g.Scope = authz.EveryProject
		case a.ProjectID == 0:
			kind, g.Scope = levelSystem, authz.System
		}
		if !authz.RobotMayHold(kind, a.permission()) {
			without = append(without, a.Access)
			continue
		}
		if !seen[g] {
			seen[g], granted = true, append(granted, g)
		}
	}
	return granted, without
}

// EndAdoption has new ids go on above those that were brought.
func (s *Service) EndAdoption(ctx context.Context, tx db.Tx) error {
	for _, table := range []string{"account", "user_group", "robot"} {
		if err := tx.KeepIDs(ctx, table); err != nil {
			return err
		}
	}
	return nil
}
