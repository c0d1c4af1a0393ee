package ldap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/fault"
)

func TestNormalDN(t *testing.T) {
	for _, c := range []struct{ dn, want string }{
		{"cn=devs,dc=example,dc=org", "cn=devs,dc=example,dc=org"},
		{" CN = Devs , DC=Example,dc=ORG ", "cn=devs,dc=example,dc=org"},
		{"cn=a  b,dc=x", "cn=a b,dc=x"},
		{`cn=Smith\, John,dc=x`, `cn=smith\, john,dc=x`},
		{`cn=Smith\2c John,dc=x`, `cn=smith\, john,dc=x`},
		{`cn=a\5cb,dc=x`, `cn=a\\b,dc=x`},
		{`cn=M\C3\BCller,dc=x`, "cn=müller,dc=x"},
		{"cn=MÜLLER,dc=x", "cn=müller,dc=x"},
		{"uid=x+cn=a,dc=x", "cn=a+uid=x,dc=x"},
		{"OID.2.5.4.3=a,dc=x", "2.5.4.3=a,dc=x"},
		{`cn=\#a,dc=x`, `cn=\#a,dc=x`},
	} {
		got, err := NormalDN(c.dn)
		if err != nil || got != c.want {
			t.Errorf("NormalDN(%q) = %q, %v; want %q", c.dn, got, err, c.want)
		}
		if again, err := NormalDN(got); err != nil || again != got {
			t.Errorf("NormalDN(%q) = %q, %v: it was normal already", got, again, err)
		}
	}
	for _, dn := range []string{"", "devs", "cn=a,b", "cn=\x01,dc=x", "cn=\xff,dc=x", "=a", "cn=", strings.Repeat("cn=a,", 2000) + "cn=a"} {
		if got, err := NormalDN(dn); !errors.Is(err, fault.Invalid) {
			t.Errorf("NormalDN(%.40q) = %q, %v; want a refusal", dn, got, err)
		}
	}
}

func FuzzNormalDN(f *testing.F) {
	for _, seed := range []string{"cn=a,dc=b", `cn=a\, b+uid=\23c,dc=x`, `cn=\20 a \20,o=b`, "1.2.3=#0401ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		normal, err := NormalDN(dn)
		if err != nil {
			return
		}
		if again, err := NormalDN(normal); err != nil || again != normal {
			t.Errorf("%q became %q, and that %q, %v", dn, normal, again, err)
		}
	})
}

func TestWithin(t *testing.T) {
	const base, one, sub = ldap.ScopeBaseObject, ldap.ScopeSingleLevel, ldap.ScopeWholeSubtree
	for _, c := range []struct {
		dn, base string
		scope    int
		want     bool
	}{
		{"cn=a,ou=g,dc=x", "OU=G,dc=x", sub, true},
		{"cn=a,ou=g,dc=x", "ou=g,dc=x", one, true},
		{"cn=b,cn=a,ou=g,dc=x", "ou=g,dc=x", one, false},
		{"cn=b,cn=a,ou=g,dc=x", "ou=g,dc=x", sub, true},
		{"ou=g,dc=x", "ou=g,dc=x", base, true},
		{"ou=g,dc=x", "ou=g,dc=x", one, false},
		{"cn=a,ou=h,dc=x", "ou=g,dc=x", sub, false},
		{`cn=a\,ou=g,dc=x`, "ou=g,dc=x", sub, false},
		{"dc=x", "ou=g,dc=x", sub, false},
	} {
		name, err := normalRDNs(c.dn)
		above, errAbove := normalRDNs(c.base)
		if got := within(name, above, c.scope); err != nil || errAbove != nil || got != c.want {
			t.Errorf("within(%q, %q, %d) = %v", c.dn, c.base, c.scope, got)
		}
	}
}

