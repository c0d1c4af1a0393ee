package ldap

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/havenregistry/haven/internal/fault"
)

// everything matches each entry.
const everything = "(objectClass=*)"

// parseFilter checks a filter of the settings, which may lack its outer parentheses. Empty is everything.
func parseFilter(setting, filter string) (string, error) {
	filter = strings.TrimSpace(filter)
	if filter == "" {
		return everything, nil
	}
	if !strings.HasPrefix(filter, "(") {
		filter = "(" + filter + ")"
	}
	if _, err := ldap.CompileFilter(filter); err != nil {
		return "", fault.Invalidf("%s: %q is not a filter: %s", setting, filter, reason(err))
	}
	return filter, nil
}

// both matches what two filters match.
func both(a, b string) string {
	switch everything {
	case a:
		return b
	case b:
		return a
	}
	return "(&" + a + b + ")"
}

// anyOf matches what one of the filters matches.
func anyOf(filters []string) string {
	if len(filters) == 1 {
		return filters[0]
	}
	return "(|" + strings.Join(filters, "") + ")"
}

// equals matches entries with this value of an attribute.
func equals(attribute, value string) string {
	return "(" + attribute + "=" + ldap.EscapeFilter(value) + ")"
}

// equalsBytes is equals for a value that is not text.
func equalsBytes(attribute string, value []byte) string {
	var b strings.Builder
	for _, c := range value {
		fmt.Fprintf(&b, `\%02x`, c)
	}
	return "(" + attribute + "=" + b.String() + ")"
}

// like matches a pattern that a person typed, in which * stands for any text; empty is everything.
func like(attribute, pattern string) string {
	pieces := strings.Split(pattern, "*")
	for i, piece := range pieces {
		pieces[i] = ldap.EscapeFilter(piece)
	}
	value := strings.Join(pieces, "*")
	for strings.Contains(value, "**") {
		value = strings.ReplaceAll(value, "**", "*")
	}
	if value == "" {
		value = "*"
	}
	return "(" + attribute + "=" + value + ")"
}

// memberInChain asks Active Directory for groups that somebody is in, by whatever way.
// MS-ADTS 3.1.1.3.4.4.3, LDAP_MATCHING_RULE_TRANSITIVE_EVAL.
func memberInChain(dn string) string {
	return "(member:1.2.840.113556.1.4.1941:=" + ldap.EscapeFilter(dn) + ")"
}
