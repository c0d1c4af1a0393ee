package object

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Address is a storage_url of a bucket: SCHEME://BUCKET/PREFIX?PARAMETERS. Its errors name the
// parameter and never show a value, which may be a secret.
type Address struct {
	Bucket string
	Prefix string // "" or with a slash at its end
	params url.Values
	taken  map[string]bool
	errs   []error
}

// ParseAddress splits a storage_url.
func ParseAddress(text, scheme string) (*Address, error) {
	expected := fmt.Errorf("expected %s://BUCKET, or %s://BUCKET/PREFIX?PARAMETER=VALUE&…", scheme, scheme)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != scheme || u.Host == "" || u.Opaque != "" || u.User != nil || u.Fragment != "" {
		return nil, expected // without err, which shows the text
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("a parameter is not encoded as URLs want it: %w", expected)
	}
	a := &Address{Bucket: u.Host, params: params, taken: map[string]bool{}}
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		a.Prefix = prefix + "/"
	}
	if strings.Contains(a.Prefix, "//") || strings.Contains("/"+a.Prefix, "/../") || len(a.Prefix) > 256 {
		return nil, errors.New("the prefix behind the bucket: expected a path of at most 256 bytes, without empty parts or dots alone")
	}
	return a, nil
}

// Text returns a parameter, "" when it isn't given.
func (a *Address) Text(name string) string {
	a.taken[name] = true
	if len(a.params[name]) > 1 {
		a.Fail(name, "to be given once")
	}
	return a.params.Get(name)
}

// Bool returns a parameter that is true or false, the latter when it isn't given.
func (a *Address) Bool(name string) bool {
	switch a.Text(name) {
	case "true":
		return true
	case "", "false":
	default:
		a.Fail(name, "true or false")
	}
	return false
}

// Bytes returns a size, such as 16777216 or 16MiB, and 0 when it isn't given.
func (a *Address) Bytes(name string, least, most int64) int64 {
	text := a.Text(name)
	if text == "" {
		return 0
	}
	unit := int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if digits, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = digits, size
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most/unit || n*unit < least {
		a.Fail(name, fmt.Sprintf("a size between %d and %d MiB, such as 16MiB", least>>20, most>>20))
		return 0
	}
	return n * unit
}

// Fail notes that a parameter is not what was expected.
func (a *Address) Fail(name, expected string) {
	a.errs = append(a.errs, fmt.Errorf("parameter %s: expected %s", name, expected))
}

// Options returns the parameters that all object stores have: part_size, memory, spool, redirect.
func (a *Address) Options(limits Limits) Options {
	return Options{
		// Ten doublings of the first size must stay below the largest that is allowed.
		PartSize: a.Bytes("part_size", limits.Part, 1<<30),
		Memory:   a.Bytes("memory", 16<<20, 1<<40),
		Spool:    a.Text("spool"),
		Redirect: a.Bool("redirect"),
	}
}

// Err returns all that is wrong, parameters that nobody asked for too.
func (a *Address) Err() error {
	errs := a.errs
	for name := range a.params {
		switch {
		case a.taken[name]:
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" && len(name) < 24:
			errs = append(errs, fmt.Errorf("parameter %s: unknown", name))
		default: // a piece of a secret whose & was not encoded, perhaps
			errs = append(errs, errors.New("a parameter is unknown: expected an & inside of a value to be written as %26"))
		}
	}
	return errors.Join(errs...)
}
