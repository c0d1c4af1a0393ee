package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// world is a plain file system: what a container would see.
type world map[string]string // path → content: the packages that it lists, and ""

func (w world) remove(path string) {
	for p := range w {
		if p == path || strings.HasPrefix(p, path+"/") {
			delete(w, p)
		}
	}
}

func (w world) empty(dir string) {
	for p := range w {
		if dir == "" || strings.HasPrefix(p, dir+"/") {
			delete(w, p)
		}
	}
}

func (w world) write(path, content string) {
	w.remove(path)
	for i := range path {
		if path[i] == '/' {
			delete(w, path[:i]) // a file where a folder is now
		}
	}
	w[path] = content
}

// names of one letter, so that they meet often.
func pathOf(t *rapid.T, label string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(t, label), "/")
}

// layerOf makes a layer such as a build makes one: what it has of a path is a file or a folder, not both.
func layerOf(t *rapid.T, n int) Layer {
	l := Layer{Revision: Revision, Digest: fmt.Sprintf("sha256:%d", n)}
	for range rapid.IntRange(0, 2).Draw(t, "gone") {
		l.Gone = append(l.Gone, pathOf(t, "gone path"))
	}
	for range rapid.IntRange(0, 1).Draw(t, "opaque") {
		l.Opaque = append(l.Opaque, pathOf(t, "opaque path"))
	}
	for range rapid.IntRange(0, 4).Draw(t, "files") {
		path := pathOf(t, "path")
		meets := slices.ContainsFunc(l.Files, func(f File) bool {
			return f.Path == path || strings.HasPrefix(f.Path, path+"/") || strings.HasPrefix(path, f.Path+"/")
		})
		if meets {
			continue
		}
		f := File{Path: path, Type: "npm"}
		p := Package{}
		p.Class, p.Scope, p.Name, p.Version = Library, "npm", rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version")
		f.Packages = append(f.Packages, p)
		l.Files = append(l.Files, f)
	}
	return l
}

// What is merged is what a file system has after the layers were unpacked onto it, one after the other.
func TestMergeIsAFileSystem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, first := world{}, map[string]string{}
		var layers []Layer
		for n := range rapid.IntRange(1, 5).Draw(t, "layers") {
			l := layerOf(t, n)
			layers = append(layers, l)
			for _, dir := range l.Opaque {
				w.empty(dir)
			}
			for _, path := range l.Gone {
				w.remove(path)
			}
			for _, f := range l.Files {
				said := f.Packages[0].Name + "@" + f.Packages[0].Version
				w.write(f.Path, said)
				if first[f.Path+" "+said] == "" {
					first[f.Path+" "+said] = l.Digest
				}
			}
		}
		var want, got []string
		for path, said := range w {
			want = append(want, path+" "+said+" "+first[path+" "+said])
		}
		// Packages of libraries don't say their path unless a reader does; the file's order is that of paths.
		for i := range layers {
			for j := range layers[i].Files {
				layers[i].Files[j].Packages[0].Path = layers[i].Files[j].Path
			}
		}
		for _, p := range Merge(layers).Packages {
			got = append(got, p.Path+" "+p.Name+"@"+p.Version+" "+p.Layer)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("want %v\n got %v", want, got)
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) Subject {
			text := func(f string) string { return rapid.SampledFrom([]string{"", "a", "b", "1:a"}).Draw(t, label+f) }
			return Subject{
				Class: Class(text("class")), Scope: text("scope"), Name: text("name"), Version: text("version"), Release: text("release"),
				SrcName: text("source"), Stream: text("stream"), Epoch: rapid.IntRange(0, 1).Draw(t, label+"epoch"), ThirdParty: rapid.Bool().Draw(t, label+"third"),
			}
		}
		a, b := draw("a"), draw("b")
		if (a == b) != (a.Key() == b.Key()) {
			t.Fatalf("%+v and %+v have keys %s and %s", a, b, a.Key(), b.Key())
		}
	})
}

func TestScope(t *testing.T) {
	for os, want := range map[OS]string{
		{Family: "debian", Name: "12.5"}: "debian 12", {Family: "debian", Name: "trixie/sid"}: "debian trixie/sid",
		{Family: "alpine", Name: "3.19.1"}: "alpine 3.19", {Family: "ubuntu", Name: "22.04", Extended: true}: "ubuntu 22.04-ESM",
		{Family: "amazon", Name: "2 (Karoo)"}: "amazon 2", {Family: "amazon", Name: "AMI release 2018.03"}: "amazon 1", {Family: "amazon", Name: "2023.4.2024"}: "amazon 2023",
		{Family: "rocky", Name: "9.3"}: "rocky 9", {Family: "sles", Name: "15.5"}: "sles 15.5", {}: "", {Family: "wolfi", Name: "20230201"}: "wolfi 20230201",
	} {
		if got := os.Scope(); got != want {
			t.Errorf("%+v: %q, expected %q", os, got, want)
		}
	}
}

// A later list replaces the earlier one; a package keeps the layer that it came with.
func TestListsOfTheSystem(t *testing.T) {
	pkg := func(name, version string) Package {
		return Package{Subject: Subject{Class: OSPackage, Name: name, Version: version, SrcName: name, SrcVersion: version, Arch: "amd64"}}
	}
	list := func(packages ...Package) []File { return []File{{Path: "var/lib/dpkg/status", Packages: packages}} }
	inv := Merge([]Layer{
		{Digest: "one", OS: OS{Family: "debian", Name: "12.5"}, Files: list(pkg("apt", "2.6.1"), pkg("gone", "1"))},
		{Digest: "two", Files: list(pkg("apt", "2.6.1"), pkg("curl", "7.88.1"))},
	})
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.Scope+" "+p.Name+" "+p.Layer+" "+p.PURL)
	}
	want := []string{
		"debian 12 apt one pkg:deb/debian/apt@2.6.1?arch=amd64&distro=debian-12.5",
		"debian 12 curl two pkg:deb/debian/curl@7.88.1?arch=amd64&distro=debian-12.5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestRedHatsRepositoriesAndSuppliers(t *testing.T) {
	p := Package{Subject: Subject{Class: OSPackage, Name: "bash", Version: "5.1.8", Release: "6.el9"}}
	inv := Merge([]Layer{
		{Digest: "one", OS: OS{Family: "redhat", Name: "9.3"}, Files: []File{{Path: "var/lib/rpm/rpmdb.sqlite", Packages: []Package{p}}}},
		{Digest: "two", BuildInfo: BuildInfo{ContentSets: []string{"a", "b"}, NVR: "ubi9-container-9.3-1", Arch: "x86_64"}},
	})
	if s := inv.Packages[0].Subject; s.ContentSets != "a,b" || s.NVR != "ubi9-container-9.3-1-x86_64" {
		t.Errorf("%+v", s)
	}
	rebuilt := Package{Subject: Subject{Class: OSPackage, Name: "zlib", Version: "1.3", Release: "r10071"}}
	inv = Merge([]Layer{{OS: OS{Family: "alpine", Name: "3.19.1"}, Stream: "edge", Files: []File{{Path: "lib/apk/db/installed", Packages: []Package{rebuilt, p}}}}})
	for _, p := range inv.Packages {
		if p.Supplier != RootIO || p.Stream != "edge" {
			t.Errorf("%+v", p)
		}
	}
}
