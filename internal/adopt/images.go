package adopt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/repair"
)

const (
	// batchSize is how many manifests come in one transaction.
	batchSize = 100
	// readers is how many manifests of a batch are read at once.
	readers = 8
	// maxManifest bounds the bytes of a manifest, as a push does.
	maxManifest = 4 << 20
)

// Image is a manifest in a repository, with its tags.
type Image struct {
	Ref       registry.Ref
	Digest    oci.Digest
	MediaType string // "" where only the document tells
	PushedAt  time.Time
	PulledAt  time.Time // zero: never, or unknown
	Tags      []registry.RestoredTag
}

func (i Image) name() string { return i.Ref.FullName() + "@" + string(i.Digest) }

// Store is where the bytes lie.
type Store interface {
	// Find returns where a blob lies and its size in bytes, or blob.ErrNotFound.
	Find(ctx context.Context, d oci.Digest) (location string, size int64, err error)
	Open(ctx context.Context, location string) (blob.Content, error)
}

// Images enrols images whose bytes lie in a store.
type Images struct {
	Registry *registry.Service
	Store    Store
	Verify   bool // read blobs wholly, to find those that are damaged; else their sizes must be right
	Report   *Report
	Progress repair.Progress

	checked  map[oci.Digest]bool // whether a blob that was read is whole
	batch    []Image
	lacking  []Image // whose parts were not there
	unlisted map[oci.Digest][]oci.Digest
}

