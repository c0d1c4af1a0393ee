//go:build acceptance

package power

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/havenregistry/haven/test/power/disk"
	"github.com/havenregistry/haven/test/power/trace"
)

// Flags of open, fcntl, mmap and fallocate on Linux that matter here.
const (
	openTruncate = 0x200
	openAppend   = 0x400
	openDataSync = 0x1000 // part of O_SYNC too
	fcntlDup     = 0
	fcntlDupExec = 0x406
	mapShared    = 0x1
	mapWritable  = 0x2
	punchHole    = 0x3  // and keep the size
	anywhere     = -100 // AT_FDCWD
)

// replay does what a trace tells on a model of the disk, up to any line.
type replay struct {
	disk  *disk.Disk
	files map[int64]*file // by descriptor; others are sockets and files elsewhere
	root  string          // the data directory, absolute
	// ignore says which syncs to pass over, to show that it would be noticed.
	ignore func(path string, dir bool) bool
	points []point
	done   int // points that were passed
	began  map[*trace.Call]bool
}

// file is an open file.
type file struct {
	node   *disk.Node
	path   string // as opened, below the data directory
	dir    bool
	offset int64
	append bool
	sync   bool // each write is one
}

// point is the begin or the end of a call.
type point struct {
	line int
	call *trace.Call
	end  bool
}

func newReplay(root string, calls []*trace.Call, ignore func(string, bool) bool) *replay {
	r := &replay{disk: disk.New(), files: map[int64]*file{}, root: root, ignore: ignore, began: map[*trace.Call]bool{}}
	for _, c := range calls {
		r.points = append(r.points, point{c.Enter, c, false})
		if c.Exit != trace.Unended {
			r.points = append(r.points, point{c.Exit, c, true})
		}
	}
	sort.SliceStable(r.points, func(i, j int) bool { return r.points[i].line < r.points[j].line })
	return r
}

// until goes on to the state after the line.
func (r *replay) until(line int) error {
	for ; r.done < len(r.points) && r.points[r.done].line <= line; r.done++ {
		p := r.points[r.done]
		if err := r.pass(p); err != nil {
			return fmt.Errorf("line %d: %s: %w", p.line, p.call.Name, err)
		}
	}
	return nil
}

func (r *replay) pass(p point) error {
	c := p.call
	switch {
	case c.Failed:
		return nil
	case c.Name == "close":
		// The number is free as soon as the call has begun: another thread may get it
		// before the end is told.
		if !p.end {
			delete(r.files, c.Args[0].Number)
		}
		return nil
	case !p.end:
		r.began[c] = true
		return nil
	case !r.began[c]:
		return nil // done ahead of its end
	}
	delete(r.began, c)
	err := r.do(c, p.line)
	if isMissing(err) {
		// What another thread has begun and not ended may have happened already.
		for other := range r.began {
			if isName(other.Name) && r.do(other, p.line) == nil {
				delete(r.began, other)
			}
		}
		err = r.do(c, p.line)
	}
	return err
}

func isMissing(err error) bool {
	return err != nil && strings.Contains(err.Error(), fs.ErrNotExist.Error())
}

func isName(call string) bool {
	for _, prefix := range []string{"mkdir", "rename", "link", "open"} {
		if strings.HasPrefix(call, prefix) {
			return true
		}
	}
	return false
}

// do repeats a call on the model.
func (r *replay) do(c *trace.Call, at int) error {
	switch c.Name {
	case "open", "creat", "openat", "openat2", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat":
		return r.names(c, at)
	case "symlink", "symlinkat", "truncate", "copy_file_range", "splice", "io_uring_setup", "chdir", "fchdir":
		return fmt.Errorf("this call is not known to the replay: extend it")
	case "sync":
		r.disk.SyncAll(c.Enter)
		return nil
	case "fcntl":
		if cmd := c.Args[1].Number; cmd == fcntlDup || cmd == fcntlDupExec {
			r.files[c.Result] = r.files[c.Args[0].Number]
		}
		return nil
	case "dup", "dup2", "dup3":
		r.files[c.Result] = r.files[c.Args[0].Number]
		return nil
	case "mmap":
		f := r.files[c.Args[4].Number]
		if f != nil && c.Args[2].Number&mapWritable != 0 && c.Args[3].Number&mapShared != 0 && !strings.HasSuffix(f.path, "-shm") {
			return fmt.Errorf("%s is written through a mapping, which no trace shows", f.path)
		}
		return nil
	}
	f := r.files[c.Args[0].Number]
	if f == nil {
		return nil
	}
	return r.bytes(c, f, at)
}

