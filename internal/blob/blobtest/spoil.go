package blobtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Where the bytes of a packed blob lie in its segment: behind a header, at the beginning of a block.
const (
	block  = 4096
	header = 40
)

// Spoil changes the bytes of a blob behind the back of the store of files in dir, as a failing disk does. spoil is given
// what is there and returns what is to be there; nil for nothing at all.
func Spoil(t testing.TB, dir, location string, spoil func(content []byte) []byte) {
	t.Helper()
	parts := strings.Split(location, "/")
	if parts[0] != "segments" {
		name := filepath.Join(dir, location)
		content, err := os.ReadFile(name)
		if err == nil {
			if content = spoil(content); content == nil {
				err = os.Remove(name)
			} else {
				err = os.WriteFile(name, content, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	at, err1 := strconv.ParseInt(parts[2], 10, 64)
	size, err2 := strconv.Atoi(parts[3])
	f, err := os.OpenFile(filepath.Join(dir, parts[0], parts[1]), os.O_RDWR, 0)
	if err != nil || err1 != nil || err2 != nil {
		t.Fatal(err, err1, err2)
	}
	defer f.Close()
	whole := make([]byte, header+size)
	if _, err := f.ReadAt(whole, at*block); err != nil {
		t.Fatal(err)
	}
	changed := spoil(bytes.Clone(whole[header:]))
	switch {
	case changed == nil:
		clear(whole)
	case len(changed) < size: // what is behind is lost
		clear(whole[header+copy(whole[header:], changed):])
	default:
		copy(whole[header:], changed)
	}
	if _, err := f.WriteAt(whole, at*block); err != nil {
		t.Fatal(err)
	}
}
