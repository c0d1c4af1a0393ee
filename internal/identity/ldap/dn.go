package ldap

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/fault"
)

// maxDN bounds a distinguished name, in bytes.
const maxDN = 8 << 10

// NormalDN returns the one spelling of a distinguished name that stands for all of them: lower case,
// single spaces, only necessary escapes, the parts of a multi-valued RDN in order. A text that is no
// name is a fault.Invalid. RFC 4514; the comparison is that of caseIgnoreMatch (RFC 4517, 4.2.11).
func NormalDN(dn string) (string, error) {
	rdns, err := normalRDNs(dn)
	return strings.Join(rdns, ","), err
}

// normalRDNs is NormalDN, in its parts.
func normalRDNs(dn string) ([]string, error) {
	wrong := fault.Invalidf("%q is not a distinguished name", dn[:min(len(dn), 200)])
	if len(dn) > maxDN || !utf8.ValidString(dn) {
		return nil, wrong
	}
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 {
		return nil, wrong
	}
	rdns := make([]string, len(parsed.RDNs))
	for i, rdn := range parsed.RDNs {
		parts := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			name, value := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(a.Type)), "oid."), foldValue(a.Value)
			if !attributeForm.MatchString(name) || value == "" || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
				return nil, wrong
			}
			parts[j] = name + "=" + ldap.EscapeDN(value)
		}
		slices.Sort(parts)
		rdns[i] = strings.Join(parts, "+")
	}
	return rdns, nil
}

// foldValue makes equal what caseIgnoreMatch finds equal, but for the rarer forms of Unicode.
func foldValue(value string) string {
	return strings.ToLower(strings.Join(strings.Fields(value), " "))
}

// within reports whether a name lies in the scope of a base.
func within(names, base []string, scope int) bool {
	deeper := len(names) - len(base)
	if deeper < 0 || !slices.Equal(names[deeper:], base) {
		return false
	}
	switch scope {
	case ldap.ScopeBaseObject:
		return deeper == 0
	case ldap.ScopeSingleLevel:
		return deeper == 1
	default:
		return true
	}
}
