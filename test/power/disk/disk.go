package disk

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Disk is one directory tree. Times are numbers that grow, such as line numbers of a trace.
type Disk struct{ root *Node }

// Node is a file or a directory. It stays itself under whatever name.
type Node struct {
	dir bool

	synced  []byte // certain
	now     []byte // as processes see it
	changes []change

	syncedNames map[string]*Node
	names       map[string]*Node
	renames     []*nameChange
}

// change is a write at an offset, or a new size where cut is set.
type change struct {
	at     int
	offset int64
	data   []byte
	cut    bool
}

// nameChange gives a name a node, or takes it away where node is nil.
type nameChange struct {
	at   int
	dir  *Node
	name string
	node *Node
	was  *Node       // of a removal: what had the name
	with *nameChange // of a removal by rename: the new name
}

// New is a disk with an empty root, which is certain.
func New() *Disk { return &Disk{newDir()} }

func newDir() *Node {
	return &Node{dir: true, syncedNames: map[string]*Node{}, names: map[string]*Node{}}
}

// Root is the directory that everything is below of.
func (d *Disk) Root() *Node { return d.root }

// Find walks a relative path from a directory.
func (n *Node) Find(name string) (*Node, error) {
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if part == "." || part == "" {
			continue
		}
		if !n.dir {
			return nil, fmt.Errorf("%s: a file on the way: %w", name, fs.ErrInvalid)
		}
		child := n.names[part]
		if child == nil {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		n = child
	}
	return n, nil
}

// parent finds the directory of a path, and the last name.
func (n *Node) parent(name string) (*Node, string, error) {
	dir, base := path.Split(path.Clean(name))
	parent, err := n.Find(dir)
	if err == nil && !parent.dir {
		err = fmt.Errorf("%s: not in a directory: %w", name, fs.ErrInvalid)
	}
	return parent, base, err
}

// Create makes an empty file, or finds the one that is there.
func (n *Node) Create(at int, name string) (*Node, error) {
	dir, base, err := n.parent(name)
	if err != nil {
		return nil, err
	}
	if held := dir.names[base]; held != nil {
		return held, nil
	}
	node := &Node{}
	dir.set(&nameChange{at: at, name: base, node: node})
	return node, nil
}

// Mkdir makes an empty directory.
func (n *Node) Mkdir(at int, name string) error {
	dir, base, err := n.parent(name)
	if err != nil {
		return err
	}
	if dir.names[base] != nil {
		return fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	dir.set(&nameChange{at: at, name: base, node: newDir()})
	return nil
}

// Remove takes a name away.
func (n *Node) Remove(at int, name string) error {
	dir, base, err := n.parent(name)
	if err != nil {
		return err
	}
	if dir.names[base] == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	dir.set(&nameChange{at: at, name: base, was: dir.names[base]})
	return nil
}

// Gone finds what a path led to until its name was taken away, after the time; nil where it wasn't. Who had begun to open it
// before may have got it. A sync of the directory forgets it.
func (n *Node) Gone(name string, after int) *Node {
	dir, base, err := n.parent(name)
	if err != nil {
		return nil
	}
	for _, c := range dir.renames {
		if c.name == base && c.was != nil && c.at > after {
			return c.was
		}
	}
	return nil
}

// Link gives a node one more name.
func Link(at int, node *Node, to *Node, name string) error {
	dir, base, err := to.parent(name)
	if err != nil {
		return err
	}
	dir.set(&nameChange{at: at, name: base, node: node})
	return nil
}

// Rename moves what has the name in one directory to a name in another, or the same.
func Rename(at int, from *Node, old string, to *Node, name string) error {
	fromDir, oldBase, err := from.parent(old)
	if err != nil {
		return err
	}
	toDir, base, err := to.parent(name)
	if err != nil {
		return err
	}
	node := fromDir.names[oldBase]
	if node == nil {
		return fmt.Errorf("%s: %w", old, fs.ErrNotExist)
	}
	added := &nameChange{at: at, name: base, node: node}
	toDir.set(added)
	fromDir.set(&nameChange{at: at, name: oldBase, was: node, with: added})
	return nil
}

func (n *Node) set(c *nameChange) {
	c.dir = n
	n.renames = append(n.renames, c)
	if c.node == nil {
		delete(n.names, c.name)
	} else {
		n.names[c.name] = c.node
	}
}

// Write changes bytes of a file, which grows as needed.
func (n *Node) Write(at int, offset int64, data []byte) {
	n.changes = append(n.changes, change{at: at, offset: offset, data: data})
	n.now = write(n.now, offset, data)
}

// Truncate sets a file's size in bytes.
func (n *Node) Truncate(at int, size int64) {
	n.changes = append(n.changes, change{at: at, offset: size, cut: true})
	n.now = resize(n.now, size)
}

// Size is the file's size in bytes, as processes see it.
func (n *Node) Size() int64 { return int64(len(n.now)) }

// Sync makes certain what had changed in this file, or in the names of this directory,
// before the time.
func (n *Node) Sync(before int) {
	var open []change
	for _, c := range n.changes {
		if c.at < before {
			n.synced = c.apply(n.synced)
		} else {
			open = append(open, c)
		}
	}
	n.changes = open
	for _, c := range append([]*nameChange(nil), n.renames...) {
		if c.at < before {
			c.settle()
		}
	}
}

// SyncAll is a sync of everything.
func (d *Disk) SyncAll(before int) {
	var walk func(n *Node)
	walk = func(n *Node) {
		n.Sync(before)
		for _, child := range n.names {
			walk(child)
		}
	}
	walk(d.root)
}

// settle makes a change of a name certain, and what it can't be without.
func (c *nameChange) settle() {
	if c.with != nil {
		c.with.settle()
	}
	for i, held := range c.dir.renames {
		if held == c {
			c.dir.renames = append(c.dir.renames[:i:i], c.dir.renames[i+1:]...)
			c.put(c.dir.syncedNames)
			return
		}
	}
}

func (c *nameChange) put(names map[string]*Node) {
	if c.node == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.node
	}
}

func (c change) apply(content []byte) []byte {
	if c.cut {
		return resize(content, c.offset)
	}
	return write(content, c.offset, c.data)
}

// write returns the content with data at the offset. The old content may be reused.
func write(content []byte, offset int64, data []byte) []byte {
	if len(data) == 0 {
		return content
	}
	if end := offset + int64(len(data)); end > int64(len(content)) {
		content = resize(content, end)
	}
	copy(content[offset:], data)
	return content
}

func resize(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		// What is cut off is zeros if the file grows again.
		clear(content[size:])
		return content[:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// IsDir tells a directory from a file.
func (n *Node) IsDir() bool { return n.dir }
