package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// Member is somebody's role in a project.
type Member struct {
	ID        int64
	ProjectID int64
	AccountID int64
	Name      string // user name
	Role      authz.Role
	CreatedAt time.Time
	UpdatedAt time.Time
}

// NewMember names an account, by id or else by user name, and its role.
type NewMember struct {
	UserID   int64
	Username string
	Role     authz.Role
}

func memberListing() db.Listing {
	return db.Listing{
		Fields: memberFields,
		From:   memberFrom,
		Columns: map[string]db.Column{
			"entity_name":   {Expr: "a.username"},
			"entity_id":     {Expr: "m.account_id", Kind: db.Int},
			"role_id":       {Expr: "m.role_id", Kind: db.Int},
			"creation_time": {Expr: "m.created_at", Kind: db.Timestamp},
		},
		Default: "a.username",
		Tie:     "m.id",
	}
}

const (
	memberFields = `m.id, m.project_id, m.account_id, a.username, m.role_id, m.created_at, m.updated_at`
	memberFrom   = `project_member m JOIN account a ON a.id = m.account_id`
	oneMember    = `SELECT ` + memberFields + ` FROM ` + memberFrom + ` WHERE m.project_id = $1 AND m.id = $2 AND a.deleted_at = 0`
)

func scanMember(r db.Row) (m Member, err error) {
	err = r.Scan(&m.ID, &m.ProjectID, &m.AccountID, &m.Name, &m.Role, db.ScanTime(&m.CreatedAt), db.ScanTime(&m.UpdatedAt))
	return m, err
}

// HasMemberKey reports whether ListMembers filters and sorts by key.
func HasMemberKey(key string) bool { return memberListing().Has(key) }

// ListMembers returns a page of the members whose name is entityName ("": all), sorted by name, and how
// many there are.
func (s *Service) ListMembers(ctx context.Context, projectID int64, entityName string, list db.List) (rows []Member, total int64, err error) {
	where, args := "m.project_id = $1 AND a.deleted_at = 0", []any{projectID}
	if entityName != "" {
		where, args = where+" AND a.username = $2", append(args, entityName)
	}
	err = s.db.Read(ctx, func(tx db.Tx) error {
		rows, total, err = db.Page(ctx, tx, memberListing(), where, args, list, scanMember)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list members of project %d: %w", projectID, err)
	}
	return rows, total, nil
}

// GetMember returns a member by its own id, or fault.NotFound.
func (s *Service) GetMember(ctx context.Context, projectID, memberID int64) (Member, error) {
	return getMember(ctx, s.db.Auto(), projectID, memberID)
}

func getMember(ctx context.Context, tx db.Tx, projectID, memberID int64) (Member, error) {
	m, err := db.Get(ctx, tx, scanMember, oneMember, projectID, memberID)
	if errors.Is(err, db.ErrNotFound) {
		return Member{}, fault.NotFoundf("the project member is not found, project id %d, member id %d", projectID, memberID)
	}
	if err != nil {
		return Member{}, fmt.Errorf("get member %d of project %d: %w", memberID, projectID, err)
	}
	return m, nil
}

// AddMember gives an account a role and returns the member's id. Errors: fault.Invalid when no account
// is named or the role isn't one, fault.NotFound for an unknown account, fault.Conflict.
func (s *Service) AddMember(ctx context.Context, by authz.Principal, projectID int64, n NewMember) (id int64, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, projectID)
		if err != nil {
			return err
		}
		a, err := findAccount(ctx, tx, n)
		if err != nil {
			return err
		}
		roles, err := db.Collect(ctx, tx, db.ScanInt, rolesOf, a.id, projectID)
		if err != nil {
			return err
		}
		if len(roles) > 0 {
			return errMemberExists()
		}
		if !n.Role.Valid() {
			return errRole()
		}
		if id, err = insertMember(ctx, tx, projectID, a.id, n.Role, s.clock()); err != nil {
			return err
		}
		return s.memberEvent(ctx, tx, event.CreateMember, by, p, a.name)
	})
	if err != nil {
		return 0, fmt.Errorf("add member to project %d: %w", projectID, err)
	}
	return id, nil
}

func errMemberExists() error { return fault.Conflictf("The project member specified already exist") }

func errRole() error {
	return fault.Invalidf("Failed to update project member, role is not in 1,2,3")
}

