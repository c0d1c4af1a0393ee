package ldap

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/identity"
)

// The attributes by which directories name an entry for ever, in the order in which they are looked for:
// Active Directory, RFC 4530, 389 Directory Server, FreeIPA.
const (
	objectGUID = "objectGUID"
	entryUUID  = "entryUUID"
	uniqueID   = "nsUniqueId"
	ipaID      = "ipaUniqueID"
	bySpelling = "dn" // of a subject that is the entry's name, for want of these
)

// personAttributes is all that is asked of a person's entry. Operational ones come only by name.
func (c config) personAttributes() []string {
	return []string{
		c.uid, "uid", "cn", "mail", "email", c.membership, objectGUID, entryUUID, uniqueID, ipaID,
		"objectSid", "primaryGroupID", "userAccountControl", "accountExpires", "nsAccountLock", "pwdAccountLockedTime",
	}
}

// personOf reads a person's entry, without groups.
func (c config) personOf(e *ldap.Entry) (identity.Person, error) {
	subject, err := subjectOf(e)
	if err != nil {
		return identity.Person{}, err
	}
	p := identity.Person{
		Subject: subject, Username: first(e, c.uid), Email: cmp.Or(first(e, "mail"), first(e, "email")),
		Realname: cmp.Or(first(e, "cn"), first(e, "uid"), first(e, c.uid)),
	}
	if p.Username == "" {
		return p, fmt.Errorf("the entry %s has no %s that can be read", e.DN, c.uid)
	}
	return p, nil
}

// first is the first value of an attribute that can be shown.
func first(e *ldap.Entry, attribute string) string {
	for _, value := range e.GetEqualFoldAttributeValues(attribute) {
		value = strings.TrimSpace(value)
		if value != "" && utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl) {
			return value
		}
	}
	return ""
}

// subjectOf is what an account is linked by: ATTRIBUTE:VALUE, where the value outlives a renaming.
func subjectOf(e *ldap.Entry) (string, error) {
	if guid := e.GetEqualFoldRawAttributeValue(objectGUID); len(guid) == 16 {
		return objectGUID + ":" + hex.EncodeToString(guid), nil
	}
	for _, attribute := range []string{entryUUID, uniqueID, ipaID} {
		if value := first(e, attribute); value != "" {
			return attribute + ":" + strings.ToLower(value), nil
		}
	}
	dn, err := NormalDN(e.DN)
	return bySpelling + ":" + dn, err
}

var errSubject = errors.New("not a subject of a directory")

// find looks somebody up by subject; nil when there is no entry that the settings let in.
func (d *directory) find(subject string) (*ldap.Entry, error) {
	attribute, value, _ := strings.Cut(subject, ":")
	var filter string
	switch attribute {
	case objectGUID:
		guid, err := hex.DecodeString(value)
		if err != nil || len(guid) != 16 {
			return nil, fmt.Errorf("%q: %w", subject, errSubject)
		}
		filter = equalsBytes(objectGUID, guid)
	case entryUUID, uniqueID, ipaID:
		filter = equals(attribute, value)
	case bySpelling:
		names, err := normalRDNs(value)
		if err != nil || !within(names, d.baseParts, d.scope) {
			return nil, err
		}
		return d.entry(value, d.filter, d.personAttributes()...)
	default:
		return nil, fmt.Errorf("%q: %w", subject, errSubject)
	}
	return d.only(filter)
}

// named looks somebody up by the name that they log in with.
func (d *directory) named(name string) (*ldap.Entry, error) {
	return d.only(equals(d.uid, name))
}

var errSeveral = errors.New("several entries match one name")

// only is the one entry of a person that a filter finds; nil if there is none, errSeveral if there are more.
func (d *directory) only(filter string) (*ldap.Entry, error) {
	found, err := d.search(d.base, d.scope, both(d.filter, filter), 2, d.personAttributes()...)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, nil
	case len(found) > 1:
		return nil, fmt.Errorf("%s and %s: %w", found[0].DN, found[1].DN, errSeveral)
	}
	return found[0], nil
}

const (
	disabledBit  = 0x2                // of userAccountControl: ADS_UF_ACCOUNTDISABLE
	neverExpires = 1<<63 - 1          // of accountExpires, as 0
	unixStart    = 116444736000000000 // in the ticks of Windows: 100 ns since 1601
	locked       = "000001010000Z"    // of pwdAccountLockedTime: until an administrator unlocks it
)

// shutOut reports whether the directory says that an account is not to be used at the moment. At a log-in the
// directory refuses such a one by itself; between two, nobody asks it for the password.
func shutOut(e *ldap.Entry, now time.Time) bool {
	control, err := strconv.ParseInt(first(e, "userAccountControl"), 10, 64)
	if err == nil && control&disabledBit != 0 {
		return true
	}
	ticks, err := strconv.ParseInt(first(e, "accountExpires"), 10, 64)
	if err == nil && ticks != 0 && ticks != neverExpires && ticks <= unixStart+now.UnixNano()/100 {
		return true
	}
	return strings.EqualFold(first(e, "nsAccountLock"), "true") || first(e, "pwdAccountLockedTime") == locked
}
