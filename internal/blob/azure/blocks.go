package azure

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	store "github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/blob/object"
)

// A multipart upload is the uncommitted blocks of a blob: they need no beginning and have no id of
// their own. Blocks of one number may lie side by side, as their names are random.

// blocks stands for the id that a multipart upload has elsewhere.
const blocks = "blocks"

// blockName is what the name of a block tells: number, time of writing, own tag, tag of the one before.
// All names of a blob's blocks must have the same length.
const blockName = "%05d %08x %16s %16s"

const noTag = "----------------"

func nameOf(p object.Part, now time.Time) string {
	previous := p.Previous
	if previous == "" {
		previous = noTag
	}
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, blockName, p.Number, now.Unix(), p.Tag, previous))
}

func parseName(name string) (p object.Part, ok bool) {
	text, err := base64.StdEncoding.DecodeString(name)
	if err != nil {
		return p, false
	}
	var seconds int64
	if n, err := fmt.Sscanf(string(text), "%d %x %s %s", &p.Number, &seconds, &p.Tag, &p.Previous); err != nil || n != 4 {
		return p, false
	}
	if p.Previous == noTag {
		p.Previous = ""
	}
	p.ETag, p.Modified = p.Tag, time.Unix(seconds, 0)
	return p, true
}

// Begin implements object.Bucket.
func (b *bucket) Begin(ctx context.Context, key string) (string, error) { return blocks, nil }

// PutPart implements object.Bucket.
func (b *bucket) PutPart(ctx context.Context, key, id string, p object.Part, body *io.SectionReader) (string, error) {
	_, err := b.blob(key).StageBlock(ctx, nameOf(p, time.Now()), streaming.NopCloser(body), nil)
	return p.Tag, known(err)
}

// Parts implements object.Bucket: all of them in one page.
func (b *bucket) Parts(ctx context.Context, key, id, page string) (parts []object.Part, next string, err error) {
	listed, err := b.uncommitted(ctx, key)
	if err != nil {
		return nil, "", err
	}
	for _, block := range listed {
		if p, ok := parseName(*block.Name); ok {
			p.Size = *block.Size
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return nil, "", fmt.Errorf("blocks of %s: %w", key, store.ErrUploadUnknown)
	}
	return parts, "", nil
}

func (b *bucket) uncommitted(ctx context.Context, key string) ([]*blockblob.Block, error) {
	answer, err := b.blob(key).GetBlockList(ctx, blockblob.BlockListTypeUncommitted, nil)
	if err = known(err); errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", store.ErrUploadUnknown, err)
	}
	if err != nil {
		return nil, err
	}
	return answer.UncommittedBlocks, nil
}

// absent is the condition that no blob is there yet: uncommitted blocks make none.
func absent() *blob.AccessConditions {
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: pointer(azcore.ETagAny)}}
}

// Complete implements object.Bucket. The names of the blocks hold times, so they are looked up once more.
func (b *bucket) Complete(ctx context.Context, key, id string, parts []object.Part) error {
	listed, err := b.uncommitted(ctx, key)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, block := range listed {
		if p, ok := parseName(*block.Name); ok {
			names[p.Tag] = *block.Name
		}
	}
	list := make([]string, len(parts))
	for i, p := range parts {
		if list[i] = names[p.ETag]; list[i] == "" {
			return fmt.Errorf("block %d of %s: %w", p.Number, key, store.ErrUploadUnknown)
		}
	}
	_, err = b.blob(key).CommitBlockList(ctx, list, &blockblob.CommitBlockListOptions{HTTPHeaders: headers(), AccessConditions: absent()})
	return known(err)
}

// Abort implements object.Bucket. Blocks go when a blob takes their place.
func (b *bucket) Abort(ctx context.Context, key, id string) error {
	empty := io.NewSectionReader(strings.NewReader(""), 0, 0)
	_, err := b.blob(key).Upload(ctx, streaming.NopCloser(empty), &blockblob.UploadOptions{AccessConditions: absent()})
	if err = known(err); errors.Is(err, store.ErrUploadUnknown) || errors.Is(err, store.ErrNotFound) {
		// Something is there: a blob, beside which staged blocks go within a week; or, with a server that
		// counts these as one, nothing that can be read.
		if _, err := b.Stat(ctx, key); !errors.Is(err, store.ErrNotFound) {
			return err
		}
	} else if err != nil {
		return err
	}
	return b.Delete(ctx, key)
}

// Multiparts implements object.Bucket. A blob without bytes at a place of large uploads has blocks only.
func (b *bucket) Multiparts(ctx context.Context, prefix, page string) (uploads []object.Multipart, next string, err error) {
	objects, next, err := b.list(ctx, prefix, page, container.ListBlobsInclude{UncommittedBlobs: true})
	for _, o := range objects {
		if o.Size == 0 && !strings.Contains(o.Key, ".") {
			uploads = append(uploads, object.Multipart{Key: o.Key, ID: blocks})
		}
	}
	return uploads, next, err
}
