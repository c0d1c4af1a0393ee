package declared

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/fault"
)

// Bounds of a document.
const (
	maxDocument = 4 << 20 // bytes
	maxValues   = 500_000 // what aliases repeat counts each time
	maxProblems = 20      // that are told at once
)

// Document is what a registry should be.
type Document struct {
	lists []objects // in the order in which they are made
}

// objects are a list of the document: those of a kind, in a project or at the top.
type objects struct {
	kind    kind
	home    string
	objects []object
}

// ReadFile reads a document. Its errors name the line and what is wrong there.
func ReadFile(path string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return Read(content, path)
}

// Read reads a document; path is for its messages, and for what relative paths in it begin at.
func Read(content []byte, path string) (*Document, error) {
	if len(content) > maxDocument {
		return nil, fault.Invalidf("%s: more than %d bytes", path, maxDocument)
	}
	d := yaml.NewDecoder(bytes.NewReader(content))
	var root yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		return nil, fault.Invalidf("%s: it is empty; expected version: 1 and what the registry should be", path)
	} else if err != nil {
		return nil, fault.Invalidf("%s: %v", path, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fault.Invalidf("%s: expected one document, and there is something behind it", path)
	}
	r := reader{path: path, dir: filepath.Dir(path), written: map[string]string{}}
	doc := r.document(root.Content[0])
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	return doc, nil
}

type reader struct {
	path, dir string
	problems  []error
	seen      int
	written   map[string]string // where a secret is to be written, and whose it is
}

func (r *reader) bad(n *yaml.Node, where, format string, args ...any) {
	if len(r.problems) < maxProblems {
		if where != "" {
			where += ": "
		}
		r.problems = append(r.problems, fault.Invalidf("%s:%d: %s%s", r.path, n.Line, where, fmt.Sprintf(format, args...)))
	}
}

// entry is one field of a mapping.
type entry struct {
	name       string
	key, value *yaml.Node
}

// resolved follows an alias, and counts.
func (r *reader) resolved(n *yaml.Node, where string) (*yaml.Node, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if r.seen++; r.seen == maxValues+1 {
		r.bad(n, where, "the document has more than %d values", maxValues)
	}
	return n, r.seen <= maxValues
}

// mapping reads a mapping's entries, each name once.
func (r *reader) mapping(n *yaml.Node, where, expected string) (entries []entry) {
	n, ok := r.resolved(n, where)
	if !ok {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.bad(n, where, "expected %s, and there is %s", expected, described(n))
		return nil
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			r.bad(key, where, "expected a field's name, and there is %s", described(key))
			continue
		}
		if before, twice := lines[key.Value]; twice {
			r.bad(key, where, "%s is there already, in line %d", key.Value, before)
			continue
		}
		lines[key.Value] = key.Line
		entries = append(entries, entry{key.Value, key, n.Content[i+1]})
	}
	return entries
}

// sequence reads a list's items. None is an empty list that isn't nil.
func (r *reader) sequence(n *yaml.Node, where string) []*yaml.Node {
	n, ok := r.resolved(n, where)
	if !ok {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.bad(n, where, "expected a list, and there is %s", described(n))
		return nil
	}
	return n.Content
}

func described(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

func (r *reader) document(n *yaml.Node) *Document {
	doc, inProjects := &Document{}, map[string][]objects{}
	top := sections(false)
	names := []string{"version"}
	for _, k := range top {
		names = append(names, k.section)
	}
	found := map[string]objects{}
	version := false
	for _, e := range r.mapping(n, "", "a mapping with version: 1 and what the registry should be") {
		i := slices.IndexFunc(top, func(k kind) bool { return k.section == e.name })
		switch {
		case e.name == "version":
			version = true
			if e.value.Value != "1" {
				r.bad(e.value, "version", "expected 1, and there is %s", described(e.value))
			}
		case i < 0:
			r.unknown(e, "", names)
		default:
			found[e.name] = r.objects(top[i], "", e.value, e.name, inProjects)
		}
	}
	if !version {
		r.bad(n, "", "expected version: 1 at the top")
	}
	for _, k := range kinds() {
		if k.inProject {
			doc.lists = append(doc.lists, inProjects[k.section]...)
		} else if list, there := found[k.section]; there {
			doc.lists = append(doc.lists, list)
		}
	}
	return doc
}

// objects reads those of a kind. What stands in projects goes into inProjects, by its section.
func (r *reader) objects(k kind, home string, n *yaml.Node, where string, inProjects map[string][]objects) objects {
	out := objects{kind: k, home: home}
	if k.single {
		out.objects = []object{{values: r.record(n, where, k.shape(), nil)}}
		return out
	}
	lines := map[string]int{}
	for i, item := range r.sequence(n, where) {
		at := where + "[" + strconv.Itoa(i) + "]"
		if name := nameIn(item); name != "" {
			at = where + "/" + name
		}
		var nested []entry
		inner := &nested
		if k.section != projectSection {
			inner = nil
		}
		v := r.record(item, at, k.shape(), inner)
		name := k.nameOf(v)
		if name == "" {
			continue // and that was a problem
		}
		if before, twice := lines[name]; twice {
			r.bad(item, at, "it is there already, in line %d", before)
		}
		lines[name] = item.Line
		out.objects = append(out.objects, object{name: name, home: home, values: v})
		for _, e := range nested {
			i := slices.IndexFunc(sections(true), func(k kind) bool { return k.section == e.name })
			of := sections(true)[i]
			inProjects[e.name] = append(inProjects[e.name], r.objects(of, name, e.value, at+"/"+e.name, inProjects))
		}
	}
	return out
}

// nameIn is an item's name, for messages about it.
func nameIn(n *yaml.Node) string {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// record reads fields. nested takes what stands in a project, where it isn't nil.
func (r *reader) record(n *yaml.Node, where string, s shape, nested *[]entry) values {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	if nested != nil {
		for _, k := range sections(true) {
			names = append(names, k.section)
		}
	}
	v := values{}
	before := len(r.problems)
	for _, e := range r.mapping(n, where, "a mapping with some of "+strings.Join(names, ", ")) {
		i := s.field(e.name)
		switch {
		case i >= 0:
			if value := r.value(e.value, where+": "+e.name, s.fields[i].shape); value != nil {
				v[e.name] = value
			}
		case slices.Contains(names, e.name):
			*nested = append(*nested, e)
		default:
			r.unknown(e, where, names)
		}
	}
	for _, f := range s.fields {
		if f.required && v[f.name] == nil && len(r.problems) == before {
			r.bad(n, where, "%s is missing", f.name)
		}
	}
	return v
}

// unknown tells of a field that isn't one, and which it may have been meant to be.
func (r *reader) unknown(e entry, where string, names []string) {
	near, best := "", 3
	for _, name := range names {
		if d := distance(e.name, name); d < best {
			near, best = name, d
		}
	}
	if near != "" {
		r.bad(e.key, where, "unknown field %q; near it is %s", e.name, near)
		return
	}
	r.bad(e.key, where, "unknown field %q; known are %s", e.name, strings.Join(names, ", "))
}

// distance is how many letters differ (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		corner := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			next := corner
			if a[i-1] != b[j-1] {
				next = 1 + min(corner, row[j], row[j-1])
			}
			corner, row[j] = row[j], next
		}
	}
	return row[len(b)]
}
