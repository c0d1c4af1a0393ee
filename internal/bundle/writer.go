package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Writer is a bundle that is being made: a remote.Registry that is copied to. It has no tag until that is put, and the
// blobs and manifests of the bundle before it. The file has its name when Close has returned.
type Writer struct {
	unreadable
	path   string
	file   *os.File
	tar    *tar.Writer
	note   Note
	before map[oci.Digest]bool // what the bundles before hold

	mu      sync.Mutex
	written map[oci.Digest]bool
	entries map[string]oci.Descriptor // by the name that they are put by, with the repository
	parts   map[string]bool           // those by a digest that an index of the repository names
	broken  error
	bytes   int64
}

var _ remote.Registry = (*Writer)(nil)

// NewWriter begins a bundle at path, of what the bundle since doesn't hold; nil for all.
func NewWriter(path string, since *Reader) (*Writer, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("begin a bundle: %w", err)
	}
	w := &Writer{
		path: path, file: f, tar: tar.NewWriter(f), before: map[oci.Digest]bool{}, written: map[oci.Digest]bool{},
		entries: map[string]oci.Descriptor{}, parts: map[string]bool{},
		note: Note{Format: format, ID: rand.Text(), CreatedAt: time.Now().UTC().Truncate(time.Second)},
	}
	if since != nil {
		w.note.Since = since.Note().ID
		for _, d := range since.Note().Held {
			w.before[d] = true
		}
	}
	if err := w.add(layoutName, []byte(layoutText)); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// Note is what the bundle says of itself; what it holds is known when it is closed.
func (w *Writer) Note() Note { return w.note }

// Size is how many bytes of blobs and manifests were written.
func (w *Writer) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

// Close writes what the bundle holds, and gives the file its name. After an error there is no file.
func (w *Writer) Close() error {
	err := w.finish()
	if err != nil {
		return errors.Join(fmt.Errorf("end the bundle: %w", err), w.Abort())
	}
	return nil
}

func (w *Writer) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	for d := range w.before {
		w.written[d] = true
	}
	for d := range w.written {
		w.note.Held = append(w.note.Held, d)
	}
	slices.Sort(w.note.Held)
	index := oci.Index{Manifests: w.listed()}
	if err := errors.Join(w.addJSON(noteName, w.note), w.addJSON(indexName, index)); err != nil {
		return err
	}
	if err := errors.Join(w.tar.Close(), w.file.Sync(), w.file.Close()); err != nil {
		return err
	}
	return os.Rename(w.file.Name(), w.path)
}

// listed are the manifests as index.json lists them.
func (w *Writer) listed() []oci.Descriptor {
	tagged := map[string]bool{}
	for _, e := range w.entries {
		if e.Annotations[refName] != "" {
			tagged[at(e.Annotations[repositoryName], e.Digest)] = true
		}
	}
	all := []oci.Descriptor{}
	for _, name := range slices.Sorted(maps.Keys(w.entries)) {
		e := w.entries[name]
		switch {
		case e.Annotations[refName] != "":
		case tagged[name]:
			continue
		case e.Annotations[subjectName] == "" && !w.parts[name]:
			e.Annotations[untaggedName] = "true"
		}
		all = append(all, e)
	}
	return all
}

// at is the name of what is put into a repository by its digest.
func at(repository string, d oci.Digest) string { return repository + "@" + d.String() }

// Abort gives the bundle up.
func (w *Writer) Abort() error {
	_ = w.file.Close() // it may be closed already
	return os.Remove(w.file.Name())
}

// add writes a small entry.
func (w *Writer) add(name string, content []byte) error {
	return w.copy(name, int64(len(content)), bytes.NewReader(content))
}

func (w *Writer) addJSON(name string, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return w.add(name, text)
}

func (w *Writer) copy(name string, size int64, content io.Reader) error {
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, ModTime: w.note.CreatedAt, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.CopyN(w.tar, content, size)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// AddVulnerabilityDatabase adds an edition of it, an archive that haven vulndb import takes.
func (w *Writer) AddVulnerabilityDatabase(size int64, content io.Reader) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = w.copy(vulndbName, size, content)
	}
	return w.broken
}

// Head implements remote.Registry: of what was put, by its digest.
func (w *Writer) Head(_ context.Context, repository string, ref oci.Reference) (oci.Descriptor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.entries[at(repository, ref.Digest())]
	if !ok {
		return oci.Descriptor{}, remote.ErrNotFound
	}
	return oci.Descriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size}, nil
}

// HasBlob implements remote.Registry.
func (w *Writer) HasBlob(_ context.Context, _ string, d oci.Digest) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.before[d] || w.written[d], nil
}

// MountBlob implements remote.Registry: a bundle holds each blob once, for all.
func (w *Writer) MountBlob(ctx context.Context, repository string, d oci.Descriptor, _ string) (bool, error) {
	return w.HasBlob(ctx, repository, d.Digest)
}

