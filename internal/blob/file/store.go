// Package file keeps blobs as plain files below one directory, in the layout of CNCF
// Distribution, so that a volume of it can be served where it lies:
//
//	docker/registry/v2/blobs/<algorithm>/<two hex>/<hex>/data   a blob, never changed
//	segments/<name>                                             many small blobs (segment.go)
//	uploads/<id>                                                a growing upload
//	records/<name>                                              a record
//	record-segments/<name>                                      many small records (named.go)
//
// All are on one file system: a commit gives a file another name. All access goes through
// folders, so no name and no symbolic link leads out of the directory.
//
// An upload is locked (flock) while it is written, so that a request that outlived its
// client never writes into a blob. The directory may be shared by several processes, or
// machines where the file system carries locks.
package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

const (
	uploadsDir = "uploads"
	recordsDir = "records"
	blobsDir   = "docker/registry/v2/blobs"

	dirMode  fs.FileMode = 0o750
	fileMode fs.FileMode = 0o640
)

// Store is a blob.Store of plain files.
type Store struct {
	root    *folder
	uploads *folder
	records *os.File
	buffers sync.Pool // of *[copySize]byte
	boot    []byte    // of this run of the kernel
	settled sync.Map  // directory → true: exists and is synced, at most 2×256 and a few
	shards  sync.Map  // directory of blobs' directories → *folder, at most 2×256
	whole   bool      // the file system can be synced as a whole
	syncs   syncs

	segments    *segments // of blobs
	packBuffers sync.Pool // of *[recordMost]byte
	named       *segments // of named records
	packs       func() bool
}

var _ blob.Resumer = (*Store)(nil)

// Open opens the store in the directory dir, which it creates when it is absent.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("create blob directory: %w", err)
	}
	if err := syncParent(dir); err != nil {
		return nil, fmt.Errorf("create blob directory: %w", err)
	}
	opened, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	root, err := asFolder(opened)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	for _, dir := range []string{uploadsDir, recordsDir, blobSegments.dir, namedSegments.dir} {
		if err := root.MkdirAll(dir, dirMode); err != nil {
			return nil, errors.Join(fmt.Errorf("create directory of %s: %w", dir, err), root.Close())
		}
	}
	s := &Store{root: root, boot: bootID(), buffers: sync.Pool{New: func() any { return new([copySize]byte) }}}
	if s.uploads, err = root.OpenRoot(uploadsDir); err != nil {
		return nil, errors.Join(fmt.Errorf("open directory of uploads: %w", err), s.Close())
	}
	if s.records, err = root.Open(recordsDir); err != nil {
		return nil, errors.Join(fmt.Errorf("open directory of records: %w", err), s.Close())
	}
	if s.segments, err = s.segmentsOf(&blobSegments); err != nil {
		return nil, errors.Join(fmt.Errorf("open directory of segments: %w", err), s.Close())
	}
	if s.named, err = s.segmentsOf(&namedSegments); err != nil {
		return nil, errors.Join(fmt.Errorf("open directory of segments of records: %w", err), s.Close())
	}
	s.packBuffers.New = func() any { return new([recordMost]byte) }
	s.packs = sync.OnceValue(func() bool { return punchesHoles(s.segments.dir) })
	s.whole = wholeSync(s.uploads.self)
	s.dropUnfinished()
	return s, nil
}

// syncParent makes the entry of dir itself survive the loss of power. Where the
// parent may not be read, it was not this process that made the entry.
func syncParent(dir string) error {
	parent, err := os.Open(filepath.Dir(filepath.Clean(dir)))
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	return parent.Sync()
}

// Close releases the directory. Contents that are open stay readable.
func (s *Store) Close() error {
	var errs []error
	s.shards.Range(func(_, shard any) bool {
		errs = append(errs, shard.(*folder).Close())
		return true
	})
	errs = append(errs, s.segments.close(), s.named.close())
	if s.uploads != nil {
		errs = append(errs, s.uploads.Close())
	}
	if s.records != nil {
		errs = append(errs, s.records.Close())
	}
	return errors.Join(append(errs, s.root.Close())...)
}

