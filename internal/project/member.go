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

// Member is the role of somebody, or of a group of people, in a project.
type Member struct {
	ID        int64
	ProjectID int64
	AccountID int64  // 0 for a group
	GroupID   int64  // 0 for an account
	Name      string // user name, or the group's
	Role      authz.Role
	CreatedAt time.Time
	UpdatedAt time.Time
}

// NewMember names an account, by id or else by user name, or a group by its id, and the role.
type NewMember struct {
	UserID   int64
	Username string
	GroupID  int64
	Role     authz.Role
}

func memberListing() db.Listing {
	return db.Listing{
		Fields: memberFields,
		From:   memberFrom,
		Columns: map[string]db.Column{
			"entity_name":   {Expr: memberName},
			"entity_id":     {Expr: "COALESCE(m.account_id, m.group_id)", Kind: db.Int},
			"role_id":       {Expr: "m.role_id", Kind: db.Int},
			"creation_time": {Expr: "m.created_at", Kind: db.Timestamp},
		},
		Default: memberName,
		Tie:     "m.id",
	}
}

const (
	memberName   = `COALESCE(a.username, g.name)`
	memberFields = `m.id, m.project_id, COALESCE(m.account_id, 0), COALESCE(m.group_id, 0), ` + memberName + `, m.role_id, m.created_at, m.updated_at`
	memberFrom   = `project_member m LEFT JOIN account a ON a.id = m.account_id LEFT JOIN user_group g ON g.id = m.group_id`
	memberThere  = `COALESCE(a.deleted_at, 0) = 0`
	oneMember    = `SELECT ` + memberFields + ` FROM ` + memberFrom + ` WHERE m.project_id = $1 AND m.id = $2 AND ` + memberThere
)

func scanMember(r db.Row) (m Member, err error) {
	err = r.Scan(&m.ID, &m.ProjectID, &m.AccountID, &m.GroupID, &m.Name, &m.Role, db.ScanTime(&m.CreatedAt), db.ScanTime(&m.UpdatedAt))
	return m, err
}

// HasMemberKey reports whether ListMembers filters and sorts by key.
func HasMemberKey(key string) bool { return memberListing().Has(key) }

// ListMembers returns a page of the members whose name is entityName ("": all), sorted by name, and how
// many there are.
func (s *Service) ListMembers(ctx context.Context, projectID int64, entityName string, list db.List) (rows []Member, total int64, err error) {
	where, args := "m.project_id = $1 AND "+memberThere, []any{projectID}
	if entityName != "" {
		where, args = where+" AND "+memberName+" = $2", append(args, entityName)
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

// AddMember gives an account or a group a role and returns the member's id. Errors: fault.Invalid when
// nobody is named or the role isn't one, fault.NotFound for who is unknown, fault.Conflict.
func (s *Service) AddMember(ctx context.Context, by authz.Principal, projectID int64, n NewMember) (id int64, err error) {
	err = s.db.Write(ctx, func(tx db.Tx) error {
		p, err := load(ctx, tx, projectID)
		if err != nil {
			return err
		}
		who, err := findEntity(ctx, tx, n)
		if err != nil {
			return err
		}
		there, err := db.Get(ctx, tx, db.ScanInt, who.kind.count, who.id, projectID)
		if err != nil {
			return err
		}
		if there > 0 {
			return errMemberExists()
		}
		if !n.Role.Valid() {
			return errRole()
		}
		if id, err = insertMember(ctx, tx, who.kind, projectID, who.id, n.Role, s.clock()); err != nil {
			return err
		}
		return s.memberEvent(ctx, tx, event.CreateMember, by, p, who.name)
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

const (
	updateMembership = `UPDATE project_member SET role_id = $1, updated_at = $2 WHERE id = $3`
	deleteMembership = `DELETE FROM project_member WHERE id = $1`

	// Tokens end: they may hold rights that an account loses.
	bumpAccount = `UPDATE account SET epoch = epoch + 1 WHERE id = $1`
	bumpGroup   = `UPDATE account SET epoch = epoch + 1 WHERE id IN (SELECT account_id FROM account_group WHERE group_id = $1)`
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
		bump, whose := bumpAccount, m.AccountID
		if m.GroupID != 0 {
			bump, whose = bumpGroup, m.GroupID
		}
		if _, err := tx.Exec(ctx, bump, whose); err != nil {
			return fmt.Errorf("end the member's tokens: %w", err)
		}
		return s.memberEvent(ctx, tx, kind, by, p, m.Name)
	})
}

func (s *Service) memberEvent(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, p Project, name string) error {
	e := s.happened(kind, by, p.ID, p.Name)
	e.Resource = p.Name + "/" + name
	return event.Append(ctx, tx, e)
}
