//go:build acceptance

package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	ldapclient "github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/ldap"
	"github.com/havenregistry/haven/internal/secret"
	"github.com/havenregistry/haven/internal/setting"
	"github.com/havenregistry/haven/test/haventest"
	"golang.org/x/sync/errgroup"
)

// directory is Haven's side of a directory, with settings of its own.
type directory struct {
	*ldap.Provider
	t        testing.TB
	settings *setting.Service
}

func newDirectory(t testing.TB, settings map[string]any) *directory {
	t.Helper()
	box, err := secret.OpenBox(t.TempDir() + "/key")
	must(t, err)
	d := &directory{t: t, settings: setting.New(dbtest.SQLite(t), box, time.Now)}
	d.Provider = ldap.New(d.settings, time.Now, slog.New(slog.DiscardHandler))
	d.set(settings)
	return d
}

func (d *directory) set(settings map[string]any) {
	d.t.Helper()
	must(d.t, d.settings.Set(context.Background(), "admin", settings))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func keysOf(groups []identity.Group) []string {
	var keys []string
	for _, g := range groups {
		keys = append(keys, g.Key)
	}
	slices.Sort(keys)
	return keys
}

func TestPeopleOfOpenLDAP(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	d := newDirectory(t, server.Settings())
	ctx := t.Context()
	alice := server.Person("alice", "Alice-secret-1")
	server.Person("weird*)(uid=alice", "Weird-secret-1")
	server.Person("Müller, Jörg", "Mueller-secret-1")
	devs := server.Group("devs", alice)
	all := server.Group("everybody", devs)
	server.Group("Smith, Sons \\ Co", all)
	server.Group("others", "uid=nobody,"+haventest.LDAPBase)

	person, err := d.Authenticate(ctx, "alice", "Alice-secret-1")
	must(t, err)
	if person.Username != "alice" || person.Email != "alice@example.org" || person.Realname != "The alice" || person.Admin ||
		!strings.HasPrefix(person.Subject, "entryUUID:") {
		t.Errorf("alice is %+v", person)
	}
	want := []string{
		"cn=devs,ou=groups,dc=example,dc=org", "cn=everybody,ou=groups,dc=example,dc=org",
		`cn=smith\, sons \\ co,ou=groups,dc=example,dc=org`,
	}
	if got := keysOf(person.Groups); !slices.Equal(got, want) {
		t.Errorf("groups are %q, want %q", got, want)
	}
	for _, c := range []struct{ name, password string }{
		{"alice", "wrong"}, {"alice", ""}, {"", "Alice-secret-1"}, {"nobody", "Alice-secret-1"}, {"al*", "Alice-secret-1"},
		{"*", "Alice-secret-1"}, {"alice)(cn=*", "Alice-secret-1"}, {alice, "Alice-secret-1"}, {"alice\x00", "Alice-secret-1"},
		{strings.Repeat("a", 600), "Alice-secret-1"},
	} {
		if p, err := d.Authenticate(ctx, c.name, secret.Text(c.password)); !errors.Is(err, identity.ErrCredentials) {
			t.Errorf("%.20q with %q: %+v, %v", c.name, c.password, p, err)
		}
	}
	for name, password := range map[string]secret.Text{"weird*)(uid=alice": "Weird-secret-1", "müller, jörg": "Mueller-secret-1"} {
		if _, err := d.Authenticate(ctx, name, password); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	refreshes(t, server, d, person, alice, devs)
}

// refreshes checks what becomes of somebody who leaves groups, is renamed, and leaves.
func refreshes(t *testing.T, server *haventest.OpenLDAP, d *directory, alice identity.Person, dn, devs string) {
	t.Helper()
	ctx := t.Context()
	again, err := d.Refresh(ctx, alice.Subject)
	if err != nil || !slices.Equal(keysOf(again.Groups), keysOf(alice.Groups)) {
		t.Fatalf("refreshed: %+v, %v", again, err)
	}
	admins := server.Group("admins", devs)
	if again, err = d.Refresh(ctx, alice.Subject); err != nil || !again.Admin {
		t.Errorf("a member of a group in the administrators' group: %+v, %v", again, err)
	}
	server.Delete(admins)
	server.Join(devs, "uid=nobody,"+haventest.LDAPBase)
	server.Leave(devs, dn)
	if again, err = d.Refresh(ctx, alice.Subject); err != nil || again.Admin || len(again.Groups) != 0 {
		t.Errorf("out of all groups: %+v, %v", again, err)
	}
	server.Do(func(c *ldapclient.Conn) error {
		return c.ModifyDN(ldapclient.NewModifyDNRequest(dn, "uid=alicia", true, ""))
	})
	if again, err = d.Refresh(ctx, alice.Subject); err != nil || again.Username != "alicia" || again.Subject != alice.Subject {
		t.Errorf("renamed: %+v, %v", again, err)
	}
	d.set(map[string]any{"ldap_filter": "(!(uid=alicia))"})
	if _, err := d.Refresh(ctx, alice.Subject); !errors.Is(err, fault.NotFound) {
		t.Errorf("not in the filter: %v", err)
	}
	d.set(map[string]any{"ldap_filter": "", "ldap_base_dn": "ou=nothing,dc=example,dc=org"})
	if _, err := d.Refresh(ctx, alice.Subject); err == nil || errors.Is(err, fault.NotFound) {
		t.Errorf("with a base that isn't there nobody has left, but: %v", err)
	}
	d.set(server.Settings())
	server.Delete("uid=alicia,ou=people," + haventest.LDAPBase)
	if _, err := d.Refresh(ctx, alice.Subject); !errors.Is(err, fault.NotFound) {
		t.Errorf("left: %v", err)
	}
	if _, err := d.Refresh(ctx, "nonsense"); err == nil {
		t.Error("a subject that none is was refreshed")
	}
}

func TestOneOfSeveral(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	server.Person("carol", "Carol-secret-1")
	server.Add("ou=more,ou=people,"+haventest.LDAPBase, "objectClass", "organizationalUnit", "ou", "more")
	server.Add("uid=carol,ou=more,ou=people,"+haventest.LDAPBase, "objectClass", "inetOrgPerson", "uid", "carol", "cn", "Another", "sn", "x",
		"userPassword", "Carol-secret-1")
	d := newDirectory(t, server.Settings())
	if p, err := d.Authenticate(t.Context(), "carol", "Carol-secret-1"); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("one name of two people: %+v, %v", p, err)
	}
	d.set(map[string]any{"ldap_scope": 1})
	if _, err := d.Authenticate(t.Context(), "carol", "Carol-secret-1"); err != nil {
		t.Errorf("one level below the base: %v", err)
	}
	d.set(map[string]any{"ldap_scope": 2, "ldap_filter": "(cn=Another)"})
	if p, err := d.Authenticate(t.Context(), "carol", "Carol-secret-1"); err != nil || p.Realname != "Another" || p.Email != "" {
		t.Errorf("with a filter: %+v, %v", p, err)
	}
}

func TestWhichGroupsCount(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	dave := server.Person("dave", "Dave-secret-1")
	server.Add("ou=hidden,"+haventest.LDAPBase, "objectClass", "organizationalUnit", "ou", "hidden")
	hidden := ldapclient.NewAddRequest("cn=step,ou=hidden,"+haventest.LDAPBase, nil)
	hidden.Attribute("objectClass", []string{"groupOfNames"})
	hidden.Attribute("cn", []string{"step"})
	hidden.Attribute("member", []string{dave})
	server.Do(func(c *ldapclient.Conn) error { return c.Add(hidden) })
	top := server.Group("top", hidden.DN)
	server.Join(top, "cn=round,ou=groups,"+haventest.LDAPBase)
	round := server.Group("round", top) // a circle: each is in the other
	server.Group("admins", round)
	d := newDirectory(t, server.Settings())
	for _, c := range []struct {
		name   string
		change map[string]any
		want   []string
		admin  bool
	}{
		{"through a group that doesn't count, and round in a circle", nil, []string{"admins", "round", "top"}, true},
		{"a filter", map[string]any{"ldap_group_search_filter": "(&(objectClass=groupOfNames)(cn=t*))"}, []string{"top"}, true},
		{"another base", map[string]any{"ldap_group_base_dn": "OU=hidden, " + haventest.LDAPBase}, []string{"step"}, true},
		{"another scope", map[string]any{"ldap_group_base_dn": haventest.LDAPBase, "ldap_group_search_scope": 1}, nil, true},
		{"no filter: no groups, but administrators", map[string]any{"ldap_group_search_filter": ""}, nil, true},
		{"other administrators", map[string]any{"ldap_group_admin_dn": "cn=others,ou=groups," + haventest.LDAPBase}, []string{"admins", "round", "top"}, false},
		{"a spelling of its own", map[string]any{"ldap_group_admin_dn": "CN=Admins , OU=Groups,DC=example, DC=org"}, []string{"admins", "round", "top"}, true},
	} {
		d.set(server.Settings())
		d.set(map[string]any{"ldap_group_search_scope": 2})
		d.set(c.change)
		p, err := d.Authenticate(t.Context(), "dave", "Dave-secret-1")
		var names []string
		for _, g := range p.Groups {
			names = append(names, g.Name)
		}
		slices.Sort(names)
		if err != nil || !slices.Equal(names, c.want) || p.Admin != c.admin {
			t.Errorf("%s: %q, administrator %v, %v; want %q, %v", c.name, names, p.Admin, err, c.want, c.admin)
		}
	}
}

func TestSecureConnections(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	server.Person("erin", "Erin-secret-1")
	other := haventest.NewAuthority(t)
	localhost := strings.Replace(server.SecureURL, "127.0.0.1", "localhost", 1)
	for _, c := range []struct {
		name     string
		settings map[string]any
		want     string // of the explanation; "" where it works
	}{
		{"ldaps", map[string]any{"ldap_url": server.SecureURL, "ldap_ca_certificate": server.Authority.PEM}, ""},
		{"StartTLS", map[string]any{"ldap_start_tls": true, "ldap_ca_certificate": server.Authority.PEM}, ""},
		{"ldaps, unchecked", map[string]any{"ldap_url": server.SecureURL, "ldap_verify_cert": false}, ""},
		{"StartTLS, unchecked", map[string]any{"ldap_start_tls": true, "ldap_verify_cert": false}, ""},
		{"ldaps, the system's authorities", map[string]any{"ldap_url": server.SecureURL}, "authority that is not trusted"},
		{"StartTLS, another authority", map[string]any{"ldap_start_tls": true, "ldap_ca_certificate": other.PEM}, "authority that is not trusted"},
		{"another name", map[string]any{"ldap_url": localhost, "ldap_ca_certificate": server.Authority.PEM}, "for another name"},
		{"ldaps to the plain port", map[string]any{"ldap_url": strings.Replace(server.URL, "ldap:", "ldaps:", 1), "ldap_verify_cert": false}, "connection"},
		{"plain to the TLS port", map[string]any{"ldap_url": strings.Replace(server.SecureURL, "ldaps:", "ldap:", 1)}, "closed the connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := server.Settings()
			maps.Copy(settings, c.settings)
			d := newDirectory(t, settings)
			_, err := d.Authenticate(t.Context(), "erin", "Erin-secret-1")
			if c.want == "" && err != nil || c.want != "" && (err == nil || errors.Is(err, identity.ErrCredentials)) {
				t.Errorf("a log-in: %v", err)
			}
			stored, err := d.Current(t.Context())
			must(t, err)
			checks(t, d, stored, c.want)
		})
	}
}

