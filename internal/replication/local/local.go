// Package local is this Haven itself as a registry that images are copied from and to: package registry without HTTP between.
//
// What comes in goes by the rules of every push: quota, read-only mode, and what may get a tag; its events are written as for one.
// What goes out is judged by the gate as a pull is, and counts as nobody's.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/replication/remote"
)

// Gate decides what may be read, and what may get a tag.
type Gate interface {
	Admit(ctx context.Context, p authz.Principal, in registry.Ref, m registry.Manifest, signs func(context.Context) (bool, error)) error
	MayPush(ctx context.Context, in registry.Ref, r oci.Reference, mediaType string, content []byte, tags ...string) error
}

// Labels knows the labels of artifacts.
type Labels interface {
	NamesOf(ctx context.Context, artifactID int64) ([]string, error)
}

// Deps is what a Registry stands on.
type Deps struct {
	Registry *registry.Service
	Projects *project.Service
	Gate     Gate
	Labels   Labels
	// ReadOnly reports whether nothing may be written now.
	ReadOnly func(ctx context.Context) (bool, error)
	// Proxy reports whether a project holds what another registry has, and takes nothing else.
	Proxy func(ctx context.Context, projectID int64) (bool, error)
	// By is the name that events say has pushed.
	By string
}

// Registry is this Haven. It is a remote.Registry, and remote.Labelled.
type Registry struct{ d Deps }

// New returns the registry. It does no I/O.
func New(d Deps) *Registry { return &Registry{d} }

// page is how many rows are read at once.
const page = 1000

var (
	errReadOnly = fault.Forbiddenf("this Haven is read-only at the moment")
	// ErrProxy: the project is a proxy of another registry, and takes nothing else.
	ErrProxy = fault.Forbiddenf("the project is a proxy of another registry, and takes nothing else")
)

// by is who pushes. It is no account.
func (r *Registry) by() authz.Principal { return authz.Principal{Name: r.d.By} }

// ref finds the project of a repository.
func (r *Registry) ref(ctx context.Context, repository string) (registry.Ref, error) {
	name, rest, err := oci.ParseRepository(repository)
	if err != nil {
		return registry.Ref{}, fault.Invalidf("%v", err)
	}
	if rest == "" {
		return registry.Ref{}, fault.Invalidf("the repository %s has no project: its name has two parts at least", repository)
	}
	p, err := r.d.Projects.ByName(ctx, name)
	if errors.Is(err, fault.NotFound) {
		return registry.Ref{}, fmt.Errorf("project %s: %w", name, remote.ErrNotFound)
	}
	return registry.Ref{ProjectID: p.ID, Project: p.Name, Name: rest}, err
}

// writable is ref for what is about to be changed.
func (r *Registry) writable(ctx context.Context, repository string) (registry.Ref, error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return ref, err
	}
	switch readOnly, err := r.d.ReadOnly(ctx); {
	case err != nil:
		return ref, err
	case readOnly:
		return ref, errReadOnly
	}
	if r.d.Proxy == nil {
		return ref, nil
	}
	switch proxy, err := r.d.Proxy(ctx, ref.ProjectID); {
	case err != nil:
		return ref, err
	case proxy:
		return ref, ErrProxy
	}
	return ref, nil
}

// told makes the error of package registry one of package remote.
func told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, registry.ErrManifestUnknown), errors.Is(err, registry.ErrRepositoryUnknown), errors.Is(err, registry.ErrTagUnknown), errors.Is(err, registry.ErrBlobUnknown):
		return fmt.Errorf("%w: %w", remote.ErrNotFound, err)
	}
	return err
}

// Repositories implements remote.Registry.
func (r *Registry) Repositories(ctx context.Context, prefix string, yield func(name string) error) error {
	last := beforeAll(prefix)
	for {
		names, more, err := r.d.Registry.Catalog(ctx, registry.Scope{All: true}, last, page)
		if err != nil {
			return err
		}
		for _, name := range names {
			switch {
			case !strings.HasPrefix(name, prefix) && name > prefix:
				return nil // the rest comes after all that begin with it
			case !strings.HasPrefix(name, prefix):
				continue
			}
			if err := yield(name); err != nil {
				return err
			}
		}
		if !more || len(names) == 0 {
			return nil
		}
		last = names[len(names)-1]
	}
}

// beforeAll is what comes before all names with a prefix in the catalog, which begins with a whole project's name.
func beforeAll(prefix string) string {
	if !strings.Contains(prefix, "/") {
		return ""
	}
	return prefix[:len(prefix)-1]
}

// Tags implements remote.Registry.
func (r *Registry) Tags(ctx context.Context, repository string, yield func(remote.Tag) error) error {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return err
	}
	if _, err := r.d.Registry.GetRepository(ctx, ref); err != nil {
		return told(err)
	}
	for after := ""; ; {
		tags, err := r.d.Registry.TagDigests(ctx, ref, after, page)
		if err != nil {
			return err
		}
		for _, t := range tags {
			if err := yield(remote.Tag{Name: t.Name, Digest: t.Digest}); err != nil {
				return err
			}
		}
		if len(tags) < page {
			return nil
		}
		after = tags[len(tags)-1].Name
	}
}