// maxBreaks is how often in a row the line may break without a byte that came.
const maxBreaks = 5

// PutBlob implements remote.Registry. A bundle that a blob didn't come for wholly can't be used: all that follows fails.
func (w *Writer) PutBlob(ctx context.Context, _ string, d oci.Descriptor, open func(ctx context.Context, offset int64) (io.ReadCloser, error), _ remote.PutOptions) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	if w.before[d.Digest] || w.written[d.Digest] {
		return nil
	}
	source := &steady{ctx: ctx, open: open}
	first, err := open(ctx, 0)
	if err != nil {
		return err
	}
	source.now = first
	defer source.close()
	sum := d.Digest.NewHash()
	err = w.copy(blobName(d.Digest), d.Size, io.TeeReader(source, sum))
	if err == nil && oci.FromHash(d.Digest.Algorithm(), sum) != d.Digest {
		err = fmt.Errorf("blob %s: it came with other bytes", d.Digest)
	}
	if err != nil {
		w.broken = err
		return err
	}
	w.written[d.Digest] = true
	w.bytes += d.Size
	return nil
}

// steady reads on where a line broke.
type steady struct {
	ctx    context.Context
	open   func(ctx context.Context, offset int64) (io.ReadCloser, error)
	now    io.ReadCloser
	offset int64
	breaks int
}

func (s *steady) Read(p []byte) (int, error) {
	n, err := s.now.Read(p)
	s.offset += int64(n)
	if n > 0 {
		s.breaks = 0
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if s.breaks++; s.breaks > maxBreaks || s.ctx.Err() != nil {
		return n, err
	}
	again, openErr := s.open(s.ctx, s.offset)
	if openErr != nil {
		return n, errors.Join(err, openErr)
	}
	s.close()
	s.now = again
	return n, nil
}

func (s *steady) close() { _ = s.now.Close() }

// PutManifest implements remote.Registry.
func (w *Writer) PutManifest(_ context.Context, repository string, ref oci.Reference, m remote.Manifest) error {
	parsed, err := oci.ParseManifest(m.MediaType, m.Bytes)
	if err != nil {
		return fmt.Errorf("manifest %s of %s: %w", m.Digest, repository, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	if !w.before[m.Digest] && !w.written[m.Digest] {
		if w.broken = w.add(blobName(m.Digest), m.Bytes); w.broken != nil {
			return w.broken
		}
		w.written[m.Digest] = true
		w.bytes += int64(len(m.Bytes))
	}
	for _, child := range parsed.Children() {
		w.parts[at(repository, child.Digest)] = true
	}
	w.enter(at(repository, m.Digest), repository, m, parsed)
	if !ref.IsDigest() {
		name := repository + ":" + ref.Tag()
		w.enter(name, repository, m, parsed).Annotations[refName] = name
	}
	return nil
}

func (w *Writer) enter(name, repository string, m remote.Manifest, parsed *oci.Manifest) oci.Descriptor {
	e := oci.Descriptor{
		MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes)), ArtifactType: parsed.EffectiveArtifactType(),
		Annotations: map[string]string{repositoryName: repository},
	}
	if parsed.Subject != nil {
		e.Annotations[subjectName] = parsed.Subject.Digest.String()
	}
	w.entries[name] = e
	return e
}

// Prepare implements remote.Registry.
func (w *Writer) Prepare(context.Context, string, bool) error { return nil }

// Tags implements remote.Registry: none is there before it is put.
func (w *Writer) Tags(context.Context, string, func(remote.Tag) error) error {
	return remote.ErrNotFound
}

// unreadable is a registry that has nothing to read, and in which nothing is deleted.
type unreadable struct{}

// Repositories implements remote.Registry.
func (unreadable) Repositories(context.Context, string, func(string) error) error {
	return remote.ErrNotFound
}

// Manifest implements remote.Registry.
func (unreadable) Manifest(context.Context, string, oci.Reference) (remote.Manifest, error) {
	return remote.Manifest{}, remote.ErrNotFound
}

// Referrers implements remote.Registry.
func (unreadable) Referrers(context.Context, string, oci.Digest) ([]oci.Descriptor, error) {
	return nil, remote.ErrNotFound
}

// OpenBlob implements remote.Registry.
func (unreadable) OpenBlob(context.Context, string, oci.Descriptor, int64) (io.ReadCloser, error) {
	return nil, remote.ErrNotFound
}

// DeleteTag implements remote.Registry.
func (unreadable) DeleteTag(context.Context, string, string) error { return remote.ErrUnsupported }

// DeleteManifest implements remote.Registry.
func (unreadable) DeleteManifest(context.Context, string, oci.Digest) error {
	return remote.ErrUnsupported
}
