package selector

import (
	"regexp"
	"regexp/syntax"
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
	// maxRegexLength is the longest regular expression, in bytes, and maxRegexSteps how many steps it may have when
	// repetitions are written out: (a{1000}b{1000}) is short, and takes much memory, and time for each name.
	maxRegexLength = 1024
	maxRegexSteps  = 4096
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
	// It is read by itself first: a)|(b would become one by the brackets around it, which doesn't take the whole name.
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fault.Invalidf("the pattern %s is not a regular expression of RE2: %v", text, err)
	}
	if steps(parsed) > maxRegexSteps {
		return nil, fault.Invalidf("the pattern %s is too large: its repetitions, written out, have more than %d steps", text, maxRegexSteps)
	}
	re, err := regexp.Compile("^(?:" + expression + ")$")
	if err != nil {
		return nil, fault.Invalidf("the pattern %s is not a regular expression of RE2: %v", text, err)
	}
	return &Selector{text: text, match: re.MatchString}, nil
}

// steps is about how many steps a regular expression has when its repetitions are written out.
func steps(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, part := range re.Sub {
		n += steps(part)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
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