// Untagged yields the artifacts of a repository that have no tag, and are no part of another.
func (r *Registry) Untagged(ctx context.Context, repository string, yield func(oci.Descriptor) error) error {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return err
	}
	for after := (registry.Untagged{}); ; {
		found, err := r.d.Registry.UntaggedArtifacts(ctx, ref, after, page)
		if err != nil {
			return err
		}
		for _, u := range found {
			if err := yield(oci.Descriptor{MediaType: u.MediaType, Digest: u.Digest, Size: u.Size}); err != nil {
				return err
			}
		}
		if len(found) < page {
			return nil
		}
		after = found[len(found)-1]
	}
}

// Subjects yields what of a repository has a subject: all that Referrers would tell, in one go.
func (r *Registry) Subjects(ctx context.Context, repository string, yield func(subject oci.Digest, referrer oci.Descriptor) error) error {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return err
	}
	for after := (registry.Related{}); ; {
		found, err := r.d.Registry.Subjects(ctx, ref, after, page)
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := yield(f.Subject, described(f.Referrer)); err != nil {
				return err
			}
		}
		if len(found) < page {
			return nil
		}
		after = found[len(found)-1]
	}
}

func described(f registry.Referrer) oci.Descriptor {
	return oci.Descriptor{MediaType: f.MediaType, Digest: f.Digest, Size: f.Size, ArtifactType: f.ArtifactType, Annotations: f.Annotations}
}

// Head implements remote.Registry.
func (r *Registry) Head(ctx context.Context, repository string, reference oci.Reference) (oci.Descriptor, error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return oci.Descriptor{}, err
	}
	m, err := r.d.Registry.ManifestInfo(ctx, ref, reference)
	return oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}, told(err)
}

// Manifest implements remote.Registry. What the project's policies keep from being pulled is a refusal of the gate.
func (r *Registry) Manifest(ctx context.Context, repository string, reference oci.Reference) (remote.Manifest, error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return remote.Manifest{}, err
	}
	m, err := r.d.Registry.Manifest(ctx, ref, reference)
	if err != nil {
		return remote.Manifest{}, told(err)
	}
	if err := r.d.Gate.Admit(ctx, r.by(), ref, m, func(context.Context) (bool, error) { return false, nil }); err != nil {
		return remote.Manifest{}, err
	}
	return remote.Manifest{MediaType: m.MediaType, Digest: m.Digest, Bytes: m.Content}, nil
}

// Referrers implements remote.Registry.
func (r *Registry) Referrers(ctx context.Context, repository string, subject oci.Digest) (all []oci.Descriptor, err error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return nil, err
	}
	for after := int64(0); ; {
		found, next, err := r.d.Registry.Referrers(ctx, ref, subject, "", after, registry.MaxReferrers)
		if err != nil {
			return nil, told(err)
		}
		for _, f := range found {
			all = append(all, described(f))
		}
		if next == 0 {
			return all, nil
		}
		after = next
	}
}

// Labels implements remote.Labelled.
func (r *Registry) Labels(ctx context.Context, repository string, reference oci.Reference) ([]string, error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return nil, err
	}
	m, err := r.d.Registry.ManifestInfo(ctx, ref, reference)
	if err != nil {
		return nil, told(err)
	}
	return r.d.Labels.NamesOf(ctx, m.ID)
}

// Public reports whether everybody may read a repository.
func (r *Registry) Public(ctx context.Context, repository string) (bool, error) {
	name, _, err := oci.ParseRepository(repository)
	if err != nil {
		return false, fault.Invalidf("%v", err)
	}
	p, err := r.d.Projects.ByName(ctx, name)
	return p.Public, err
}

// OpenBlob implements remote.Registry.
func (r *Registry) OpenBlob(ctx context.Context, repository string, d oci.Descriptor, offset int64) (io.ReadCloser, error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return nil, err
	}
	b, err := r.d.Registry.Blob(ctx, ref, d.Digest)
	if err != nil {
		return nil, told(err)
	}
	content, err := r.d.Registry.OpenBlob(ctx, b)
	if err != nil {
		return nil, told(err)
	}
	if _, err := content.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("read blob %s from %d on: %w", d.Digest, offset, err), content.Close())
	}
	return content, nil
}

// HasBlob implements remote.Registry.
func (r *Registry) HasBlob(ctx context.Context, repository string, d oci.Digest) (bool, error) {
	ref, err := r.ref(ctx, repository)
	if err != nil {
		return false, notThere(err)
	}
	_, err = r.d.Registry.StatBlob(ctx, ref, d)
	if err := told(err); err != nil {
		return false, notThere(err)
	}
	return true, nil
}

// notThere takes what isn't there for no error.
func notThere(err error) error {
	if errors.Is(err, remote.ErrNotFound) {
		return nil
	}
	return err
}