func TestFilters(t *testing.T) {
	hostile := "*)(uid=admin\x00\\"
	for _, c := range []struct{ got, want string }{
		{equals("uid", hostile), `(uid=\2a\29\28uid=admin\00\5c)`},
		{like("cn", "dev*"), "(cn=dev*)"},
		{like("cn", ""), "(cn=*)"},
		{like("cn", "***"), "(cn=*)"},
		{like("cn", "*)(a=b"), `(cn=*\29\28a=b)`},
		{both(everything, "(a=b)"), "(a=b)"},
		{both("(c=d)", "(a=b)"), "(&(c=d)(a=b))"},
		{anyOf([]string{"(a=b)"}), "(a=b)"},
		{anyOf([]string{"(a=b)", "(c=d)"}), "(|(a=b)(c=d))"},
		{equalsBytes("objectGUID", []byte{0, 0x2a, 0xff}), `(objectGUID=\00\2a\ff)`},
		{memberInChain("cn=a (b),dc=x"), `(member:1.2.840.113556.1.4.1941:=cn=a \28b\29,dc=x)`},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
		if _, err := ldap.CompileFilter(c.got); err != nil {
			t.Errorf("%s: %v", c.got, err)
		}
	}
	for in, want := range map[string]string{
		"": everything, "objectClass=person": "(objectClass=person)", " (&(a=b)(c=d)) ": "(&(a=b)(c=d))",
	} {
		if got, err := parseFilter("ldap_filter", in); err != nil || got != want {
			t.Errorf("parseFilter(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"(a=b", "(a=b))(c=d)", "(a=b)(c=d)", "nonsense"} {
		if got, err := parseFilter("ldap_filter", in); !errors.Is(err, fault.Invalid) {
			t.Errorf("parseFilter(%q) = %q, %v; want a refusal", in, got, err)
		}
	}
}

func TestParse(t *testing.T) {
	good := Settings{URL: "ldap://ldap.example.org", BaseDN: "dc=x", UID: "uid", Scope: 2, Timeout: 5}
	for _, c := range []struct {
		name   string
		change func(*Settings)
		want   func(config) bool
	}{
		{"port of ldap", func(*Settings) {}, func(c config) bool { return c.address == "ldap.example.org:389" && c.security == plain }},
		{"port of ldaps", func(s *Settings) { s.URL = "ldaps://ldap.example.org" }, func(c config) bool { return c.address == "ldap.example.org:636" && c.security == fromTheStart }},
		{"636 is TLS", func(s *Settings) { s.URL = "ldap://h:636" }, func(c config) bool { return c.security == fromTheStart }},
		{"no scheme", func(s *Settings) { s.URL = "h:1389" }, func(c config) bool { return c.address == "h:1389" && c.host == "h" }},
		{"IPv6", func(s *Settings) { s.URL = "ldap://[::1]:1389" }, func(c config) bool { return c.address == "[::1]:1389" && c.host == "::1" }},
		{"StartTLS", func(s *Settings) { s.StartTLS = true }, func(c config) bool { return c.security == startTLS }},
		{"StartTLS within TLS is TLS", func(s *Settings) { s.URL, s.StartTLS = "ldaps://h", true }, func(c config) bool { return c.security == fromTheStart }},
		{"scope", func(s *Settings) { s.Scope, s.GroupScope = 1, 0 }, func(c config) bool {
			return c.scope == ldap.ScopeSingleLevel && c.groupScope == ldap.ScopeBaseObject
		}},
		{"timeout too long", func(s *Settings) { s.Timeout = 9999999999 }, func(c config) bool { return c.timeout == maxTimeout }},
		{"timeout missing", func(s *Settings) { s.Timeout = 0 }, func(c config) bool { return c.timeout == minTimeout }},
		{"no group filter, no groups", func(*Settings) {}, func(c config) bool { return !c.groups && c.groupBase == "dc=x" && c.membership == "memberOf" }},
		{"groups", func(s *Settings) { s.GroupFilter, s.GroupAdminDN = "objectClass=group", "CN=Admins, dc=x" }, func(c config) bool {
			return c.groups && c.filterOf == "(objectClass=group)" && c.adminDN == "cn=admins,dc=x"
		}},
	} {
		s := good
		c.change(&s)
		if got, err := s.parse(); err != nil || !c.want(got) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	for _, c := range []struct {
		change func(*Settings)
		want   string
	}{
		{func(s *Settings) { s.URL = "" }, "no directory"},
		{func(s *Settings) { s.URL = "http://h" }, "ldap_url"},
		{func(s *Settings) { s.URL = "ldap://user:secret@h" }, "ldap_url"},
		{func(s *Settings) { s.BaseDN = "" }, "ldap_base_dn"},
		{func(s *Settings) { s.BaseDN = "x" }, "ldap_base_dn"},
		{func(s *Settings) { s.Filter = "(" }, "ldap_filter"},
		{func(s *Settings) { s.UID = "uid=*)(" }, "ldap_uid"},
		{func(s *Settings) { s.GroupFilter = "(((" }, "ldap_group_search_filter"},
		{func(s *Settings) { s.GroupBaseDN = "groups" }, "ldap_group_base_dn"},
		{func(s *Settings) { s.GroupAdminDN = "admins" }, "ldap_group_admin_dn"},
		{func(s *Settings) { s.GroupName = "(" }, "ldap_group_attribute_name"},
		{func(s *Settings) { s.Membership = "member of" }, "ldap_group_membership_attribute"},
		{func(s *Settings) { s.CACertificate = "nonsense" }, "ldap_ca_certificate"},
	} {
		s := good
		c.change(&s)
		if _, err := s.parse(); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want a refusal that names %s", s, err, c.want)
		}
	}
}

func TestSameAccount(t *testing.T) {
	stored := Settings{URL: "ldaps://h", BaseDN: "dc=x", SearchDN: "cn=search,dc=x"}
	for _, c := range []struct {
		tried Settings
		want  bool
	}{
		{stored, true},
		{Settings{URL: "ldaps://h:636", BaseDN: "dc=y", SearchDN: " cn=search,dc=x"}, true},
		{Settings{URL: "ldaps://evil", BaseDN: "dc=x", SearchDN: "cn=search,dc=x"}, false},
		{Settings{URL: "ldaps://h:6360", BaseDN: "dc=x", SearchDN: "cn=search,dc=x"}, false},
		{Settings{URL: "ldap://h", BaseDN: "dc=x", SearchDN: "cn=search,dc=x"}, false},
		{Settings{URL: "ldaps://h", BaseDN: "dc=x", SearchDN: "cn=other,dc=x"}, false},
	} {
		if got := stored.sameAccount(c.tried); got != c.want {
			t.Errorf("%+v: %v", c.tried, got)
		}
	}
}

func TestSubject(t *testing.T) {
	entry := func(attributes map[string][]string) *ldap.Entry { return ldap.NewEntry("CN=Bob, dc=X", attributes) }
	guid := string([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	for _, c := range []struct {
		attributes map[string][]string
		want       string
	}{
		{nil, "dn:cn=bob,dc=x"},
		{map[string][]string{"entryUUID": {"0A1B"}}, "entryUUID:0a1b"},
		{map[string][]string{"objectguid": {guid}, "entryUUID": {"0A1B"}}, "objectGUID:0102030405060708090a0b0c0d0e0f10"},
		{map[string][]string{"objectGUID": {"short"}}, "dn:cn=bob,dc=x"},
	} {
		if got, err := subjectOf(entry(c.attributes)); err != nil || got != c.want {
			t.Errorf("%v: %q, %v; want %q", c.attributes, got, err, c.want)
		}
	}
}

func TestShutOut(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		attribute, value string
		want             bool
	}{
		{"userAccountControl", "512", false},
		{"userAccountControl", "514", true},
		{"userAccountControl", "66050", true},
		{"accountExpires", "0", false},
		{"accountExpires", "9223372036854775807", false},
		{"accountExpires", "132223104000000000", true},  // 2020-01-01
		{"accountExpires", "157469184000000000", false}, // 2100
		{"nsAccountLock", "TRUE", true},
		{"nsAccountLock", "false", false},
		{"pwdAccountLockedTime", "000001010000Z", true},
		{"pwdAccountLockedTime", "20260101000000Z", false},
	} {
		e := ldap.NewEntry("cn=a", map[string][]string{c.attribute: {c.value}})
		if got := shutOut(e, now); got != c.want {
			t.Errorf("%s: %s: %v", c.attribute, c.value, got)
		}
	}
}

func TestSidText(t *testing.T) {
	sid := []byte{1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 0, 0}
	if got := sidText(sid); got != "S-1-5-21-1-2-3-513" {
		t.Errorf("got %s", got)
	}
}
