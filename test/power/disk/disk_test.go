package disk

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script is a disk on which something was done, one step a unit of time.
type script struct {
	*testing.T
	*Disk
	at int
}

func (s *script) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *script) step() int { s.at++; return s.at }

func (s *script) write(name, data string) {
	s.Helper()
	n, err := s.Root().Create(s.step(), name)
	s.ok(err)
	n.Write(s.step(), n.Size(), []byte(data))
}
func (s *script) mkdir(name string)  { s.Helper(); s.ok(s.Root().Mkdir(s.step(), name)) }
func (s *script) remove(name string) { s.Helper(); s.ok(s.Root().Remove(s.step(), name)) }
func (s *script) rename(old, to string) {
	s.Helper()
	s.ok(Rename(s.step(), s.Root(), old, s.Root(), to))
}
func (s *script) sync(names ...string) {
	s.Helper()
	for _, name := range names {
		n, err := s.Root().Find(name)
		s.ok(err)
		n.Sync(s.step())
	}
}

// after lists what is found: "name=content", and "name/" for an empty directory.
func (s *script) after(fate Fate) string {
	s.Helper()
	dir := s.TempDir()
	if _, err := s.WriteTo(dir, fate); err != nil {
		s.Fatal(err)
	}
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if entry.IsDir() {
			if inside, _ := os.ReadDir(path); len(inside) == 0 {
				found = append(found, name+"/")
			}
			return nil
		}
		content, err := os.ReadFile(path)
		found = append(found, fmt.Sprintf("%s=%s", name, strings.ReplaceAll(string(content), "\x00", "0")))
		return err
	})
	s.ok(err)
	slices.Sort(found)
	return strings.Join(found, " ")
}

// possible is everything that may be found, among many random fates.
func (s *script) possible() []string {
	s.Helper()
	all := map[string]bool{s.after(Lost()): true, s.after(Kept()): true}
	for seed := range uint64(120) {
		all[s.after(Random(rand.New(rand.NewPCG(1, seed))))] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func TestWhatMayBeFound(t *testing.T) {
	cases := []struct {
		name string
		do   func(s *script)
		want []string // all of it
	}{
		{"no sync at all", func(s *script) { s.write("f", "hi") },
			[]string{"", "f=", "f=00", "f=hi"}},
		{"the bytes without the name", func(s *script) { s.write("f", "hi"); s.sync("f") },
			[]string{"", "f=hi"}},
		{"the name without the bytes", func(s *script) { s.write("f", "hi"); s.sync(".") },
			[]string{"f=", "f=00", "f=hi"}},
		{"both", func(s *script) { s.write("f", "hi"); s.sync("f", ".") },
			[]string{"f=hi"}},
		{"a rename before the bytes", func(s *script) {
			s.write("a", "old")
			s.sync("a", ".")
			s.write("b", "new")
			s.rename("b", "a")
			s.sync(".")
		}, []string{"a=", "a=000", "a=new"}},
		{"a rename that nothing made certain", func(s *script) {
			s.write("a", "1")
			s.sync("a", ".")
			s.rename("a", "b")
		}, []string{"a=1", "a=1 b=1", "b=1"}},
		{"a rename to another directory, synced there", func(s *script) {
			s.mkdir("d")
			s.write("a", "1")
			s.sync("a", ".")
			s.rename("a", "d/b")
			s.sync("d")
		}, []string{"a=1 d/b=1", "d/b=1"}},
		{"a rename to another directory, synced where it came from", func(s *script) {
			s.mkdir("d")
			s.write("a", "1")
			s.sync("a", ".")
			s.rename("a", "d/b")
			s.sync(".")
		}, []string{"d/b=1"}},
		{"a directory that its parent may not know", func(s *script) {
			s.mkdir("d")
			s.write("d/f", "1")
			s.sync("d/f", "d")
		}, []string{"", "d/f=1"}},
		{"a removal", func(s *script) { s.write("f", "1"); s.sync("f", "."); s.remove("f") },
			[]string{"", "f=1"}},
		{"a removal, synced", func(s *script) { s.write("f", "1"); s.sync("f", "."); s.remove("f"); s.sync(".") },
			[]string{""}},
		{"two writes in any order", func(s *script) {
			s.write("f", "a")
			s.write("f", "b")
			s.sync(".")
		}, []string{"f=", "f=0", "f=00", "f=0b", "f=a", "f=a0", "f=ab"}},
		{"a truncation that is not synced", func(s *script) {
			s.write("f", "abc")
			s.sync("f", ".")
			n, err := s.Root().Find("f")
			s.ok(err)
			n.Truncate(s.step(), 1)
		}, []string{"f=a", "f=abc"}},
		{"cut and grown again", func(s *script) {
			s.write("f", "abc")
			n, err := s.Root().Find("f")
			s.ok(err)
			n.Truncate(s.step(), 1)
			n.Truncate(s.step(), 3)
			s.sync("f", ".")
		}, []string{"f=a00"}},
		{"a sync that began before the write ended", func(s *script) {
			s.write("f", "a")
			s.sync(".", "f")
			began := s.step()
			s.write("f", "b")
			n, err := s.Root().Find("f")
			s.ok(err)
			n.Sync(began)
		}, []string{"f=a", "f=a0", "f=ab"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &script{T: t, Disk: New()}
			c.do(s)
			if got := s.possible(); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestAWriteTearsAtSectors(t *testing.T) {
	s := &script{T: t, Disk: New()}
	s.write("f", strings.Repeat("a", sector)+strings.Repeat("b", sector)+"c")
	s.sync(".")
	shapes := map[string]bool{}
	for _, found := range s.possible() {
		shape := strings.NewReplacer(strings.Repeat("a", sector), "a", strings.Repeat("b", sector), "b", strings.Repeat("0", sector), "0").Replace(found)
		shapes[shape] = true
	}
	for _, want := range []string{"f=", "f=a", "f=ab", "f=abc", "f=00c", "f=0bc", "f=0b"} {
		if !shapes[want] {
			t.Errorf("%s is never found: %v", want, slices.Sorted(maps.Keys(shapes)))
		}
	}
	for shape := range shapes {
		if len(shape) > len("f=abc") {
			t.Errorf("torn within a sector: %s", shape)
		}
	}
}

// What was taken away while somebody opened it can still be had; what was gone before can't.
func TestGone(t *testing.T) {
	s := &script{T: t, Disk: New()}
	s.mkdir("dir")
	s.mkdir("dir/inner")
	held, err := s.Root().Find("dir/inner")
	s.ok(err)
	before := s.step()
	s.remove("dir/inner")
	if got := s.Root().Gone("dir/inner", before); got != held {
		t.Error("what was taken away meanwhile is not found")
	}
	if s.Root().Gone("dir/inner", s.step()) != nil || s.Root().Gone("dir/other", before) != nil || s.Root().Gone("nowhere/inner", before) != nil {
		t.Error("what was gone before, or never there, is found")
	}
	s.mkdir("dir/inner")
	before = s.step()
	s.rename("dir/inner", "elsewhere")
	if s.Root().Gone("dir/inner", before) == nil {
		t.Error("what was renamed meanwhile is not found")
	}
}
