package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// ListGroups lists the groups of the types that the settings switch on, and of all types where people
// sign in by Haven's own database. Keys: id, group_name, group_type, ldap_group_dn, creation_time.
func (s *Service) ListGroups(ctx context.Context, list db.List) ([]UserGroup, int64, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return nil, 0, err
	}
	where, args := "", []any(nil)
	if types := groupTypes(v.AuthMode(), s.active(v)); len(types) > 0 {
		where, args = db.In(0, types)
		where = "g.type IN (" + where + ")"
	}
	return s.pageOfGroups(ctx, where, args, list)
}

// groupTypes are the types of groups that matter in an auth_mode, none for all.
func groupTypes(mode string, on []NamedProvider) []int64 {
	var types []int64
	switch mode {
	case "ldap_auth":
		types = append(types, int64(LDAPGroup))
	case "http_auth":
		types = append(types, int64(HTTPGroup))
	default:
		return nil
	}
	for _, p := range on {
		if t := int64(p.GroupType); !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// SearchGroups lists groups of any type whose name contains namePart, in any case.
func (s *Service) SearchGroups(ctx context.Context, namePart string, list db.List) ([]UserGroup, int64, error) {
	list.Filters = []db.Filter{{Key: "group_name", Op: db.Contains, Values: []string{namePart}}}
	return s.pageOfGroups(ctx, "", nil, list)
}

func (s *Service) pageOfGroups(ctx context.Context, where string, args []any, list db.List) (page []UserGroup, total int64, err error) {
	err = s.db.Read(ctx, func(tx db.Tx) error {
		page, total, err = db.Page(ctx, tx, groupListing(), where, args, list, scanGroup)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list groups: %w", err)
	}
	return page, total, nil
}

// GetGroup returns a group, or fault.NotFound.
func (s *Service) GetGroup(ctx context.Context, id int64) (UserGroup, error) {
	g, err := db.Get(ctx, s.db.Auto(), scanGroup, groupByID, id)
	if errors.Is(err, db.ErrNotFound) {
		return UserGroup{}, fault.NotFoundf("the user group with id %d is not found", id)
	}
	return g, err
}

// CreateGroup makes a group known before anybody brings it. Errors: fault.Invalid, also for a DN that the
// directory doesn't have; fault.Conflict for a name or DN that is there already.
func (s *Service) CreateGroup(ctx context.Context, by authz.Principal, n NewUserGroup) (id int64, err error) {
	if n.Name != "" || n.Type != LDAPGroup {
		if err := checkGroupName(n.Name); err != nil {
			return 0, err
		}
	}
	same, err := db.Collect(ctx, s.db.Auto(), scanGroup, groupsByName, n.Name)
	if err != nil {
		return 0, fmt.Errorf("look for the group's name: %w", err)
	}
	if slices.ContainsFunc(same, func(g UserGroup) bool { return g.Type == n.Type || !n.Type.valid() }) {
		return 0, errGroupExists()
	}
	group, err := s.resolveGroup(ctx, n)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if id, err = s.insertGroup(ctx, tx, n.Type, group); err != nil {
			return err
		}
		return s.groupEvent(ctx, tx, event.CreateUsergroup, by, group.Name)
	})
	return id, err
}

func errGroupExists() error { return fault.Conflictf("duplicated user group name") }

func (s *Service) insertGroup(ctx context.Context, tx db.Tx, kind GroupType, g Group) (int64, error) {
	now := db.Micros(s.clock())
	id, err := db.Get(ctx, tx, db.ScanInt, groupInsert, g.Name, int64(kind), g.Key, now, now)
	if errors.Is(err, db.ErrNotFound) {
		return 0, errGroupExists()
	}
	if err != nil {
		return 0, fmt.Errorf("insert group: %w", err)
	}
	return id, nil
}

// resolveGroup finds out how the providers will name the group.
func (s *Service) resolveGroup(ctx context.Context, n NewUserGroup) (Group, error) {
	if !n.Type.valid() {
		return Group{}, fault.Invalidf("invalid group type, supported values are 1 (LDAP), 2 (HTTP) and 3 (OIDC)")
	}
	if n.Type != LDAPGroup {
		if err := checkGroupName(n.Name); err != nil {
			return Group{}, err
		}
		return Group{Name: n.Name, Key: n.Name}, nil
	}
	if n.DN == "" {
		return Group{}, fault.Invalidf("the ldap_group_dn of an LDAP group can't be empty")
	}
	found, err := s.findGroup(ctx, LDAPGroup, n.DN)
	if errors.Is(err, fault.NotFound) {
		return Group{}, fault.Invalidf("LDAP group %q is not found in the directory", n.DN)
	}
	if err != nil {
		return Group{}, err
	}
	if n.Name != "" {
		found.Name = n.Name
	}
	return found, checkGroupName(found.Name)
}

func checkGroupName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName || !printable(name) {
		return fault.Invalidf("the group name must have 1 to %d printable characters", maxName)
	}
	return nil
}

