package setting

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
)

// maxText bounds a value, in bytes. Certificates are the longest.
const maxText = 64 << 10

// parse reads what a client sent for the key: the type itself, or its text.
func (k key) parse(sent any) (any, error) {
	bad := func(want string) error { return fault.Invalidf("item name %s: expected %s", k.name, want) }
	var value any
	switch k.kind {
	case number, scope:
		n, ok := wholeNumber(sent)
		if !ok {
			return nil, bad("a whole number")
		}
		if k.kind == scope && (n < 0 || n > 2) {
			return nil, bad("0, 1 or 2")
		}
		value = n
	case boolean:
		b, ok := truth(sent)
		if !ok {
			return nil, bad("true or false")
		}
		value = b
	case mapping:
		s, ok := objectText(sent)
		if !ok {
			return nil, bad("a JSON object")
		}
		value = s
	default:
		s, ok := sent.(string)
		if !ok || len(s) > maxText {
			return nil, bad(fmt.Sprintf("text of at most %d bytes", maxText))
		}
		if k.kind == nonEmpty {
			if s = strings.TrimSpace(s); s == "" {
				return nil, fault.Invalidf("item name %s: the value must not be empty", k.name)
			}
		}
		value = s
	}
	if k.check != nil {
		if err := k.check(k.name, value); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// wholeNumber reads JSON numbers and their text, "1e3" too.
func wholeNumber(sent any) (int64, bool) {
	switch v := sent.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		return wholeFloat(v)
	case json.Number:
		return wholeNumber(v.String())
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n, true
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0, false
		}
		return wholeFloat(f)
	}
	return 0, false
}

// wholeFloat takes what a float64 holds exactly.
func wholeFloat(f float64) (int64, bool) {
	if math.Trunc(f) != f || math.Abs(f) > 1<<53 { // not for NaN either
		return 0, false
	}
	return int64(f), true
}

func truth(sent any) (value, ok bool) {
	switch v := sent.(type) {
	case bool:
		return v, true
	case string:
		b, err := strconv.ParseBool(v)
		return b, err == nil
	}
	return false, false
}

func objectText(sent any) (string, bool) {
	s, isText := sent.(string)
	if !isText {
		b, err := json.Marshal(sent)
		if err != nil {
			return "", false
		}
		s = string(b)
	}
	var object map[string]any
	return s, len(s) <= maxText && json.Unmarshal([]byte(s), &object) == nil && object != nil
}

// someOf accepts a comma-separated list of distinct words.
func someOf(allowed ...string) func(string, any) error {
	return func(name string, value any) error {
		words := splitList(value.(string))
		for i, word := range words {
			if !slices.Contains(allowed, word) || slices.Contains(words[:i], word) {
				return fault.Invalidf("item name %s: expected a comma-separated list of some of %s, each at most once", name, strings.Join(allowed, ", "))
			}
		}
		return nil
	}
}

func oneOf(allowed ...string) func(string, any) error {
	return func(name string, value any) error {
		if !slices.Contains(allowed, value.(string)) {
			return fault.Invalidf("item name %s: invalid %s, valid values are %s", name, name, strings.Join(allowed, ", "))
		}
		return nil
	}
}

func positive(name string, value any) error {
	switch n := value.(int64); {
	case n <= 0:
		return fault.Invalidf("item name %s: the %s value must be positive", name, name)
	case n > 9999999999:
		return fault.Invalidf("item name %s: the %s value is too large", name, name)
	}
	return nil
}

// maxTrashDays bounds for how long what is deleted takes space.
const maxTrashDays = 365

func trashDays(name string, value any) error {
	if n := value.(int64); n < 0 || n > maxTrashDays {
		return fault.Invalidf("item name %s: expected 0, for nothing, to %d days", name, maxTrashDays)
	}
	return nil
}

func storageLimit(name string, value any) error {
	if n := value.(int64); n != -1 && (n < 1 || n > MaxStorage) {
		return fault.Invalidf("item name %s: expected -1 or 1 to %d bytes", name, int64(MaxStorage))
	}
	return nil
}

// robotPrefix keeps a robot's name apart from what HTTP Basic and docker tokens can't carry.
func robotPrefix(name string, value any) error {
	s := value.(string)
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == ':' || r >= 0x7f }) {
		return fault.Invalidf("item name %s: expected 1 to 64 visible ASCII characters without a colon", name)
	}
	return nil
}

// eventTypes checks the form only: a list that was written for a later version stays valid.
func eventTypes(name string, value any) error {
	for _, t := range splitList(value.(string)) {
		if strings.Trim(t, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return fault.Invalidf("item name %s: the event type %s is not valid", name, t)
		}
	}
	return nil
}

// hostPort takes "" too.
func hostPort(name string, value any) error {
	s := value.(string)
	if s == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n == 0 || host == "" || strings.ContainsAny(s, "/ @") {
		return fault.Invalidf("item name %s: expected host:port", name)
	}
	return nil
}

// certificates takes "" too.
func certificates(name string, value any) error {
	rest := []byte(value.(string))
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return fault.Invalidf("item name %s: expected certificates as PEM", name)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fault.Invalidf("item name %s: expected certificates as PEM: %v", name, err)
		}
	}
	return nil
}

// splitList reads a comma list, without empty entries.
func splitList(s string) []string {
	var all []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// together checks what no key can say alone.
func together(v Values) error {
	switch {
	case v.Text("ldap_group_search_filter") != "" && (v.Text("ldap_group_attribute_name") == "" || v.Text("ldap_group_membership_attribute") == ""):
		return fault.Invalidf("the ldap group search filter needs ldap_group_attribute_name and ldap_group_membership_attribute")
	case v.Bool(AuditSkipDatabase) && v.Text(AuditForwardEndpoint) == "":
		return fault.Invalidf("%s: the %s must be set first", AuditSkipDatabase, AuditForwardEndpoint)
	}
	return nil
}