// bytes are the calls on an open file of the data directory.
func (r *replay) bytes(c *trace.Call, f *file, at int) error {
	switch c.Name {
	case "write", "writev":
		if f.append {
			f.offset = f.node.Size()
		}
		data := written(c)
		f.node.Write(at, f.offset, data)
		f.offset += int64(len(data))
	case "pwrite64", "pwritev", "pwritev2":
		f.node.Write(at, c.Args[3].Number, written(c))
	case "lseek":
		f.offset = c.Result
		return nil
	case "ftruncate":
		f.node.Truncate(at, c.Args[1].Number)
	case "fallocate":
		if mode := c.Args[1].Number; mode != punchHole {
			return fmt.Errorf("fallocate of mode %#x is not known to the replay: extend it", mode)
		}
		f.node.Write(at, c.Args[2].Number, make([]byte, max(0, min(c.Args[3].Number, f.node.Size()-c.Args[2].Number))))
	case "fsync", "fdatasync":
		if r.ignore == nil || !r.ignore(f.path, f.dir) {
			f.node.Sync(c.Enter)
		}
		return nil
	case "syncfs":
		r.disk.SyncAll(c.Enter)
		return nil
	}
	if f.sync {
		f.node.Sync(math.MaxInt)
	}
	return nil
}

// written is what a write has written, which may be less than it was given.
func written(c *trace.Call) []byte {
	data := c.Args[1].Text
	if c.Args[1].Strings != nil {
		data = slices.Concat(c.Args[1].Strings...)
	}
	return bytes.Clone(data[:min(int64(len(data)), c.Result)])
}

// names are the calls that take paths.
func (r *replay) names(c *trace.Call, at int) error {
	a := c.Args
	switch c.Name {
	case "open", "creat":
		return r.open(c, at, anywhere, a[0].Text, a[1].Number)
	case "openat", "openat2":
		return r.open(c, at, a[0].Number, a[1].Text, a[2].Number)
	case "mkdir":
		return r.mkdir(at, anywhere, a[0].Text)
	case "mkdirat":
		return r.mkdir(at, a[0].Number, a[1].Text)
	case "unlink", "rmdir":
		return r.remove(at, anywhere, a[0].Text)
	case "unlinkat":
		return r.remove(at, a[0].Number, a[1].Text)
	case "rename":
		return r.move(at, anywhere, a[0].Text, anywhere, a[1].Text, true)
	case "renameat", "renameat2":
		return r.move(at, a[0].Number, a[1].Text, a[2].Number, a[3].Text, true)
	case "link":
		return r.move(at, anywhere, a[0].Text, anywhere, a[1].Text, false)
	}
	return r.move(at, a[0].Number, a[1].Text, a[2].Number, a[3].Text, false)
}

// place turns a path into a directory of the model and a path from there; ok is false
// for what lies elsewhere.
func (r *replay) place(dir int64, name []byte) (from *disk.Node, rel string, ok bool) {
	if !filepath.IsAbs(string(name)) && int32(dir) != anywhere {
		f := r.files[dir]
		if f == nil {
			return nil, "", false
		}
		return f.node, string(name), true
	}
	rel, err := filepath.Rel(r.root, string(name))
	if err != nil || !filepath.IsAbs(string(name)) || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil, "", false
	}
	return r.disk.Root(), rel, true
}

func (r *replay) open(c *trace.Call, at int, dir int64, name []byte, flags int64) error {
	delete(r.files, c.Result)
	from, rel, ok := r.place(dir, name)
	if !ok {
		return nil
	}
	f := &file{path: rel, append: flags&openAppend != 0, sync: flags&openDataSync != 0}
	if parent := r.files[dir]; from != r.disk.Root() && parent != nil {
		f.path = filepath.Join(parent.path, rel)
	}
	var err error
	if flags&int64(os.O_CREATE) != 0 {
		f.node, err = from.Create(at, rel)
	} else {
		f.node, err = from.Find(rel)
		if gone := from.Gone(rel, c.Enter); isMissing(err) && gone != nil {
			f.node, err = gone, nil
		}
	}
	if err != nil {
		return err
	}
	f.dir = f.node.IsDir()
	if flags&openTruncate != 0 && f.node.Size() > 0 {
		f.node.Truncate(at, 0)
	}
	r.files[c.Result] = f
	return nil
}

func (r *replay) mkdir(at int, dir int64, name []byte) error {
	from, rel, ok := r.place(dir, name)
	if !ok || rel == "." { // the data directory itself was there
		return nil
	}
	return from.Mkdir(at, rel)
}

func (r *replay) remove(at int, dir int64, name []byte) error {
	from, rel, ok := r.place(dir, name)
	if !ok {
		return nil
	}
	return from.Remove(at, rel)
}

func (r *replay) move(at int, fromDir int64, old []byte, toDir int64, name []byte, rename bool) error {
	from, oldRel, ok := r.place(fromDir, old)
	to, rel, ok2 := r.place(toDir, name)
	if !ok && !ok2 {
		return nil
	}
	if !ok || !ok2 {
		return fmt.Errorf("%s becomes %s: into or out of the data directory", old, name)
	}
	if rename {
		return disk.Rename(at, from, oldRel, to, rel)
	}
	node, err := from.Find(oldRel)
	if err != nil {
		return err
	}
	return disk.Link(at, node, to, rel)
}
