package selector_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/selector"
)

// The file holds what doublestar 1.3.4 answers, which is the version that Harbor uses: pattern, name, and whether the one
// matches the other.
func TestGlobsMeanWhatTheyMeanToHarbor(t *testing.T) {
	golden, err := os.ReadFile("testdata/doublestar-v1.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n")
	if len(lines) < 1500 {
		t.Fatalf("the file has %d lines only", len(lines))
	}
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		s, err := selector.Compile(fields[0])
		if err != nil {
			t.Fatalf("%q: %v", fields[0], err)
		}
		if got, want := s.Match(fields[1]), fields[2] == "true"; got != want {
			t.Errorf("%q matches %q: %v, want %v", fields[0], fields[1], got, want)
		}
	}
}

func TestNotations(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		yes, not []string
	}{
		{"regex:v[0-9]+", []string{"v1", "v22"}, []string{"av1", "v1b", "v", ""}},
		{"regex:a|b", []string{"a", "b"}, []string{"ab", "xa"}},
		{"regex:[0-9a-f]{64}", []string{strings.Repeat("0f", 32)}, []string{"0f"}},
		{`regex:\pL{100}`, []string{strings.Repeat("a", 100)}, []string{"a"}},
		{"regex:production/.*", []string{"production/a/b"}, []string{"xproduction/a"}},
		{"semver:>=1.2 <2", []string{"1.2.0", "v1.9.3", "1.2", "1.3.0_build.7"}, []string{"2.0.0", "1.1.9", "latest", "", "1.3.0-rc.1"}},
		{"semver:^1.2.0-0", []string{"1.3.0-rc.1", "1.2.0"}, []string{"2.0.0", "2.0.0-rc.1"}},
		{"semver:*", []string{"0.1.0", "7"}, []string{"nightly"}},
	} {
		s, err := selector.Compile(c.pattern)
		if err != nil {
			t.Fatalf("%s: %v", c.pattern, err)
		}
		if s.String() != c.pattern {
			t.Errorf("%s is written %s", c.pattern, s)
		}
		for _, name := range c.yes {
			if !s.Match(name) {
				t.Errorf("%s doesn't match %q", c.pattern, name)
			}
		}
		for _, name := range c.not {
			if s.Match(name) {
				t.Errorf("%s matches %q", c.pattern, name)
			}
		}
	}
}

func TestWhatCantBeReadIsRefused(t *testing.T) {
	for _, pattern := range []string{
		"[", "a[", "[]", "[^]", "[-a]", "[a-]", "{a", "{a,{b}", `a\`, "regex:(", `regex:(?=a)`, "semver:newest", strings.Repeat("a", selector.MaxLength+1),
		strings.Repeat("{a,b}", 11), "regex:" + strings.Repeat("a", 2000), "regex:a)|(b",
		"regex:(?:" + strings.Repeat("a", 900) + "){1000}", "regex:" + strings.Repeat("(?:a?){1000}", 50),
	} {
		if _, err := selector.Compile(pattern); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40s: got %v", pattern, err)
		}
	}
}

func TestWhatIsKnownWithoutAsking(t *testing.T) {
	for _, c := range []struct {
		pattern, prefix string
		literals        []string
	}{
		{"", "", nil}, {"**", "", nil}, {"library/**", "library/", nil}, {"library/nginx", "library/nginx", []string{"library/nginx"}},
		{"library/{nginx,redis}", "library/", []string{"library/nginx", "library/redis"}}, {"{a,b}/*", "", nil}, {"prod-[ab]/x", "prod-", nil},
		{`a\*b`, "a*b", []string{"a*b"}}, {"{prod/a*,prod/b}", "prod/", nil}, {"regex:abc", "", nil}, {"{a,a}", "a", []string{"a"}},
	} {
		s, err := selector.Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		literals, ok := s.Literals()
		if s.Prefix() != c.prefix || !slices.Equal(literals, c.literals) || ok != (c.literals != nil) {
			t.Errorf("%s: prefix %q, literals %q %v", c.pattern, s.Prefix(), literals, ok)
		}
	}
}

// A matcher that goes back and forth would take longer than the sun burns.
func TestNoPatternTakesLong(t *testing.T) {
	name := strings.Repeat("a/", 120) + "c"
	for _, pattern := range []string{strings.Repeat("**/a/", 60) + "b", strings.Repeat("*a", 60) + "b", "regex:(a*/?)*b"} {
		s, err := selector.Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if s.Match(name) {
			t.Errorf("%.20s matches", pattern)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%.20s takes %s", pattern, took)
		}
	}
	if s, _ := selector.Compile("**"); s.Match(strings.Repeat("a", 2000)) {
		t.Error("a name is too long for any")
	}
}

func FuzzCompile(f *testing.F) {
	for _, p := range []string{"a/**/{b,c}[0-9]?", `\[*`, "regex:a+", "semver:~1.2", "[^a-z]"} {
		f.Add(p, "a/b")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		s, err := selector.Compile(pattern)
		if err != nil {
			return
		}
		matched := s.Match(name)
		if matched && !strings.HasPrefix(name, s.Prefix()) {
			t.Errorf("%q matches %q, which doesn't begin with %q", pattern, name, s.Prefix())
		}
		if literals, ok := s.Literals(); ok && matched != (len(name) <= 1024 && slices.Contains(literals, name)) {
			t.Errorf("%q stands for %q, and matches %q: %v", pattern, literals, name, matched)
		}
	})
}
