package selector

import (
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/havenregistry/haven/internal/fault"
)

// The notations, as they stand in front of a pattern.
const (
	Regex          = "regex:"
	semverNotation = "semver:"
)

const (
	// MaxLength is the longest pattern, in bytes.
	MaxLength = 4096
	// maxRegexLength is the longest regular expression: repetitions make programs of them that are longer.
	maxRegexLength = 1024
	// maxName is the longest name that is looked at, in bytes; a longer one is none.
	maxName = 1024
)

// Selector is a pattern that is ready to be asked. It is safe for concurrent use.
type Selector struct {
	text     string
	prefix   string
	literals []string
	match    func(name string) bool
}

// Compile reads a pattern. What can't be read is a fault.Invalid.
func Compile(text string) (*Selector, error) {
	if len(text) > MaxLength {
		return nil, fault.Invalidf("a pattern has at most %d bytes", MaxLength)
	}
	if text == "" {
		return &Selector{match: func(string) bool { return true }}, nil
	}
	if expression, ok := strings.CutPrefix(text, Regex); ok {
		return compileRegex(text, expression)
	}
	if versions, ok := strings.CutPrefix(text, semverNotation); ok {
		return compileRange(text, versions)
	}
	return compileGlob(text)
}

// Match reports whether the pattern stands for the name.
func (s *Selector) Match(name string) bool { return len(name) <= maxName && s.match(name) }

// String is the pattern as it was written.
func (s *Selector) String() string { return s.text }

// Prefix is what every name begins with that the pattern stands for.
func (s *Selector) Prefix() string { return s.prefix }

// Literals are the names that the pattern stands for, where it names each of them and stands for no other.
func (s *Selector) Literals() (names []string, ok bool) { return s.literals, s.literals != nil }

func compileRegex(text, expression string) (*Selector, error) {
	if len(expression) > maxRegexLength {
		return nil, fault.Invalidf("a regular expression has at most %d bytes", maxRegexLength)
	}
	re, err := regexp.Compile("^(?:" + expression + ")$")
	if err != nil {
		return nil, fault.Invalidf("the pattern %s is not a regular expression of RE2: %v", text, err)
	}
	return &Selector{text: text, match: re.MatchString}, nil
}

// compileRange reads a range of versions. A tag may begin with v and leave out parts; in a tag _ stands for +, as Helm has it.
// Versions before a release are chosen only by a range that names such.
func compileRange(text, versions string) (*Selector, error) {
	c, err := semver.NewConstraint(versions)
	if err != nil {
		return nil, fault.Invalidf("the pattern %s is not a range of semantic versions: %v", text, err)
	}
	return &Selector{text: text, match: func(name string) bool {
		v, err := semver.NewVersion(strings.ReplaceAll(name, "_", "+"))
		return err == nil && c.Check(v)
	}}, nil
}
