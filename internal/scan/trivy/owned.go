package trivy

import (
	"hash/maphash"
	"path"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// owned are the files that the distribution's packages installed. A library among them isn't judged as a library: the
// distribution fixes it without a new version, and its own advisories say so. Full systems install hundreds of
// thousands of files, so hashes are kept, of a seed that nobody knows.
type owned struct {
	seed     maphash.Seed
	files    map[uint64]struct{}
	packages map[string][]uint64 // of Debian's packages, whose maintainer another file tells
	count    int
}

func newOwned() owned {
	return owned{seed: maphash.MakeSeed(), files: map[uint64]struct{}{}, packages: map[string][]uint64{}}
}

func (o *owned) hash(file string) uint64 {
	return maphash.String(o.seed, path.Clean("/"+file))
}

func (w *walk) count(files []string) error {
	if w.owned.count += len(files); w.owned.count > w.limits.Paths {
		return contentf("the layer's packages list more than %d files", w.limits.Paths)
	}
	return nil
}

// own notes files that a package manager says are its own.
func (w *walk) own(files []string) error {
	for _, f := range files {
		w.owned.files[w.owned.hash(f)] = struct{}{}
	}
	return w.count(files)
}

// installs notes the files of a package of Debian's.
func (w *walk) installs(owner string, files []string) error {
	hashes := make([]uint64, len(files))
	for i, f := range files {
		hashes[i] = w.owned.hash(f)
	}
	w.owned.packages[owner] = hashes
	return w.count(files)
}

// alwaysOwned came with Debian's Python, in images that don't say which files packages installed.
var alwaysOwned = []string{
	"usr/lib/python2.7/argparse.egg-info", "usr/lib/python2.7/lib-dynload/Python-2.7.egg-info", "usr/lib/python2.7/wsgiref.egg-info",
}

// dropInstalled takes away the libraries that the distribution installed in this layer.
func (w *walk) dropInstalled() {
	for _, files := range w.files {
		for i := range files {
			w.ownByPackages(&files[i])
		}
	}
	for _, f := range alwaysOwned {
		w.owned.files[w.owned.hash(f)] = struct{}{}
	}
	for name, files := range w.files {
		var kept []inventory.File
		for _, f := range files {
			if f.Type != "" {
				f.Packages = w.notOwned(f)
			}
			if len(f.Packages) > 0 {
				kept = append(kept, f)
			}
		}
		w.files[name] = kept
	}
}

// ownByPackages notes the files of the packages in Debian's list.
func (w *walk) ownByPackages(f *inventory.File) {
	for i := range f.Packages {
		p := &f.Packages[i]
		if f.Type != "" || p.ThirdParty {
			continue
		}
		files, known := w.owned.packages[p.Name]
		if !known {
			files = w.owned.packages[p.Name+":"+p.Arch]
		}
		for _, h := range files {
			w.owned.files[h] = struct{}{}
		}
	}
}

func (w *walk) notOwned(f inventory.File) (kept []inventory.Package) {
	if w.isOwned(f.Path) {
		return nil
	}
	for _, p := range f.Packages {
		if p.Path == "" || !w.isOwned(p.Path) {
			kept = append(kept, p)
		}
	}
	return kept
}

func (w *walk) isOwned(file string) bool {
	_, yes := w.owned.files[w.owned.hash(file)]
	return yes
}
