package kubernetes

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// The kinds of objects that Write knows.
const (
	ClusterPolicy         = "ClusterPolicy"
	ImageValidatingPolicy = "ImageValidatingPolicy"
	ClusterImagePolicy    = "ClusterImagePolicy"
)

const (
	mostPatterns   = 100
	longestPattern = 512
	// nowhere is where a transparency log is said to be: a program that isn't content with what is in a signature and asks
	// for more gets no answer, and refuses.
	nowhere = "http://127.0.0.1:1"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?$`)
	patternForm = regexp.MustCompile(`^[a-zA-Z0-9*][-a-zA-Z0-9._:/*]*$`)
)

// Write returns the YAML of one or more objects of a kind that admit an image whose name fits a pattern only where it fulfils
// the policy. In a pattern * stands for any characters, slashes too, as in registry.example/project/*. The policy is a parsed one
// that has the roots it names (Policy.With). What the kind can't say is a fault.Invalid.
func Write(kind, name string, imagePatterns []string, p policy.Policy) ([]byte, error) {
	if !nameForm.MatchString(name) {
		return nil, fault.Invalidf("%q can't be the name of an object in Kubernetes: a-z, 0-9, hyphen and dot, beginning and ending with a letter or figure", name)
	}
	if len(imagePatterns) == 0 || len(imagePatterns) > mostPatterns {
		return nil, fault.Invalidf("give 1 to %d patterns of images", mostPatterns)
	}
	for _, pattern := range imagePatterns {
		if len(pattern) > longestPattern || !patternForm.MatchString(pattern) {
			return nil, fault.Invalidf("%q isn't a pattern of images: a name, with * for any characters", pattern)
		}
	}
	if _, err := policy.Compile(p); err != nil {
		return nil, err
	}
	w := writer{kind: kind, policy: p, patterns: imagePatterns}
	var objects []object
	var err error
	switch kind {
	case ClusterPolicy:
		objects, err = w.clusterPolicy(name)
	case ImageValidatingPolicy:
		objects, err = w.imageValidatingPolicy(name)
	case ClusterImagePolicy:
		objects, err = w.clusterImagePolicies(name)
	default:
		return nil, fault.Invalidf("%q isn't one of %s, %s and %s", kind, ClusterPolicy, ImageValidatingPolicy, ClusterImagePolicy)
	}
	if err != nil {
		return nil, err
	}
	return encode(policy.Hash(p), objects)
}

// writer writes one policy as one kind.
type writer struct {
	kind     string
	policy   policy.Policy
	patterns []string
}

// refuse says what the kind can't say.
func (w *writer) refuse(path, format string, args ...any) error {
	article := "a"
	if strings.HasPrefix(w.kind, "I") {
		article = "an"
	}
	return fault.Invalidf("%s: %s %s can't say %s", path, article, w.kind, fmt.Sprintf(format, args...))
}

// object is one of Kubernetes'.
type object struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       any      `yaml:"spec"`
}

type metadata struct {
	Name string `yaml:"name"`
}

func encode(hash string, objects []object) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by Haven from a trust policy (sha256 %s). Change the policy there, and write it again.\n", hash)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	for _, o := range objects {
		if err := e.Encode(o); err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", o.Kind, o.Metadata.Name, err)
		}
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("encode the policy: %w", err)
	}
	return b.Bytes(), nil
}

// demand is a rule with the path that leads to it.
type demand struct {
	path string
	rule policy.Requirement
}

func (w *writer) root() demand {
	if w.policy.Require == nil {
		return demand{"require", policy.Requirement{SignedBy: "*"}}
	}
	return demand{"require", *w.policy.Require}
}

func (d demand) parts() []demand {
	name, rules := "all_of", d.rule.AllOf
	if len(d.rule.AnyOf) > 0 {
		name, rules = "any_of", d.rule.AnyOf
	}
	list := make([]demand, len(rules))
	for i, rule := range rules {
		list[i] = demand{fmt.Sprintf("%s.%s[%d]", d.path, name, i), rule}
	}
	return list
}

// all returns the demands that must hold together, with all_of in all_of made flat.
func (d demand) all() []demand {
	if len(d.rule.AllOf) == 0 {
		return []demand{d}
	}
	var list []demand
	for _, part := range d.parts() {
		list = append(list, part.all()...)
	}
	return list
}

// any returns the demands of which one must hold, with any_of in any_of made flat.
func (d demand) any() []demand {
	if len(d.rule.AnyOf) == 0 {
		return []demand{d}
	}
	var list []demand
	for _, part := range d.parts() {
		list = append(list, part.any()...)
	}
	return list
}

// words says what a demand is.
func (d demand) words() string {
	g, err := policy.Compile(policy.Policy{Require: &d.rule})
	if err != nil {
		return "the trust policy isn't fulfilled"
	}
	_, missing := g.Decide(nil)
	return "the trust policy isn't fulfilled: " + missing
}

// whole makes a regular expression match the whole of a text: those programs look for it anywhere in it.
func whole(expression string) string {
	if expression == "" {
		return ""
	}
	return "^(?:" + expression + ")$"
}

// countBlocks is how many blocks of PEM a bundle has.
func countBlocks(bundle string) int { return strings.Count(bundle, "-----BEGIN ") }
