//go:build acceptance

package ledger

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestDeleteTakesWhatNothingElseKeeps(t *testing.T) {
	m := func(name string, children ...string) *Manifest { return &Manifest{Digest: name, Children: children} }
	note := func(name, subject string) *Manifest { return &Manifest{Digest: name, Subject: subject} }
	cases := []struct {
		name      string
		manifests []*Manifest
		tags      string // those that are tagged
		del       string
		left      string
	}{
		{"alone", []*Manifest{m("a"), m("b")}, "a b", "a", "b"},
		{"untagged children go along", []*Manifest{m("a"), m("b"), m("i", "a", "b")}, "i", "i", ""},
		{"a tag keeps a child", []*Manifest{m("a"), m("b"), m("i", "a", "b")}, "i a", "i", "a"},
		{"another index keeps a child", []*Manifest{m("a"), m("b"), m("i", "a", "b"), m("j", "b")}, "i j", "i", "b j"},
		{"accessories go along", []*Manifest{m("a"), note("n", "a"), note("o", "n")}, "a", "a", ""},
		{"accessories of children too", []*Manifest{m("a"), m("i", "a"), note("n", "a")}, "i", "i", ""},
		{"an accessory alone", []*Manifest{m("a"), note("n", "a")}, "a", "n", "a"},
		{"nested", []*Manifest{m("a"), m("i", "a"), m("j", "i")}, "j", "j", ""},
	}
	for _, c := range cases {
		s := NewState()
		for _, m := range c.manifests {
			s = s.After(Change{Put: m})
		}
		for tag := range strings.FieldsSeq(c.tags) {
			s = s.After(Change{Put: s.Manifests[tag], Tag: "t" + tag})
		}
		after := s.After(Change{DeleteManifest: c.del})
		if left := strings.Join(slices.Sorted(maps.Keys(after.Manifests)), " "); left != c.left {
			t.Errorf("%s: %q is left, want %q", c.name, left, c.left)
		}
		if len(after.Gone)+len(after.Manifests) != len(s.Manifests) {
			t.Errorf("%s: gone are %v", c.name, after.Gone)
		}
		for _, target := range after.Tags {
			if after.Manifests[target] == nil {
				t.Errorf("%s: a tag of %s is left", c.name, target)
			}
		}
	}
}
