package trivy

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// Reader reads layers, one at a time.
type Reader struct {
	Limits Limits
	// Spool is a file for what is too large for memory; RPM is the path of another, for the databases of that name,
	// which their parsers open by it. Both are overwritten. Without them such files are named as unread.
	Spool *os.File
	RPM   string
}

// walk is a layer as far as it was read.
type walk struct {
	limits Limits
	spool  spool
	rpm    string

	layer    inventory.Layer
	systems  map[string]inventory.OS     // what each file says of the operating system
	files    map[string][]inventory.File // by path, one of each type
	gone     map[string]bool
	opaque   map[string]bool
	packages int
	dropped  int // reasons beyond the limit

	owned owned
}

// Layer reads a layer's blob. An error that Is ErrContent says what is wrong with the blob.
func (r *Reader) Layer(ctx context.Context, blob io.Reader) (inventory.Layer, error) {
	archive, closer, err := unpack(blob)
	if err != nil {
		return inventory.Layer{}, err
	}
	defer closer()
	w := &walk{
		limits: r.Limits, spool: spool{file: r.Spool}, rpm: r.RPM,
		layer:   inventory.Layer{Revision: inventory.Revision},
		systems: map[string]inventory.OS{}, files: map[string][]inventory.File{},
		gone: map[string]bool{}, opaque: map[string]bool{}, owned: newOwned(),
	}
	if err := w.read(ctx, &counted{r: archive, most: r.Limits.Unpacked}); err != nil {
		return inventory.Layer{}, err
	}
	return w.finish(), nil
}

func (w *walk) read(ctx context.Context, archive io.Reader) error {
	t := tar.NewReader(archive)
	for n := 0; ; n++ {
		if n >= w.limits.Entries {
			return contentf("the layer has more than %d entries", w.limits.Entries)
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(n, err)
		}
		if err := w.entry(h, t); err != nil {
			return err
		}
	}
}

// broken says what an error in the middle of an archive means.
func broken(entries int, err error) error {
	switch {
	case errors.Is(err, ErrContent):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return contentf("the layer is cut off after %d entries", entries)
	case entries == 0:
		return contentf("the layer is no tar archive: %v", err)
	default:
		return contentf("the layer is damaged after %d entries: %v", entries, err)
	}
}

// entry looks at one entry of the archive.
func (w *walk) entry(h *tar.Header, r io.Reader) error {
	name, ok := clean(h.Name)
	if !ok {
		return nil // the root, or out of it
	}
	if len(name) > w.limits.Path {
		w.unread("a path of %d bytes", len(name))
		return nil
	}
	dir, base := path.Split(name)
	if base == ".wh..wh..opq" {
		w.opaque[strings.TrimSuffix(dir, "/")] = true
		return nil
	}
	if hidden, ok := strings.CutPrefix(base, ".wh."); ok {
		if hidden != "" && hidden != "." && hidden != ".." && !strings.HasPrefix(hidden, ".wh.") {
			w.gone[dir+hidden] = true
		}
		return nil
	}
	look := analyser(name, h)
	if look == nil {
		return nil
	}
	// Of two entries with one name, the later counts.
	w.forget(name)
	if h.Typeflag != tar.TypeReg {
		return w.link(name, h)
	}
	return w.look(look, name, h, r)
}

// clean makes a path relative and plain, without the tricks that lead out of the image.
func clean(name string) (string, bool) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	return name, name != "" && !strings.ContainsRune(name, 0)
}

func (w *walk) forget(name string) {
	delete(w.systems, name)
	for _, f := range w.files[name] {
		w.packages -= len(f.Packages)
	}
	delete(w.files, name)
}

// link is a file that is another one. Neither kind is followed: what a symbolic link names may lie in another layer,
// and a hard link's file is found where it lies itself.
func (w *walk) link(name string, h *tar.Header) error {
	if h.Typeflag == tar.TypeLink || h.Typeflag == tar.TypeSymlink {
		w.gone[name] = true
	}
	return nil
}

// look calls an analyser with a file that fits into the limits.
func (w *walk) look(look analyse, name string, h *tar.Header, r io.Reader) error {
	in := &input{walk: w, path: name, size: h.Size, r: r}
	defer func() { _ = w.spool.cut(0) }()
	err := guarded(look, in)
	switch {
	case err == nil:
		if !in.said {
			w.gone[name] = true
		}
		return nil
	case errors.Is(err, errUninteresting):
		return nil
	case errors.Is(err, errTooLarge):
		w.unread("%s: too large, not read (%d bytes)", name, h.Size)
		return nil
	case in.broken != nil:
		return broken(1, in.broken)
	case errors.Is(err, ErrContent):
		return err
	default:
		w.unread("%s: %s", name, short(err))
		return nil
	}
}

// guarded turns a panic of a parser into an error: the file is named as unread then.
func guarded(look analyse, in *input) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its parser gave up: %v", p)
		}
	}()
	return look(in)
}

// short is an error in few words that name no files of this machine.
func short(err error) string {
	text := err.Error()
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}

// unread notes what could not be looked into.
func (w *walk) unread(format string, args ...any) {
	if len(w.layer.Unread) >= w.limits.Unread {
		w.dropped++
		return
	}
	w.layer.Unread = append(w.layer.Unread, strings.ToValidUTF8(fmt.Sprintf(format, args...), "?"))
}

// finish puts together what the files said.
func (w *walk) finish() inventory.Layer {
	w.dropInstalled()
	l := &w.layer
	for _, name := range sorted(w.systems) {
		l.OS = inventory.MergeOS(l.OS, w.systems[name])
	}
	for _, name := range sorted(w.files) {
		delete(w.gone, name)
		if len(w.files[name]) == 0 {
			w.gone[name] = true
		}
		l.Files = append(l.Files, w.files[name]...)
	}
	l.Gone, l.Opaque = sorted(w.gone), sorted(w.opaque)
	if w.dropped > 0 {
		l.Unread = append(l.Unread, fmt.Sprintf("and %d more", w.dropped))
	}
	return *l
}

func sorted[T any](m map[string]T) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
