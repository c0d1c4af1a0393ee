package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
	"github.com/havenregistry/haven/internal/oci"
)

// A multipart upload is a folder of objects, parts/KEY~ID/NUMBER-TAG-PREVIOUS, that are composed in the end,
// which copies no bytes. (The XML API has multipart uploads as S3's, but no emulator does.)

const (
	partsDir = "parts/"
	noTag    = "none"
	// fanIn is how many objects may be composed at once.
	fanIn = 32
	// deleting is how many parts are deleted at once.
	deleting = 16
)

func folder(key, id string) string { return partsDir + key + "~" + id + "/" }

func nameOf(key, id string, p object.Part) string {
	previous := p.Previous
	if previous == "" {
		previous = noTag
	}
	return fmt.Sprintf("%s%05d-%s-%s", folder(key, id), p.Number, p.Tag, previous)
}

func parseName(name string) (p object.Part, ok bool) {
	words := strings.Split(name[strings.LastIndexByte(name, '/')+1:], "-")
	if len(words) != 3 {
		return p, false
	}
	if _, err := fmt.Sscanf(words[0], "%d", &p.Number); err != nil || p.Number < 1 {
		return p, false
	}
	if p.Tag, p.Previous = words[1], words[2]; p.Previous == noTag {
		p.Previous = ""
	}
	p.ETag = p.Tag
	return p, true
}

// Begin implements object.Bucket. The first part makes the folder.
func (b *bucket) Begin(ctx context.Context, key string) (string, error) {
	return object.NewNonce(), nil
}

// PutPart implements object.Bucket.
func (b *bucket) PutPart(ctx context.Context, key, id string, p object.Part, body *io.SectionReader) (string, error) {
	return p.Tag, b.Put(ctx, nameOf(key, id, p), body)
}

// Parts implements object.Bucket. Once the object is there, what is left of its parts is none.
func (b *bucket) Parts(ctx context.Context, key, id, page string) (parts []object.Part, next string, err error) {
	if page == "" {
		switch _, err := b.Stat(ctx, key); {
		case err == nil:
			return nil, "", fmt.Errorf("parts of %s: %w", key, blob.ErrUploadUnknown)
		case !errors.Is(err, blob.ErrNotFound):
			return nil, "", err
		}
	}
	objects, next, err := b.List(ctx, folder(key, id), page)
	if err != nil {
		return nil, "", err
	}
	for _, o := range objects {
		if p, ok := parseName(o.Key); ok {
			p.Size, p.Modified = o.Size, o.Modified
			parts = append(parts, p)
		}
	}
	if page == "" && next == "" && len(parts) == 0 {
		return nil, "", fmt.Errorf("parts of %s: %w", key, blob.ErrUploadUnknown)
	}
	return parts, next, nil
}

// Complete implements object.Bucket. Abort removes the parts afterwards.
func (b *bucket) Complete(ctx context.Context, key, id string, parts []object.Part) error {
	names, err := b.partNames(ctx, key, id, parts)
	if err != nil {
		return err
	}
	for level := 0; len(names) > fanIn; level++ {
		var joined []string
		for group := range slices.Chunk(names, fanIn) {
			joined = append(joined, fmt.Sprintf("%sjoin.%d.%d", folder(key, id), level, len(joined)))
			if err := b.compose(ctx, group, joined[len(joined)-1], nil); err != nil {
				return err
			}
		}
		names = joined
	}
	// Nothing is ever replaced by a process that was taken over.
	return b.compose(ctx, names, key, url.Values{"ifGenerationMatch": {"0"}})
}

// partNames looks the parts up: their names hold the tag of the one before too.
func (b *bucket) partNames(ctx context.Context, key, id string, parts []object.Part) ([]string, error) {
	byTag := map[string]string{}
	for page, first := "", true; first || page != ""; first = false {
		objects, next, err := b.List(ctx, folder(key, id), page)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if p, ok := parseName(o.Key); ok {
				byTag[p.Tag] = o.Key
			}
		}
		page = next
	}
	names := make([]string, len(parts))
	for i, p := range parts {
		if names[i] = byTag[p.ETag]; names[i] == "" {
			return nil, fmt.Errorf("part %d of %s: %w", p.Number, key, blob.ErrUploadUnknown)
		}
	}
	return names, nil
}

func (b *bucket) compose(ctx context.Context, names []string, key string, query url.Values) error {
	type source struct {
		Name string `json:"name"`
	}
	var order struct {
		Sources     []source `json:"sourceObjects"`
		Destination struct {
			ContentType string `json:"contentType"`
		} `json:"destination"`
	}
	order.Destination.ContentType = oci.MediaTypeOctetStream
	for _, name := range names {
		order.Sources = append(order.Sources, source{b.prefix + name})
	}
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return b.read(ctx, call{method: http.MethodPost, path: b.pathOf(key) + "/compose", query: query,
		contentType: "application/json", body: io.NewSectionReader(bytes.NewReader(text), 0, int64(len(text)))}, nil)
}

// Abort implements object.Bucket.
func (b *bucket) Abort(ctx context.Context, key, id string) error {
	for {
		objects, next, err := b.List(ctx, folder(key, id), "")
		if err != nil {
			return err
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(deleting)
		for _, o := range objects {
			g.Go(func() error { return b.Delete(ctx, o.Key) })
		}
		if err := g.Wait(); err != nil || next == "" {
			return err
		}
	}
}

// Multiparts implements object.Bucket.
func (b *bucket) Multiparts(ctx context.Context, prefix, page string) (uploads []object.Multipart, next string, err error) {
	l, err := b.list(ctx, partsDir+prefix, "/", page)
	if err != nil {
		return nil, "", err
	}
	for _, name := range l.Prefixes {
		name = strings.TrimSuffix(strings.TrimPrefix(name, b.prefix+partsDir), "/")
		if key, id, ok := strings.Cut(name, "~"); ok {
			uploads = append(uploads, object.Multipart{Key: key, ID: id})
		}
	}
	return uploads, l.Next, nil
}