// checks tries settings as the administrator's button does.
func checks(t *testing.T, d *directory, settings ldap.Settings, want string) {
	t.Helper()
	err := d.Check(t.Context(), settings)
	switch {
	case want == "" && err != nil:
		t.Errorf("%v (%s)", err, ldap.Explain(err))
	case want != "" && (err == nil || !strings.Contains(ldap.Explain(err), want)):
		t.Errorf("%v is explained as %q, want %q", err, ldap.Explain(err), want)
	}
}

func TestWhatIsWrong(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	d := newDirectory(t, server.Settings())
	good, err := d.Current(t.Context())
	must(t, err)
	checks(t, d, good, "")
	for _, c := range []struct {
		change func(*ldap.Settings)
		want   string
	}{
		{func(s *ldap.Settings) { s.URL = "" }, "no directory is configured"},
		{func(s *ldap.Settings) { s.URL = "ldap://no-such-host.invalid" }, "no-such-host.invalid of the server in ldap_url is not resolved"},
		{func(s *ldap.Settings) { s.URL = "ldap://127.0.0.1:1" }, "refuses the connection"},
		{func(s *ldap.Settings) { s.URL = "ldap://169.254.169.254" }, "link-local"},
		{func(s *ldap.Settings) { s.SearchPassword = "wrong" }, "refuses the search account"},
		{func(s *ldap.Settings) { s.SearchPassword = "" }, "empty password"},
		{func(s *ldap.Settings) { s.SearchDN = "cn=nobody,dc=example,dc=org" }, "refuses the search account"},
		{func(s *ldap.Settings) { s.SearchDN = "nonsense" }, "distinguished name"},
		{func(s *ldap.Settings) { s.BaseDN = "ou=nothing,dc=example,dc=org" }, "base is not found"},
		{func(s *ldap.Settings) { s.GroupBaseDN = "ou=nothing,dc=example,dc=org" }, "base is not found"},
		{func(s *ldap.Settings) { s.BaseDN = "dc=elsewhere" }, "base"},
		{func(s *ldap.Settings) { s.Filter = "((" }, "ldap_filter"},
	} {
		tried := good
		c.change(&tried)
		checks(t, d, tried, c.want)
	}
	silent(t, d, good)
}

