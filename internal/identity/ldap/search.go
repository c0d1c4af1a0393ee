package ldap

import (
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

const (
	pageSize   = 500  // of a paged search (RFC 2696); Active Directory gives at most 1,000
	maxEntries = 1000 // of a search that a person reads
)

// entry reads one entry by its name, if it matches the filter; nil if there is none.
func (d *directory) entry(dn, filter string, attributes ...string) (*ldap.Entry, error) {
	found, err := d.conn.Search(&ldap.SearchRequest{
		BaseDN: dn, Scope: ldap.ScopeBaseObject, DerefAliases: ldap.NeverDerefAliases, SizeLimit: 1,
		Filter: filter, Attributes: attributes, EnforceSizeLimit: true,
	})
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", dn, err)
	case len(found.Entries) == 0:
		return nil, nil
	}
	return found.Entries[0], nil
}

// see fails unless there is an entry of this name that the search account may read.
func (d *directory) see(dn string) error {
	found, err := d.conn.Search(&ldap.SearchRequest{
		BaseDN: dn, Scope: ldap.ScopeBaseObject, DerefAliases: ldap.NeverDerefAliases, Filter: everything, Attributes: []string{"1.1"},
	})
	if err == nil && len(found.Entries) == 0 {
		err = &ldap.Error{ResultCode: ldap.LDAPResultNoSuchObject, Err: errUnseen}
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", dn, err)
	}
	return nil
}

var errUnseen = errors.New("the search account may not see it")

// search returns at most limit entries, page by page. Where the server gives fewer than match, for a limit
// of its own, these are returned.
func (d *directory) search(base string, scope int, filter string, limit int, attributes ...string) ([]*ldap.Entry, error) {
	paging := ldap.NewControlPaging(pageSize)
	request := &ldap.SearchRequest{
		BaseDN: base, Scope: scope, DerefAliases: ldap.NeverDerefAliases, Filter: filter, Attributes: attributes,
		SizeLimit: limit, Controls: []ldap.Control{paging},
	}
	var entries []*ldap.Entry
	for {
		page, err := d.conn.Search(request)
		if page != nil {
			entries = append(entries, page.Entries...)
		}
		if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
			return entries[:min(len(entries), limit)], nil
		}
		if err != nil {
			return nil, fmt.Errorf("search below %s: %w", base, err) // not the filter: what people type may be a password
		}
		next, _ := ldap.FindControl(page.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if next == nil || len(next.Cookie) == 0 || len(entries) >= limit {
			return entries[:min(len(entries), limit)], nil
		}
		paging.SetCookie(next.Cookie)
	}
}
