package oci_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/oci"
)

// The specification's own expressions, against which the hand-written parsers are held.
var (
	nameGrammar = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagGrammar  = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

func TestParseRepository(t *testing.T) {
	for _, test := range []struct {
		name, in      string
		project, rest string
		ok            bool
	}{
		{"two parts", "library/alpine", "library", "alpine", true},
		{"one part", "library", "library", "", true},
		{"many parts", "a/b/c/d", "a", "b/c/d", true},
		{"separators", "a.b/c_d/e__f/g---h", "a.b", "c_d/e__f/g---h", true},
		{"digits", "0/1", "0", "1", true},
		{"255 bytes", "p/" + strings.Repeat("a", 253), "p", strings.Repeat("a", 253), true},
		{"256 bytes", "p/" + strings.Repeat("a", 254), "", "", false},
		{"empty", "", "", "", false},
		{"upper case", "library/Alpine", "", "", false},
		{"parent", "library/../other", "", "", false},
		{"dot", "library/./alpine", "", "", false},
		{"only dots", "..", "", "", false},
		{"escaped slash", "library%2falpine", "", "", false},
		{"escaped nul", "library/a%00", "", "", false},
		{"nul", "library/a\x00b", "", "", false},
		{"double slash", "library//alpine", "", "", false},
		{"slash first", "/library/alpine", "", "", false},
		{"slash last", "library/alpine/", "", "", false},
		{"backslash", `library\alpine`, "", "", false},
		{"three underscores", "a___b", "", "", false},
		{"two dots", "a..b", "", "", false},
		{"mixed separators", "a-_b", "", "", false},
		{"dash first", "-a/b", "", "", false},
		{"dash last", "a/b-", "", "", false},
		{"colon", "a/b:tag", "", "", false},
		{"not ASCII", "a/bä", "", "", false},
		{"new line", "a/b\n", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			project, rest, err := oci.ParseRepository(test.in)
			if (err == nil) != test.ok || err != nil && !errors.Is(err, oci.ErrNameInvalid) {
				t.Fatalf("got %v, want accepted: %t", err, test.ok)
			}
			if project != test.project || rest != test.rest {
				t.Errorf("got %q, %q", project, rest)
			}
		})
	}
}

func TestParseTag(t *testing.T) {
	for _, test := range []struct {
		name, in string
		ok       bool
	}{
		{"word", "latest", true},
		{"version", "v1.2.3-rc_1", true},
		{"upper case", "LATEST", true},
		{"underscore first", "_x", true},
		{"128 bytes", strings.Repeat("a", 128), true},
		{"129 bytes", strings.Repeat("a", 129), false},
		{"empty", "", false},
		{"dot first", ".x", false},
		{"dash first", "-x", false},
		{"parent", "..", false},
		{"slash", "a/b", false},
		{"escaped slash", "a%2fb", false},
		{"plus", "1.0+build", false},
		{"nul", "a\x00", false},
		{"new line", "a\n", false},
		{"not ASCII", "ä", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			tag, err := oci.ParseTag(test.in)
			if (err == nil) != test.ok || err != nil && !errors.Is(err, oci.ErrTagInvalid) {
				t.Fatalf("got %v, want accepted: %t", err, test.ok)
			}
			if test.ok && tag != test.in {
				t.Errorf("got %q", tag)
			}
		})
	}
}

func TestParseReference(t *testing.T) {
	for _, test := range []struct {
		name, in string
		digest   bool
		want     error
	}{
		{"tag", "latest", false, nil},
		{"digest", "sha256:" + hex64, true, nil},
		{"tag of hexadecimal", hex64, false, nil},
		{"unknown algorithm", "md5:d41d8cd98f00b204e9800998ecf8427e", true, oci.ErrDigestUnsupported},
		{"broken digest", "sha256:abc", true, oci.ErrDigestInvalid},
		{"long tag", strings.Repeat("a", 129), false, oci.ErrTagInvalid},
		{"path", "../../etc", false, oci.ErrTagInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := oci.ParseReference(test.in)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil {
				return
			}
			if r.IsDigest() != test.digest || r.String() != test.in {
				t.Errorf("got %q, digest: %t", r, r.IsDigest())
			}
			if test.digest && (r != oci.DigestReference(r.Digest()) || r.Tag() != "") ||
				!test.digest && (r != oci.TagReference(r.Tag()) || r.Digest() != "") {
				t.Errorf("tag %q, digest %q", r.Tag(), r.Digest())
			}
		})
	}
}

func FuzzParseRepository(f *testing.F) {
	for _, seed := range []string{"library/alpine", "a--b/c__d", "a___b", "../a", "a//b", "A", "a%2fb", "a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		project, rest, err := oci.ParseRepository(s)
		if want := nameGrammar.MatchString(s) && len(s) <= oci.MaxRepositoryLength; (err == nil) != want {
			t.Fatalf("%q: %v, but the grammar says %t", s, err, want)
		}
		if err == nil && s != project && s != project+"/"+rest {
			t.Errorf("%q split into %q and %q", s, project, rest)
		}
	})
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"latest", "_", ".", "sha256:" + hex64, "md5:0", "a b", "..", "a\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := oci.ParseReference(s)
		if err == nil && r.String() != s {
			t.Errorf("%q became %q", s, r)
		}
		if !strings.Contains(s, ":") {
			if want := tagGrammar.MatchString(s); (err == nil) != want {
				t.Errorf("%q: %v, but the grammar says %t", s, err, want)
			}
		}
	})
}
