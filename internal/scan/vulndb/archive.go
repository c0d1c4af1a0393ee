package vulndb

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
)

// Bounds of what is taken in, in bytes. The published database has some 90 MB, and 900 unpacked.
const (
	maxArchive  = 2 << 30
	maxDatabase = 8 << 30
	maxMetadata = 64 << 10
	maxManifest = 4 << 20
	maxEntries  = 10_000
)

// MaxUpload is how many bytes an archive may have that is sent, with what it says beside the database.
const MaxUpload = maxArchive

// LayerType is the media type of the database's layer in a registry.
const LayerType = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"

const (
	databaseFile = "trivy.db"
	metadataFile = "metadata.json"
)

var errNoDatabase = fault.Invalidf("there is no vulnerability database in it: expected trivy.db and metadata.json, or an OCI layout that holds them as Trivy's artifact")

// takeFile finds the database in an archive, which lies in dir as archive, and unpacks it there. It returns the file
// with the packed database: the archive itself, or the layer that it held.
func takeFile(dir, archive string) (packed string, err error) {
	held, err := unpackDatabase(archive, dir)
	if err != nil || !held.layout {
		return archive, err
	}
	layer, err := pick(archiveLayout{archive})
	if err != nil {
		return "", err
	}
	packed = filepath.Join(dir, "layer")
	if err := extract(archive, "blobs/sha256/"+layer, packed); err != nil {
		return "", err
	}
	return packed, takeLayer(dir, packed, layer)
}

// takeFolder does the same with a folder that somebody else owns: what is used of it is copied.
func takeFolder(dir, folder string) (packed string, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	packed = filepath.Join(dir, "layer")
	if _, err := root.Stat(databaseFile); err == nil {
		for name, most := range map[string]int64{databaseFile: maxDatabase, metadataFile: maxMetadata} {
			if err := copyFrom(root, name, filepath.Join(dir, name), most); err != nil {
				return "", err
			}
		}
		return packed, pack(dir, packed)
	}
	layer, err := pick(folderLayout{root})
	if err != nil {
		return "", err
	}
	if err := copyFrom(root, "blobs/sha256/"+layer, packed, maxArchive); err != nil {
		return "", err
	}
	return packed, takeLayer(dir, packed, layer)
}

// takeLayer unpacks a layer, which must have the digest that its manifest says.
func takeLayer(dir, packed, digest string) error {
	got, _, err := sum(packed)
	if err != nil {
		return err
	}
	if got != digest {
		return fault.Invalidf("the database's layer has the digest sha256:%s, expected sha256:%s", got, digest)
	}
	held, err := unpackDatabase(packed, dir)
	if err == nil && held.layout {
		err = errNoDatabase
	}
	return err
}

// held is what an archive turned out to hold.
type held struct{ database, metadata, layout bool }

// unpackDatabase writes trivy.db and metadata.json into dir, wherever in the archive they lie.
func unpackDatabase(archive, dir string) (h held, err error) {
	err = eachEntry(archive, func(name string, size int64, r io.Reader) error {
		switch path.Base(name) {
		case databaseFile:
			if h.database {
				return fault.Invalidf("the archive holds %s twice", databaseFile)
			}
			h.database = true
			return writeFile(filepath.Join(dir, databaseFile), r, size, maxDatabase)
		case metadataFile:
			if h.metadata {
				return fault.Invalidf("the archive holds %s twice", metadataFile)
			}
			h.metadata = true
			return writeFile(filepath.Join(dir, metadataFile), r, size, maxMetadata)
		case "index.json":
			h.layout = h.layout || name == "index.json"
		}
		return nil
	})
	if err != nil {
		return h, err
	}
	if h.database && h.metadata {
		h.layout = false
		return h, nil
	}
	if !h.layout {
		return h, errNoDatabase
	}
	return h, nil
}

// eachEntry goes through the files of a tar archive, packed by gzip or not.
func eachEntry(archive string, f func(name string, size int64, r io.Reader) error) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	var r io.Reader = bufio.NewReaderSize(file, 256<<10)
	if head, _ := r.(*bufio.Reader).Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return fault.Invalidf("the archive is damaged: %v", err)
		}
		defer func() { _ = z.Close() }()
		r = z
	}
	t := tar.NewReader(io.LimitReader(r, maxDatabase+maxArchive))
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.Invalidf("the archive is no tar archive, or damaged: %v", err)
		}
		if n > maxEntries {
			return fault.Invalidf("the archive has too many entries")
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := f(strings.TrimPrefix(path.Clean("/"+h.Name), "/"), h.Size, t); err != nil {
			return err
		}
	}
}

