package file

import (
	"errors"
	"io/fs"
	"os"
)

// folder is a directory that no name and no symbolic link leads out of, as os.Root is, and finds a file below
// it with one call of the system where that has such a call: os.Root makes three for each part of the name.
type folder struct {
	*os.Root
	self *os.File
}

// asFolder takes root over.
func asFolder(root *os.Root) (*folder, error) {
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &folder{root, self}, nil
}

// Open opens a file or a directory for reading.
func (d *folder) Open(name string) (*os.File, error) { return d.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile is os.Root's.
func (d *folder) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if f, err := openBeneath(d.self, name, flag, perm); !errors.Is(err, errors.ErrUnsupported) {
		return f, err
	}
	return d.Root.OpenFile(name, flag, perm)
}

// OpenRoot is os.Root's.
func (d *folder) OpenRoot(name string) (*folder, error) {
	root, err := d.Root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return asFolder(root)
}

// Close releases the directory.
func (d *folder) Close() error { return errors.Join(d.self.Close(), d.Root.Close()) }
