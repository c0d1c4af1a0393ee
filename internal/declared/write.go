package declared

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// heading stands at the top of each export.
const heading = `What this registry is, for haven config plan and apply. Secrets are not in it: {env: NAME} and {file: PATH}
say where apply finds one, and {write: PATH} where it puts the one that it has made for a new robot. The names
of those places are proposals. A secret is set when its object is made, when what it belongs to changes, and
when its version here is another than the one that was set last.`

// Export is the registry as a document.
func (a *API) Export(ctx context.Context) ([]byte, error) {
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	root := &yaml.Node{Kind: yaml.MappingNode, HeadComment: heading}
	root.Content = append(root.Content, word("version"), scalar("1", "!!int"))
	for _, k := range sections(false) {
		if err := s.export(ctx, root, k, ""); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// export adds the objects of a kind to a mapping, if there are any.
func (s *session) export(ctx context.Context, to *yaml.Node, k kind, home string) error {
	all, err := k.list(ctx, s, home, func(string) bool { return true })
	if err != nil {
		return err
	}
	if k.single {
		if n := s.exported(k, all[0]); len(n.Content) > 0 {
			to.Content = append(to.Content, word(k.section), n)
		}
		return nil
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(a.name, b.name) })
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, o := range all {
		if slices.ContainsFunc(k.fields, func(f field) bool { _, is := o.values[f.name].(beyond); return is && f.required }) {
			continue
		}
		n := s.exported(k, o)
		if k.section == projectSection {
			for _, inner := range sections(true) {
				if err := s.export(ctx, n, inner, o.name); err != nil {
					return err
				}
			}
		}
		list.Content = append(list.Content, n)
	}
	if len(list.Content) > 0 {
		to.Content = append(to.Content, word(k.section), list)
	}
	return nil
}

// exported is an object as a mapping.
func (s *session) exported(k kind, o object) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range k.fields {
		var value *yaml.Node
		if f.form == hidden {
			value = s.placeFor(k, f, o)
		} else if v := o.values[f.name]; v != nil && !(k.single && f.form == document && v == none) {
			value = f.node(v, k.section == "settings")
		}
		if value != nil {
			n.Content = append(n.Content, word(f.name), value)
		}
	}
	return n
}

// placeFor proposes where a secret may be, nil where there is none: where the registry says so, or where nothing that it belongs to is set.
func (s *session) placeFor(k kind, f field, o object) *yaml.Node {
	there, known := o.secrets[f.name]
	if !known {
		there = f.makes
		for _, name := range f.boundTo {
			there = there || o.values.text(name) != ""
		}
	}
	if !there {
		return nil
	}
	place := k.place(o.home, o.name) + "/" + f.name
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	if f.makes {
		n.Content = append(n.Content, word("write"), word(strings.ReplaceAll(strings.TrimSuffix(place, "/"+f.name), "/", "-")+".secret"))
	} else {
		n.Content = append(n.Content, word("env"), word("HAVEN_"+variable(place)))
	}
	if v := s.version(place); v != firstVersion {
		n.Content = append(n.Content, word("version"), word(v))
	}
	return n
}

// variable is a text as the name of an environment variable.
func variable(place string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(place))
}

// node is a value as YAML, nil for what an export leaves out unless all is to be said.
func (f field) node(v any, all bool) *yaml.Node {
	if !all && (nothing(v) || f.usual != nil && f.same(f.usual, v)) {
		return nil
	}
	fields, isRecord := v.(values)
	if !isRecord {
		return f.shape.node(v)
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, inner := range f.fields {
		if value, said := fields[inner.name]; said {
			if child := inner.node(value, false); child != nil {
				n.Content = append(n.Content, word(inner.name), child)
			}
		}
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

func (s shape) node(v any) *yaml.Node {
	n := &yaml.Node{}
	switch v := v.(type) {
	case string:
		return word(v)
	case []any:
		if s.form != list {
			break
		}
		n.Kind = yaml.SequenceNode
		for _, one := range v {
			item := field{shape: *s.of}.node(one, true)
			if item == nil {
				item = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
			}
			n.Content = append(n.Content, item)
		}
		return n
	}
	if err := n.Encode(v); err != nil { // nothing that came as JSON or YAML
		return word("")
	}
	return n
}

// word is a text, quoted where it would be read as anything else.
func word(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if n.Style == 0 {
		var back yaml.Node
		if yaml.Unmarshal([]byte(s), &back) != nil || len(back.Content) != 1 || back.Content[0].Tag != "!!str" {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	return n
}

func scalar(value, tag string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: value, Tag: tag}
}
