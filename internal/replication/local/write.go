package local

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// MountBlob implements remote.Registry.
func (r *Registry) MountBlob(ctx context.Context, repository string, d oci.Descriptor, from string) (bool, error) {
	to, err := r.writable(ctx, repository)
	if err != nil {
		return false, err
	}
	source, err := r.ref(ctx, from)
	if err != nil {
		return false, notThere(err)
	}
	_, err = r.d.Registry.Mount(ctx, to, source, d.Digest)
	if err := told(err); err != nil {
		return false, notThere(err)
	}
	return true, nil
}

const (
	// atOnce is up to which size, in bytes, a blob is taken in one go: there is little to go on with.
	atOnce = 1 << 20
	// tries bounds how often in succession a source may break off without having sent a byte.
	tries = 3
)

// PutBlob implements remote.Registry. Chunks make no difference here.
func (r *Registry) PutBlob(ctx context.Context, repository string, d oci.Descriptor, open func(ctx context.Context, offset int64) (io.ReadCloser, error), _ remote.PutOptions) error {
	ref, err := r.writable(ctx, repository)
	if err != nil {
		return err
	}
	if err := r.d.Registry.CheckQuota(ctx, ref, d.Digest, d.Size); err != nil {
		return err
	}
	if d.Size <= atOnce {
		return r.putSmall(ctx, ref, d, open)
	}
	u, err := r.d.Registry.StartUpload(ctx, ref)
	if err != nil {
		return err
	}
	if err := r.fill(ctx, ref, u, d, open); err != nil {
		cancelled := r.d.Registry.CancelUpload(context.WithoutCancel(ctx), ref, u.ID)
		if errors.Is(cancelled, registry.ErrUploadUnknown) {
			cancelled = nil
		}
		return errors.Join(err, cancelled)
	}
	return nil
}

func (r *Registry) putSmall(ctx context.Context, ref registry.Ref, d oci.Descriptor, open func(ctx context.Context, offset int64) (io.ReadCloser, error)) error {
	content, err := open(ctx, 0)
	if err != nil {
		return err
	}
	_, err = r.d.Registry.PutBlob(ctx, ref, d.Digest, io.LimitReader(content, d.Size+1))
	return errors.Join(err, content.Close())
}

// fill appends what the source sends to an upload, going on where it broke off, and commits it.
func (r *Registry) fill(ctx context.Context, ref registry.Ref, u registry.Upload, d oci.Descriptor, open func(ctx context.Context, offset int64) (io.ReadCloser, error)) error {
	for failures := 0; u.Size < d.Size; {
		grown, err := r.append(ctx, ref, u, d, open)
		if grown.Size > d.Size {
			return fmt.Errorf("blob %s has %d bytes at least, and not %d: %w", d.Digest, grown.Size, d.Size, registry.ErrDigestMismatch)
		}
		if err == nil && grown.Size == u.Size {
			err = io.ErrUnexpectedEOF
		}
		if grown.Size > u.Size {
			u, failures = grown, 0
		} else if failures++; failures >= tries {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, limited := errors.AsType[*remote.LimitError](err); limited || errors.Is(err, remote.ErrUnsupported) || errors.Is(err, registry.ErrUploadUnknown) {
			return err
		}
	}
	_, err := r.d.Registry.CommitUpload(ctx, ref, u.ID, d.Digest)
	return err
}

func (r *Registry) append(ctx context.Context, ref registry.Ref, u registry.Upload, d oci.Descriptor, open func(ctx context.Context, offset int64) (io.ReadCloser, error)) (registry.Upload, error) {
	content, err := open(ctx, u.Size)
	if err != nil {
		return u, err
	}
	grown, err := r.d.Registry.Append(ctx, ref, u.ID, u.Size, io.LimitReader(content, d.Size-u.Size+1))
	if grown.ID == "" {
		grown = u
	}
	return grown, errors.Join(err, content.Close())
}

// PutManifest implements remote.Registry.
func (r *Registry) PutManifest(ctx context.Context, repository string, reference oci.Reference, m remote.Manifest) error {
	ref, err := r.writable(ctx, repository)
	if err != nil {
		return err
	}
	if err := r.d.Gate.MayPush(ctx, ref, reference, m.MediaType, m.Bytes); err != nil {
		return err
	}
	_, err = r.d.Registry.PutManifest(ctx, r.by(), ref, reference, m.MediaType, m.Bytes)
	return err
}

// DeleteTag implements remote.Registry.
func (r *Registry) DeleteTag(ctx context.Context, repository, tag string) error {
	ref, err := r.writable(ctx, repository)
	if err != nil {
		return err
	}
	return told(r.d.Registry.DeleteTag(ctx, r.by(), ref, tag))
}

// DeleteManifest implements remote.Registry.
func (r *Registry) DeleteManifest(ctx context.Context, repository string, d oci.Digest) error {
	ref, err := r.writable(ctx, repository)
	if err != nil {
		return err
	}
	return told(r.d.Registry.DeleteManifest(ctx, r.by(), ref, d))
}

// Prepare implements remote.Registry: it makes the project, which belongs to the first administrator.
func (r *Registry) Prepare(ctx context.Context, repository string, public bool) error {
	_, err := r.writable(ctx, repository)
	if !errors.Is(err, remote.ErrNotFound) {
		return err
	}
	name, _, err := oci.ParseRepository(repository)
	if err != nil {
		return fault.Invalidf("%v", err)
	}
	switch readOnly, err := r.d.ReadOnly(ctx); {
	case err != nil:
		return err
	case readOnly:
		return errReadOnly
	}
	by := authz.Principal{Kind: authz.User, Admin: true, Name: r.d.By} // no account: nobody's own
	_, err = r.d.Projects.Create(ctx, by, project.NewProject{Name: name, Public: public})
	if errors.Is(err, fault.Conflict) {
		return nil // made meanwhile
	}
	return err
}
