package remote

import (
	"context"
	"io"

	"github.com/havenregistry/haven/internal/oci"
)

// late is the content of a registry whose own address is only known once its vendor's API was asked.
type late struct {
	find func(ctx context.Context) (*client, error)
}

// Head implements Registry.
func (l late) Head(ctx context.Context, repository string, ref oci.Reference) (oci.Descriptor, error) {
	c, err := l.find(ctx)
	if err != nil {
		return oci.Descriptor{}, err
	}
	return c.Head(ctx, repository, ref)
}

// Manifest implements Registry.
func (l late) Manifest(ctx context.Context, repository string, ref oci.Reference) (Manifest, error) {
	c, err := l.find(ctx)
	if err != nil {
		return Manifest{}, err
	}
	return c.Manifest(ctx, repository, ref)
}

// Referrers implements Registry.
func (l late) Referrers(ctx context.Context, repository string, subject oci.Digest) ([]oci.Descriptor, error) {
	c, err := l.find(ctx)
	if err != nil {
		return nil, err
	}
	return c.Referrers(ctx, repository, subject)
}

// OpenBlob implements Registry.
func (l late) OpenBlob(ctx context.Context, repository string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	c, err := l.find(ctx)
	if err != nil {
		return nil, err
	}
	return c.OpenBlob(ctx, repository, d, offset)
}

// HasBlob implements Registry.
func (l late) HasBlob(ctx context.Context, repository string, d oci.Digest) (bool, error) {
	c, err := l.find(ctx)
	if err != nil {
		return false, err
	}
	return c.HasBlob(ctx, repository, d)
}

// MountBlob implements Registry.
func (l late) MountBlob(ctx context.Context, repository string, d oci.Descriptor, from string) (bool, error) {
	c, err := l.find(ctx)
	if err != nil {
		return false, err
	}
	return c.MountBlob(ctx, repository, d, from)
}

// PutBlob implements Registry.
func (l late) PutBlob(ctx context.Context, repository string, d oci.Descriptor, open func(context.Context, int64) (io.ReadCloser, error), o PutOptions) error {
	c, err := l.find(ctx)
	if err != nil {
		return err
	}
	return c.PutBlob(ctx, repository, d, open, o)
}

// PutManifest implements Registry.
func (l late) PutManifest(ctx context.Context, repository string, ref oci.Reference, m Manifest) error {
	c, err := l.find(ctx)
	if err != nil {
		return err
	}
	return c.PutManifest(ctx, repository, ref, m)
}
