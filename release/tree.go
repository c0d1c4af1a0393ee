package main

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// entry is a file of an archive, or a folder, where its mode says so.
type entry struct {
	path    string // with slashes, without one at its beginning or end
	mode    fs.FileMode
	owner   int // user and group
	content []byte
	setting bool // of the user, who may change it
}

func folder(path string, mode fs.FileMode) entry { return entry{path: path, mode: fs.ModeDir | mode} }

// tree adds the folders that entries lie in and sorts all, so that a folder comes before what is in it.
func tree(entries []entry) []entry {
	all := slices.Clone(entries)
	have := map[string]bool{}
	for _, e := range entries {
		have[e.path] = true
	}
	for _, e := range entries {
		for dir := path.Dir(e.path); dir != "." && !have[dir]; dir = path.Dir(dir) {
			have[dir] = true
			all = append(all, folder(dir, 0o755))
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return all
}

// writeTar writes entries as they come, their names behind prefix. Owners have numbers only: who unpacks it may know others by their names.
func writeTar(w io.Writer, prefix string, entries []entry, at time.Time) error {
	t := tar.NewWriter(w)
	for _, e := range entries {
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: prefix + e.path, Size: int64(len(e.content)), Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner,
			ModTime: at, Format: tar.FormatUSTAR,
		}
		if e.mode.IsDir() {
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		}
		if e.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("write %s: %w", e.path, err)
		}
		if _, err := t.Write(e.content); err != nil {
			return fmt.Errorf("write %s: %w", e.path, err)
		}
	}
	return t.Close()
}

// writeTarGzip is writeTar, compressed. A reader needs no more than gzip; the writer is a module's, and not the toolchain's, so that another
// Go compresses in the same way.
func writeTarGzip(w io.Writer, prefix string, entries []entry, at time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.DefaultCompression)
	if err != nil {
		return err
	}
	if err := writeTar(z, prefix, entries, at); err != nil {
		return err
	}
	return z.Close()
}