// silent: a server that takes the connection and never says a word.
func silent(t *testing.T, d *directory, settings ldap.Settings) {
	t.Helper()
	settings.URL, settings.Timeout = "ldap://"+haventest.Silence(t), 1
	start := time.Now()
	checks(t, d, settings, "did not answer in time")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("gave up after %s", took)
	}
}

func TestStoredPasswordStays(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	d := newDirectory(t, server.Settings())
	tried, err := d.Current(t.Context())
	must(t, err)
	tried.SearchPassword = ""
	same, err := d.WithStoredPassword(t.Context(), tried)
	must(t, err)
	checks(t, d, same, "")
	tried.URL = "ldap://" + haventest.Silence(t)
	elsewhere, err := d.WithStoredPassword(t.Context(), tried)
	must(t, err)
	checks(t, d, elsewhere, "empty password")
}

func TestSearching(t *testing.T) {
	server := haventest.StartOpenLDAP(t)
	for _, name := range []string{"frank", "fred", "grace"} {
		server.Person(name, "Some-secret-1")
	}
	devs := server.Group("dev-a", "uid=frank,ou=people,"+haventest.LDAPBase)
	server.Group("dev-b", devs)
	d := newDirectory(t, server.Settings())
	ctx := t.Context()
	for pattern, want := range map[string]int{"": 3, "fr*": 2, "fred": 1, "fre": 0, "*": 3, "*)(uid=*": 0} {
		if people, err := d.SearchPeople(ctx, pattern); err != nil || len(people) != want {
			t.Errorf("people %q: %+v, %v; want %d", pattern, people, err, want)
		}
	}
	for pattern, want := range map[string]int{"": 2, "dev*": 2, "dev-b": 1, "b": 0} {
		if groups, err := d.SearchGroups(ctx, pattern); err != nil || len(groups) != want {
			t.Errorf("groups %q: %+v, %v; want %d", pattern, groups, err, want)
		}
	}
	if g, err := d.FindGroup(ctx, " CN=Dev-A, OU=groups,"+haventest.LDAPBase); err != nil || g.Name != "dev-a" || g.Key != devs {
		t.Errorf("found %+v, %v", g, err)
	}
	for dn, want := range map[string]fault.Kind{
		"cn=nobody,ou=groups,dc=example,dc=org": fault.NotFound, "uid=frank,ou=people,dc=example,dc=org": fault.NotFound, "dev-a": fault.Invalid,
	} {
		if g, err := d.FindGroup(ctx, dn); !errors.Is(err, want) {
			t.Errorf("found %+v, %v; want %s", g, err, want)
		}
	}
	if p, err := d.FindPerson(ctx, "frank"); err != nil || len(p.Groups) != 2 {
		t.Errorf("frank: %+v, %v", p, err)
	}
	if p, err := d.FindPerson(ctx, "fr*"); !errors.Is(err, fault.NotFound) {
		t.Errorf("fr*: %+v, %v", p, err)
	}
}

