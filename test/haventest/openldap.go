//go:build acceptance

package haventest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// What an OpenLDAP of tests holds from the start, beside the empty units ou=people and ou=groups.
const (
	LDAPBase          = "dc=example,dc=org"
	LDAPAdmin         = "cn=admin," + LDAPBase // may do anything, and makes a good search account
	LDAPAdminPassword = "Directory-secret-1"
)

// OpenLDAP is a real slapd with the memberOf overlay, on ldap://, ldaps:// and with StartTLS.
type OpenLDAP struct {
	URL, SecureURL string
	Authority      *Authority // that signed its certificate

	t        testing.TB
	dir      string
	listen   string
	process  *exec.Cmd
	finished chan error
}

// StartOpenLDAP starts one that ends with the test.
func StartOpenLDAP(t testing.TB) *OpenLDAP {
	t.Helper()
	plain, secure := FreeAddress(t), FreeAddress(t)
	o := &OpenLDAP{
		URL: "ldap://" + plain, SecureURL: "ldaps://" + secure, Authority: NewAuthority(t),
		t: t, dir: t.TempDir(), listen: "ldap://" + plain + "/ ldaps://" + secure + "/",
	}
	o.configure()
	o.Start()
	t.Cleanup(o.Stop)
	o.Add(LDAPBase, "objectClass", "dcObject", "objectClass", "organization", "dc", "example", "o", "Example")
	for _, unit := range []string{"people", "groups"} {
		o.Add("ou="+unit+","+LDAPBase, "objectClass", "organizationalUnit", "ou", unit)
	}
	return o
}

const slapdConf = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
TLSCertificateFile DIR/cert.pem
TLSCertificateKeyFile DIR/key.pem
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw "PASSWORD"
directory DIR/db
maxsize 1073741824
dbnosync
index objectClass,uid,cn,member,entryUUID eq
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-memberof-ad memberOf
memberof-refint TRUE
overlay refint
refint_attributes memberof member
`

func (o *OpenLDAP) configure() {
	o.t.Helper()
	cert, key := o.Authority.Sign(o.t, "127.0.0.1")
	conf := strings.NewReplacer("DIR", o.dir, "PASSWORD", LDAPAdminPassword).Replace(slapdConf)
	// A copy of the program: where AppArmor confines slapd, it does so by the program's path.
	program, err := os.ReadFile(Tool(o.t, "slapd"))
	if err != nil {
		o.t.Fatal(err)
	}
	for name, content := range map[string]string{"cert.pem": cert, "key.pem": key, "slapd.conf": conf, "slapd": string(program)} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(content), 0o700); err != nil {
			o.t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(o.dir, "db"), 0o700); err != nil {
		o.t.Fatal(err)
	}
}

// Start starts it again after Stop, on the same addresses and data.
func (o *OpenLDAP) Start() {
	o.t.Helper()
	cmd := exec.Command(filepath.Join(o.dir, "slapd"), "-d", "0", "-f", filepath.Join(o.dir, "slapd.conf"), "-h", o.listen)
	o.process, o.finished = cmd, startServer(o.t, cmd, strings.TrimPrefix(o.URL, "ldap://"))
}

// Stop ends the server. People can't log in any more.
func (o *OpenLDAP) Stop() {
	if o.process == nil {
		return
	}
	_ = o.process.Process.Kill() // it has no data that anybody wants
	<-o.finished
	o.process = nil
}

// Do runs f on a connection with all rights; an error fails the test.
func (o *OpenLDAP) Do(f func(*ldap.Conn) error) {
	o.t.Helper()
	c, err := ldap.DialURL(o.URL)
	if err != nil {
		o.t.Fatal(err)
	}
	defer c.Close()
	if err := c.Bind(LDAPAdmin, LDAPAdminPassword); err != nil {
		o.t.Fatal(err)
	}
	if err := f(c); err != nil {
		o.t.Fatal(err)
	}
}

// Add adds an entry with these names and values of attributes, in pairs.
func (o *OpenLDAP) Add(dn string, pairs ...string) {
	o.t.Helper()
	o.Do(func(c *ldap.Conn) error { return c.Add(NewEntry(dn, pairs...)) })
}

// NewEntry is a request to add an entry. A name that comes again has several values.
func NewEntry(dn string, pairs ...string) *ldap.AddRequest {
	add := ldap.NewAddRequest(dn, nil)
	for pair := range slices.Chunk(pairs, 2) {
		i := slices.IndexFunc(add.Attributes, func(a ldap.Attribute) bool { return a.Type == pair[0] })
		if i < 0 {
			add.Attribute(pair[0], []string{pair[1]})
		} else {
			add.Attributes[i].Vals = append(add.Attributes[i].Vals, pair[1])
		}
	}
	return add
}

// Person adds somebody with a password and returns their DN.
func (o *OpenLDAP) Person(uid, password string) string {
	o.t.Helper()
	dn := fmt.Sprintf("uid=%s,ou=people,%s", ldap.EscapeDN(uid), LDAPBase)
	mail := strings.Map(func(r rune) rune { return min(r, 'z') }, uid) + "@example.org" // ASCII only
	o.Add(dn, "objectClass", "inetOrgPerson", "uid", uid, "cn", "The "+uid, "sn", uid, "mail", mail, "userPassword", password)
	return dn
}

// Group adds a group and returns its DN.
func (o *OpenLDAP) Group(name string, members ...string) string {
	o.t.Helper()
	dn := fmt.Sprintf("cn=%s,ou=groups,%s", ldap.EscapeDN(name), LDAPBase)
	add := NewEntry(dn, "objectClass", "groupOfNames", "cn", name)
	add.Attribute("member", members)
	o.Do(func(c *ldap.Conn) error { return c.Add(add) })
	return dn
}

// Join makes somebody, or a group, a member of a group.
func (o *OpenLDAP) Join(group, member string) {
	o.t.Helper()
	change := ldap.NewModifyRequest(group, nil)
	change.Add("member", []string{member})
	o.Do(func(c *ldap.Conn) error { return c.Modify(change) })
}

// Leave takes a member out of a group, which must have others.
func (o *OpenLDAP) Leave(group, member string) {
	o.t.Helper()
	change := ldap.NewModifyRequest(group, nil)
	change.Delete("member", []string{member})
	o.Do(func(c *ldap.Conn) error { return c.Modify(change) })
}

// Delete removes an entry.
func (o *OpenLDAP) Delete(dn string) {
	o.t.Helper()
	o.Do(func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
}

// Settings are the ldap_* settings for this directory: people by uid below ou=people, groups by cn below
// ou=groups, members of the group cn=admins are administrators.
func (o *OpenLDAP) Settings() map[string]any {
	return map[string]any{
		"ldap_url": o.URL, "ldap_search_dn": LDAPAdmin, "ldap_search_password": LDAPAdminPassword,
		"ldap_base_dn": "ou=people," + LDAPBase, "ldap_uid": "uid", "ldap_filter": "objectClass=inetOrgPerson",
		"ldap_group_base_dn": "ou=groups," + LDAPBase, "ldap_group_search_filter": "objectClass=groupOfNames",
		"ldap_group_attribute_name": "cn", "ldap_group_membership_attribute": "memberOf",
		"ldap_group_admin_dn": "cn=admins,ou=groups," + LDAPBase,
	}
}