type account struct {
	id   int64
	name string
}

func scanAccount(r db.Row) (a account, err error) { err = r.Scan(&a.id, &a.name); return a, err }

const (
	accountByID   = `SELECT id, username FROM account WHERE id = $1 AND deleted_at = 0`
	accountByName = `SELECT id, username FROM account WHERE username = $1 AND deleted_at = 0`
)

func findAccount(ctx context.Context, tx db.Tx, n NewMember) (account, error) {
	query, key := accountByID, any(n.UserID)
	switch {
	case n.UserID > 0:
	case n.Username != "":
		query, key = accountByName, n.Username
	default:
		return account{}, fault.Invalidf("the member_user needs a user_id or a username")
	}
	a, err := db.Get(ctx, tx, scanAccount, query, key)
	if errors.Is(err, db.ErrNotFound) {
		return account{}, fault.NotFoundf("user %v is not found", key)
	}
	return a, err
}

const insertMembership = `INSERT INTO project_member (project_id, account_id, role_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (project_id, account_id) DO NOTHING RETURNING id`

func insertMember(ctx context.Context, tx db.Tx, projectID, accountID int64, role authz.Role, now time.Time) (int64, error) {
	id, err := db.Get(ctx, tx, db.ScanInt, insertMembership, projectID, accountID, int64(role), db.Micros(now), db.Micros(now))
	if errors.Is(err, db.ErrNotFound) {
		return 0, errMemberExists()
	}
	if err != nil {
		return 0, fmt.Errorf("insert member: %w", err)
	}
	return id, nil
}

const (
	updateMembership = `UPDATE project_member SET role_id = $1, updated_at = $2 WHERE id = $3`
	deleteMembership = `DELETE FROM project_member WHERE id = $1`

	// Tokens and sessions of the account end: they may hold rights that it loses.
	bumpAccount = `UPDATE account SET epoch = epoch + 1 WHERE id = $1`
)

// SetMemberRole changes a member's role.
func (s *Service) SetMemberRole(ctx context.Context, by authz.Principal, projectID, memberID int64, role authz.Role) error {
	err := s.changeMember(ctx, event.UpdateMember, by, projectID, memberID, func(tx db.Tx, m Member) error {
		if !role.Valid() {
			return errRole()
		}
		_, err := tx.Exec(ctx, updateMembership, int64(role), db.Micros(s.clock()), m.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("change member %d of project %d: %w", memberID, projectID, err)
	}
	return nil
}

// DeleteMember takes a member out of the project.
func (s *Service) DeleteMember(ctx context.Context, by authz.Principal, projectID, memberID int64) error {
	err := s.changeMember(ctx, event.DeleteMember, by, projectID, memberID, func(tx db.Tx, m Member) error {
		_, err := tx.Exec(ctx, deleteMembership, m.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete member %d of project %d: %w", memberID, projectID, err)
	}
	return nil
}

func (s *Service) changeMember(ctx context.Context, kind event.Kind, by authz.Principal, projectID, memberID int64, f func(db.Tx, Member) error) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, projectID)
		if err != nil {
			return err
		}
		m, err := getMember(ctx, tx, projectID, memberID)
		if err != nil {
			return err
		}
		if err := f(tx, m); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, bumpAccount, m.AccountID); err != nil {
			return fmt.Errorf("end the account's tokens: %w", err)
		}
		return s.memberEvent(ctx, tx, kind, by, p, m.Name)
	})
}

func (s *Service) memberEvent(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, p Project, name string) error {
	e := s.happened(kind, by, p.ID, p.Name)
	e.Resource = p.Name + "/" + name
	return event.Append(ctx, tx, e)
}

const rolesOf = `SELECT role_id FROM project_member WHERE account_id = $1 AND project_id = $2`

// Roles returns the roles that the account holds in the project. It implements authz.Roles.
func (s *Service) Roles(ctx context.Context, accountID, projectID int64) ([]authz.Role, error) {
	roles, err := db.Collect(ctx, s.db.Auto(), scanRole, rolesOf, accountID, projectID)
	if err != nil {
		return nil, fmt.Errorf("read roles of account %d in project %d: %w", accountID, projectID, err)
	}
	return roles, nil
}

func scanRole(r db.Row) (v authz.Role, err error) { err = r.Scan(&v); return v, err }
