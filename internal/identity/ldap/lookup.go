package ldap

import (
	"context"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
)

// SearchPeople lists up to 1,000 people whose log-in name is the pattern, in which * stands for any text;
// all people when it is empty. They come without groups.
func (p *Provider) SearchPeople(ctx context.Context, pattern string) ([]identity.Person, error) {
	if len(pattern) > maxLoginName {
		return nil, nil
	}
	var people []identity.Person
	err := p.with(ctx, func(d *directory) error {
		found, err := d.search(d.base, d.scope, both(d.filter, like(d.uid, pattern)), maxEntries, d.personAttributes()...)
		for _, e := range found {
			if person, err := d.personOf(e); err == nil && !shutOut(e, p.clock()) {
				people = append(people, person)
			}
		}
		return err
	})
	return people, err
}

// SearchGroups is SearchPeople for the names of groups.
func (p *Provider) SearchGroups(ctx context.Context, pattern string) ([]identity.Group, error) {
	if len(pattern) > maxLoginName {
		return nil, nil
	}
	var groups []identity.Group
	err := p.with(ctx, func(d *directory) error {
		found, err := d.search(d.groupBase, d.groupScope, both(d.filterOf, like(d.groupName, pattern)), maxEntries, d.groupName)
		for _, e := range found {
			if g, ok := d.group(e); ok {
				groups = append(groups, g)
			}
		}
		return err
	})
	return groups, err
}

// FindGroup describes the group with a distinguished name, however it is spelled. fault.NotFound when there
// is none, or when people could not bring it with them: it is outside of the groups' base, or their filter
// leaves it out. A text that is no name is a fault.Invalid.
func (p *Provider) FindGroup(ctx context.Context, dn string) (group identity.Group, err error) {
	if _, err := NormalDN(dn); err != nil {
		return group, err
	}
	err = p.with(ctx, func(d *directory) error {
		e, err := d.entry(dn, d.filterOf, d.groupName)
		if err != nil {
			return err
		}
		counts := false
		if e != nil {
			group, counts = d.group(e)
		}
		if !counts {
			return fault.NotFoundf("the group %q is not in the directory, or not among the groups that the settings name", dn)
		}
		return nil
	})
	return group, err
}
