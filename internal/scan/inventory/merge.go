package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// Merge puts layers on top of each other, the lowest first. A file of a later layer replaces what lay there, and
// whiteouts remove it. A package belongs to the lowest layer that already had it in the same place, though a later
// layer may have written the list anew.
func Merge(layers []Layer) Inventory {
	var (
		inv  Inventory
		root node
		os   OS
	)
	for i := range layers {
		l := &layers[i]
		for _, dir := range l.Opaque {
			root.empty(dir)
		}
		for _, path := range l.Gone {
			root.remove(path)
		}
		for j := range l.Files {
			root.put(i, &l.Files[j])
		}
		os.merge(l.OS)
		for _, reason := range l.Unread {
			if !slices.Contains(inv.Unread, reason) {
				inv.Unread = append(inv.Unread, reason)
			}
		}
	}
	inv.OS = os
	inv.Packages = collect(layers, root.files(), os)
	return inv
}

// merge takes over what a later file or layer says of the operating system. Derived distributions carry the files of
// what they derive from, so their word counts more than Red Hat's and Debian's.
func (o *OS) merge(other OS) {
	if other == (OS{}) {
		return
	}
	if (o.Family == "redhat" || o.Family == "debian") && other.Family != "" {
		*o = other
		return
	}
	o.Family = cmp.Or(o.Family, other.Family)
	o.Name = cmp.Or(o.Name, other.Name)
	o.Extended = o.Extended || other.Extended
}

// MergeOS is what files of one layer say of its operating system together, in the order of their paths.
func MergeOS(found ...OS) (os OS) {
	for _, o := range found {
		os.merge(o)
	}
	return os
}

// origin says where a package came from first. Path is "" for the operating system's: they move between lists.
type origin struct {
	path, name, version, release string
}

func originOf(f *File, p *Package) origin {
	o := origin{name: p.Name, version: p.Version, release: p.Release}
	if f.Type != "" {
		o.path = f.Path
	}
	return o
}

func origins(layers []Layer) map[origin]int {
	first := map[origin]int{}
	for i := range layers {
		for j := range layers[i].Files {
			f := &layers[i].Files[j]
			for k := range f.Packages {
				if o := originOf(f, &f.Packages[k]); !contains(first, o) {
					first[o] = i
				}
			}
		}
	}
	return first
}

func contains(m map[origin]int, o origin) bool { _, ok := m[o]; return ok }

// collect returns the packages of files in their order, with what follows from the whole image.
func collect(layers []Layer, files []*File, os OS) []Package {
	first := origins(layers)
	var system, libraries []Package
	listed := map[Subject]bool{} // two lists may name the same package
	for _, f := range files {
		for i := range f.Packages {
			p := f.Packages[i]
			from := first[originOf(f, &p)]
			p.Layer = layers[from].Digest
			if f.Type != "" {
				libraries = append(libraries, p)
				continue
			}
			p.Scope = os.Scope()
			if b := buildInfo(from, layers); os.Family == "redhat" || os.Family == "centos" {
				p.ContentSets, p.NVR = strings.Join(b.ContentSets, ","), b.name()
			}
			if !listed[p.Subject] {
				listed[p.Subject] = true
				system = append(system, p)
			}
		}
	}
	by := supplier(os, system)
	stream := stream(layers, os)
	for i := range layers {
		by = cmp.Or(by, layers[i].Supplier)
	}
	for i := range system {
		system[i].Supplier, system[i].Stream = by, stream
		system[i].PURL = cmp.Or(system[i].PURL, osPURL(os, &system[i]))
	}
	return append(system, libraries...)
}

// stream is the release of the repositories where it isn't the operating system's.
func stream(layers []Layer, os OS) (stream string) {
	if os.Family != "alpine" {
		return ""
	}
	for i := range layers {
		stream = cmp.Or(layers[i].Stream, stream)
	}
	if stream == parts(os.Name, 2) {
		return ""
	}
	return stream
}

// buildInfo finds which of Red Hat's repositories a layer's packages come from. The lowest layer of its images
// doesn't say; the next one does. Layers that others put on top go by the last that says.
func buildInfo(at int, layers []Layer) BuildInfo {
	if b := layers[at].BuildInfo; !b.Empty() {
		return b
	}
	if at == 0 {
		if len(layers) > 1 {
			return layers[1].BuildInfo
		}
		return BuildInfo{}
	}
	for i := at - 1; i >= 0; i-- {
		if b := layers[i].BuildInfo; !b.Empty() {
			return b
		}
	}
	return BuildInfo{}
}

func (b BuildInfo) name() string {
	if b.NVR == "" {
		return ""
	}
	return b.NVR + "-" + b.Arch
}

// node is a path in the image. The zero value is an empty root.
type node struct {
	children map[string]*node
	here     []*File // of one layer, by type
	layer    int     // which one
}

// put places a file of a layer: what lower layers had there, below it, or instead of a folder above it, is no more.
func (n *node) put(layer int, f *File) {
	for name := range strings.SplitSeq(f.Path, "/") {
		if n.layer < layer {
			n.here = nil
		}
		next := n.children[name]
		if next == nil {
			next = &node{}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[name] = next
		}
		n = next
	}
	if n.layer < layer {
		*n = node{layer: layer}
	}
	n.here = append(n.here, f)
}

// find returns the node of a path, or nil.
func (n *node) find(path string) *node {
	if path == "" {
		return n
	}
	for name := range strings.SplitSeq(path, "/") {
		if n = n.children[name]; n == nil {
			return nil
		}
	}
	return n
}

// empty removes what lies below a folder.
func (n *node) empty(dir string) {
	if at := n.find(dir); at != nil {
		at.children = nil
	}
}

// remove removes a path and what lies below it.
func (n *node) remove(path string) {
	dir, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	if at := n.find(dir); at != nil {
		delete(at.children, name)
	}
}

// files lists what is there, by path and type.
func (n *node) files() (all []*File) {
	var walk func(*node)
	walk = func(n *node) {
		all = append(all, n.here...)
		for _, child := range n.children {
			walk(child)
		}
	}
	walk(n)
	slices.SortFunc(all, func(a, b *File) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Type, b.Type))
	})
	return all
}
