package bundle

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Reader is a bundle that was made: a remote.Registry that is copied from. What a bundle before it holds is
// remote.ErrNotFound. Safe for concurrent use.
type Reader struct {
	unwritable
	file         *os.File
	note         Note
	at           map[oci.Digest]part
	vulndb       *part
	repositories map[string]*contents
}

var _ remote.Registry = (*Reader)(nil)

// part is where something lies in the file.
type part struct{ offset, size int64 }

// contents are a repository's.
type contents struct {
	tags      map[string]oci.Descriptor
	manifests map[oci.Digest]oci.Descriptor
	referrers map[oci.Digest][]oci.Descriptor
	untagged  []oci.Descriptor
}

// Open opens a bundle, and reads what it says it holds: one pass over the headers of the archive. A file that is none is
// ErrBundle.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the bundle: %w", err)
	}
	r := &Reader{file: f, at: map[oci.Digest]part{}, repositories: map[string]*contents{}}
	if err := r.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("read the bundle %s: %w", path, err), f.Close())
	}
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Note is what the bundle says of itself.
func (r *Reader) Note() Note { return r.note }

// Whole reports whether the bundle holds the blob or manifest itself, not one before it.
func (r *Reader) Whole(d oci.Digest) bool {
	_, ok := r.at[d]
	return ok
}

// VulnerabilityDatabase opens the edition that the bundle carries; nil where it has none.
func (r *Reader) VulnerabilityDatabase() *io.SectionReader {
	if r.vulndb == nil {
		return nil
	}
	return r.section(*r.vulndb)
}

func (r *Reader) section(p part) *io.SectionReader {
	return io.NewSectionReader(r.file, p.offset, p.size)
}

func (r *Reader) load() error {
	documents, err := r.scan()
	if err != nil {
		return err
	}
	for _, name := range []string{layoutName, indexName, noteName} {
		if _, ok := documents[name]; !ok {
			return damaged("it has no %s: was it copied wholly, and made by haven bundle create?", name)
		}
	}
	if err := json.Unmarshal(documents[noteName], &r.note); err != nil || r.note.ID == "" {
		return damaged("%s can't be read", noteName)
	}
	if r.note.Format != format {
		return damaged("it has format %d, this program reads %d: use a newer one", r.note.Format, format)
	}
	var index oci.Index
	if err := json.Unmarshal(documents[indexName], &index); err != nil {
		return damaged("%s can't be read", indexName)
	}
	for _, d := range index.Manifests {
		if err := r.enter(d); err != nil {
			return err
		}
	}
	return nil
}

// scan notes where everything lies, and reads the documents.
func (r *Reader) scan() (documents map[string][]byte, err error) {
	documents = map[string][]byte{}
	archive := tar.NewReader(r.file)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, damaged("the archive ends early or is no tar archive (%v)", err)
		}
		offset, err := r.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		at := part{offset, header.Size}
		if d, ok := digestOf(header.Name); ok {
			r.at[d] = at
			continue
		}
		switch header.Name {
		case vulndbName:
			r.vulndb = &at
		case layoutName, indexName, noteName:
			if header.Size > maxDocument {
				return nil, damaged("%s is larger than %d bytes", header.Name, maxDocument)
			}
			if documents[header.Name], err = io.ReadAll(r.section(at)); err != nil {
				return nil, err
			}
		}
	}
}

// enter notes a manifest of index.json.
func (r *Reader) enter(d oci.Descriptor) error {
	repository := d.Annotations[repositoryName]
	if _, _, err := oci.ParseRepository(repository); err != nil {
		return damaged("%s names a repository %q", indexName, repository)
	}
	if _, err := oci.ParseDigest(d.Digest.String()); err != nil {
		return damaged("%s names a manifest %q", indexName, d.Digest)
	}
	c := r.repositories[repository]
	if c == nil {
		c = &contents{tags: map[string]oci.Descriptor{}, manifests: map[oci.Digest]oci.Descriptor{}, referrers: map[oci.Digest][]oci.Descriptor{}}
		r.repositories[repository] = c
	}
	plain := oci.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, ArtifactType: d.ArtifactType}
	if name := d.Annotations[refName]; name != "" {
		tag, err := oci.ParseTag(strings.TrimPrefix(name, repository+":"))
		if err != nil {
			return damaged("%s names a tag %q", indexName, name)
		}
		c.tags[tag] = plain
	}
	if d.Annotations[untaggedName] != "" {
		c.untagged = append(c.untagged, plain)
	}
	if _, twice := c.manifests[d.Digest]; !twice {
		if subject, err := oci.ParseDigest(d.Annotations[subjectName]); err == nil {
			c.referrers[subject] = append(c.referrers[subject], plain)
		}
	}
	c.manifests[d.Digest] = plain
	return nil
}

// Verify reads all blobs and manifests, and fails at the first that isn't what its name says. told hears of the bytes that were
// read, of so many.
func (r *Reader) Verify(ctx context.Context, told func(done, all int64)) error {
	var done, all int64
	for _, p := range r.at {
		all += p.size
	}
	// In the order of the file.
	digests := slices.SortedFunc(maps.Keys(r.at), func(a, b oci.Digest) int { return int(min(1, max(-1, r.at[a].offset-r.at[b].offset))) })
	for _, d := range digests {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum := d.NewHash()
		n, err := io.Copy(sum, r.section(r.at[d]))
		if err != nil {
			return fmt.Errorf("read the bundle: %w", err)
		}
		if oci.FromHash(d.Algorithm(), sum) != d || n != r.at[d].size {
			return damaged("%s has other bytes than its name says: bring it again", d)
		}
		done += n
		told(done, all)
	}
	return nil
}

