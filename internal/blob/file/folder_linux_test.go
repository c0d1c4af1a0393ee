package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The short way finds what the long way finds, and nothing else.
func TestFolderOpensAsARootDoes(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	dir := t.TempDir()
	for _, err := range []error{
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700),
		os.WriteFile(filepath.Join(dir, "a", "b", "file"), []byte("x"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "out")),
		os.Symlink(filepath.Dir(outside), filepath.Join(dir, "away")),
		os.Symlink(filepath.Join("a", "b"), filepath.Join(dir, "in")),
		os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "absolute")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := asFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, want := range map[string]bool{
		"a/b/file": true, "a/b": true, "in/file": true, "a/../a/b/file": true, "missing": false, "a/missing": false,
		"out": false, "away/secret": false, "absolute/b/file": false, "../" + filepath.Base(dir) + "/a": false, outside: false,
	} {
		short, err := openBeneath(d.self, name, os.O_RDONLY, 0)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Fatalf("%s: this system has no openat2: the test can't tell", name)
		}
		long, rootErr := root.Open(name)
		if (err == nil) != want || (rootErr == nil) != want || errors.Is(err, fs.ErrNotExist) != errors.Is(rootErr, fs.ErrNotExist) {
			t.Errorf("%s: %v, and from os.Root %v; found should be %v", name, err, rootErr, want)
		}
		for _, f := range []*os.File{short, long} {
			if f != nil {
				f.Close()
			}
		}
	}
	f, err := d.OpenFile("a/new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if stat, err := f.Stat(); err != nil || stat.Mode()&^0o640 != 0 {
		t.Errorf("made with %v, %v", stat.Mode(), err)
	}
	if _, err := d.OpenFile("a/new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
}
