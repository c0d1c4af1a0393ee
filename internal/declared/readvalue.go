package declared

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value reads one value, nil with a problem for one that isn't as it must be.
func (r *reader) value(n *yaml.Node, where string, s shape) any {
	n, ok := r.resolved(n, where)
	if !ok {
		return nil
	}
	if n.Tag == "!!null" {
		r.bad(n, where, "there is nothing; a field that is left out is left alone")
		return nil
	}
	switch s.form {
	case record:
		return r.record(n, where, s, nil)
	case list:
		return r.list(n, where, s)
	case document:
		return r.free(n, where)
	case hidden:
		return r.reference(n, where, s)
	default:
		return r.scalar(n, where, s)
	}
}

func (r *reader) scalar(n *yaml.Node, where string, s shape) any {
	expected := map[form]string{text: "a text", number: "a whole number", truth: "true or false"}[s.form]
	if len(s.words) > 0 {
		expected = "one of " + strings.Join(s.words, ", ")
	}
	if n.Kind == yaml.ScalarNode {
		switch s.form {
		case text:
			if len(s.words) == 0 || slices.Contains(s.words, n.Value) {
				return n.Value
			}
		case number:
			if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil && n.Tag == "!!int" {
				return v
			}
		case truth:
			if v, err := strconv.ParseBool(n.Value); err == nil && n.Tag == "!!bool" {
				return v
			}
		}
	}
	r.bad(n, where, "expected %s, and there is %s", expected, described(n))
	return nil
}

func (r *reader) list(n *yaml.Node, where string, s shape) any {
	out := []any{}
	for i, item := range r.sequence(n, where) {
		if v := r.value(item, where+": "+strconv.Itoa(i+1)+".", *s.of); v != nil {
			out = append(out, s.of.whole(v))
		}
	}
	if s.by != "" {
		slices.SortStableFunc(out, func(a, b any) int { return strings.Compare(a.(values).text(s.by), b.(values).text(s.by)) })
	}
	if s.set {
		return setOf(values{"": out}.texts(""))
	}
	return out
}

// none is what says that a document isn't to be there.
const none = "none"

// free reads what has a form of its own, which the registry checks.
func (r *reader) free(n *yaml.Node, where string) any {
	if n.Kind == yaml.ScalarNode && n.Value == none {
		return none
	}
	if n.Kind != yaml.MappingNode {
		r.bad(n, where, "expected a mapping, or none, and there is %s", described(n))
		return nil
	}
	var plain, back any
	if err := n.Decode(&plain); err != nil {
		r.bad(n, where, "%v", err)
		return nil
	}
	asJSON, err := json.Marshal(plain)
	if err == nil {
		err = json.Unmarshal(asJSON, &back) // numbers become what the registry's are
	}
	if err != nil {
		r.bad(n, where, "%v", err)
		return nil
	}
	return back
}

// reference reads where a secret is. A secret itself is refused without being repeated.
func (r *reader) reference(n *yaml.Node, where string, s shape) any {
	expected, places := "{env: NAME} or {file: PATH}", []string{"env", "file", "version"}
	if s.makes {
		expected, places = "{env: NAME}, {file: PATH} or {write: PATH}", append(places, "write")
	}
	if n.Kind != yaml.MappingNode {
		r.bad(n, where, "a secret doesn't stand in the document: expected %s, which say where it is", expected)
		return nil
	}
	ref, given := reference{version: firstVersion, dir: r.dir}, 0
	for _, e := range r.mapping(n, where, expected) {
		if !slices.Contains(places, e.name) {
			r.unknown(e, where, places)
			return nil
		}
		if e.value.Kind != yaml.ScalarNode || e.value.Value == "" || e.value.Tag == "!!null" {
			r.bad(e.value, where+": "+e.name, "expected a text")
			return nil
		}
		switch e.name {
		case "env":
			ref.env = e.value.Value
		case "file":
			ref.file = e.value.Value
		case "write":
			ref.write = e.value.Value
		case "version":
			ref.version = e.value.Value
			continue
		}
		given++
	}
	if given != 1 {
		r.bad(n, where, "expected %s", expected)
		return nil
	}
	if ref.write != "" {
		path := ref.path(ref.write)
		if of, taken := r.written[path]; taken {
			r.bad(n, where, "%s is where another secret is written, that of %s", ref.write, of)
			return nil
		}
		r.written[path] = where
	}
	return ref
}
