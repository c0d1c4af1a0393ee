package disk

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Fate decides what becomes of what is not certain.
type Fate struct {
	rng  *rand.Rand // nil: all alike
	keep bool
}

// Lost loses everything that is not certain.
func Lost() Fate { return Fate{} }

// Kept keeps everything.
func Kept() Fate { return Fate{keep: true} }

// Random keeps some, loses some and tears some.
func Random(rng *rand.Rand) Fate { return Fate{rng: rng} }

func (f Fate) coin() bool {
	if f.rng == nil {
		return f.keep
	}
	return f.rng.IntN(2) == 0
}

// sector is what a disk writes whole, in bytes.
const sector = 512

// WriteTo writes into an existing directory the disk as it is found after the loss of
// power, and returns the number of files. The disk itself does not change.
func (d *Disk) WriteTo(dir string, fate Fate) (int, error) {
	return d.root.writeTo(dir, fate, survivors(d.root, fate))
}

// survivors decides for the whole tree which changes of names are found again. Of those
// to one name the first few are, as a journal would have it.
func survivors(root *Node, fate Fate) map[*nameChange]bool {
	alive := map[*nameChange]bool{}
	var all []*nameChange
	seen := map[*Node]bool{}
	var walk func(n *Node)
	walk = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		lost := map[string]bool{}
		for _, c := range n.renames {
			all = append(all, c)
			if !lost[c.name] && fate.coin() {
				alive[c] = true
			} else {
				lost[c.name] = true
			}
			if c.node != nil && c.node.dir {
				walk(c.node)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(n.syncedNames)) {
			if child := n.syncedNames[name]; child.dir {
				walk(child)
			}
		}
	}
	walk(root)
	for _, c := range all {
		for need := c.with; alive[c] && need != nil; need = need.with {
			alive[need] = true
		}
	}
	return alive
}

func (n *Node) writeTo(dir string, fate Fate, alive map[*nameChange]bool) (files int, err error) {
	names := maps.Clone(n.syncedNames)
	for _, c := range n.renames {
		if alive[c] {
			c.put(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		node, target := names[name], filepath.Join(dir, name)
		if !node.dir {
			files++
			if err := os.WriteFile(target, node.found(fate), 0o600); err != nil {
				return files, err
			}
			continue
		}
		if err := os.Mkdir(target, 0o700); err != nil {
			return files, err
		}
		inside, err := node.writeTo(target, fate, alive)
		files += inside
		if err != nil {
			return files, err
		}
	}
	return files, nil
}

// found is the content of a file after the loss of power.
func (n *Node) found(fate Fate) []byte {
	if fate.rng == nil {
		if fate.keep {
			return n.now
		}
		return n.synced
	}
	content := slices.Clone(n.synced)
	if len(n.changes) == 0 {
		return content
	}
	for _, c := range n.changes {
		switch fate.rng.IntN(3) {
		case 0:
		case 1:
			content = c.apply(content)
		case 2:
			content = c.tear(content, fate.rng)
		}
		// The size may be written before the bytes are: then they are zeros.
		if end := int(c.offset) + len(c.data); !c.cut && end > len(content) && fate.rng.IntN(3) == 0 {
			content = resize(content, int64(end))
		}
	}
	return content
}

// tear applies some sectors of a write: the first few, or any.
func (c change) tear(content []byte, rng *rand.Rand) []byte {
	if c.cut || len(c.data) <= sector {
		return content
	}
	sectors := (len(c.data) + sector - 1) / sector
	first, scattered := rng.IntN(sectors), rng.IntN(2) == 0
	for i := range sectors {
		if scattered && rng.IntN(2) == 0 || !scattered && i >= first {
			continue
		}
		from, to := i*sector, min((i+1)*sector, len(c.data))
		content = write(content, c.offset+int64(from), c.data[from:to])
	}
	return content
}
