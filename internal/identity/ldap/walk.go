package ldap

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/identity"
	"golang.org/x/sync/errgroup"
)

// Bounds of the walk from a person up through groups that are in groups, beside maxGroups.
const (
	maxDepth    = 20
	manyAtOnce  = 64    // groups of one level, above which all groups are listed instead of each being read
	maxListed   = 50000 // groups in such a list
	readsAtOnce = 16
)

var errTooManyGroups = fmt.Errorf("more than %d groups", maxGroups)

// walker climbs from a person through the membership attributes, level by level. Groups that don't count, since
// they are outside of the groups' base or don't match their filter, are steps on the way nevertheless.
type walker struct {
	*directory
	listed map[string]step // nil until there was a reason to list all groups
	seen   map[string]step // by normal name
}

// step is a group on the way.
type step struct {
	group   identity.Group
	counts  bool
	parents []string // as the server spells them
}

func (d *directory) walk(e *ldap.Entry, p *identity.Person) error {
	w := walker{directory: d, seen: map[string]step{}}
	level := e.GetEqualFoldAttributeValues(d.membership)
	for depth := 0; len(level) > 0 && depth < maxDepth; depth++ {
		next, err := w.climb(level)
		if err != nil {
			return fmt.Errorf("find the groups of %s: %w", e.DN, err)
		}
		level = next
	}
	for key, s := range w.seen {
		p.Admin = p.Admin || key == d.adminDN
		if s.counts && d.groups {
			p.Groups = append(p.Groups, s.group)
		}
	}
	slices.SortFunc(p.Groups, func(a, b identity.Group) int { return cmp.Compare(a.Key, b.Key) })
	return nil
}

// climb looks at the groups of a level and returns the names of the next one.
func (w *walker) climb(level []string) (next []string, err error) {
	news := map[string]string{} // normal name → as the server spells it
	for _, dn := range level {
		key, err := NormalDN(dn)
		if _, known := w.seen[key]; err == nil && !known {
			news[key] = dn
		}
	}
	if len(w.seen)+len(news) > maxGroups {
		return nil, errTooManyGroups
	}
	if len(news) > manyAtOnce && w.listed == nil && w.groups {
		if err := w.list(); err != nil {
			return nil, err
		}
	}
	unread := make([]string, 0, len(news))
	for key := range news {
		if s, found := w.listed[key]; found {
			w.seen[key] = s
		} else {
			unread = append(unread, key)
		}
	}
	read := make([]step, len(unread))
	var group errgroup.Group
	group.SetLimit(readsAtOnce)
	for i, key := range unread {
		group.Go(func() (err error) {
			read[i], err = w.read(news[key])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, key := range unread {
		w.seen[key] = read[i]
	}
	for key := range news {
		next = append(next, w.seen[key].parents...)
	}
	return next, nil
}

// list reads all groups that count at once.
func (w *walker) list() error {
	entries, err := w.search(w.groupBase, w.groupScope, w.filterOf, maxListed, w.groupName, w.membership)
	if err != nil {
		return err
	}
	w.listed = make(map[string]step, len(entries))
	for _, e := range entries {
		if s := w.stepOf(e); s.group.Key != "" {
			w.listed[s.group.Key] = s
		}
	}
	return nil
}

// read reads one group. One that is gone, or may not be read, is a step to nowhere.
func (w *walker) read(dn string) (step, error) {
	e, err := w.entry(dn, w.filterOf, w.groupName, w.membership)
	if err != nil || e != nil {
		return w.stepOf(e), err
	}
	if w.filterOf != everything {
		e, err = w.entry(dn, everything, w.membership)
	}
	s := w.stepOf(e)
	s.counts = false
	return s, err
}

func (w *walker) stepOf(e *ldap.Entry) step {
	if e == nil {
		return step{}
	}
	g, counts := w.group(e)
	return step{group: g, counts: counts, parents: e.GetEqualFoldAttributeValues(w.membership)}
}