// shard opens the directory that the directories of blobs are in, once: it is six steps from the root.
func (s *Store) shard(dir string) (*folder, error) {
	if known, ok := s.shards.Load(dir); ok {
		return known.(*folder), nil
	}
	opened, err := s.root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if known, raced := s.shards.LoadOrStore(dir, opened); raced {
		return known.(*folder), opened.Close()
	}
	return opened, nil
}

// openBlob opens the file of a valid location for reading.
func (s *Store) openBlob(location string) (*os.File, error) {
	dir := path.Dir(location)
	shard, err := s.shard(path.Dir(dir))
	if err != nil {
		return nil, err
	}
	return shard.Open(path.Base(dir) + "/" + path.Base(location))
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, location string) (blob.Content, error) {
	if p, ok := blobSegments.parse(location); ok {
		return s.openPacked(p)
	}
	if err := checkLocation(location); err != nil {
		return nil, err
	}
	f, err := s.openBlob(location)
	return contentOf(f, location, err)
}

// contentOf is a blob's file, which was opened, or wasn't for err.
func contentOf(f *os.File, location string, err error) (blob.Content, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w", location, blob.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	stat, err := f.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open blob %s: %w", location, err)
	}
	return &content{file: f, size: stat.Size()}, nil
}

// Delete implements blob.Store. The directories of other blobs stay.
func (s *Store) Delete(ctx context.Context, location string) error {
	if p, ok := blobSegments.parse(location); ok {
		return s.segments.delete(p)
	}
	if err := checkLocation(location); err != nil {
		return err
	}
	dir := path.Dir(location)
	shard, err := s.shard(path.Dir(dir))
	if err == nil {
		err = shard.Remove(path.Base(dir) + "/" + path.Base(location))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	// The directory is this blob's own. A commit may be filling it again, and
	// another delete may have been first: neither is an error.
	_ = shard.Remove(path.Base(dir))
	return nil
}

// Free implements blob.Store with the figures of the file system.
func (s *Store) Free(ctx context.Context) (total, free uint64, err error) {
	dir, err := s.root.Open(".")
	if err != nil {
		return 0, 0, fmt.Errorf("free space: %w", err)
	}
	defer dir.Close()
	total, free, err = capacity(dir)
	if err != nil {
		return 0, 0, fmt.Errorf("free space: %w", err)
	}
	return total, free, nil
}

// Check implements blob.Store.
func (s *Store) Check(ctx context.Context) error {
	const probe = "haven storage probe"
	// The dot keeps the name apart from every upload id.
	name := path.Join(uploadsDir, ".probe-"+rand.Text())
	f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("check blob store: %w", classify(err))
	}
	defer s.root.Remove(name)
	defer f.Close()
	if err := room(f); err != nil { // a few bytes would find room where no upload does
		return fmt.Errorf("check blob store: %w", err)
	}
	if _, err := f.WriteString(probe); err != nil {
		return fmt.Errorf("check blob store: %w", classify(err))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("check blob store: %w", classify(err))
	}
	read, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(probe)+1)))
	if err != nil {
		return fmt.Errorf("check blob store: %w", err)
	}
	if string(read) != probe {
		return errors.New("check blob store: read other bytes than were written")
	}
	return nil
}

// content is an open blob file.
type content struct {
	file *os.File
	size int64
}

func (c *content) Read(p []byte) (int, error)                { return c.file.Read(p) }
func (c *content) Seek(off int64, whence int) (int64, error) { return c.file.Seek(off, whence) }
func (c *content) Close() error                              { return c.file.Close() }
func (c *content) Size() int64                               { return c.size }

// SyscallConn lets the network package send the file without copying (sendfile).
func (c *content) SyscallConn() (syscall.RawConn, error) { return c.file.SyscallConn() }

// location is where the blob d lies.
func location(d oci.Digest) string {
	return path.Join(blobsDir, string(d.Algorithm()), d.Hex()[:2], d.Hex(), "data")
}
