package selector

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/fault"
)

const (
	// maxAlternatives is how many globs without braces a glob may stand for, of maxExpanded bytes in all.
	maxAlternatives = 1000
	maxExpanded     = 64 << 10
)

var (
	errUnended  = errors.New("a bracket or brace isn't closed, or the last character is a backslash")
	errClass    = errors.New("a class of characters is malformed")
	errTooLarge = errors.New("its braces stand for too many patterns")
)

func compileGlob(text string) (*Selector, error) {
	fail := func(err error) (*Selector, error) {
		return nil, fault.Invalidf("the pattern %s can't be read: %v", text, err)
	}
	alternatives, err := expand(text)
	if err != nil {
		return fail(err)
	}
	s := &Selector{text: text}
	var expression strings.Builder
	expression.WriteString("^(?s:")
	literal := true
	for i, a := range alternatives {
		t, err := translate(a)
		if err != nil {
			return fail(err)
		}
		if i > 0 {
			expression.WriteByte('|')
			s.prefix = common(s.prefix, t.prefix)
		} else {
			s.prefix = t.prefix
		}
		expression.WriteString(t.expression)
		if literal = literal && t.literal; literal && !slices.Contains(s.literals, t.prefix) {
			s.literals = append(s.literals, t.prefix)
		}
	}
	expression.WriteString(")$")
	if !literal {
		s.literals = nil
	}
	re, err := regexp.Compile(expression.String())
	if err != nil {
		return fail(err)
	}
	s.match = re.MatchString
	return s, nil
}

func common(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// expand returns the globs without braces that a glob with them stands for.
func expand(glob string) ([]string, error) {
	done, open := []string(nil), []string{glob}
	size := 0
	for len(open) > 0 {
		g := open[len(open)-1]
		open = open[:len(open)-1]
		start := index(g, 0, '{')
		if start < 0 {
			done = append(done, g)
			if size += len(g); len(done) > maxAlternatives || size > maxExpanded {
				return nil, errTooLarge
			}
			continue
		}
		options, end := options(g, start+1)
		if end < 0 {
			return nil, errUnended
		}
		if len(open)+len(options) > maxAlternatives {
			return nil, errTooLarge
		}
		for _, o := range slices.Backward(options) {
			open = append(open, g[:start]+o+g[end+1:])
		}
	}
	return done, nil
}

// options are the parts of a brace whose inside begins at start, and where it ends; -1 where it doesn't.
func options(g string, start int) (parts []string, end int) {
	depth, from := 0, start
	for i := start; i < len(g); i++ {
		switch g[i] {
		case '\\':
			i++
		case '{':
			depth++
		case ',':
			if depth == 0 {
				parts = append(parts, g[from:i])
				from = i + 1
			}
		case '}':
			if depth == 0 {
				return append(parts, g[from:i]), i
			}
			depth--
		}
	}
	return nil, -1
}

// index is where a byte stands that no backslash takes its meaning from; -1 for nowhere.
func index(g string, from int, b byte) int {
	for i := from; i < len(g); i++ {
		switch g[i] {
		case '\\':
			i++
		case b:
			return i
		}
	}
	return -1
}

// translated is a glob without braces.
type translated struct {
	expression string
	prefix     string // what stands before the first character that has a meaning
	literal    bool   // no character has one
}

func translate(g string) (t translated, err error) {
	var out, prefix strings.Builder
	t.literal = true
	write := func(literal string) {
		out.WriteString(regexp.QuoteMeta(literal))
		if t.literal {
			prefix.WriteString(literal)
		}
	}
	for i := 0; i < len(g); {
		begins := i == 0 || g[i-1] == '/'
		if begins && strings.HasPrefix(g[i:], "**/") {
			t.literal = false
			out.WriteString("(?:[^/]*/)*")
			i += len("**/")
			continue
		}
		if begins && g[i:] == "**" {
			t.literal = false
			out.WriteString(".*")
			break
		}
		switch g[i] {
		case '*':
			t.literal = false
			out.WriteString("[^/]*")
			i++
		case '?':
			t.literal = false
			out.WriteString("[^/]")
			i++
		case '[':
			end := index(g, i+1, ']')
			if end < 0 {
				return t, errUnended
			}
			t.literal = false
			c, err := class(g[i+1 : end])
			if err != nil {
				return t, err
			}
			out.WriteString(c)
			i = end + 1
		case '\\':
			if i++; i == len(g) {
				return t, errUnended
			}
			fallthrough
		default:
			_, n := utf8.DecodeRuneInString(g[i:])
			write(g[i : i+n])
			i += n
		}
	}
	t.expression, t.prefix = out.String(), prefix.String()
	return t, nil
}

// class translates the inside of brackets. The slash is in none.
func class(inside string) (string, error) {
	runes := []rune(inside)
	var out strings.Builder
	out.WriteByte('[')
	if len(runes) > 0 && runes[0] == '^' {
		out.WriteString("^/")
		runes = runes[1:]
	}
	if len(runes) == 0 {
		return "", errClass
	}
	next := func() (rune, bool) {
		if len(runes) > 0 && runes[0] == '\\' {
			runes = runes[1:]
		} else if len(runes) > 0 && runes[0] == '-' {
			return 0, false
		}
		if len(runes) == 0 {
			return 0, false
		}
		r := runes[0]
		runes = runes[1:]
		return r, true
	}
	negated, empty := out.Len() > 1, true
	for len(runes) > 0 {
		low, ok := next()
		if !ok {
			return "", errClass
		}
		high := low
		if len(runes) > 0 && runes[0] == '-' {
			runes = runes[1:]
			if high, ok = next(); !ok {
				return "", errClass
			}
		}
		for _, part := range around(low, high, '/', negated) {
			fmt.Fprintf(&out, `\x{%x}-\x{%x}`, part[0], part[1])
			empty = false
		}
	}
	if empty && !negated {
		return `[^\x00-\x{10FFFF}]`, nil
	}
	out.WriteByte(']')
	return out.String(), nil
}

// around is a range of characters without one of them, unless whole.
func around(low, high, without rune, whole bool) (parts [][2]rune) {
	switch {
	case low > high:
		return nil
	case whole || without < low || high < without:
		return [][2]rune{{low, high}}
	}
	if low < without {
		parts = append(parts, [2]rune{low, without - 1})
	}
	if without < high {
		parts = append(parts, [2]rune{without + 1, high})
	}
	return parts
}