// Put enrols the images that each yields. What contains others, which came after it, is put when these are there.
func (p *Images) Put(ctx context.Context, each func(yield func(Image) error) error) error {
	p.checked, p.unlisted = map[oci.Digest]bool{}, map[oci.Digest][]oci.Digest{}
	if err := p.round(ctx, each); err != nil {
		return err
	}
	for before := -1; len(p.lacking) > 0 && len(p.lacking) != before; {
		again := p.lacking
		before, p.lacking = len(again), nil
		err := p.round(ctx, func(yield func(Image) error) error {
			for _, i := range again {
				if err := yield(i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, i := range p.lacking {
		p.lose(i, fmt.Errorf("it contains %s, which could not be taken", listed(p.unlisted[i.Digest])))
	}
	return nil
}

func (p *Images) round(ctx context.Context, each func(yield func(Image) error) error) error {
	err := each(func(i Image) error {
		if p.batch = append(p.batch, i); len(p.batch) == batchSize {
			return p.flush(ctx)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.flush(ctx)
}

// lose notes an image that could not be taken, with its tags.
func (p *Images) lose(i Image, why error) {
	p.Report.Lose(i.name(), why)
	for _, t := range i.Tags {
		p.Report.Lose("tag "+i.Ref.FullName()+":"+t.Name, fmt.Errorf("its manifest %s could not be taken", i.Digest))
	}
}

// read is an image whose manifest was read.
type read struct {
	image   Image
	content []byte
	blobs   []registry.Blob // those of its blobs that are whole
	problem map[oci.Digest]string
	lost    error // why there is no manifest
}

// flush enrols the batch and empties it.
func (p *Images) flush(ctx context.Context) error {
	all, err := p.readAll(ctx, p.batch)
	p.batch = p.batch[:0]
	if err != nil {
		return err
	}
	var good []read
	var blobs []registry.Blob
	var manifests []registry.RestoredManifest
	for _, r := range all {
		p.Progress.Add(1)
		if r.lost != nil {
			p.lose(r.image, r.lost)
			continue
		}
		good, blobs = append(good, r), append(blobs, r.blobs...)
		manifests = append(manifests, registry.RestoredManifest{
			Ref: r.image.Ref, Digest: r.image.Digest, MediaType: r.image.MediaType, Content: r.content, PushedAt: r.image.PushedAt, PulledAt: r.image.PulledAt,
		})
	}
	if len(good) == 0 {
		return nil
	}
	if err := p.Registry.RestoreBlobs(ctx, blobs); err != nil {
		return err
	}
	results, err := p.Registry.RestoreManifests(ctx, manifests)
	if err != nil {
		return err
	}
	return p.tags(ctx, p.taken(good, results))
}

// taken notes what became of the images and returns the tags of those that are there.
func (p *Images) taken(images []read, results []registry.Restored) (tags []registry.RestoredTag) {
	for n, result := range results {
		i := images[n].image
		var missing *registry.MissingError
		switch {
		case errors.As(result.Err, &missing):
			p.unlisted[i.Digest] = missing.Digests
			p.lacking = append(p.lacking, i)
			continue
		case result.Err != nil:
			p.lose(i, result.Err)
			continue
		}
		p.Report.Took("artifacts", 1)
		for _, d := range result.Missing {
			why := images[n].problem[d]
			p.Report.Lose(i.name(), fmt.Errorf("its blob %s is %s: pull works again when it has been pushed again", d, why))
		}
		tags = append(tags, i.Tags...)
	}
	return tags
}

func (p *Images) tags(ctx context.Context, tags []registry.RestoredTag) error {
	if len(tags) == 0 {
		return nil
	}
	found, err := p.Registry.RestoreTags(ctx, tags)
	for i, ok := range found {
		if ok {
			p.Report.Took("tags", 1)
			continue
		}
		p.Report.Lose("tag "+tags[i].Ref.FullName()+":"+tags[i].Name, fmt.Errorf("its manifest %s is not there", tags[i].Digest))
	}
	return err
}

// PutTags enrols tags of images that are there.
func (p *Images) PutTags(ctx context.Context, each func(yield func(registry.RestoredTag) error) error) error {
	var some []registry.RestoredTag
	err := each(func(t registry.RestoredTag) error {
		p.Progress.Add(1)
		if some = append(some, t); len(some) < batchSize {
			return nil
		}
		err := p.tags(ctx, some)
		some = some[:0]
		return err
	})
	if err != nil {
		return err
	}
	return p.tags(ctx, some)
}

// readAll reads the manifests of images, and looks for what they name.
func (p *Images) readAll(ctx context.Context, images []Image) ([]read, error) {
	all := make([]read, len(images))
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for n, i := range images {
		g.Go(func() (err error) {
			all[n], err = p.look(inner, i)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if !p.Verify {
		return all, nil
	}
	for n := range all { // one after the other: it is the disk that takes the time
		if err := p.verify(ctx, &all[n]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// look reads a manifest and finds its blobs. An error is the store's.
func (p *Images) look(ctx context.Context, i Image) (r read, err error) {
	r = read{image: i, problem: map[oci.Digest]string{}}
	if r.content, r.lost, err = p.manifest(ctx, i.Digest); r.lost != nil || err != nil {
		return r, err
	}
	m, err := oci.ParseManifest(i.MediaType, r.content)
	if err != nil {
		r.lost = err
		return r, nil
	}
	for n, d := range append(m.Blobs(), m.ForeignBlobs()...) {
		at, size, err := p.Store.Find(ctx, d.Digest)
		switch {
		case errors.Is(err, blob.ErrNotFound):
			r.problem[d.Digest] = "missing in the storage"
		case err != nil:
			return r, err
		case size != d.Size && n < len(m.Blobs()):
			r.problem[d.Digest] = fmt.Sprintf("damaged, it has %d bytes, not %d", size, d.Size)
		default:
			r.blobs = append(r.blobs, registry.Blob{Digest: d.Digest, Size: size, Location: at, Durable: true})
		}
	}
	return r, nil
}

// manifest reads the bytes of a manifest; lost says why they can't be used.
func (p *Images) manifest(ctx context.Context, d oci.Digest) (content []byte, lost, err error) {
	at, size, err := p.Store.Find(ctx, d)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, errors.New("its manifest is missing in the storage"), nil
	}
	if err != nil {
		return nil, nil, err
	}
	if size > maxManifest {
		return nil, fmt.Errorf("its manifest has %d bytes, at most %d can be taken", size, maxManifest), nil
	}
	open, err := p.Store.Open(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	defer open.Close()
	if content, err = io.ReadAll(io.LimitReader(open, size)); err != nil {
		return nil, nil, fmt.Errorf("read manifest %s: %w", d, err)
	}
	if !d.Matches(content) {
		return nil, errors.New("its manifest is damaged in the storage: it has another digest"), nil
	}
	return content, nil, nil
}

// verify reads the blobs of an image and keeps those that are whole.
func (p *Images) verify(ctx context.Context, r *read) error {
	var whole []registry.Blob
	for _, b := range r.blobs {
		good, known := p.checked[b.Digest]
		if !known {
			var err error
			if good, err = p.whole(ctx, b); err != nil {
				return err
			}
			p.checked[b.Digest] = good
		}
		if good {
			whole = append(whole, b)
		} else {
			r.problem[b.Digest] = "damaged, it has another digest"
		}
	}
	r.blobs = whole
	return nil
}

func (p *Images) whole(ctx context.Context, b registry.Blob) (bool, error) {
	content, err := p.Store.Open(ctx, b.Location)
	if err != nil {
		return false, err
	}
	defer content.Close()
	sum := b.Digest.NewHash()
	if _, err := io.Copy(sum, content); err != nil {
		return false, fmt.Errorf("read blob %s: %w", b.Digest, err)
	}
	return oci.FromHash(b.Digest.Algorithm(), sum) == b.Digest, ctx.Err()
}

// listed names digests.
func listed(digests []oci.Digest) string {
	var names []string
	for _, d := range digests {
		names = append(names, string(d))
	}
	return strings.Join(names, ", ")
}
