//go:build acceptance

package identity

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/test/haventest"
)

func namesOf(groups []identity.Group) []string {
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	slices.Sort(names)
	return names
}

// One test for all of it: the domain takes half a minute to make, and there can be only one.
func TestActiveDirectory(t *testing.T) {
	ad := haventest.StartActiveDirectory(t)
	ad.Person("bob", "Passw0rd!b")
	ad.Person("eve", "Passw0rd!e")
	ad.Group("devs", "bob")
	ad.Group("engineering", "devs")
	ad.Group("company", "engineering")
	ad.Group("others", "eve")
	ad.Tool("group", "add", "admins")
	d := newDirectory(t, ad.Settings())
	stored, err := d.Current(t.Context())
	must(t, err)
	checks(t, d, stored, "")

	bob, err := d.Authenticate(t.Context(), "bob", "Passw0rd!b")
	must(t, err)
	if bob.Username != "bob" || bob.Email != "bob@example.org" || bob.Admin || !strings.HasPrefix(bob.Subject, "objectGUID:") {
		t.Errorf("bob is %+v", bob)
	}
	// Domain Users is the primary group, which nothing but a number says, and Users has it as a member.
	if got, want := namesOf(bob.Groups), []string{"Domain Users", "Users", "company", "devs", "engineering"}; !slices.Equal(got, want) {
		t.Errorf("groups are %q, want %q", got, want)
	}
	for _, c := range []struct{ name, password string }{
		{"bob", "wrong"}, {"bob", ""}, {"nobody", "Passw0rd!b"}, {"b*", "Passw0rd!b"}, {"bob@ad.example.org", "Passw0rd!b"},
	} {
		if p, err := d.Authenticate(t.Context(), c.name, secret.Text(c.password)); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("%s with %q: %+v, %v", c.name, c.password, p, err)
		}
	}
	t.Run("settings", func(t *testing.T) { settingsOfAD(t, ad, d) })
	t.Run("changes", func(t *testing.T) { changesOfAD(t, ad, d, bob) })
	t.Run("work", func(t *testing.T) { companyOfAD(ad).works(t, haventest.Start(t, haventest.Options{})) })
}

func settingsOfAD(t *testing.T, ad *haventest.ActiveDirectory, d *directory) {
	defer d.set(ad.Settings())
	d.set(map[string]any{"ldap_uid": "userPrincipalName"})
	if p, err := d.Authenticate(t.Context(), "bob@ad.example.org", "Passw0rd!b"); err != nil || p.Username != "bob@ad.example.org" {
		t.Errorf("by userPrincipalName: %+v, %v", p, err)
	}
	d.set(map[string]any{"ldap_uid": "sAMAccountName", "ldap_url": ad.SecureURL, "ldap_start_tls": false,
		"ldap_search_password": ad.Settings()["ldap_search_password"]}) // it is forgotten with the former address
	if _, err := d.Authenticate(t.Context(), "bob", "Passw0rd!b"); err != nil {
		t.Errorf("by ldaps: %v", err)
	}
	d.set(map[string]any{"ldap_group_search_filter": "(&(objectClass=group)(cn=eng*))"})
	if p, err := d.Authenticate(t.Context(), "bob", "Passw0rd!b"); err != nil || !slices.Equal(namesOf(p.Groups), []string{"engineering"}) {
		t.Errorf("with a filter of groups: %+v, %v", p, err)
	}
	if groups, err := d.SearchGroups(t.Context(), "eng*"); err != nil || !slices.Equal(namesOf(groups), []string{"engineering"}) {
		t.Errorf("search for groups: %+v, %v", groups, err)
	}
	if g, err := d.FindGroup(t.Context(), ad.GroupDN("Engineering")); err != nil || g.Key != strings.ToLower(ad.GroupDN("engineering")) {
		t.Errorf("find a group: %+v, %v", g, err)
	}
	stored, err := d.Current(t.Context())
	must(t, err)
	stored.URL = ad.URL
	checks(t, d, stored, "wants an encrypted connection")
	stored.StartTLS, stored.SearchPassword = true, "wrong"
	checks(t, d, stored, "refuses the search account")
	stored.SearchPassword, stored.SearchDN = "", ""
	checks(t, d, stored, "let")
}

func changesOfAD(t *testing.T, ad *haventest.ActiveDirectory, d *directory, bob identity.Person) {
	ctx := t.Context()
	ad.Tool("group", "addmembers", "admins", "engineering")
	if p, err := d.Refresh(ctx, bob.Subject); err != nil || !p.Admin {
		t.Errorf("in the administrators' group by way of others: %+v, %v", p, err)
	}
	ad.Tool("group", "removemembers", "devs", "bob")
	if p, err := d.Refresh(ctx, bob.Subject); err != nil || p.Admin || !slices.Equal(namesOf(p.Groups), []string{"Domain Users", "Users"}) {
		t.Errorf("out of the group: %+v, %v", p, err)
	}
	ad.Tool("user", "rename", "bob", "--surname=Bobson", "--force-new-cn=Robert Bobson")
	if p, err := d.Refresh(ctx, bob.Subject); err != nil || p.Realname != "Robert Bobson" || p.Subject != bob.Subject {
		t.Errorf("renamed: %+v, %v", p, err)
	}
	ad.Tool("user", "disable", "bob")
	if _, err := d.Refresh(ctx, bob.Subject); !errors.Is(err, fault.NotFound) {
		t.Errorf("disabled: %v", err)
	}
	if p, err := d.Authenticate(ctx, "bob", "Passw0rd!b"); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("disabled: %+v, %v", p, err)
	}
	ad.Tool("user", "enable", "bob")
	if _, err := d.Refresh(ctx, bob.Subject); err != nil {
		t.Errorf("enabled again: %v", err)
	}
	ad.Tool("user", "setexpiry", "bob", "--days=-1")
	if _, err := d.Refresh(ctx, bob.Subject); !errors.Is(err, fault.NotFound) {
		t.Errorf("expired: %v", err)
	}
	ad.Tool("user", "delete", "bob")
	if _, err := d.Refresh(ctx, bob.Subject); !errors.Is(err, fault.NotFound) {
		t.Errorf("deleted: %v", err)
	}
}

// companyOfAD is people beside those of the other tests, whose groups it uses.
func companyOfAD(ad *haventest.ActiveDirectory) company {
	c := company{settings: ad.Settings(), engineering: ad.GroupDN("engineering"), base: "CN=Users," + haventest.ADBase, passwords: map[string]string{}}
	for _, name := range []string{"alice", "root", "carol"} {
		c.passwords[name] = "Passw0rd!of-" + name
		ad.Person(name, c.passwords[name])
	}
	ad.Tool("group", "addmembers", "devs", "alice")
	ad.Tool("group", "removemembers", "admins", "engineering")
	ad.Tool("group", "addmembers", "admins", "root")
	c.fire = func() { ad.Tool("group", "removemembers", "devs", "alice") }
	c.remove = func() { ad.Tool("user", "disable", "alice") }
	return c
}