// writeFile writes a file that must have a size, and not more than is allowed.
func writeFile(name string, r io.Reader, size, most int64) error {
	if size > most {
		return fault.Invalidf("%s has %d bytes, at most %d are allowed", filepath.Base(name), size, most)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, most+1))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fault.Invalidf("the archive is cut off")
		}
		return err
	}
	if n > most || size >= 0 && n != size {
		return fault.Invalidf("%s has %d bytes, expected %d", filepath.Base(name), n, min(size, most))
	}
	return nil
}

func copyFrom(root *os.Root, from, to string, most int64) error {
	f, err := root.Open(from)
	if err != nil {
		return fmt.Errorf("read the database's folder: %w", err)
	}
	defer func() { _ = f.Close() }()
	return writeFile(to, f, -1, most)
}

// pack makes the archive that registries hold, of the database in dir. It is packed fast: it is sent to a few replicas.
func pack(dir, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(Pack(f, dir), f.Close())
}

// Pack writes the database in a folder as the archive that registries hold.
func Pack(w io.Writer, dir string) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, name := range []string{databaseFile, metadataFile} {
		if err := packFile(t, dir, name); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func packFile(t *tar.Writer, dir, name string) error {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

// sum is the SHA-256 and the size of a file.
func sum(name string) (digest string, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// layout is an OCI image layout.
type layout interface {
	small(name string) ([]byte, error) // a file of at most maxManifest
}

type folderLayout struct{ root *os.Root }

func (l folderLayout) small(name string) ([]byte, error) {
	f, err := l.root.Open(name)
	if err != nil {
		return nil, errNoDatabase
	}
	defer func() { _ = f.Close() }()
	return readManifest(f)
}

type archiveLayout struct{ file string }

func (l archiveLayout) small(name string) (text []byte, err error) {
	found := false
	err = eachEntry(l.file, func(entry string, _ int64, r io.Reader) (err error) {
		if entry == name {
			found = true
			text, err = readManifest(r)
		}
		return err
	})
	if err == nil && !found {
		err = errNoDatabase
	}
	return text, err
}

func readManifest(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err == nil && len(text) > maxManifest {
		err = fault.Invalidf("a manifest has more than %d bytes", maxManifest)
	}
	return text, err
}

// descriptor and manifest are what is read of OCI's forms.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

type manifest struct {
	Manifests []descriptor `json:"manifests"`
	Layers    []descriptor `json:"layers"`
}

// databaseLayer is the layer of a manifest that holds the database, as hexadecimal.
func (m manifest) databaseLayer() (d descriptor, digest string, ok bool) {
	for _, l := range m.Layers {
		digest, isSHA := strings.CutPrefix(l.Digest, "sha256:")
		if _, err := hex.DecodeString(digest); l.MediaType == LayerType && isSHA && err == nil && len(digest) == 64 {
			return l, digest, true
		}
	}
	return descriptor{}, "", false
}

// pick finds the layer with the database in a layout, by its digest in hexadecimal.
func pick(l layout) (string, error) {
	var index manifest
	text, err := l.small("index.json")
	if err != nil {
		return "", err
	}
	if json.Unmarshal(text, &index) != nil || len(index.Manifests) > 100 {
		return "", errNoDatabase
	}
	for _, d := range index.Manifests {
		hexadecimal := strings.TrimPrefix(d.Digest, "sha256:")
		if b, err := hex.DecodeString(hexadecimal); err != nil || len(b) != sha256.Size {
			continue
		}
		text, err := l.small("blobs/sha256/" + hexadecimal)
		if err != nil {
			return "", err
		}
		var m manifest
		if json.Unmarshal(text, &m) != nil {
			continue
		}
		if _, digest, ok := m.databaseLayer(); ok {
			return digest, nil
		}
	}
	return "", errNoDatabase
}

// extract copies one file out of an archive.
func extract(archive, name, to string) error {
	found := false
	err := eachEntry(archive, func(entry string, size int64, r io.Reader) error {
		if entry != name || found {
			return nil
		}
		found = true
		return writeFile(to, r, size, maxArchive)
	})
	if err == nil && !found {
		err = errNoDatabase
	}
	return err
}