// A directory with 10,000 groups: somebody in a few of them, and somebody in all, gets in within a second.
func TestTenThousandGroups(t *testing.T) {
	const groups = 10_000
	server := haventest.StartOpenLDAP(t)
	few, all := server.Person("few", "Some-secret-1"), server.Person("all", "Some-secret-1")
	var adding errgroup.Group
	adding.SetLimit(8)
	server.Do(func(c *ldapclient.Conn) error {
		for i := range groups {
			adding.Go(func() error {
				name := fmt.Sprintf("group-%05d", i)
				add := haventest.NewEntry("cn="+name+",ou=groups,"+haventest.LDAPBase, "objectClass", "groupOfNames", "cn", name)
				members := []string{all}
				if i%500 == 0 {
					members = append(members, few)
				}
				add.Attribute("member", members)
				return c.Add(add)
			})
		}
		return adding.Wait()
	})
	d := newDirectory(t, server.Settings())
	for name, want := range map[string]int{"few": groups / 500, "all": groups} {
		best := time.Hour
		for range 3 {
			start := time.Now()
			p, err := d.Authenticate(t.Context(), name, "Some-secret-1")
			if err != nil || len(p.Groups) != want {
				t.Fatalf("%s: %d groups, %v; want %d", name, len(p.Groups), err, want)
			}
			best = min(best, time.Since(start))
		}
		t.Logf("%s: %d groups in %s", name, want, best)
		if best > time.Second {
			t.Errorf("%s: a log-in with %d groups takes %s", name, want, best)
		}
	}
}