// findGroup asks the provider that has groups of this type. fault.Invalid when there is none in use.
func (s *Service) findGroup(ctx context.Context, kind GroupType, key string) (Group, error) {
	v, err := s.settings(ctx)
	if err != nil {
		return Group{}, err
	}
	for _, from := range s.active(v) {
		finder, ok := from.Provider.(GroupFinder)
		if ok && from.GroupType == kind {
			return finder.FindGroup(ctx, key)
		}
	}
	return Group{}, fault.Invalidf("no directory that could know the group is in use")
}

// EnsureGroup returns the group that is named so, and makes it known where it isn't: LDAP groups by DN, if
// the directory has them; others by name.
func (s *Service) EnsureGroup(ctx context.Context, by authz.Principal, n NewUserGroup) (UserGroup, error) {
	if n.Type == LDAPGroup && n.DN == "" {
		return s.onlyLDAPGroup(ctx, n.Name)
	}
	group, err := s.resolveGroup(ctx, n)
	if err != nil {
		return UserGroup{}, err
	}
	g, err := db.Get(ctx, s.db.Auto(), scanGroup, groupByKey, int64(n.Type), group.Key)
	if err == nil || !errors.Is(err, db.ErrNotFound) {
		return g, err
	}
	err = s.db.Write(ctx, func(tx db.Tx) error {
		if _, err := s.insertGroup(ctx, tx, n.Type, group); err != nil {
			return err
		}
		return s.groupEvent(ctx, tx, event.CreateUsergroup, by, group.Name)
	})
	if err != nil && !errors.Is(err, fault.Conflict) {
		return UserGroup{}, err
	}
	g, err = db.Get(ctx, s.db.Auto(), scanGroup, groupByKey, int64(n.Type), group.Key)
	return g, notFound(err, "look up group %q", group.Name)
}

// onlyLDAPGroup finds a group by a name that isn't its DN, if the name means one only.
func (s *Service) onlyLDAPGroup(ctx context.Context, name string) (UserGroup, error) {
	if err := checkGroupName(name); err != nil {
		return UserGroup{}, err
	}
	same, err := db.Collect(ctx, s.db.Auto(), scanGroup, groupsByName, name)
	if err != nil {
		return UserGroup{}, fmt.Errorf("look up group %q: %w", name, err)
	}
	same = slices.DeleteFunc(same, func(g UserGroup) bool { return g.Type != LDAPGroup })
	switch len(same) {
	case 0:
		return UserGroup{}, fault.NotFoundf("the LDAP group %q is not known; name it by ldap_group_dn", name)
	case 1:
		return same[0], nil
	}
	return UserGroup{}, fault.Invalidf("several LDAP groups are named %q; name one by ldap_group_dn", name)
}

// RenameGroup changes the name that people see; what links the group stays.
func (s *Service) RenameGroup(ctx context.Context, by authz.Principal, id int64, name string) error {
	if err := checkGroupName(strings.TrimSpace(name)); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx db.Tx) error {
		g, err := db.Get(ctx, tx, scanGroup, groupByID, id)
		if err != nil {
			return notFound(err, "look up group %d", id)
		}
		if g.Name == name {
			return nil
		}
		same, err := db.Collect(ctx, tx, scanGroup, groupsByName, name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(same, func(o UserGroup) bool { return o.Type == g.Type }) {
			return errGroupExists()
		}
		if _, err := tx.Exec(ctx, groupRename, name, db.Micros(s.clock()), id); err != nil {
			return fmt.Errorf("rename group %d: %w", id, err)
		}
		return s.groupEvent(ctx, tx, event.UpdateUsergroup, by, name)
	})
}

// DeleteGroup forgets a group, with its roles in projects; tokens of its people die. Somebody who is in it
// still brings it back, without roles. A group that is gone is no error, as with Harbor.
func (s *Service) DeleteGroup(ctx context.Context, by authz.Principal, id int64) error {
	return s.db.Write(ctx, func(tx db.Tx) error {
		g, err := db.Get(ctx, tx, scanGroup, groupByID, id)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, q := range []string{groupEpochs, groupForget, groupMembers, groupLeaveAll, groupDelete} {
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return fmt.Errorf("delete group %d: %w", id, err)
			}
		}
		return s.groupEvent(ctx, tx, event.DeleteUsergroup, by, g.Name)
	})
}

func (s *Service) groupEvent(ctx context.Context, tx db.Tx, kind event.Kind, by authz.Principal, name string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, At: s.clock(), By: by.Name, Resource: name, Success: true})
}

const groupsOfPerson = `SELECT ` + groupFields + ` FROM account_group ag JOIN user_group g ON g.id = ag.group_id
	WHERE ag.account_id = $1 ORDER BY g.name, g.id LIMIT 1000`

// GroupsOf returns the groups that an account is in by its providers' last word, by name, a thousand at most.
func (s *Service) GroupsOf(ctx context.Context, accountID int64) ([]UserGroup, error) {
	groups, err := db.Collect(ctx, s.db.Auto(), scanGroup, groupsOfPerson, accountID)
	if err != nil {
		return nil, fmt.Errorf("look up the groups of account %d: %w", accountID, err)
	}
	return groups, nil
}
