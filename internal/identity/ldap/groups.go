package ldap

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/identity"
)

// maxGroups bounds the groups that are looked at for one person.
const maxGroups = 20000

// activeDirectory is the capability by which such a server shows itself. MS-ADTS 3.1.1.3.4.3.1.
const activeDirectory = "1.2.840.113556.1.4.800"

// addGroups adds the groups that somebody is in, nested ones too, and whether they are an administrator.
func (d *directory) addGroups(e *ldap.Entry, p *identity.Person) error {
	if !d.groups && d.adminDN == "" {
		return nil
	}
	root, err := d.entry("", everything, "supportedCapabilities")
	if err != nil {
		return fmt.Errorf("read what the server can do: %w", err)
	}
	if root != nil && slices.Contains(root.GetEqualFoldAttributeValues("supportedCapabilities"), activeDirectory) {
		return d.chain(e, p)
	}
	return d.walk(e, p)
}

// group reads a group's entry. It doesn't count where it has no name to show, or is outside of the groups' base.
func (d *directory) group(e *ldap.Entry) (g identity.Group, counts bool) {
	names, err := normalRDNs(e.DN)
	if err != nil {
		return g, false
	}
	g = identity.Group{Name: first(e, d.groupName), Key: strings.Join(names, ",")}
	return g, g.Name != "" && within(names, d.groupParts, d.groupScope)
}

// chain asks Active Directory, which follows nested groups itself. The primary group of an account is not
// among those that list it as a member.
func (d *directory) chain(e *ldap.Entry, p *identity.Person) error {
	ways := []string{memberInChain(e.DN)}
	primary, err := d.primaryGroup(e)
	if err != nil {
		return err
	}
	if primary != "" {
		ways = append(ways, memberInChain(primary), equals("distinguishedName", primary))
	}
	in := anyOf(ways)
	if d.adminDN != "" {
		admin, err := d.entry(d.adminDN, in, "1.1")
		if err != nil {
			return err
		}
		p.Admin = admin != nil
	}
	if !d.groups {
		return nil
	}
	found, err := d.search(d.groupBase, d.groupScope, both(d.filterOf, in), maxGroups, d.groupName)
	if err != nil {
		return err
	}
	for _, entry := range found {
		if g, ok := d.group(entry); ok {
			p.Groups = append(p.Groups, g)
		}
	}
	return nil
}

// primaryGroup is the name of the primary group of an account of Active Directory, "" when it has none: the
// group with the account's domain and the number primaryGroupID. MS-ADTS 3.1.1.4.5.17.
func (d *directory) primaryGroup(e *ldap.Entry) (string, error) {
	number, err := strconv.ParseUint(first(e, "primaryGroupID"), 10, 32)
	sid := e.GetEqualFoldRawAttributeValue("objectSid")
	if err != nil || len(sid) < 12 || len(sid) != 8+4*int(sid[1]) {
		return "", nil
	}
	sid = slices.Clone(sid)
	binary.LittleEndian.PutUint32(sid[len(sid)-4:], uint32(number))
	found, err := d.entry("<SID="+sidText(sid)+">", everything, "1.1")
	if err != nil || found == nil {
		return "", err
	}
	return found.DN, nil
}

// sidText is the readable form of a security identifier. MS-DTYP 2.4.2.1.
func sidText(sid []byte) string {
	var authority [8]byte
	copy(authority[2:], sid[2:8])
	text := fmt.Sprintf("S-%d-%d", sid[0], binary.BigEndian.Uint64(authority[:]))
	for i := 8; i+4 <= len(sid); i += 4 {
		text += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sid[i:]))
	}
	return text
}
