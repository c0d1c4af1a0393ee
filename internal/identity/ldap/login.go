package ldap

import (
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
)

// logIn checks a name and a password, then looks up the groups with the search account's rights again.
func (d *directory) logIn(name string, password secret.Text, now time.Time) (identity.Person, error) {
	e, err := d.named(name)
	if err != nil {
		return identity.Person{}, err
	}
	if e == nil {
		// Somebody who isn't there costs a bind too, so that time doesn't tell who is (S19).
		return identity.Person{}, refused(d.conn.Bind("cn=nobody-at-all,"+d.base, password.Reveal()))
	}
	if err := d.conn.Bind(e.DN, password.Reveal()); err != nil {
		return identity.Person{}, refused(err)
	}
	if shutOut(e, now) {
		return identity.Person{}, identity.ErrCredentials
	}
	if err := d.bindSearch(); err != nil {
		return identity.Person{}, err
	}
	person, err := d.personOf(e)
	if err != nil {
		return identity.Person{}, err
	}
	return person, d.addGroups(e, &person)
}

// refused tells a server that says no from one that can't answer. Accounts that are locked, expired or must
// change their password first are refused with one of these codes, too.
func refused(err error) error {
	if err == nil || ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultConstraintViolation, ldap.LDAPResultNoSuchObject,
		ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInvalidDNSyntax) {
		return identity.ErrCredentials
	}
	return fmt.Errorf("check the password: %w", err)
}
