package policy

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/fault"
)

const (
	// MaxSize is the longest document, in bytes.
	MaxSize = 256 << 10
	// deepestJSON and mostValues bound what reading a document takes. The deepest that one needs, with a trusted root, is 16.
	deepestJSON = 32
	mostValues  = 1 << 15
)

// Parse reads a document strictly, so that no two readers can understand the same bytes differently, and checks all of it that
// needs no cryptography: whether keys and certificates are any is for those who use them (cosign.New, notation.New),
// whether rules are CEL is for Compile.
//
// Refused are: more than MaxSize bytes, invalid UTF-8 or JSON, a key that stands twice, an unknown one or one that is spelled
// in other case, a value of another type, and null but for a pointer's. Each error is a fault.Invalid that leads to the
// faulty field.
func Parse(raw []byte) (Policy, error) {
	if len(raw) > MaxSize {
		return Policy{}, fault.Invalidf("the policy is longer than %d KiB: split it, or name fewer keys and certificates", MaxSize>>10)
	}
	if !utf8.Valid(raw) {
		return Policy{}, fault.Invalidf("the policy isn't valid UTF-8")
	}
	// The token reader below is not strict about commas and trailing data; this is.
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return Policy{}, fault.Invalidf("the policy isn't valid JSON: %v", err)
	}
	r := reader{json: json.NewDecoder(bytes.NewReader(raw))}
	r.json.UseNumber()
	if err := r.value("", reflect.TypeFor[Policy](), 1); err != nil {
		return Policy{}, err
	}
	var p Policy
	if err := json.Unmarshal(raw, &p); err != nil {
		return Policy{}, fault.Invalidf("the policy can't be read: %v", err)
	}
	if err := p.check(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// WantsSignedBeforeTag is SignedBeforeTag of a document that Parse may no longer take. What can't be read at all wants it: a
// demand isn't dropped because nobody understands it (S12).
func WantsSignedBeforeTag(raw []byte) bool {
	var p struct {
		SignedBeforeTag bool `json:"signed_before_tag"`
	}
	return json.Unmarshal(raw, &p) != nil || p.SignedBeforeTag
}

// reader walks a document beside the types that it will be decoded into.
type reader struct {
	json   *json.Decoder
	values int
}

// anyJSON is the type of what is somebody else's document: keys are free there, but stand once.
var anyJSON = reflect.TypeFor[json.RawMessage]()

// value reads one value of the type want; depth is 1 for the document.
func (r *reader) value(path string, want reflect.Type, depth int) error {
	if r.values++; r.values > mostValues {
		return fault.Invalidf("the policy has more than %d values", mostValues)
	}
	if depth > deepestJSON {
		return fault.Invalidf("%s: nested more than %d levels deep", where(path), deepestJSON)
	}
	token, err := r.json.Token()
	if err != nil {
		return fault.Invalidf("%s: not valid JSON: %v", where(path), err)
	}
	if want.Kind() == reflect.Pointer {
		if token == nil {
			return nil
		}
		want = want.Elem()
	}
	switch token {
	case json.Delim('{'):
		return r.object(path, want, depth)
	case json.Delim('['):
		return r.list(path, want, depth)
	}
	_, text := token.(string)
	_, truth := token.(bool)
	if want == anyJSON || text && want.Kind() == reflect.String || truth && want.Kind() == reflect.Bool {
		return nil
	}
	return wrongType(path, want)
}

func (r *reader) object(path string, want reflect.Type, depth int) error {
	fields, known := fieldsOf(want)
	if fields == nil && want != anyJSON && want.Kind() != reflect.Map {
		return wrongType(path, want)
	}
	seen := map[string]bool{}
	for r.json.More() {
		token, err := r.json.Token()
		if err != nil {
			return fault.Invalidf("%s: not valid JSON: %v", where(path), err)
		}
		key, _ := token.(string)
		if seen[key] {
			return fault.Invalidf("%s: the key %s stands twice", where(path), quote(key))
		}
		seen[key] = true
		inner := want // of anyJSON
		switch {
		case fields != nil:
			if inner = fields[key]; inner == nil {
				return fault.Invalidf("%s: unknown field %s; known are %s", where(path), quote(key), strings.Join(known, ", "))
			}
		case want.Kind() == reflect.Map:
			inner = want.Elem()
		}
		if err := r.value(below(path, key), inner, depth+1); err != nil {
			return err
		}
	}
	_, err := r.json.Token() // the bracket
	return err
}

func (r *reader) list(path string, want reflect.Type, depth int) error {
	inner := want
	if want != anyJSON {
		if want.Kind() != reflect.Slice {
			return wrongType(path, want)
		}
		inner = want.Elem()
	}
	for i := 0; r.json.More(); i++ {
		if err := r.value(at(path, i), inner, depth+1); err != nil {
			return err
		}
	}
	_, err := r.json.Token()
	return err
}

// fieldsOf returns the keys of a struct with their types, and sorted; nil for what is none.
func fieldsOf(t reflect.Type) (map[string]reflect.Type, []string) {
	if t.Kind() != reflect.Struct {
		return nil, nil
	}
	fields := make(map[string]reflect.Type, t.NumField())
	names := make([]string, 0, t.NumField())
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = field.Type
		names = append(names, name)
	}
	slices.Sort(names)
	return fields, names
}

func wrongType(path string, want reflect.Type) error {
	wanted := "an object"
	switch want.Kind() {
	case reflect.String:
		wanted = "a text"
	case reflect.Slice:
		wanted = "a list"
	case reflect.Bool:
		wanted = "true or false"
	}
	return fault.Invalidf("%s: want %s", where(path), wanted)
}

// where, below and at build the paths of error messages.
func where(path string) string {
	if path == "" {
		return "the policy"
	}
	return path
}

func below(path, key string) string {
	if !nameForm.MatchString(key) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func quote(s string) string { return strconv.Quote(shorten(s, 64)) }

// shorten cuts a text to at most n bytes, between characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