// Repositories implements remote.Registry.
func (r *Reader) Repositories(_ context.Context, prefix string, yield func(string) error) error {
	for _, name := range slices.Sorted(maps.Keys(r.repositories)) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := yield(name); err != nil {
			return err
		}
	}
	return nil
}

// Tags implements remote.Registry.
func (r *Reader) Tags(_ context.Context, repository string, yield func(remote.Tag) error) error {
	c, ok := r.repositories[repository]
	if !ok {
		return remote.ErrNotFound
	}
	for _, tag := range slices.Sorted(maps.Keys(c.tags)) {
		if err := yield(remote.Tag{Name: tag, Digest: c.tags[tag].Digest}); err != nil {
			return err
		}
	}
	return nil
}

// Head implements remote.Registry.
func (r *Reader) Head(_ context.Context, repository string, ref oci.Reference) (oci.Descriptor, error) {
	c, ok := r.repositories[repository]
	if !ok {
		return oci.Descriptor{}, remote.ErrNotFound
	}
	d, ok := c.tags[ref.Tag()]
	if ref.IsDigest() {
		d, ok = c.manifests[ref.Digest()]
	}
	if !ok {
		return oci.Descriptor{}, remote.ErrNotFound
	}
	return d, nil
}

// Manifest implements remote.Registry.
func (r *Reader) Manifest(ctx context.Context, repository string, ref oci.Reference) (m remote.Manifest, err error) {
	d, err := r.Head(ctx, repository, ref)
	if err != nil {
		return m, err
	}
	at, ok := r.at[d.Digest]
	if !ok {
		return m, r.elsewhere(d.Digest)
	}
	if at.size > oci.MaxManifestSize {
		return m, damaged("manifest %s has %d bytes", d.Digest, at.size)
	}
	text, err := io.ReadAll(r.section(at))
	if err != nil {
		return m, fmt.Errorf("read the bundle: %w", err)
	}
	if found, err := oci.FromBytes(d.Digest.Algorithm(), text); err != nil || found != d.Digest {
		return m, damaged("manifest %s has other bytes than its name says: bring it again", d.Digest)
	}
	return remote.Manifest{MediaType: d.MediaType, Digest: d.Digest, Bytes: text}, nil
}

// elsewhere says where something is that the bundle doesn't hold.
func (r *Reader) elsewhere(d oci.Digest) error {
	if _, held := slices.BinarySearch(r.note.Held, d); held {
		return fmt.Errorf("%w: %s is in the bundle %s, or one before that: bring that first", remote.ErrNotFound, d, r.note.Since)
	}
	return remote.ErrNotFound
}

// Referrers implements remote.Registry.
func (r *Reader) Referrers(_ context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error) {
	c, ok := r.repositories[repository]
	if !ok {
		return nil, remote.ErrNotFound
	}
	return c.referrers[subject], nil
}

// Subjects yields all that refers to something in a repository.
func (r *Reader) Subjects(_ context.Context, repository string, yield func(subject oci.Digest, referrer oci.Descriptor) error) error {
	c, ok := r.repositories[repository]
	if !ok {
		return remote.ErrNotFound
	}
	for subject, all := range c.referrers {
		for _, d := range all {
			if err := yield(subject, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// Untagged yields what of a repository no tag leads to, and nothing else.
func (r *Reader) Untagged(_ context.Context, repository string, yield func(oci.Descriptor) error) error {
	c, ok := r.repositories[repository]
	if !ok {
		return remote.ErrNotFound
	}
	for _, d := range c.untagged {
		if err := yield(d); err != nil {
			return err
		}
	}
	return nil
}

// OpenBlob implements remote.Registry.
func (r *Reader) OpenBlob(_ context.Context, _ string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	at, ok := r.at[d.Digest]
	if !ok {
		return nil, r.elsewhere(d.Digest)
	}
	if offset > at.size {
		return nil, remote.ErrUnsupported
	}
	return io.NopCloser(io.NewSectionReader(r.file, at.offset+offset, at.size-offset)), nil
}

// HasBlob implements remote.Registry.
func (r *Reader) HasBlob(_ context.Context, _ string, d oci.Digest) (bool, error) {
	return r.Whole(d), nil
}

// unwritable is a registry that nothing is put into.
type unwritable struct{}

// MountBlob implements remote.Registry.
func (unwritable) MountBlob(context.Context, string, oci.Descriptor, string) (bool, error) {
	return false, remote.ErrUnsupported
}

// PutBlob implements remote.Registry.
func (unwritable) PutBlob(context.Context, string, oci.Descriptor, func(context.Context, int64) (io.ReadCloser, error), remote.PutOptions) error {
	return remote.ErrUnsupported
}

// PutManifest implements remote.Registry.
func (unwritable) PutManifest(context.Context, string, oci.Reference, remote.Manifest) error {
	return remote.ErrUnsupported
}

// DeleteTag implements remote.Registry.
func (unwritable) DeleteTag(context.Context, string, string) error { return remote.ErrUnsupported }

// DeleteManifest implements remote.Registry.
func (unwritable) DeleteManifest(context.Context, string, oci.Digest) error {
	return remote.ErrUnsupported
}

// Prepare implements remote.Registry.
func (unwritable) Prepare(context.Context, string, bool) error { return remote.ErrUnsupported }
