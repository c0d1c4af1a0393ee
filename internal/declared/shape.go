package declared

import (
	"encoding/json"
	"slices"
	"strings"
)

// form is what a value is in the document.
type form int

const (
	text     form = iota // string
	number               // int64
	truth                // bool
	list                 // []any
	record               // map[string]any; a field that isn't there is left alone
	document             // whatever JSON can say, or the word none
	hidden               // reference
)

// shape says which values a field may have.
type shape struct {
	form   form
	fields []field  // of a record
	of     *shape   // of a list
	words  []string // of a text: the only ones
	set    bool     // of a list: in any order, each once
	by     string   // of a list of records: in any order, told apart by this text
	makes  bool     // of a secret: it may be made, and written to a file
	// boundTo are the fields that a secret belongs to: when they change it is set again.
	boundTo []string
}

// field is one field of an object.
type field struct {
	name string
	shape
	required bool
	fixed    bool // can't change while the object is there
	usual    any  // what it is where nothing is said; an export leaves it out
	// spelled is a text as the registry keeps it; nil: as it is written.
	spelled func(string) string
}

func aText(name string, words ...string) field {
	return field{name: name, shape: shape{form: text, words: words}}
}
func aNumber(name string) field { return field{name: name, shape: shape{form: number}} }
func aTruth(name string) field  { return field{name: name, shape: shape{form: truth}} }
func aRecord(name string, fields ...field) field {
	return field{name: name, shape: shape{form: record, fields: fields}}
}

func aList(name string, of shape) field {
	return field{name: name, shape: shape{form: list, of: &of}}
}

// aSet is a list of texts whose order says nothing.
func aSet(name string, words ...string) field {
	return field{name: name, shape: shape{form: list, set: true, of: &shape{form: text, words: words}}}
}

func aDocument(name string) field { return field{name: name, shape: shape{form: document}} }

func aSecret(name string, boundTo ...string) field {
	return field{name: name, shape: shape{form: hidden, boundTo: boundTo}}
}

func (f field) must() field    { f.required = true; return f }
func (f field) forever() field { f.fixed = true; return f }
func (f field) kept(spelled func(string) string) field {
	f.spelled = spelled
	return f
}
func (f field) usually(v any) field { f.usual = v; return f }
func (f field) made() field         { f.makes = true; return f }
func (s shape) field(name string) int {
	return slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
}

// values are an object's fields. What isn't there isn't said.
type values map[string]any

func (v values) text(name string) string  { s, _ := v[name].(string); return s }
func (v values) number(name string) int64 { n, _ := v[name].(int64); return n }
func (v values) truth(name string) bool   { b, _ := v[name].(bool); return b }

func (v values) record(name string) values {
	r, _ := v[name].(values)
	return r
}

// texts are a list's.
func (v values) texts(name string) []string {
	all, _ := v[name].([]any)
	out := make([]string, 0, len(all))
	for _, one := range all {
		s, _ := one.(string)
		out = append(out, s)
	}
	return out
}

// beyond is a value that the registry has and no document can say; it says why.
type beyond string

// listOf is texts as a value.
func listOf(all []string) []any {
	out := make([]any, 0, len(all))
	for _, s := range all {
		out = append(out, s)
	}
	return out
}

// setOf is texts as a value whose order says nothing.
func setOf(all []string) []any {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return listOf(slices.Compact(sorted))
}

// over is v with what more says instead, record by record.
func (v values) over(more values) values {
	out := values{}
	for name, value := range v {
		out[name] = value
	}
	for name, value := range more {
		inner, isRecord := value.(values)
		before, had := out[name].(values)
		if isRecord && had {
			value = before.over(inner)
		}
		out[name] = value
	}
	return out
}

// whole is a value with what is usual where a record says nothing: an item of a list is compared as a whole.
func (s shape) whole(v any) any {
	said, isRecord := v.(values)
	if !isRecord {
		return v
	}
	for _, f := range s.fields {
		if _, is := said[f.name]; !is && f.usual != nil {
			said[f.name] = f.usual
		}
	}
	return said
}

// nothing reports whether a value says nothing, so that an export leaves it out.
func nothing(v any) bool {
	switch v := v.(type) {
	case nil, beyond:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case values:
		return len(v) == 0
	}
	return false
}

// same compares a field's values by what they say.
func (f field) same(a, b any) bool {
	if f.spelled != nil {
		a, b = f.spelled(values{"": a}.text("")), f.spelled(values{"": b}.text(""))
	}
	return canonical(a) == canonical(b)
}

// canonical is a value as JSON, in one line.
func canonical(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "?"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
